/** The files of a gateway of one's own, as texts, and the words that make its first token. Writes nothing. */
import { basename } from 'node:path';
import { jsonSchema, SCHEMA_FILES } from '../config/schema/json-schema.ts';
import type { ApiDocument } from '../openapi/document.ts';
import { apiServer } from '../openapi/operations.ts';
import { type ApiRoute, type LeftOut, routesOfDocument } from '../openapi/routes.ts';
import { scopeDescriptions } from '../openapi/scope-names.ts';
import { type NewScope, policyFacts, policyText, withScopes } from './policies.ts';
import type { FileTexts } from './write-files.ts';
import { leftOutText, routeText } from './written-routes.ts';
import { flow } from './written-yaml.ts';

export interface FolderChoices {
  /** The origin of the API. */
  readonly upstream: string;
  /** One of those that come with scopegate. */
  readonly policy: string;
  readonly api: ApiDocument | null;
  readonly publicOk: boolean;
}

export interface NewFolder {
  readonly files: FileTexts;
  /** What makes a first token, for `example`. */
  readonly tokenCommand: string;
  /** A path that the first token opens with GET; null: there is none. */
  readonly examplePath: string | null;
  readonly leftOut: readonly LeftOut[];
  /** Roles of the policy to which somebody has to give scopes. */
  readonly rolesWithoutScopes: readonly string[];
}

/** What gateway.yaml says of paths where it says nothing. */
const ROUTING = { caseSensitive: true, ignoreTrailingSlash: false } as const;
const OWNER = 'ann';
const WORKSPACE = 'main';
const UPSTREAM = 'api';

export function newFolder(choices: FolderChoices): NewFolder {
  const { api, policy: policyName, publicOk } = choices;
  const made = api === null ? null : routesOfDocument(api, { publicOk, routing: ROUTING });
  const scopes = api === null || made === null ? [] : newScopes(api, made.scopes);
  const begun = policyText(policyName);
  const { text: policy, without } =
    scopes.length === 0 ? { text: begun, without: [] } : withScopes(begun, scopes, 'API');
  const facts = policyFacts(policy);
  const routes = made === null ? exampleRoutes(facts.scopes) : made.routes.map((route) => routeText(route, UPSTREAM));
  const example = made === null ? examplePath(facts.scopes) : pathToTry(made.routes);
  const files = new Map([
    [`policies/${policyName}.yaml`, policy],
    ['directory.yaml', directoryText(facts.role)],
    ['.env.example', envText(choices.upstream)],
    ['.gitignore', '# The admin key and the tokens of this machine.\ndata/\n.env\n'],
    ...Object.entries(SCHEMA_FILES).map(([name, schema]) => [`schemas/${name}`, jsonSchema(schema)] as const),
    ['gateway.yaml', gatewayText(choices, routes, leftOutText(made?.leftOut ?? [], basename(api?.name ?? '')))],
  ]);
  const scope = firstScope(example, facts.scopes);
  const contact = facts.contact ? ` --contact ${OWNER}` : '';
  return {
    files,
    tokenCommand: `scopegate token create --name first --owner ${OWNER}${scope.map((name) => ` --scope ${name}`).join('')} --workspace ${WORKSPACE}${contact} --expires 30d`,
    examplePath: example?.path ?? null,
    leftOut: made?.leftOut ?? [],
    rolesWithoutScopes: without,
  };
}

/** Of those that routes ask for. */
export function newScopes(api: ApiDocument, names: ReadonlyMap<string, string>): NewScope[] {
  const descriptions = scopeDescriptions(api);
  return [...names].map(([original, name]) => {
    const said = descriptions.get(original) ?? '';
    return { name, description: original === name ? said || name : `${original}${said === '' ? '' : `: ${said}`}` };
  });
}

/** The origin that a document names, where it does. */
export function documentOrigin(api: ApiDocument): string | null {
  const { origin } = apiServer(api);
  return origin !== null && URL.canParse(origin) ? origin : null;
}

function gatewayText({ upstream, policy, api }: FolderChoices, routes: readonly string[], leftOut: string): string {
  const from =
    api === null
      ? ''
      : `#
# The routes below were made of ${basename(api.name).replace(/\s+/g, ' ')}. When it changes:
#   scopegate init --openapi FILE --check    says what this file lacks
#   scopegate init --openapi FILE --merge    adds it
`;
  return `# yaml-language-server: $schema=./schemas/gateway.schema.json
#
# scopegate check says what is wrong with this file, scopegate lint what is surely not meant. An editor that knows YAML
# schemas completes it. \${NAME:-default} takes a value from the environment; .env.example has those of this file.
${from}
gateway: # every request to your API comes in here
  port: \${SCOPEGATE_PORT:-8080}

admin: # the sidecar: organizations, members, workspaces and tokens are managed here
  port: \${SCOPEGATE_ADMIN_PORT:-8081}

policy: policies/${policy}.yaml # yours to change: which kinds of token and which scopes there are, and how refusals look

store:
  driver: sqlite
  path: data/scopegate.db

upstreams:
  ${UPSTREAM}: # your API
    targets: ["\${SCOPEGATE_UPSTREAM:-${upstream}}"]

# What is not listed here is refused. The most specific path wins, whatever the order.
${leftOut}routes:
${routes.map((route) => route.replace(/^(?=.)/gm, '  ')).join('\n')}`;
}

function exampleScopes(scopes: readonly string[]): { read: string; write: string } {
  const read = scopes.find((scope) => scope.endsWith(':read')) ?? scopes[0]!;
  const write = read.replace(/:read$/, ':write');
  return { read, write: scopes.includes(write) ? write : (scopes.find((scope) => scope.endsWith(':write')) ?? read) };
}

function exampleRoutes(scopes: readonly string[]): string[] {
  const { read, write } = exampleScopes(scopes);
  const workspace = '{ from: path.ws, as: workspace, role: member }';
  return [
    `- id: health
  match: { methods: [GET], path: /healthz }
  public: true # the only way to need no token
  upstream: ${UPSTREAM}
`,
    `- id: read # everything below a workspace, for whoever is a member of it
  match: { methods: [GET], path: "/workspaces/{ws}/**" }
  require:
    scopes: [${flow(read)}]
    workspace: ${workspace}
  upstream: ${UPSTREAM}
`,
    `- id: write
  match: { methods: [POST, PUT, PATCH, DELETE], path: "/workspaces/{ws}/**" }
  require:
    scopes: [${flow(write)}]
    workspace: ${workspace}
  upstream: ${UPSTREAM}
`,
  ];
}

interface Example {
  readonly path: string;
  readonly scopes: readonly string[];
}

function examplePath(scopes: readonly string[]): Example {
  return { path: `/workspaces/${WORKSPACE}/hello`, scopes: [exampleScopes(scopes).read] };
}

/** The first that is read with a token, rather one without parameters. */
function pathToTry(routes: readonly ApiRoute[]): Example | null {
  const readable = routes.filter(({ method, require, extension }) => {
    return (
      method === 'GET' && require !== null && extension.workspace === undefined && extension.resource === undefined
    );
  });
  const route = readable.find(({ path }) => !path.includes('{')) ?? readable[0];
  if (route?.require == null) return null;
  const { key, scopes } = route.require;
  return { path: route.path.replace(/\{[^}]*\}/g, '1'), scopes: key === 'anyOf' ? scopes.slice(0, 1) : scopes };
}

/** What the first token has. */
function firstScope(example: Example | null, scopes: readonly string[]): readonly string[] {
  return example !== null && example.scopes.length > 0 ? example.scopes : [exampleScopes(scopes).read];
}

function directoryText(role: string): string {
  return `# yaml-language-server: $schema=./schemas/directory.schema.json
#
# Who there is, and where: scopegate apply directory.yaml makes it so, and says what it changed.
organizations:
  acme:
    name: Acme
    edition: team
    members:
      ${OWNER}: { name: Ann, role: ${role} }
    workspaces:
      ${WORKSPACE}: { name: Main, owner: ${OWNER} }
`;
}

function envText(upstream: string): string {
  return `# Copy this to .env, change it, and start with it:
#   set -a; . ./.env; set +a; scopegate serve
# A container takes it by --env-file .env.

# Your API.
SCOPEGATE_UPSTREAM=${upstream}

SCOPEGATE_PORT=8080
SCOPEGATE_ADMIN_PORT=8081

# The key of the sidecar, one word of at least 16 characters. Without it serve makes one, in data/admin-key.
# SCOPEGATE_ADMIN_KEY=
`;
}

/** One route of gateway.yaml, checked against its surroundings and compiled. Overlaps are the route table's to find. */
import { METHODS } from 'node:http';
import { domainToASCII } from 'node:url';
import { type AddressRange, readRange } from '../../core/address-range.ts';
import type { BasicSource } from '../../core/basic-credential.ts';
import { configuredName } from '../../core/configured-name.ts';
import type { Dialect } from '../../core/dialect.ts';
import { readHostPattern } from '../../core/host-name.ts';
import type { Requirement, WorkspaceRequirement } from '../../core/requirement.ts';
import type { Route } from '../../core/route.ts';
import type { CompiledRoute } from '../../core/route-table.ts';
import { compileScopes, MANAGE } from '../../core/scope.ts';
import { bodyFieldsOf, type Selector, type SelectorPlace } from '../../core/selector.ts';
import { readTemplate } from '../../core/template.ts';
import { formatProblem } from '../../errors.ts';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import { suggestion } from '../yaml/closest.ts';
import type { FilePosition } from '../yaml/yaml-file.ts';
import type { Path } from '../yaml/yaml-tree.ts';
import { compileCredentials } from './compile-credentials.ts';
import { compileAnswerEdits, compileRequestEdits, compileRewrite } from './compile-edits.ts';
import type { CompiledLimits } from './compile-limits.ts';
import { compileRegistration } from './compile-registration.ts';
import type { Notes } from './notes.ts';
import { RouteSettings, type Said } from './route-settings.ts';

type RouteFile = GatewayFile['routes'][number];
type UpstreamFile = GatewayFile['upstreams'][string];
type RequireFile = NonNullable<RouteFile['require']>;

/** What a route is checked against. */
export interface RouteCheck {
  readonly notes: Notes;
  /** null: the policy could not be read. */
  readonly scopes: ReadonlyMap<string, unknown> | null;
  /** Actions of the source, with the scopes that they stand for. */
  readonly iamActions: ReadonlyMap<string, readonly string[]>;
  /** null: the policy could not be read. */
  readonly apiVersions: readonly string[] | null;
  /** null: the policy could not be read. */
  readonly dialects: ReadonlyMap<string, Dialect> | null;
  /** null: none, another program sends on what is allowed. Empty: they could not be read. */
  readonly upstreams: ReadonlySet<string> | null;
  /** By name, as far as they fit their schema. */
  readonly upstreamFiles: Readonly<Record<string, Pick<UpstreamFile, 'defaults' | 'timeouts'>>>;
  readonly defaults: GatewayFile['defaults'] | undefined;
  readonly limits: CompiledLimits;
  /** Of routes that take it. */
  readonly basic: BasicSource;
  /** Route ids seen so far, with their place. */
  readonly ids: Map<string, FilePosition>;
  /** Routes that ask for a token and name no workspace. */
  readonly placeless: NotedRoute[];
  /** Routes that look into the body. */
  readonly reading: NotedRoute[];
}

/** One that a warning names. */
export interface NotedRoute {
  readonly id: string;
  readonly at: Path;
}

/** Without a readable path nothing can be said about its parameters; everything else still is. */
type Parameters = ReadonlyMap<string, number> | null;

function checkId({ notes, ids }: RouteCheck, at: Path, id: string): void {
  const seen = ids.get(id);
  const here = notes.at(at);
  if (seen === undefined) ids.set(id, here);
  else {
    const where = seen.file === here.file ? '' : ` of ${seen.file}`;
    notes.problem(at, `the route id "${id}" already stands in line ${seen.line}${where}`);
  }
}

/** A method that Node's parser does not know is refused before any route is looked for. */
function checkMethods({ notes }: RouteCheck, at: Path, methods: readonly string[]): void {
  for (const [index, method] of methods.entries()) {
    if (!METHODS.includes(method))
      notes.problem([...at, index], `no request can have the method "${method}"${suggestion(method, METHODS)}`);
  }
}

/** null: every host that no route names. Each host stands once, in the spelling by which routes are chosen. */
export function compileHosts(notes: Notes, at: Path, hosts: readonly string[] | undefined): readonly string[] | null {
  if (hosts === undefined) return null;
  const compiled = new Map<string, string>();
  for (const [index, text] of hosts.entries()) {
    const name = readHostPattern(text);
    if (name === null)
      notes.problem([...at, index], `no request can name the host ${JSON.stringify(text)}: ${hint(text)}`);
    else if (compiled.has(name))
      notes.problem([...at, index], `this host already stands here, as "${compiled.get(name)}"`);
    else compiled.set(name, text);
  }
  return [...compiled.keys()];
}

function hint(text: string): string {
  if (/^[^:[\]]*:[0-9]*$/.test(text) || /\]:[0-9]*$/.test(text)) return 'it stands here without its port';
  if (text.includes('://')) return 'it stands here without its scheme';
  if (/^[^[\]]*:.*:/.test(text)) return 'an IPv6 address stands in brackets';
  const wire = domainToASCII(text);
  if (/[^\x00-\x7f]/.test(text) && wire !== '') return `clients send it as "${wire}"`;
  if (text.includes('*')) return '"*." stands in front of a name, once, for all names below it';
  return 'it is a name of letters, digits and hyphens, or an address';
}

function checkUpstream({ notes, upstreams }: RouteCheck, name: string | undefined, at: Path): void {
  if (name === undefined) {
    if (upstreams !== null) notes.problem(at, 'missing key "upstream"');
  } else if (upstreams === null || (upstreams.size > 0 && !upstreams.has(name))) {
    notes.problem([...at, 'upstream'], `there is no upstream "${name}"${suggestion(name, upstreams ?? new Set())}`);
  }
}

/** One warning for all of them, at the first; none where there are none. */
export function placelessWarning(notes: Notes, routes: readonly NotedRoute[]): string[] {
  const unchecked = 'roles and workspace grants are not checked';
  return warningOf(notes, routes, `names no workspace: ${unchecked}`, `name no workspace: ${unchecked}`);
}

/** A proxy that only asks never hands over a body. */
export function bodyWarning(notes: Notes, routes: readonly NotedRoute[]): string[] {
  const refused = 'the decision listener gets none, and answers 400';
  return warningOf(notes, routes, `looks into the body: ${refused}`, `look into the body: ${refused}`);
}

function warningOf(notes: Notes, routes: readonly NotedRoute[], one: string, several: string): string[] {
  const [first] = routes;
  if (first === undefined) return [];
  const ids = routes.map(({ id }) => `"${id}"`);
  const more = ids.length > IDS_SHOWN_MAX ? ` and ${ids.length - IDS_SHOWN_MAX} more` : '';
  const message =
    ids.length === 1
      ? `warning: the route ${ids[0]} ${one}`
      : `warning: ${ids.length} routes ${several} (${ids.slice(0, IDS_SHOWN_MAX).join(', ')}${more})`;
  return [formatProblem({ ...notes.at(first.at), message })];
}

const IDS_SHOWN_MAX = 5;

/** undefined when the route has no readable path; its problems are noted. */
export function compileRoute(check: RouteCheck, file: RouteFile, index: number): CompiledRoute | undefined {
  const { notes } = check;
  const at: Path = ['routes', index];
  checkId(check, [...at, 'id'], file.id);
  checkMethods(check, [...at, 'match', 'methods'], file.match.methods ?? []);
  const hosts = compileHosts(notes, [...at, 'match', 'hosts'], file.match.hosts);
  checkUpstream(check, file.upstream, at);
  const template = readTemplate(file.match.path);
  const parameters = template.ok ? template.parameters : null;
  const requirement =
    file.public === true ? null : compileRequirement(check, [...at, 'require'], file.require ?? {}, parameters);
  const limits = check.limits.forRoute(file.limits, file.public === true, at);
  if (!template.ok) {
    notes.problem([...at, 'match', 'path'], template.problem);
    return undefined;
  }
  const upstream = upstreamOf(check, file.upstream);
  const settings = new RouteSettings(file, at, upstream && [file.upstream!, upstream.defaults], check.defaults);
  const forwardAuthorization = settings.get('forwardAuthorization')?.value ?? false;
  const credentials = compileCredentials(notes, settings.get('credentials'), forwardAuthorization, check.basic);
  const rewrite = compileRewrite(notes, settings.get('rewrite'), template.segments);
  const registration = compileRegistration(notes, file, at);
  const readsAnswer = registration !== null && registration.register !== null;
  const route: Route = {
    id: configuredName(file.id),
    hosts,
    template: file.match.path,
    methods: file.match.methods,
    keepsEncodedSlashes: settings.get('encodedSlashes')?.value === 'keep',
    allowFrom: compileRanges(settings.get('allowFrom')?.value),
    requirement,
    upstream: file.upstream ?? '',
    credentials,
    requestEdits: compileRequestEdits(notes, settings, credentials, { rewrite, readsAnswer }),
    answerEdits: compileAnswerEdits(notes, settings),
    rewrite,
    rewritesLocations: settings.get('rewriteLocations')?.value ?? true,
    dialect: compileDialectName(check, settings.get('dialect')),
    timeouts: upstream === null ? null : settings.timeouts(upstream.timeouts),
    forwardAuthorization,
    registration,
    limits,
  };
  if (route.requirement !== null && route.requirement.workspace === null) check.placeless.push({ id: file.id, at });
  if (route.requirement !== null && route.requirement.bodyFields !== null) check.reading.push({ id: file.id, at });
  return { route, segments: template.segments };
}

/** null: there is none, or it does not fit its schema. */
function upstreamOf({ upstreamFiles }: RouteCheck, name: string | undefined) {
  return name !== undefined && Object.hasOwn(upstreamFiles, name) ? upstreamFiles[name]! : null;
}

/** null: the policy's own, also where there is none of that name: that is a problem, or the policy could not be read. */
function compileDialectName({ notes, dialects }: RouteCheck, said: Said<string> | undefined): Dialect | null {
  if (said === undefined || dialects === null) return null;
  const dialect = dialects.get(said.value);
  if (dialect === undefined)
    notes.problem(said.at, `the policy has no dialect "${said.value}"${suggestion(said.value, dialects.keys())}`);
  return dialect ?? null;
}

function compileRanges(texts: readonly string[] | undefined): readonly AddressRange[] | null {
  return texts?.map((text) => readRange(text)).filter((range) => range !== null) ?? null;
}

function compileRequirement(check: RouteCheck, at: Path, file: RequireFile, parameters: Parameters): Requirement {
  // An action of the source stands for its scopes.
  const asked = (file.scopes ?? file.anyOf)?.flatMap((name) => check.iamActions.get(name) ?? [name]);
  for (const [index, scope] of (file.scopes ?? file.anyOf ?? []).entries()) {
    const isKnown = check.scopes?.has(scope) !== false || check.iamActions.has(scope) || scope === MANAGE;
    if (!isKnown) {
      const place = file.scopes === undefined ? 'anyOf' : 'scopes';
      check.notes.problem(
        [...at, place, index],
        `the policy knows no scope "${scope}"${suggestion(scope, [...(check.scopes?.keys() ?? []), ...check.iamActions.keys()])}`,
      );
    }
  }
  for (const [index, version] of (file.apiVersion ?? []).entries()) {
    if (check.apiVersions === null || check.apiVersions.includes(version)) continue;
    const known = check.apiVersions.length === 0 ? 'it has none' : `it has ${check.apiVersions.join(', ')}`;
    check.notes.problem([...at, 'apiVersion', index], `the policy has no API version "${version}"; ${known}`);
  }
  const { environment, resource } = file;
  const selectorOf = (part: 'workspace' | 'environment' | 'resource', from: string | readonly string[]) =>
    compileSelector(check, [...at, part, 'from'], from, parameters);
  const named = environment === undefined || environment === 'all' ? null : selectorOf('environment', environment.from);
  const place = compileWorkspace(file.workspace, named, (from) => selectorOf('workspace', from));
  // By itself it says which workspace it is, and is judged with that.
  const touched = file.workspace !== undefined && named !== null ? { selector: named } : null;
  const relation =
    resource === undefined
      ? null
      : { type: resource.type, selector: selectorOf('resource', resource.from), relation: resource.relation };
  const fields = [place, touched, relation].flatMap((part) => (part === null ? [] : bodyFieldsOf(part.selector)));
  return {
    scopes: asked === undefined ? null : compileScopes(asked, file.scopes !== undefined),
    apiVersions: file.apiVersion === undefined ? null : new Set(file.apiVersion),
    workspace: place,
    environment: environment === 'all' ? environment : touched,
    resource: relation,
    bodyFields: fields.length === 0 ? null : fields,
  };
}

/** `environment`: where one is named that says by itself which workspace it is. */
function compileWorkspace(
  file: RequireFile['workspace'],
  environment: Selector | null,
  selectorOf: (from: string | readonly string[]) => Selector,
): WorkspaceRequirement | null {
  if (file === undefined)
    return environment === null ? null : { as: 'environment', selector: environment, role: 'member' };
  const { from, as, type, role } = file;
  const selector = selectorOf(from);
  return as === 'resource' ? { as, type: type!, selector, role } : { as, selector, role };
}

function compileSelector(
  check: RouteCheck,
  at: Path,
  from: string | readonly string[],
  parameters: Parameters,
): Selector {
  if (typeof from === 'string') return compilePlace(check, at, from, parameters);
  return { from: 'list', places: from.map((each, index) => compilePlace(check, [...at, index], each, parameters)) };
}

function compilePlace(check: RouteCheck, at: Path, from: string, parameters: Parameters): SelectorPlace {
  const dot = from.indexOf('.');
  const name = from.slice(dot + 1);
  if (from.startsWith('body.')) return { from: 'body', field: { name, path: name.split('.') } };
  if (from.startsWith('query.')) return { from: 'query', name };
  if (from.startsWith('header.')) return { from: 'header', name };
  const index = parameters?.get(name);
  if (parameters !== null && index === undefined) {
    check.notes.problem(at, `the path has no parameter {${name}}${suggestion(name, parameters.keys())}`);
  }
  return { from: 'path', index: index ?? 0 };
}

/** One gateway with a small directory, and the command line before it: what the examples of the commands need. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Applied, run } from '../directory/harness.ts';
import { loadResult } from '../load-test/results.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';

export interface World {
  readonly gateway: TestGateway;
  /** A command line, as a shell would read it: `scopegate token list`. What it names as a file lies in the gateway's folder. */
  shell(line: string): Promise<Applied>;
  /** What directory.yaml holds, and these records below acme. */
  settle(records: ReadonlyArray<readonly [path: string, body: object]>): Promise<void>;
  /** A token of bob's for the workspace sales that reads, unless said otherwise. */
  mint(more: object): Promise<{ readonly id: string; readonly token: string }>;
  /** Variables of that shell. */
  readonly variables: Record<string, string>;
  stop(): Promise<void>;
}

const DIRECTORY = `enterprises: { umbrella: { name: Umbrella } }
organizations:
  acme:
    name: Acme
    edition: team
    enterprise: umbrella
    members: { ann: { name: Ann, role: admin }, bob: { name: Bob, role: member } }
    workspaces: { sales: { name: Sales, owner: ann, environments: { live: { name: Live } } } }
`;
const API = `openapi: 3.1.0
security: [{ oauth: ["content:read"] }]
paths:
  /workspaces/{workspace}/pages/{page}:
    get: { operationId: readPage }
    put: { operationId: writePage, security: [{ oauth: ["content:write"] }] }
`;
const FILES: Readonly<Record<string, string>> = {
  'api.yaml': API,
  'directory.yaml': DIRECTORY,
  'gateway.test.yaml': `gateway: gateway.yaml
now: 2030-01-01T12:00:00Z
directory: directory.yaml
tokens:
  reader: { owner: ann, scopes: ["content:read"], workspaces: [sales], expiresInDays: 30 }
tests:
  - name: readers read, and no more
    token: reader
    allow: ["GET /workspaces/sales/pages/1"]
    deny: { "PUT /workspaces/sales/pages/1": scope_missing }
`,
  'tokens.csv': `sha256,name,owner,scopes,workspaces,expiresInDays
${'9f'.repeat(32)},CI,ann,content:read,sales,30
`,
  'before.json': JSON.stringify(loadResult()),
  'after.json': JSON.stringify(loadResult(1.05)),
};

function route(id: string, method: string, path: string, scope: string, role: string, more: object = {}) {
  const workspace = { from: 'path.ws', as: 'workspace', role };
  return { id, match: { methods: [method], path }, require: { scopes: [scope], workspace, ...more } };
}

export async function startWorld(): Promise<World> {
  const gateway = await startTestGateway({
    upstreamUrl: 'http://127.0.0.1:9',
    seed: false,
    policy: join(ROOT, 'policies/default.yaml'),
    routes: [
      route('read-page', 'GET', '/workspaces/{ws}/pages/{page}', 'content:read', 'member'),
      route('write-page', 'PUT', '/workspaces/{ws}/pages/{page}', 'content:write', 'member'),
      route('delete-page', 'DELETE', '/workspaces/{ws}/pages/{page}', 'content:write', 'admin'),
      route('run-bot', 'POST', '/workspaces/{ws}/bots/{bot}', 'content:read', 'member', {
        resource: { from: 'path.bot', type: 'bot', relation: 'collaborator' },
      }),
      route('import', 'POST', '/import', 'content:read', 'member', {
        workspace: { from: 'body.space', as: 'workspace', role: 'member' },
      }),
    ],
    settings: { import: { patterns: [{ prefix: 'key-', minLength: 40, maxLength: 40 }] } },
  });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(gateway.folder, name), text);
  const variables: Record<string, string> = {};
  const env = { SCOPEGATE_ADMIN_URL: gateway.adminUrl, SCOPEGATE_ADMIN_KEY: gateway.adminKey };
  const shell = (line: string) => {
    const [, ...words] = line.match(/"[^"]*"|\S+/g)!;
    const meant = words.map((word) => {
      const bare = word.replace(/^"|"$/g, '').replace(/^\$(\w+)$/, (_, name: string) => variables[name]!);
      return /^[\w.-]+\.(?:yaml|csv|json|txt)$/.test(bare) ? join(gateway.folder, bare) : bare;
    });
    return run(meant, env);
  };
  const acme = (method: string, path: string, body: object) =>
    gateway.admin(method, `/v1/organizations/acme${path}`, body);
  const settle: World['settle'] = async (records) => {
    await shell('scopegate apply directory.yaml');
    for (const [path, body] of records) expect((await acme('PUT', path, body)).status, path).toBeLessThan(300);
  };
  const mint: World['mint'] = async (more) => {
    const made = { name: 't', owner: 'bob', scopes: ['content:read'], workspaces: ['sales'], expiresInDays: 7 };
    const { status, body } = await acme('POST', '/tokens', { ...made, ...more });
    expect(status, JSON.stringify(body)).toBe(201);
    return body as { id: string; token: string };
  };
  return { gateway, shell, settle, mint, variables, stop: () => gateway.stop() };
}

/** Fills the demo with an organization, over the sidecar's HTTP API like any other client. */
import { request } from 'undici';

export interface SeededTokens {
  /** Alice, owner of the workspace, with every scope. */
  readonly owner: string;
  /** Bob, a member, who may only read workflows. */
  readonly reader: string;
  /** Bob again, who may also write: enough scope, too low a role to delete. */
  readonly writer: string;
  /** A service token. */
  readonly service: string;
  /** To be revoked in the tour. */
  readonly leaked: string;
}

export interface Seeded {
  readonly tokens: SeededTokens;
  readonly leakedId: string;
  readonly organization: string;
}

/** An address of the console that signs in whoever opens it first. */
export async function signInLink(adminUrl: string, adminKey: string): Promise<string> {
  const headers = { authorization: `Bearer ${adminKey}` };
  const answer = await request(`${adminUrl}/v1/session-links`, { method: 'POST', headers });
  return adminUrl + ((await answer.body.json()) as { readonly path: string }).path;
}

export const DEMO_ORGANIZATION = 'acme';
const WORKSPACE = 'ws_sales';
const READ_ALL = ['workspace:read', 'bot:read', 'chat:read', 'workflows:read', 'knowledge:read'];

export async function seed(adminUrl: string, adminKey: string): Promise<Seeded> {
  const call = async (method: 'PUT' | 'POST', path: string, body: unknown): Promise<Record<string, string>> => {
    const answer = await request(`${adminUrl}/v1/organizations/${DEMO_ORGANIZATION}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`the sidecar refused ${method} ${path}: ${text}`);
    return JSON.parse(text) as Record<string, string>;
  };
  await call('PUT', '', { name: 'Acme', edition: 'team' });
  await call('PUT', '/members/alice', { name: 'Alice', role: 'admin' });
  await call('PUT', '/members/bob', { name: 'Bob', role: 'member' });
  await call('PUT', `/workspaces/${WORKSPACE}`, { name: 'Sales', owner: 'alice' });
  await call('PUT', '/workspaces/ws_legal', { name: 'Legal', owner: 'alice' });
  await call('PUT', `/workspaces/${WORKSPACE}/environments/env_live`, { name: 'Live' });
  await call('PUT', '/workspaces/ws_legal/environments/env_legal', { name: 'Legal' });
  await call('PUT', `/workspaces/${WORKSPACE}/assignments/members/bob`, { role: 'member' });
  await call('PUT', `/workspaces/${WORKSPACE}/resources/bot/bot_sales`, { owner: 'alice', collaborators: [] });
  const token = (owner: string, name: string, scopes: string[], more: object = { expiresInDays: 30 }) =>
    call('POST', '/tokens', { owner, name, scopes, workspaces: [WORKSPACE], ...more });
  const leaked = await token('bob', 'left in a public repository', READ_ALL);
  const tokens = {
    owner: await token('alice', 'everything', [
      ...READ_ALL,
      'workflows:write',
      'bot:write',
      'chat:write',
      'knowledge:write',
    ]),
    reader: await token('bob', 'read workflows', ['workflows:read']),
    writer: await token('bob', 'write workflows and bots', ['workflows:write', 'bot:write']),
    service: await token('alice', 'nightly report', ['workflows:read', 'chat:write'], {
      kind: 'service',
      neverExpires: true,
    }),
    leaked,
  };
  const texts = Object.fromEntries(Object.entries(tokens).map(([name, created]) => [name, created.token!]));
  return { tokens: texts as unknown as SeededTokens, leakedId: leaked.id!, organization: DEMO_ORGANIZATION };
}

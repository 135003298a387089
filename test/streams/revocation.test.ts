/** An open stream ends as soon as its request would be refused, whatever the cause, and never before. */
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { attack } from '../conformance/attack.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { SocketUpstream } from './socket-upstream.ts';

/** The second that is promised, and what a busy test machine may take on top. */
const STALLED_MS = 3000;
/** Longer than any test: what ends a stream here is that the change was heard, not that nothing was. */
const STALENESS_MS = 60_000;
const member = (from: string, as: string, more: object = {}) => ({ from, as, role: 'member', ...more });
const scopes = ['chat:read'];
const ROUTES = [
  { id: 'any', match: { path: '/any' }, require: { scopes } },
  {
    id: 'workspace',
    match: { path: '/workspaces/{id}' },
    require: { scopes, workspace: member('path.id', 'workspace') },
  },
  {
    id: 'environment',
    match: { path: '/environments' },
    require: { scopes, workspace: member('query.id', 'environment') },
  },
  {
    id: 'bot',
    match: { path: '/bots/{id}' },
    require: {
      scopes,
      workspace: member('path.id', 'resource', { type: 'bot' }),
      resource: { type: 'bot', from: 'path.id', relation: 'collaborator' },
    },
  },
];

let upstream: SocketUpstream;
let gateway: TestGateway;
let begin: SocketUpstream['begin'];

beforeAll(async () => {
  upstream = await SocketUpstream.start();
  begin = upstream.begin;
  const settings = { cache: { maxStalenessMs: STALENESS_MS } };
  gateway = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES, settings });
});
afterEach(() => {
  upstream.begin = begin;
  expect(gateway.errorLines).toEqual([]);
});
afterAll(async () => {
  await upstream.stop();
  await gateway.stop();
});

const ok = async (method: string, path: string, body?: unknown) => {
  const answer = await gateway.admin(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body as { id: string; token: string };
};

/** Somebody of their own for each test, with a workspace, an environment, a bot, a team and a token. */
interface Somebody {
  readonly name: string;
  readonly id: string;
  readonly token: string;
}
let nth = 0;
async function somebody(): Promise<Somebody> {
  const name = `m${++nth}`;
  await ok('PUT', `/members/${name}`, { name, role: 'member' });
  await ok('PUT', `/workspaces/w-${name}`, { name, owner: 'alice' });
  await ok('PUT', `/workspaces/w-${name}/assignments/members/${name}`, { role: 'member' });
  await ok('PUT', `/workspaces/w-${name}/environments/e-${name}`, { name });
  await ok('PUT', `/workspaces/w-${name}/resources/bot/b-${name}`, { owner: 'alice', collaborators: [name] });
  const workspaces = [`w-${name}`];
  const made = await ok('POST', '/tokens', { owner: name, name, scopes, workspaces, expiresInDays: 1 });
  return { name, id: made.id, token: made.token };
}

interface Ended {
  /** Close code, or what the last event of the event stream said. */
  readonly code: number;
  readonly afterMs: number;
}

async function openSocket(path: string, token: string): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(gateway.url.replace('http', 'ws') + path, { headers });
  await once(socket, 'open');
  socket.send('hello');
  await once(socket, 'message');
  return socket;
}

async function openEvents(path: string, token: string): Promise<RawClient> {
  const client = await RawClient.connect(gateway.url);
  client.send(rawRequest(`GET ${path}`, [`Authorization: Bearer ${token}`]));
  return client.untilText('hello');
}

/** Opens one of each, lets `cause` happen and waits for both to end. */
async function bothEnd(path: string, token: string, cause: () => Promise<unknown>): Promise<Ended[]> {
  const socket = await openSocket(path, token);
  const events = await openEvents(path, token);
  // What ends them may do so before its answer is here.
  const bothEnded = Promise.all([
    once(socket, 'close').then(([code]) => ({ code: code as number, atMs: performance.now() })),
    events.response().then(({ body }) => {
      const event = /\n\nevent: error\ndata: (.*)\n\n$/.exec(body);
      return { code: JSON.parse(event![1]!).code as number, atMs: performance.now() };
    }),
  ]);
  await cause();
  const started = performance.now();
  const ended = await bothEnded;
  events.close();
  return ended.map(({ code, atMs }) => ({ code, afterMs: atMs - started }));
}

const TOKEN_GONE = [4401, 4100];
const PERMISSION_GONE = [4403, 4101];

type Cause = readonly [string, (who: Somebody) => string, (who: Somebody) => Promise<unknown>, number[]];
const any = () => '/any';
const CAUSES: readonly Cause[] = [
  ['revoked', any, ({ id }) => ok('POST', `/tokens/${id}/revoke`), TOKEN_GONE],
  ['deactivated', any, ({ id }) => ok('POST', `/tokens/${id}/deactivate`), TOKEN_GONE],
  ['deleted', any, ({ id }) => ok('DELETE', `/tokens/${id}`), TOKEN_GONE],
  ['rotated without grace', any, ({ id }) => ok('POST', `/tokens/${id}/rotate`, {}), TOKEN_GONE],
  ['its owner was removed', any, ({ name }) => ok('DELETE', `/members/${name}`), TOKEN_GONE],
  [
    'its owner lost the scope',
    any,
    ({ name }) => ok('PATCH', `/members/${name}`, { scopes: ['bot:read'] }),
    PERMISSION_GONE,
  ],
  [
    'its owner lost the role in the workspace',
    ({ name }) => `/workspaces/w-${name}`,
    ({ name }) => ok('DELETE', `/workspaces/w-${name}/assignments/members/${name}`),
    PERMISSION_GONE,
  ],
  [
    'the workspace was deleted',
    ({ name }) => `/workspaces/w-${name}`,
    ({ name }) => ok('DELETE', `/workspaces/w-${name}`),
    PERMISSION_GONE,
  ],
  [
    'the environment was deleted',
    ({ name }) => `/environments?id=e-${name}`,
    ({ name }) => ok('DELETE', `/workspaces/w-${name}/environments/e-${name}`),
    PERMISSION_GONE,
  ],
  [
    'its owner is no longer a collaborator',
    ({ name }) => `/bots/b-${name}`,
    ({ name }) => ok('PUT', `/workspaces/w-${name}/resources/bot/b-${name}`, { owner: 'alice', collaborators: [] }),
    PERMISSION_GONE,
  ],
  [
    'the workspace it lists changed hands',
    ({ name }) => `/workspaces/w-${name}`,
    ({ name }) => ok('POST', `/workspaces/w-${name}/transfer`, { owner: 'bob' }),
    TOKEN_GONE,
  ],
  [
    'another process revoked it',
    any,
    async ({ id }) => {
      const other = new SqliteStore(join(gateway.folder, 'data/scopegate.db'));
      const key = `token/acme/${id}`;
      const { record, version } = (await other.get(key))!;
      const revoked = { ...(record as object), state: 'revoked' };
      expect((await other.commit({ expects: [{ key, version }], writes: [{ key, record: revoked }] })).ok).toBe(true);
      await other.close();
    },
    TOKEN_GONE,
  ],
];

attack({
  name: 'a WebSocket or event stream whose token is revoked, expires or loses a right does not go on',
  outcome: 'ended within a second, with a last word that says why',
  sources: ['RFC 7009 section 2.1'],
})(() => {
  test.each(CAUSES)('%s', async (_, path, cause, codes) => {
    const who = await somebody();
    const ended = await bothEnd(path(who), who.token, () => cause(who));
    expect(ended.map(({ code }) => code)).toEqual(codes);
    for (const { afterMs } of ended) expect(afterMs).toBeLessThan(STALLED_MS);
    expect(upstream.answers.size + upstream.sockets.size).toBeLessThanOrEqual(2);
  });

  test('a team of its owner lost the role', async () => {
    const who = await somebody();
    await ok('PUT', `/teams/t-${who.name}`, { name: 'crew', members: [who.name] });
    await ok('PUT', `/workspaces/w-${who.name}/assignments/teams/t-${who.name}`, { role: 'member' });
    await ok('DELETE', `/workspaces/w-${who.name}/assignments/members/${who.name}`);
    const leave = () => ok('PUT', `/teams/t-${who.name}`, { name: 'crew', members: [] });
    const ended = await bothEnd(`/workspaces/w-${who.name}`, who.token, leave);
    expect(ended.map(({ code }) => code)).toEqual(PERMISSION_GONE);
  });

  test('the token expired, to the moment', async () => {
    const expiresAt = new Date(Date.now() + 3000);
    const wanted = { kind: 'service', owner: 'alice', name: 'short', scopes, workspaces: ['ws_sales'], expiresAt };
    const { token } = await ok('POST', '/tokens', wanted);
    const ended = await bothEnd('/any', token, async () => {});
    expect(ended.map(({ code }) => code)).toEqual(TOKEN_GONE);
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime());
    expect(Date.now()).toBeLessThan(expiresAt.getTime() + STALLED_MS);
  });

  test('the grace of a rotated value is over, and not when it was rotated', async () => {
    const { id, token } = await somebody();
    let rotatedAtMs = 0;
    const ended = await bothEnd('/any', token, async () => {
      rotatedAtMs = Date.now();
      await ok('POST', `/tokens/${id}/rotate`, { graceSeconds: 1 });
    });
    expect(ended.map(({ code }) => code)).toEqual(TOKEN_GONE);
    expect(Date.now() - rotatedAtMs).toBeGreaterThanOrEqual(1000);
    expect(Date.now() - rotatedAtMs).toBeLessThan(1000 + STALLED_MS);
  });
});

describe('a stream goes on', () => {
  test('when somebody else loses their token, and when its own is changed without harm', async () => {
    const [who, other] = [await somebody(), await somebody()];
    const socket = await openSocket(`/workspaces/w-${who.name}`, who.token);
    const events = await openEvents(`/workspaces/w-${who.name}`, who.token);
    await bothEnd('/any', other.token, () => ok('POST', `/tokens/${other.id}/revoke`));
    await ok('PATCH', `/tokens/${who.id}`, { name: 'renamed' });
    await ok('PUT', `/workspaces/w-${who.name}/assignments/members/${who.name}`, { role: 'admin' });
    await ok('PATCH', `/members/${who.name}`, { scopes: ['chat:write'] });
    socket.send('still here');
    expect(String((await once(socket, 'message'))[0])).toBe('still here');
    for (const answer of upstream.answers) answer.write('data: still here\n\n');
    await events.untilText('still here');
    socket.close();
    events.close();
  });

  test('no answer but a stream is cut: a download in progress completes', async () => {
    const { id, token } = await somebody();
    upstream.begin = (answer) => void answer.writeHead(200, { 'content-type': 'text/plain' }).write('hello ');
    using client = await openEvents('/any', token);
    const socket = await openSocket('/any', token);
    await ok('POST', `/tokens/${id}/revoke`);
    await once(socket, 'close');
    for (const answer of upstream.answers) answer.end('world');
    expect((await client.response()).body).toBe('hello world');
  });
});

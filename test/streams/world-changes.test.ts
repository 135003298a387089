/** Streams when what changes is not their token: the rules, the store, the gateway itself. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ChatEventType, CozeAPI, RoleType } from '@coze/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { CloseMessage } from '../../src/edge/streams/close-message.ts';
import { OpenStreamRegistry } from '../../src/edge/streams/open-stream-registry.ts';
import { systemClock } from '../../src/observe/clock.ts';
import { FactCache } from '../../src/store/cache/fact-cache.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { rewriteRow } from '../support/row-in-file.ts';
import { SocketUpstream } from './socket-upstream.ts';

const route = (id: string, more: Settings = {}): Settings => ({
  id,
  match: { path: `/${id}` },
  require: { scopes: ['chat:read'] },
  upstream: 'platform',
  ...more,
});

let upstream: SocketUpstream;
beforeAll(async () => {
  upstream = await SocketUpstream.start();
});
afterAll(() => upstream.stop());

const start = (settings: Settings = {}) =>
  startTestGateway({ upstreamUrl: upstream.url, routes: [route('stream'), route('other')], settings });
const mint = (gateway: TestGateway) => gateway.mint({ scopes: ['chat:read'] });

async function openSocket(gateway: TestGateway, token: string, path = '/stream'): Promise<WebSocket> {
  const socket = new WebSocket(gateway.url.replace('http', 'ws') + path, {
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
  });
  await once(socket, 'open');
  return socket;
}
async function openEvents(gateway: TestGateway, token: string): Promise<RawClient> {
  const client = await RawClient.connect(gateway.url);
  return client.send(rawRequest('GET /stream', [`Authorization: Bearer ${token}`])).untilText('hello');
}
async function echoes(socket: WebSocket): Promise<void> {
  socket.send('still here');
  expect(String((await once(socket, 'message'))[0])).toBe('still here');
}
const lastEvent = async (client: RawClient): Promise<{ code: number }> => {
  const { body } = await client.response();
  return JSON.parse(/\n\nevent: error\ndata: (.*)\n\n$/.exec(body)![1]!) as { code: number };
};

describe('a reload', () => {
  const refusals: readonly (readonly [string, Settings[], number, number])[] = [
    ['without the route', [route('other')], 4403, 4200],
    [
      'with the route for another method',
      [route('stream', { match: { methods: ['POST'], path: '/stream' } })],
      4403,
      4000,
    ],
    ['that asks for a scope more', [route('stream', { require: { scopes: ['chat:read', 'bot:write'] } })], 4403, 4101],
    [
      'that asks for a role',
      [route('stream', { require: { workspace: { from: 'query.id', as: 'workspace', role: 'admin' } } })],
      4403,
      4000,
    ],
  ];
  test.each(refusals)('%s ends the streams that it would refuse', async (_, routes, closeCode, code) => {
    await using gateway = await start();
    const token = await mint(gateway);
    const socket = await openSocket(gateway, token);
    using events = await openEvents(gateway, token);
    await reload(gateway, routes);
    const [[closed], event] = await Promise.all([once(socket, 'close'), lastEvent(events)]);
    expect(closed).toBe(closeCode);
    expect(event.code).toBe(code);
  });

  test('that takes a form of credential away ends the streams that were opened with it', async () => {
    await using gateway = await start();
    const credentials = ['bearer', 'query.authorization'];
    await reload(gateway, [route('stream', { credentials })]);
    const token = await mint(gateway);
    const byQuery = await openSocket(gateway, '', `/stream?authorization=Bearer%20${token}`);
    const byHeader = await openSocket(gateway, token);
    await reload(gateway, [route('stream')]);
    expect((await once(byQuery, 'close'))[0]).toBe(4401);
    await echoes(byHeader);
    byHeader.close();
    await once(byHeader, 'close');
  });

  test('that refuses nothing leaves streams alone, and so does a bad one', async () => {
    await using gateway = await start();
    const token = await mint(gateway);
    const socket = await openSocket(gateway, token);
    using events = await openEvents(gateway, token);
    await reload(gateway, [route('stream', { require: {} }), route('new')]);
    await reload(gateway, [route('stream', { public: true, require: undefined })]);
    await reload(gateway, [route('stream', { require: { scopes: ['no:such'] } })], 422);
    await echoes(socket);
    expect(events.received).not.toContain('event: error');
    socket.close();
    await once(socket, 'close');
  });

  test('that makes a public route ask for a token ends the streams that have none', async () => {
    await using gateway = await start();
    await reload(gateway, [route('stream', { public: true, require: undefined })]);
    const socket = await openSocket(gateway, '');
    await reload(gateway, [route('stream')]);
    expect((await once(socket, 'close'))[0]).toBe(4401);
  });
});

async function reload(gateway: TestGateway, routes: readonly Settings[], status = 200): Promise<void> {
  const file = join(gateway.folder, 'gateway.yaml');
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as Settings), routes }));
  expect((await gateway.admin('POST', '/v1/reload')).status).toBe(status);
}

describe('a store', () => {
  const cache = { maxStalenessMs: 400 };
  const database = (gateway: TestGateway) => new DatabaseSync(join(gateway.folder, 'data/scopegate.db'));

  test('that cannot be asked ends every stream once cached facts would no longer be believed, as an outage', async () => {
    await using gateway = await start({ cache });
    const token = await mint(gateway);
    const socket = await openSocket(gateway, token);
    using events = await openEvents(gateway, token);
    const broken = database(gateway);
    broken.exec('DROP TABLE records; DROP TABLE changes');
    const started = performance.now();
    const [[closed], event] = await Promise.all([once(socket, 'close'), lastEvent(events)]);
    expect(closed).toBe(1013);
    expect(event.code).toBe(5031);
    expect(performance.now() - started).toBeLessThan(cache.maxStalenessMs + 1500);
    broken.close();
  });

  test('that answers but no longer tells of changes is asked again and again', async () => {
    await using gateway = await start({ cache });
    const [kept, lost] = [await mint(gateway), await mint(gateway)];
    const [staying, ending] = [await openSocket(gateway, kept), await openSocket(gateway, lost)];
    const { id } = (await gateway.admin('POST', '/v1/tokens/find', { token: lost })).body as { id: string };
    const other = database(gateway);
    const key = `token/acme/${id}`;
    const beside = new SqliteStore(join(gateway.folder, 'data/scopegate.db'));
    const record = { ...((await beside.get(key))!.record as object), state: 'revoked' };
    await beside.close();
    other.exec('DROP TABLE changes');
    rewriteRow(join(gateway.folder, 'data/scopegate.db'), key, JSON.stringify(record));
    expect((await once(ending, 'close'))[0]).toBe(4401);
    await echoes(staying);
    staying.close();
    await once(staying, 'close');
    other.close();
  });
});

describe('a store that never answers', () => {
  test('is one that cannot be asked', async () => {
    await using gateway = await start();
    const facts = new FactCache(
      { read: () => new Promise(() => {}) },
      { maxEntries: 10, absentTtlMs: 0, maxStalenessMs: 300, monotonicMs: systemClock.monotonicMs },
    );
    const reasons: string[] = [];
    const rules = { ...gateway.configuration, isTrustedProxy: () => false, imports: { patterns: [] } };
    const streams = new OpenStreamRegistry({
      ruleset: () => rules,
      facts,
      clock: systemClock,
      maxStalenessMs: 300,
      onStopped: ({ reason }) => reasons.push(reason),
    });
    const closeMessage = new Promise<CloseMessage>((resolve) => {
      const headers = ['Host', 'h', 'Authorization', `Bearer ${gateway.tokens.owner}`];
      const incoming = { method: 'GET', target: '/stream', minorVersion: 1, headers, peerAddress: '127.0.0.1' };
      const request = { requestId: 'r', tokenId: null, incoming };
      let said: CloseMessage | null = null;
      const hush = (words: CloseMessage) => {
        said = words;
      };
      streams.add(request, { kind: 'websocket', hush, stop: () => resolve(said!) });
    });
    expect((await closeMessage).closeCode).toBe(1013);
    expect(reasons).toEqual(['store_unavailable']);
    expect(streams.count('websocket')).toBe(0);
  });
});

describe('a gateway that stops', () => {
  test('tells WebSockets so before its deadline, and lets an event stream end by itself until then', async () => {
    const gateway = await start({ drain: { delayMs: 0, deadlineMs: 1500 } });
    const token = await mint(gateway);
    const socket = await openSocket(gateway, token);
    using events = await openEvents(gateway, token);
    const stopped = gateway.stop();
    await echoes(socket);
    for (const answer of upstream.answers) answer.end('data: bye\n\n');
    expect((await events.response()).body).toBe('data: hello\n\ndata: bye\n\n');
    expect((await once(socket, 'close'))[0]).toBe(1001);
    await stopped;
  });
});

test('the Coze SDK hears of a revocation in the middle of a chat as of any refusal', async () => {
  const { begin } = upstream;
  upstream.begin = (answer) => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    answer.write('event: conversation.chat.created\ndata: {"id":"1"}\n\n');
  };
  await using gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    routes: [route('chat', { match: { path: '/v3/chat' } })],
  });
  const token = await mint(gateway);
  const { id } = (await gateway.admin('POST', '/v1/tokens/find', { token })).body as { id: string };
  const client = new CozeAPI({ baseURL: gateway.url, token });
  const parts: unknown[] = [];
  const stream = client.chat.stream({
    bot_id: 'bot_sales',
    additional_messages: [{ role: RoleType.User, content: 'hello', content_type: 'text' }],
  });
  for await (const part of stream) {
    parts.push(part);
    if (part.event === ChatEventType.CONVERSATION_CHAT_CREATED) await gateway.admin('POST', `/tokens/${id}/revoke`);
  }
  expect(parts).toHaveLength(2);
  expect(parts[1]).toMatchObject({ event: ChatEventType.ERROR, data: { code: 4100 } });
  upstream.begin = begin;
});

/** Resources that an upstream makes and removes, as Coze does: what its answers tell is in force before the client reads them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { scraped } from '../support/scrape.ts';

const inSpace = { from: 'body.space_id', as: 'workspace', role: 'member' };
const ofBot = { from: 'body.bot_id', as: 'resource', type: 'bot', role: 'member' };
const mine = { type: 'bot', from: 'body.bot_id', relation: 'collaborator' };
const ROUTES = [
  {
    id: 'create',
    match: { methods: ['POST'], path: '/v1/bot/create' },
    require: { scopes: ['bot:write'], workspace: inSpace },
    register: { type: 'bot', id: 'answer.data.bot_id', workspace: 'body.space_id' },
  },
  {
    id: 'update',
    match: { methods: ['POST'], path: '/v1/bot/update' },
    require: { scopes: ['bot:write'], workspace: ofBot, resource: mine },
  },
  {
    id: 'delete',
    match: { methods: ['POST'], path: '/v1/bot/delete' },
    require: { scopes: ['bot:write'], workspace: ofBot, resource: mine },
    unregister: { type: 'bot', id: 'body.bot_id' },
  },
  {
    id: 'chat',
    match: { methods: ['POST'], path: '/v3/chat' },
    require: { scopes: ['chat:write'], workspace: ofBot },
  },
];

let upstream: Recorder;
let gateway: TestGateway;
let store: FaultyStore;
let alice: string;
let bob: string;
/** How the upstream answers; `id` is in what it says. */
let answers: (id: string) => string;
let made = 0;
const plain = (body: string, type = 'application/json', status = '200 OK') =>
  `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const created = (id: string) => `{"code":0,"data":{"bot_id":"${id}"}}`;

beforeAll(async () => {
  upstream = await Recorder.start();
  const aroundStore = (opened: Store) => {
    store = new FaultyStore(opened);
    return store;
  };
  gateway = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES, aroundStore });
  alice = `Authorization: Bearer ${gateway.tokens.owner}`;
  bob = `Authorization: Bearer ${gateway.tokens.writer}`;
  await gateway.admin('PUT', '/workspaces/ws_legal/resources/bot/bot_legal', { owner: 'alice', collaborators: [] });
});
beforeEach(() => {
  upstream.clear();
  answers = (id) => plain(created(id));
  upstream.reply = () => answers(`bot_${made}`);
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const request = (path: string, body: object, token: string) => {
  const text = JSON.stringify(body);
  const lines = [token, 'Content-Type: application/json', 'Accept-Encoding: gzip', `Content-Length: ${text.length}`];
  return rawRequest(`POST ${path}`, lines, text);
};
const post = (path: string, body: object, token = bob) => ask(gateway.url, request(path, body, token));
const create = () => {
  made++;
  return post('/v1/bot/create', { space_id: 'ws_sales', name: 'helper' });
};
const registered = async (id: string) => gateway.admin('GET', `/workspaces/ws_sales/resources/bot/${id}`);
const counted = async (result: string) => {
  const metrics = await scraped(gateway.running.metrics);
  return Number(
    new RegExp(`^scopegate_registrations_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0,
  );
};

it('chat and edit in another workspace are refused with 4101 (COZE-PAT-2)', async () => {
  for (const [path, body] of [
    ['/v3/chat', { bot_id: 'bot_legal' }],
    ['/v1/bot/update', { bot_id: 'bot_legal' }],
    ['/v1/bot/create', { space_id: 'ws_legal' }],
  ] as const) {
    const answer = await post(path, body, alice);
    expect([answer.status, (JSON.parse(answer.body) as { code: number }).code], path).toEqual([403, 4101]);
  }
  expect(upstream.lines).toEqual([]);
});

it('a bot is editable by its owner as soon as its creation is answered, and by no stranger (COZE-PAT-17)', async () => {
  const answer = await create();
  expect([answer.status, answer.body]).toEqual([200, created(`bot_${made}`)]);
  expect(upstream.requests[0]!.all('accept-encoding')).toEqual(['identity']);
  const edit = { bot_id: `bot_${made}`, name: 'better' };
  expect((await post('/v1/bot/update', edit)).status).toBe(200);
  expect((await post('/v1/bot/update', edit, alice)).status).toBe(403);
  const { body } = await registered(`bot_${made}`);
  expect(body).toMatchObject({ owner: 'bob', collaborators: [] });
  const trail = JSON.stringify((await gateway.admin('GET', '/audit-events?limit=50')).body);
  expect(trail).toContain('resource.created');
});

it('a bot is gone as soon as its removal is answered', async () => {
  await create();
  const bot = { bot_id: `bot_${made}` };
  answers = () => 'HTTP/1.1 204 No Content\r\n\r\n';
  expect((await post('/v1/bot/delete', bot)).status).toBe(204);
  expect((await registered(bot.bot_id)).status).toBe(404);
  expect((await post('/v1/bot/update', bot)).status).toBe(403);
  expect(await counted('unregistered')).toBe(1);
});

it('an upstream that says no has removed nothing', async () => {
  await create();
  answers = () => plain('{"code":4200}', 'application/json', '404 Not Found');
  expect((await post('/v1/bot/delete', { bot_id: `bot_${made}` })).status).toBe(404);
  expect((await registered(`bot_${made}`)).status).toBe(200);
});

describe('an answer crosses as it came', () => {
  it.each([
    [
      'in chunks, with trailers',
      (body: string) =>
        `HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n${[...body].map((char) => `1\r\n${char}\r\n`).join('')}0\r\nX-Sum: 7\r\n\r\n`,
    ],
    [
      'to the end of the connection',
      (body: string) => `HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n${body}`,
    ],
  ])('%s', async (_name, wire) => {
    made++;
    const id = `bot_${made}`;
    upstream.reply = ({ connection }) => {
      connection.socket.write(wire(created(id)), 'latin1');
      if (wire('').includes('Connection: close')) connection.socket.end();
      return undefined;
    };
    const answer = await post('/v1/bot/create', { space_id: 'ws_sales' });
    expect([answer.status, answer.body]).toEqual([201, created(id)]);
    if (answer.framing === 'chunked' && answer.trailers.length > 0) expect(answer.trailers).toEqual([['X-Sum', '7']]);
    expect((await registered(id)).status).toBe(200);
  });
});

describe('what cannot be registered is told in the log and the count, never to the client', () => {
  it.each([
    ['no JSON', () => plain('bot_1', 'text/plain')],
    ['encoded', () => plain(created('bot_x')).replace('\r\n\r\n', '\r\nContent-Encoding: gzip\r\n\r\n')],
    ['not well formed', () => plain('{"data":{"bot_id":"bot_x"')],
    ['no id', () => plain('{"code":4000,"msg":"no"}')],
    ['two ids', () => plain('{"data":{"bot_id":"bot_x","bot_id":"bot_y"}}')],
    ['an id that none can be', () => plain(created('bot x'))],
    ['too large', () => plain(`{"data":{"bot_id":"bot_x"},"x":"${'x'.repeat(1_100_000)}"}`)],
    [
      'too large, of unknown length',
      () =>
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${`10000\r\n${'x'.repeat(0x10000)}\r\n`.repeat(20)}0\r\n\r\n`,
    ],
  ])('%s', async (_name, wire) => {
    const before = await counted('unreadable');
    answers = () => wire();
    const answer = await create();
    expect(answer.status).toBe(200);
    expect(wire().includes(answer.body.slice(0, 1000))).toBe(true);
    expect(await counted('unreadable')).toBe(before + 1);
    for (const id of ['bot_x', 'bot_y', 'bot_1'])
      expect((await registered(id)).status).toBe(id === 'bot_1' ? 200 : 404);
  });

  it('an id that exists anywhere in the organization stays untouched', async () => {
    for (const id of ['bot_sales', 'bot_legal']) {
      answers = () => plain(created(id));
      expect((await create()).status).toBe(200);
    }
    expect(await counted('conflict')).toBe(2);
    expect((await registered('bot_sales')).body).toMatchObject({ owner: 'alice' });
    expect((await registered('bot_legal')).status).toBe(404);
    expect(gateway.logLines.join('')).toContain('"result":"conflict"');
  });

  it('an owner who was removed while the upstream worked', async () => {
    await gateway.admin('PUT', '/members/carol', { name: 'Carol', role: 'member' });
    await gateway.admin('PUT', '/workspaces/ws_sales/assignments/members/carol', { role: 'member' });
    const token = await gateway.mint({ owner: 'carol', scopes: ['bot:write'] });
    made++;
    upstream.reply = async () => {
      await gateway.admin('DELETE', '/members/carol');
      return plain(created(`bot_${made}`));
    };
    const lines = `Authorization: Bearer ${token}`;
    expect((await post('/v1/bot/create', { space_id: 'ws_sales' }, lines)).status).toBe(200);
    expect((await registered(`bot_${made}`)).status).toBe(404);
    expect(await counted('refused')).toBe(1);
  });

  it('a store that cannot be asked by then', async () => {
    made++;
    upstream.reply = () => {
      store.fail();
      return plain(created(`bot_${made}`));
    };
    const answer = await post('/v1/bot/create', { space_id: 'ws_sales' });
    store.recover();
    expect([answer.status, answer.body]).toEqual([200, created(`bot_${made}`)]);
    expect(await counted('failed')).toBe(1);
    expect((await registered(`bot_${made}`)).status).toBe(404);
  });

  it('an answer that breaks off registers nothing', async () => {
    made++;
    upstream.reply = ({ connection }) => {
      connection.socket.write(plain(created(`bot_${made}`)).slice(0, -3));
      connection.socket.end();
      return undefined;
    };
    using client = await RawClient.connect(gateway.url);
    const answer = await client.send(request('/v1/bot/create', { space_id: 'ws_sales' }, bob)).response();
    expect(answer.status).toBe(502);
    expect((await registered(`bot_${made}`)).status).toBe(404);
  });
});

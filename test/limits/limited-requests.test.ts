/** Requests to limited routes, over real sockets: who is let through, what everybody is told, what counts. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createGateway, shippedPolicy } from '../../src/library.ts';
import { SocketUpstream } from '../streams/socket-upstream.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';

const READ = { scopes: ['workflows:read'] };
const LIMITS: Settings = {
  burst: { requests: 3, window: 'second', per: 'token', everywhere: true },
  daily: { requests: 5, window: 'day', per: 'organization' },
  each: { requests: 2, windowMs: 10_000, per: ['route', 'token'] },
  whole: { requests: 2, window: 'minute', per: 'route' },
  door: { requests: 2, window: 'minute', per: 'address' },
};
const ROUTES: readonly Settings[] = [
  { id: 'files', match: { path: '/files/**' }, require: READ },
  { id: 'daily', match: { path: '/daily/**' }, require: READ, limits: ['daily'] },
  { id: 'each-a', match: { path: '/each/a' }, require: READ, limits: ['each'] },
  { id: 'each-b', match: { path: '/each/b' }, require: READ, limits: ['each'] },
  { id: 'whole', match: { path: '/whole' }, require: READ, limits: ['whole'] },
  { id: 'door', match: { path: '/door' }, public: true, limits: ['door'] },
  { id: 'open', match: { path: '/open' }, public: true },
  { id: 'free', match: { path: '/free' }, require: READ, limits: 'none' },
  { id: 'admin', match: { path: '/admin' }, require: { scopes: ['knowledge:write'] } },
];
/** RFC 9457. */
const PROBLEM = {
  type: 'about:blank',
  title: 'Too many requests.',
  status: 429,
  code: 'rate_limited',
  requestId: expect.any(String),
};
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let monotonicMs = 0;
const clock = { nowMs: () => Date.now(), monotonicMs: () => monotonicMs };
let upstream: Recorder;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await Recorder.start();
  const settings = { limits: LIMITS, gateway: { trustedProxies: ['127.0.0.1'] } };
  gateway = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES, settings, clock });
});
/** Every test begins when all that was counted before has ended. */
beforeEach(() => {
  monotonicMs += 10 * 86_400_000;
  upstream.reply = () => OK;
});
afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
  expect(gateway.errorLines).toEqual([]);
});

const as = (token: string) => [`Authorization: Bearer ${token}`];
const get = (path: string, token = gateway.tokens.reader, at = gateway) =>
  ask(at.url, rawRequest(`GET ${path}`, as(token)));
/** Statuses of so many requests, one after the other. */
const statuses = async (count: number, path: string, token?: string) => {
  const answers = [];
  for (let index = 0; index < count; index++) answers.push((await get(path, token)).status);
  return answers;
};
const metric = async (line: string) => {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${line.replaceAll(/[{}"]/g, '\\$&')} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
};

describe('one token', () => {
  it('is let through as often as its limit says, then told when to come back, then let through again', async () => {
    monotonicMs += 0.5;
    const told = [];
    for (let index = 0; index < 4; index++) {
      const answer = await get('/files/x');
      told.push([answer.status, answer.all('ratelimit'), answer.all('retry-after')]);
      expect(answer.all('ratelimit-policy')).toEqual(['"burst";q=3;w=1']);
      monotonicMs += 200;
    }
    expect(told).toEqual([
      [200, ['"burst";r=2;t=1'], []],
      [200, ['"burst";r=1;t=1'], []],
      [200, ['"burst";r=0;t=1'], []],
      [429, ['"burst";r=0;t=1'], ['1']],
    ]);
    monotonicMs += 199;
    expect((await get('/files/x')).status, 'a millisecond before the window ends').toBe(429);
    monotonicMs += 1;
    expect((await get('/files/x')).status).toBe(200);
  });

  it('of fifty requests at once exactly as many pass as the limit says', async () => {
    const before = upstream.requests.length;
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/files/x')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(47);
    expect(upstream.requests.length - before, 'what was refused never reached the upstream').toBe(3);
    const remaining = answers.map((answer) => Number(/;r=(\d+)/.exec(answer.header('ratelimit')!)![1]));
    expect(remaining.filter((left) => left > 0).toSorted()).toEqual([1, 2]);
  });

  it('has its own count: another token of the same owner is not refused', async () => {
    expect(await statuses(4, '/files/x')).toEqual([200, 200, 200, 429]);
    expect(await statuses(1, '/files/x', gateway.tokens.writer)).toEqual([200]);
  });
});

describe('what is counted by itself', () => {
  it('an organization, whichever of its tokens comes', async () => {
    const seen = [];
    for (const token of ['reader', 'writer', 'owner', 'service', 'reader', 'writer'] as const)
      seen.push((await get('/daily/x', gateway.tokens[token])).status);
    expect(seen).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it('each combination, where there are several', async () => {
    expect(await statuses(3, '/each/a')).toEqual([200, 200, 429]);
    monotonicMs += 1000;
    expect((await get('/each/b')).status).toBe(200);
    expect((await get('/each/a', gateway.tokens.writer)).status).toBe(200);
  });

  it('a route, whoever comes', async () => {
    const seen = [];
    for (const token of ['reader', 'writer', 'owner'] as const)
      seen.push((await get('/whole', gateway.tokens[token])).status);
    expect(seen).toEqual([200, 200, 429]);
  });

  it('a client without a token by its address, which only a trusted proxy may tell', async () => {
    const from = async (address: string) =>
      (await ask(gateway.url, rawRequest('GET /door', [`X-Forwarded-For: ${address}`]))).status;
    expect([await from('192.0.2.1'), await from('198.51.100.9, 192.0.2.1'), await from('192.0.2.1')]).toEqual([
      200, 200, 429,
    ]);
    expect(await from('192.0.2.2')).toBe(200);
    expect([await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8:0:0:9::3')]).toEqual([
      200, 200, 429,
    ]);
  });
});

describe('what a limit does not touch', () => {
  it('a public route is not counted per token, and says nothing of limits', async () => {
    for (let index = 0; index < 5; index++) {
      const answer = await ask(gateway.url, rawRequest('GET /open'));
      expect([answer.status, answer.header('ratelimit'), answer.header('ratelimit-policy')]).toEqual([
        200,
        undefined,
        undefined,
      ]);
    }
  });

  it('nor is a route that says none', async () => {
    expect(await statuses(5, '/free')).toEqual([200, 200, 200, 200, 200]);
  });
});

describe('what counts', () => {
  it('what is refused for another reason uses nothing, and is told nothing', async () => {
    for (let index = 0; index < 5; index++) {
      const answer = await get('/admin');
      expect([answer.status, answer.header('ratelimit')]).toEqual([403, undefined]);
      expect((await get('/files/x', 'pat_junk')).status).toBe(401);
    }
    expect((await get('/files/x')).header('ratelimit')).toBe('"burst";r=2;t=1');
  });

  it('what one limit refuses uses nothing of the others', async () => {
    expect(await statuses(6, '/daily/x')).toEqual([200, 200, 200, 429, 429, 429]);
    monotonicMs += 1000;
    expect((await get('/daily/x')).header('ratelimit')).toBe('"burst";r=2;t=1, "daily";r=1;t=86399');
  });

  it('the wait is until the last of the full ones is open again', async () => {
    expect(await statuses(3, '/daily/x')).toEqual([200, 200, 200]);
    monotonicMs += 1000;
    expect(await statuses(2, '/daily/x')).toEqual([200, 200]);
    monotonicMs += 500;
    const answer = await get('/daily/x');
    expect([answer.status, answer.header('ratelimit'), answer.header('retry-after')]).toEqual([
      429,
      '"burst";r=1;t=1, "daily";r=0;t=86399',
      '86399',
    ]);
  });

  it('what the upstream fails to answer counts, and is told so', async () => {
    upstream.reply = ({ connection }) => {
      connection.reset();
      return undefined;
    };
    const answer = await ask(
      gateway.url,
      rawRequest('POST /files/x', [...as(gateway.tokens.reader), 'Content-Length: 0']),
    );
    expect([answer.status, answer.header('ratelimit')]).toEqual([502, '"burst";r=2;t=1']);
  });

  it('a connection that leaves HTTP is one request, and its answer tells', async () => {
    const sockets = await SocketUpstream.start();
    await using chat = await startTestGateway({
      upstreamUrl: sockets.url,
      routes: [{ id: 'chat', match: { path: '/chat' }, require: READ }],
      settings: { limits: { burst: { requests: 2, window: 'minute', per: 'token', everywhere: true } } },
    });
    const headers = { authorization: `Bearer ${chat.tokens.reader}` };
    const open = () => new WebSocket(`${chat.url.replace('http', 'ws')}/chat`, { headers });
    for (const left of [1, 0]) {
      const socket = open();
      const [answer] = await once(socket, 'upgrade');
      expect(answer.headers.ratelimit).toMatch(new RegExp(`^"burst";r=${left};t=\\d+$`));
      for (const message of ['a', 'b', 'c', 'd']) {
        socket.send(message);
        await once(socket, 'message');
      }
      socket.terminate();
    }
    const socket = open();
    const [, answer] = await once(socket, 'unexpected-response');
    expect(answer.statusCode).toBe(429);
    answer.destroy();
    await sockets.stop();
  });
});

describe('the answer', () => {
  it("the upstream's own limits stay, as further members of the same lists", async () => {
    upstream.reply = () =>
      'HTTP/1.1 200 OK\r\nRateLimit: "inner";r=7;t=9\r\nX-RateLimit-Remaining: 7\r\nContent-Length: 0\r\n\r\n';
    const answer = await get('/files/x');
    expect(answer.all('ratelimit')).toEqual(['"inner";r=7;t=9', '"burst";r=2;t=1']);
    expect(answer.all('x-ratelimit-remaining')).toEqual(['7']);
  });

  it.each([
    ['coze', { code: 4013, msg: 'Too many requests.', detail: { logid: expect.any(String) } }],
    ['featbit', { success: false, errors: ['TooManyRequests'], data: null }],
    ['impact', PROBLEM],
    ['scrydon', { error: 'rate_limited', error_description: 'Too many requests.' }],
    ['default', PROBLEM],
  ])('is worded by the dialect of %s', async (policy, body) => {
    await using other = await startTestGateway({
      upstreamUrl: upstream.url,
      seed: false,
      policy: shippedPolicy(policy),
      routes: [{ id: 'door', match: { path: '/**' }, public: true }],
      settings: { limits: { door: { requests: 1, window: 'hour', per: 'address', everywhere: true } } },
    });
    expect((await ask(other.url, rawRequest('GET /'))).status).toBe(200);
    const answer = await ask(other.url, rawRequest('GET /'));
    expect([answer.status, JSON.parse(answer.body)]).toEqual([429, body]);
    expect(Number(answer.header('retry-after'))).toBeGreaterThan(3590);
    expect(answer.header('ratelimit-policy')).toBe('"door";q=1;w=3600');
  });

  it('over HTTP/1.1 pipelined, each answer tells of its own request', async () => {
    using client = await RawClient.connect(gateway.url);
    client.send(rawRequest('GET /files/x', as(gateway.tokens.reader)).repeat(4));
    await client.response(3);
    expect(client.responses.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  });
});

describe('the operator', () => {
  it('sees which limit was full, in the log and in metrics', async () => {
    const [refused, limited] = [
      await metric('scopegate_requests_total{route="files",outcome="rate_limited"}'),
      await metric('scopegate_rate_limited_total{limit="burst"}'),
    ];
    expect(await statuses(5, '/files/x')).toEqual([200, 200, 200, 429, 429]);
    expect(await metric('scopegate_requests_total{route="files",outcome="rate_limited"}')).toBe(refused + 2);
    expect(await metric('scopegate_rate_limited_total{limit="burst"}')).toBe(limited + 2);
    const lines = gateway.logLines.filter((line) => line.includes('"detail":"limit burst"'));
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ reason: 'rate_limited', routeId: 'files', msg: 'refused' });
  });
});

describe('who only asks', () => {
  it('is told 403 where it is nginx, with the status that was meant, and counts like everybody', async () => {
    await using asked = await startTestGateway({
      upstreamUrl: upstream.url,
      routes: [{ id: 'files', match: { path: '/files/**' }, require: READ, limits: ['two'] }],
      settings: { decision: { port: 0, for: 'nginx' }, limits: { two: { requests: 2, window: 'hour', per: 'token' } } },
    });
    const url = asked.running.decisionUrl!;
    const question = rawRequest('GET /', [
      ...as(asked.tokens.reader),
      'X-Original-Method: GET',
      'X-Original-URI: /files/x',
    ]);
    const first = await ask(url, question);
    expect([first.status, first.header('ratelimit'), first.header('ratelimit-policy')]).toEqual([
      200,
      '"two";r=1;t=3600',
      '"two";q=2;w=3600',
    ]);
    expect((await get('/files/x', asked.tokens.reader, asked)).status, 'through the gateway').toBe(200);
    const third = await ask(url, question);
    expect([third.status, third.header('x-scopegate-status'), third.header('x-scopegate-code')]).toEqual([
      403,
      '429',
      '4013',
    ]);
    expect(third.header('x-scopegate-reason')).toBe('rate_limited');
    expect(Number(third.header('retry-after'))).toBeGreaterThan(3590);
  });
});

it('within an application the limits hold too: for what passes its middleware, and for what it asks about', async () => {
  const door = { requests: 3, window: 'hour', per: 'address' } as const;
  await using inside = createGateway(
    {
      policy: shippedPolicy('coze'),
      store: { driver: 'sqlite', path: 'inside.db' },
      limits: { door },
      routes: [{ id: 'door', match: { path: '/**' }, public: true, limits: ['door'] }],
    },
    { folder: gateway.folder, listeners: { gateway: false, admin: false }, log: { write: () => {} } },
  );
  await inside.start();
  const server = createServer((request, response) =>
    inside.middleware(request, response, () => response.setHeader('RateLimit', '"app";r=9').end('served')),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const first = await ask(url, rawRequest('GET /x'));
  expect([first.body, first.all('ratelimit-policy')]).toEqual(['served', ['"door";q=3;w=3600']]);
  const described = { url: '/x', rawHeaders: ['Host', 'api.test'], socket: { remoteAddress: '127.0.0.1' } };
  expect(await inside.decide(described)).toMatchObject({
    allowed: true,
    headers: ['RateLimit-Policy', '"door";q=3;w=3600', 'RateLimit', expect.stringMatching(/^"door";r=1;t=\d+$/)],
  });
  expect((await ask(url, rawRequest('GET /x'))).status).toBe(200);
  const refused = await ask(url, rawRequest('GET /x'));
  expect([refused.status, refused.body]).toEqual([429, expect.stringContaining('4013')]);
  expect(await inside.decide(described)).toMatchObject({ allowed: false, reason: 'rate_limited', status: 429 });
  server.close();
});

it('a reload changes limits at once, and what was counted stays counted', async () => {
  const path = `${gateway.folder}/gateway.yaml`;
  const before = readFileSync(path, 'utf8');
  expect(await statuses(4, '/files/x')).toEqual([200, 200, 200, 429]);
  const file = JSON.parse(before) as { limits: Record<string, Settings> };
  file.limits.burst = { ...file.limits.burst, requests: 5 };
  writeFileSync(path, JSON.stringify(file));
  expect((await gateway.admin('POST', '/v1/reload')).body).toMatchObject({ result: 'applied' });
  expect((await get('/files/x')).header('ratelimit')).toBe('"burst";r=1;t=1');
  writeFileSync(path, before);
  await gateway.admin('POST', '/v1/reload');
  expect((await get('/files/x')).status).toBe(429);
});

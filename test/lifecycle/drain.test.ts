/** SIGTERM, seen from outside: what was begun is finished, what is asked meanwhile is answered, and then it ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { serve } from './served.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const DEADLINE_MS = LONG ? 30_000 : 3000;
const STREAM_MS = LONG ? 20_000 : 1500;

const ALL: Settings = { id: 'all', match: { path: '/**' }, public: true, upstream: 'platform' };
const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

let upstream: Recorder;
beforeAll(async () => {
  upstream = await Recorder.start();
});
afterAll(() => upstream.stop());
beforeEach(() => upstream.clear());

const refusesConnections = (url: string) =>
  new Promise<boolean>((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });

describe('a gateway that drains', () => {
  let gateway: TestGateway;
  const start = async (drain: Settings) => {
    gateway = await startTestGateway({ upstreamUrl: upstream.url, seed: false, routes: [ALL], settings: { drain } });
    return gateway;
  };
  afterEach(() => gateway.stop());

  it('finishes the request it has, closes its connection, and takes no new ones', async () => {
    await start({ idleMs: 50 });
    let answer!: () => void;
    upstream.reply = ({ connection }) => {
      answer = () => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone');
      return undefined;
    };
    using client = await RawClient.connect(gateway.url);
    client.send(rawRequest('GET /slow'));
    await upstream.until(({ requests }) => requests.length === 1);
    const stopped = gateway.running.stop();
    await vi.waitUntil(() => refusesConnections(gateway.url), { timeout: 5000, interval: 5 });
    answer();
    const got = await client.response();
    expect([got.status, got.body, got.header('connection')]).toEqual([200, 'done', 'close']);
    await client.untilEnded();
    expect(client.ending).toBe('closed');
    await stopped;
  });

  it('answers all that have come by then, however many come at once', async () => {
    await start({ idleMs: 500 });
    upstream.reply = () => 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone';
    // As many as one token may have under way at once.
    const clients = await Promise.all(Array.from({ length: 90 }, () => RawClient.connect(gateway.url)));
    const stopped = gateway.running.stop();
    const answers = await Promise.all(clients.map((client) => client.send(rawRequest('GET /1')).response()));
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['done']));
    await stopped;
    for (const client of clients) client[Symbol.dispose]();
  });

  it('answers once more on a connection that lay idle, and says that it was the last time', async () => {
    await start({ idleMs: 2000 });
    using client = await RawClient.connect(gateway.url);
    await client.send(rawRequest('GET /1')).response(0);
    const stopped = gateway.running.stop();
    await vi.waitUntil(() => refusesConnections(gateway.url), { timeout: 5000, interval: 5 });
    const again = await client.send(rawRequest('GET /2')).response(1);
    expect([again.status, again.header('connection')]).toEqual([200, 'close']);
    await client.untilEnded();
    await stopped;
    expect(upstream.lines).toEqual(['GET /1', 'GET /2']);
  });

  it('closes a connection in order that stays idle, long before the deadline', async () => {
    await start({ idleMs: 100 });
    using client = await RawClient.connect(gateway.url);
    await client.send(rawRequest('GET /1')).response(0);
    using silent = await RawClient.connect(gateway.url);
    const stopped = gateway.running.stop();
    await Promise.all([client.untilEnded(), silent.untilEnded()]);
    expect([client.ending, silent.ending]).toEqual(['closed', 'closed']);
    for (const one of [client, silent]) one.finish();
    await stopped;
  });

  it('answers all requests that a client sends without waiting', async () => {
    await start({ idleMs: 2000 });
    using client = await RawClient.connect(gateway.url);
    await client.send(rawRequest('GET /0')).response(0);
    const stopped = gateway.running.stop();
    await vi.waitUntil(() => refusesConnections(gateway.url), { timeout: 5000, interval: 5 });
    client.send(rawRequest('GET /1') + rawRequest('GET /2') + rawRequest('GET /3'));
    await client.untilEnded();
    expect(client.responses.map((one) => [one.status, one.complete, one.header('connection') === 'close'])).toEqual([
      [200, true, false],
      [200, true, false],
      [200, true, false],
      [200, true, true],
    ]);
    await stopped;
  });

  it('goes on accepting for delayMs after /readyz turned 503, and asks each client to go elsewhere', async () => {
    await start({ delayMs: 1000, idleMs: 50 });
    const stopped = gateway.running.stop();
    const readyz = await fetch(`${gateway.adminUrl}/readyz`);
    expect([readyz.status, await readyz.json()]).toEqual([
      503,
      expect.objectContaining({ ready: false, phase: 'draining' }),
    ]);
    using client = await RawClient.connect(gateway.url);
    const answer = await client.send(rawRequest('GET /late')).response();
    expect([answer.status, answer.header('connection')]).toEqual([200, 'close']);
    await stopped;
    expect(await refusesConnections(gateway.url)).toBe(true);
  });

  it('lets a change at the sidecar finish, which shows the draining until the end', async () => {
    await start({ idleMs: 50 });
    const body = JSON.stringify({ name: 'Late', edition: 'team' });
    const headers = [
      `Authorization: Bearer ${gateway.adminKey}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    ];
    using held = await RawClient.connect(gateway.url);
    upstream.reply = () => undefined;
    held.send(rawRequest('GET /held'));
    await upstream.until(({ requests }) => requests.length === 1);
    using client = await RawClient.connect(gateway.adminUrl);
    client.send(rawRequest('PUT /v1/organizations/late', headers, body.slice(0, 5)));
    const stopped = gateway.running.stop();
    const readyz = async () => (await fetch(`${gateway.adminUrl}/readyz`)).status;
    await vi.waitUntil(async () => (await readyz()) === 503, { timeout: 5000, interval: 5 });
    held.reset();
    await vi.waitUntil(() => refusesConnections(gateway.adminUrl), { timeout: 5000, interval: 5 });
    const answer = await client.send(body.slice(5)).response();
    expect([answer.status, answer.header('connection')]).toEqual([201, 'close']);
    await stopped;
  });
});

describe('scopegate serve', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-drain-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const start = (drain: Settings) => {
    const path = join(folder, 'gateway.yaml');
    const file = {
      gateway: { port: 0 },
      admin: { port: 0 },
      policy: join(ROOT, 'policies/coze.yaml'),
      store: { driver: 'sqlite', path: 'data/scopegate.db' },
      upstreams: { platform: { targets: [upstream.url] } },
      drain,
      routes: [ALL],
    };
    writeFileSync(path, JSON.stringify(file));
    return serve(path);
  };

  attack({
    name: 'SIGTERM does not cut off what can end in time, nor wait for what does not',
    outcome: 'streams end by themselves or are cut at the deadline, never looking whole; exit 0',
    sources: [],
  })(() => {
    it(
      'on SIGTERM lets a stream end that ends in time, cuts one that does not at the deadline, and exits with 0',
      async () => {
        const served = await start({ deadlineMs: DEADLINE_MS });
        const timers: NodeJS.Timeout[] = [];
        upstream.reply = ({ target, connection }) => {
          connection.write(HEAD);
          timers.push(setInterval(() => connection.write(chunk('tick ')), 100));
          if (target === '/ends') setTimeout(() => connection.write(`${chunk('end')}0\r\n\r\n`), STREAM_MS);
          if (target === '/ends') setTimeout(() => clearInterval(timers[0]), STREAM_MS);
          return undefined;
        };
        using ends = await RawClient.connect(served.gateway);
        ends.send(rawRequest('GET /ends'));
        await ends.untilText('tick');
        using endless = await RawClient.connect(served.gateway);
        endless.send(rawRequest('GET /endless'));
        await endless.untilText('tick');
        const began = performance.now();
        served.child.kill('SIGTERM');
        await vi.waitUntil(() => refusesConnections(served.gateway), { timeout: 5000, interval: 10 });
        const readyz = await fetch(`${served.admin}/readyz`);
        expect([readyz.status, await readyz.json()]).toEqual([503, expect.objectContaining({ phase: 'draining' })]);
        await ends.until(({ responses }) => responses[0]?.complete === true, 'the end of the stream', DEADLINE_MS);
        expect(ends.responses[0]!.body).toMatch(/tick end$/);
        expect(await served.exit()).toBe(0);
        const tookMs = performance.now() - began;
        expect(tookMs).toBeGreaterThanOrEqual(DEADLINE_MS - 100);
        // The process, and a busy test machine, need time to end too.
        expect(tookMs).toBeLessThanOrEqual(DEADLINE_MS + 5000);
        await endless.untilEnded();
        expect(endless.ending).toBe('reset');
        expect(endless.responses[0]!.complete).toBe(false);
        for (const timer of timers) clearInterval(timer);
      },
      DEADLINE_MS + 20_000,
    );
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends at once on a second %s', async (signal, code) => {
    const served = await start({});
    upstream.reply = ({ connection }) => {
      connection.write(HEAD);
      return undefined;
    };
    using endless = await RawClient.connect(served.gateway);
    endless.send(rawRequest('GET /endless'));
    await endless.untilText('200 OK');
    served.child.kill(signal);
    await served.until('"msg":"draining');
    expect(await served.stop(signal)).toBe(code);
    await endless.untilEnded();
    expect(endless.responses[0]?.complete).not.toBe(true);
  });

  it('reloads on SIGHUP, and says in its log what it did', async () => {
    const served = await start({});
    served.child.kill('SIGHUP');
    const log = await served.until('"msg":"reloaded"');
    expect(log).toContain('"cause":"signal"');
    expect(await served.stop()).toBe(0);
  });
});

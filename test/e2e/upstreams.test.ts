/** Upstreams that crash, hang, come back and lie about who they are, as real processes behind a whole gateway. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Started, started } from '../support/process.ts';
import { cert, key } from '../upstream/certificate.ts';
import { cleanUp, deadOrigin, listen, OK } from '../upstream/raw-server.ts';

afterEach(cleanUp);

const ROUTES: readonly Settings[] = [{ id: 'public', match: { path: '/**' }, public: true }];

/** Says on its standard output where it listens, then a line for each request. */
const UPSTREAM = `
  const server = require('node:http').createServer((request, response) => {
    if (request.url !== '/healthz') console.log(request.method, request.headers['x-id'] ?? '-');
    request.resume().on('end', () => response.end(String(process.pid)));
  });
  server.listen(Number(process.argv[1]), '127.0.0.1', () => console.log('port', server.address().port + ';'));
`;

async function startUpstream(
  port = 0,
): Promise<{ readonly process: Started; readonly port: number; readonly url: string }> {
  const process_ = started(process.execPath, ['-e', UPSTREAM, String(port)]);
  const [, bound] = /port (\d+);/.exec(await process_.until(';'))!;
  return { process: process_, port: Number(bound), url: `http://127.0.0.1:${bound}` };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function ask(gateway: TestGateway, method = 'GET', id = '-'): Promise<Answer> {
  const { statusCode, body } = await request(`${gateway.url}/x`, {
    method: method as 'GET',
    headers: { 'x-id': id },
    ...(method === 'GET' ? {} : { body: 'a body' }),
  });
  return { status: statusCode, body: await body.text() };
}

const askTimes = (gateway: TestGateway, times: number) =>
  Promise.all(Array.from({ length: times }, () => ask(gateway)));

interface Report {
  readonly ready: boolean;
  readonly upstreams: Readonly<
    Record<string, { readonly available: number; readonly targets: readonly { state: string }[] }>
  >;
}

async function report(gateway: TestGateway): Promise<{ status: number; states: string[]; available: number }> {
  const { statusCode, body } = await request(`${gateway.adminUrl}/readyz`);
  const { platform } = ((await body.json()) as Report).upstreams;
  return { status: statusCode, states: platform!.targets.map(({ state }) => state), available: platform!.available };
}

async function metric(gateway: TestGateway, name: string, labels: string): Promise<number> {
  const text = await (await request(`${gateway.adminUrl}/metrics`)).body.text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}{${labels}}`));
  return Number(line?.split(' ').at(-1));
}

describe('two processes behind one upstream', () => {
  test('one is killed: what follows is answered by the other, no POST arrives twice, and it takes part again when it is back', async () => {
    const one = await startUpstream();
    const two = await startUpstream();
    await using gateway = await startTestGateway({
      upstreamUrl: one.url,
      upstream: { targets: [one.url, two.url], breaker: { failures: 3, openMs: 50, maxOpenMs: 100 } },
      routes: ROUTES,
    });
    expect(new Set((await askTimes(gateway, 10)).map(({ body }) => body)).size).toBe(2);

    const during = Array.from({ length: 200 }, async (_, i) => {
      if (i === 100) one.process.child.kill('SIGKILL');
      return ask(gateway, 'POST', String(i));
    });
    const { length: lost } = (await Promise.all(during)).filter(({ status }) => status !== 200);
    await one.process.exit();
    const after = await askTimes(gateway, 50);
    expect(after.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(new Set(after.map(({ body }) => body))).toEqual(new Set([String(two.process.child.pid)]));
    const ids = `${one.process.stdout()}${two.process.stdout()}`.match(/^POST \d+$/gm) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(200 - lost);

    const again = await startUpstream(one.port);
    const pid = String(again.process.child.pid);
    // Its turn comes when the breaker lets a request try it.
    for (let answered = false; !answered; ) answered = (await ask(gateway)).body === pid;
    expect((await report(gateway)).states).toEqual(['up', 'up']);
    expect(gateway.errorLines).toEqual([]);
    await Promise.all([again.process.stop('SIGKILL'), two.process.stop('SIGKILL')]);
  });

  test('one hangs: its requests are 504 until it is ejected, which log, metrics and /readyz show, and the gateway stays ready', async () => {
    const one = await startUpstream();
    const two = await startUpstream();
    await using gateway = await startTestGateway({
      upstreamUrl: one.url,
      upstream: {
        targets: [one.url, two.url],
        timeouts: { headersMs: 500 },
        breaker: { failures: 3, openMs: 60_000, maxOpenMs: 60_000 },
      },
      routes: ROUTES,
    });
    one.process.child.kill('SIGSTOP');
    const statuses: number[] = [];
    for (let i = 0; i < 12; i += 1) statuses.push((await ask(gateway)).status);
    expect(statuses.filter((status) => status === 504)).toHaveLength(3);
    expect(statuses.filter((status) => status === 200)).toHaveLength(9);
    expect(await report(gateway)).toEqual({ status: 200, states: ['ejected', 'up'], available: 1 });
    const labels = `upstream="platform",target="${one.url}"`;
    expect(await metric(gateway, 'scopegate_upstream_target_up', labels)).toBe(0);
    expect(await metric(gateway, 'scopegate_upstream_target_failures_total', labels)).toBe(3);
    expect(await metric(gateway, 'scopegate_upstream_target_ejections_total', labels)).toBe(1);
    expect(await metric(gateway, 'scopegate_upstream_target_up', `upstream="platform",target="${two.url}"`)).toBe(1);
    const line = gateway.logLines.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'upstream: target is down');
    expect(line).toMatchObject({ upstream: 'platform', target: one.url, detail: expect.stringContaining('no answer') });
    one.process.child.kill('SIGCONT');
    await Promise.all([one.process.stop('SIGKILL'), two.process.stop('SIGKILL')]);
  });

  test('one hangs, and the health check sees it before a client does and sees it come back', async () => {
    const one = await startUpstream();
    const two = await startUpstream();
    await using gateway = await startTestGateway({
      upstreamUrl: one.url,
      upstream: {
        targets: [one.url, two.url],
        health: { path: '/healthz', intervalMs: 20, timeoutMs: 500, failures: 2 },
      },
      routes: ROUTES,
    });
    const until = async (state: string) => {
      while ((await report(gateway)).states[0] !== state);
    };
    await until('up');
    one.process.child.kill('SIGSTOP');
    await until('unhealthy');
    const answers = await askTimes(gateway, 20);
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set([String(two.process.child.pid)]));
    one.process.child.kill('SIGCONT');
    await until('up');
    expect(new Set((await askTimes(gateway, 20)).map(({ body }) => body)).size).toBe(2);
    await Promise.all([one.process.stop('SIGKILL'), two.process.stop('SIGKILL')]);
  });

  test('all are gone: 502 at once, still ready, and the first that is back answers the next request', async () => {
    const dead = [await deadOrigin(), await deadOrigin()] as const;
    await using gateway = await startTestGateway({
      upstreamUrl: dead[0],
      upstream: { targets: dead, breaker: { failures: 1, openMs: 60_000, maxOpenMs: 60_000 } },
      routes: ROUTES,
    });
    for (let i = 0; i < 6; i += 1) expect((await ask(gateway)).status).toBe(502);
    expect(await report(gateway)).toEqual({ status: 200, states: ['ejected', 'ejected'], available: 0 });
    const back = await startUpstream(Number(new URL(dead[1]).port));
    const statuses = [await ask(gateway), await ask(gateway)].map(({ status }) => status);
    expect(statuses).toContain(200);
    expect((await report(gateway)).states[1]).toBe('up');
    await back.process.stop('SIGKILL');
  });
});

describe('a request that finds every connection taken', () => {
  test('waits in line for as long as the settings say, then is told to come back', async () => {
    const server = await listen(() => {});
    await using gateway = await startTestGateway({
      upstreamUrl: server.origin,
      upstream: { maxConnections: 1, maxQueued: 2, timeouts: { headersMs: 1500, queueMs: 60 } },
      routes: ROUTES,
    });
    const statuses = (await askTimes(gateway, 4)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([503, 503, 503, 504]);
    const details = gateway.logLines.map((text) => JSON.parse(text).detail).filter((detail) => detail !== undefined);
    expect(details.filter((detail) => detail === 'no connection became free in time')).toHaveLength(2);
    expect(details.filter((detail) => String(detail).includes('the queue is full'))).toHaveLength(1);
  });
});

describe('an upstream over TLS', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'scopegate-tls-'));
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const pem = { ca: 'cert.pem', cert: 'cert.pem', key: 'key.pem' };

  /** Status, and what the log says of it. */
  async function through(settings: Record<string, unknown>, options: tls.TlsOptions = {}, host = '127.0.0.1') {
    const server = await listen(
      (socket) => socket.on('data', () => socket.write(OK)),
      tls.createServer({ cert, key, ...options }).on('tlsClientError', () => {}),
    );
    for (const name of ['ca', 'cert', 'key'] as const) if (name in settings) settings[name] = join(folder, pem[name]);
    await using gateway = await startTestGateway({
      upstreamUrl: server.origin.replace('127.0.0.1', host),
      upstream: { tls: settings },
      routes: ROUTES,
    });
    const { status } = await ask(gateway);
    const refused = gateway.logLines.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'refused');
    return { status, detail: refused?.detail as string | undefined, warnings: gateway.configuration.warnings };
  }

  test('is 502 while nobody vouches for it or its name is another, and the log says so', async () => {
    expect(await through({})).toMatchObject({ status: 502, detail: expect.stringContaining('SELF_SIGNED') });
    const named = await through({ ca: true }, {}, 'localhost');
    expect(named).toMatchObject({ status: 502, detail: expect.stringContaining('ALTNAME') });
    expect((await through({ ca: true, servername: 'upstream.test' }, {}, 'localhost')).status).toBe(200);
    expect((await through({ ca: true })).status).toBe(200);
  });

  test('that asks for a certificate gets ours, and is 502 where we have none', async () => {
    const asking = { requestCert: true, rejectUnauthorized: true, ca: cert };
    expect((await through({ ca: true }, asking)).status).toBe(502);
    expect((await through({ ca: true, cert: true, key: true }, asking)).status).toBe(200);
  });

  test('is believed unseen only where the settings say so in as many words, and then with a warning', async () => {
    const { status, warnings } = await through({ insecureSkipVerify: true });
    expect(status).toBe(200);
    expect(warnings.join()).toContain('is believed whatever certificate it shows');
  });

  test('that says nothing is 504, not 502', async () => {
    const silent = await listen(() => {});
    await using gateway = await startTestGateway({
      upstreamUrl: silent.origin.replace('http:', 'https:'),
      upstream: { timeouts: { connectMs: 60 } },
      routes: ROUTES,
    });
    expect((await ask(gateway)).status).toBe(504);
  });
});

import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { startTestGateway } from '../../support/gateway.ts';
import { ask, rawRequest } from '../../support/raw.ts';
import { Recorder } from '../../support/recorder.ts';
import { attack } from '../attack.ts';
import { ROUTES } from '../harness.ts';

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

attack({
  name: 'an upstream that refuses, or has no address, is told in time, and refusals stay refusals',
  outcome: '502 or 504; 401, 403 and 404 as ever',
  sources: ['RFC 9110 section 15.6.3'],
})(() => {
  test.each([
    ['refused', async () => `http://127.0.0.1:${await deadPort()}`],
    ['a name that does not resolve', async () => 'http://nowhere.invalid:9000'],
  ])('answers come in time, and refusals stay refusals (%s)', async (_, url) => {
    await using gateway = await startTestGateway({
      upstreamUrl: await url(),
      routes: ROUTES,
      upstream: { timeouts: { connectMs: 1000, headersMs: 1000, idleMs: 1000 } },
    });
    const token = `Authorization: Bearer ${gateway.tokens.reader}`;
    const started = performance.now();
    expect((await ask(gateway.url, rawRequest('GET /files/x', [token]))).status).toSatisfy((status: number) =>
      [502, 504].includes(status),
    );
    expect(performance.now() - started).toBeLessThan(4000);
    expect((await ask(gateway.url, rawRequest('GET /files/x'))).status).toBe(401);
    expect((await ask(gateway.url, rawRequest('GET /admin/x', [token]))).status).toBe(403);
    expect((await ask(gateway.url, rawRequest('GET /nowhere', [token]))).status).toBe(404);
    expect(gateway.errorLines).toEqual([]);
  });
});

attack({
  name: 'an upstream that takes connections and says nothing, not even to a TLS greeting, is told in time',
  outcome: '504; 401 and 403 as ever',
  sources: ['RFC 9110 section 15.6.5'],
})(() => {
  test.each(['http', 'https'])('%s', async (scheme) => {
    const silent = createServer((socket) => socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    await using gateway = await startTestGateway({
      upstreamUrl: `${scheme}://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      routes: ROUTES,
      upstream: { timeouts: { connectMs: 300, headersMs: 300, idleMs: 300 } },
    });
    const token = `Authorization: Bearer ${gateway.tokens.reader}`;
    expect((await ask(gateway.url, rawRequest('GET /files/x', [token]))).status).toBe(504);
    expect((await ask(gateway.url, rawRequest('GET /files/x'))).status).toBe(401);
    expect((await ask(gateway.url, rawRequest('GET /admin/x', [token]))).status).toBe(403);
    silent.close();
  });
});

attack({
  name: 'whoever may wait long on one route makes nobody wait so long on another of the same upstream',
  outcome: '504 after the time of the route; the patient one is answered, and the timed out one reaches nobody else',
  sources: ['RFC 9110 section 15.6.5'],
})(() => {
  test('the time of each is that of its route', async () => {
    await using upstream = await Recorder.start();
    await using gateway = await startTestGateway({
      upstreamUrl: upstream.url,
      routes: [
        { id: 'hasty', match: { path: '/hasty' }, public: true, timeouts: { headersMs: 300 } },
        { id: 'patient', match: { path: '/patient' }, public: true },
      ],
      upstream: { timeouts: { headersMs: 20_000 } },
      seed: false,
    });
    const hasty = Promise.withResolvers<void>();
    upstream.reply = async ({ target }) => {
      if (target === '/hasty') return undefined;
      await hasty.promise;
      return 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npatient';
    };
    const waiting = ask(gateway.url, rawRequest('GET /patient'));
    expect((await ask(gateway.url, rawRequest('GET /hasty'))).status).toBe(504);
    hasty.resolve();
    expect(await waiting).toMatchObject({ status: 200, body: 'patient' });
    expect(await ask(gateway.url, rawRequest('GET /patient'))).toMatchObject({ status: 200, body: 'patient' });
    expect(gateway.errorLines).toEqual([]);
  });
});

attack({
  name: 'more requests than the upstream takes wait in line, and beyond that are told to come back',
  outcome: '503 with Retry-After; none is lost or sent twice',
  sources: ['RFC 9110 section 15.6.4'],
})(() => {
  test('more than fit wait in line, more than that are told to come back; none is lost', async () => {
    await using upstream = await Recorder.start();
    await using gateway = await startTestGateway({
      upstreamUrl: upstream.url,
      routes: ROUTES,
      // They all come from one address.
      upstream: { maxConnections: 4, maxShare: 1 },
    });
    const waiting: ((bytes: string) => void)[] = [];
    upstream.reply = () => new Promise((resolve) => waiting.push(resolve));
    const bytes = rawRequest('GET /public/x');
    const pending = Array.from({ length: 12 }, () => ask(gateway.url, bytes));
    const overloaded = await Promise.race(pending);
    expect(overloaded.status).toBe(503);
    expect(overloaded.header('retry-after')).toBeDefined();
    upstream.reply = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    for (const answer of waiting.splice(0)) answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const statuses = (await Promise.all(pending)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    const served = statuses.filter((status) => status === 200).length;
    expect(served).toBeGreaterThanOrEqual(8);
    expect(upstream.requests.length).toBe(served);
  });
});

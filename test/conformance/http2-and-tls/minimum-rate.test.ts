import { setInterval as every } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DATA, END_HEADERS, END_STREAM, FrameClient, RST_STREAM, SETTINGS } from '../../http/h2-client.ts';
import { startTlsGateway, type TlsGateway } from '../../http/harness.ts';
import { Recorder } from '../../support/recorder.ts';
import { attack } from '../attack.ts';

const ROUTES = [{ id: 'public', match: { path: '/public/**' }, public: true }];
const IDLE_MS = 1000;
const WINDOW_UPDATE = 8;
const request = (method: string) =>
  [
    [':method', method],
    [':scheme', 'https'],
    [':authority', 'api.test'],
    [':path', '/public/x'],
  ] as const;

let upstream: Recorder;
let harness: TlsGateway;
beforeAll(async () => {
  upstream = await Recorder.start();
  const gateway = { timeouts: { idleMs: IDLE_MS }, limits: { minBytesPerSecond: 100_000 } };
  harness = await startTlsGateway(upstream.url, { routes: ROUTES, gateway });
});
beforeEach(() => upstream.clear());
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Does it again and again until the stream is reset. */
async function untilReset(client: FrameClient, again: () => void): Promise<void> {
  const isReset = () => client.frames.some(({ type, stream }) => type === RST_STREAM && stream === 1);
  for await (const _ of every(100)) {
    if (isReset() || client.ended) break;
    again();
  }
  expect(isReset()).toBe(true);
}

attack({
  name: 'a client of HTTP/2 that gives or takes a byte at a time is cut off, though it is never silent',
  outcome: 'its stream is reset once it is 30 seconds behind 500 bytes a second, unless configured otherwise',
  sources: ['CVE-2019-9511', 'CVE-2019-9517'],
})(() => {
  test('of its body; the other streams go on', async () => {
    using client = await FrameClient.connect(harness.gateway.url);
    client.headers(1, request('POST'), END_HEADERS);
    await untilReset(client, () => client.send(DATA, 0, 1, Buffer.from('x')));
    await upstream.connections[0]!.ended;
    expect(upstream.requests).toEqual([]);
    expect(await client.headers(3, request('GET')).fate(3)).toBe(200);
  });

  test('of its answer, by a window that opens a byte at a time', async () => {
    upstream.reply = () => `HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`;
    using client = await FrameClient.connect(harness.gateway.url);
    // SETTINGS_INITIAL_WINDOW_SIZE: 0.
    client.send(SETTINGS, 0, 0, Buffer.from('000400000000', 'hex'));
    client.headers(1, request('GET'), END_STREAM | END_HEADERS);
    await untilReset(client, () => client.send(WINDOW_UPDATE, 0, 1, Buffer.from([0, 0, 0, 1])));
    await upstream.connections[0]!.ended;
    const pieces = client.frames.filter(({ type, stream }) => type === DATA && stream === 1);
    expect(pieces.reduce((sum, { payload }) => sum + payload.length, 0)).toBeLessThan(1000);
  });
});

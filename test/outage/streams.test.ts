/** Event streams and WebSockets while the store is lost: they go on for as long as requests do, and end as an outage. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { SocketUpstream } from '../streams/socket-upstream.ts';
import { ask, RawClient, rawRequest } from '../support/raw.ts';
import { Harness, STALE_MS } from './harness.ts';

const OUTAGE_MS = 60_000;

let upstream: SocketUpstream;
beforeAll(async () => {
  upstream = await SocketUpstream.start();
});
afterAll(() => upstream.stop());

const ROUTES = [{ id: 'stream', match: { path: '/stream' }, require: { scopes: ['workflows:read'] } }];

const startHarness = () =>
  Harness.start({ upstreamUrl: upstream.url, routes: ROUTES }, { serveDuringOutageMs: OUTAGE_MS });

/** Opens a WebSocket, without waiting for it. */
function dial(harness: Harness): WebSocket {
  const headers = { authorization: `Bearer ${harness.gateway.tokens.reader}` };
  return new WebSocket(`${harness.gateway.url.replace('http', 'ws')}/stream`, { headers });
}

async function openBoth(harness: Harness): Promise<{ socket: WebSocket; events: RawClient }> {
  const socket = dial(harness);
  await once(socket, 'open');
  const client = await RawClient.connect(harness.gateway.url);
  const authorization = `Authorization: Bearer ${harness.gateway.tokens.reader}`;
  const events = await client.send(rawRequest('GET /stream', [authorization])).untilText('hello');
  return { socket, events };
}

/** Both are still open after every stream has been judged again. */
async function goOn({ socket, events }: { socket: WebSocket; events: RawClient }, harness: Harness): Promise<void> {
  const reads = harness.store.reads.length;
  await expect.poll(() => harness.store.reads.length, { timeout: 10_000 }).toBeGreaterThan(reads);
  socket.send('still here');
  expect(String((await once(socket, 'message'))[0])).toBe('still here');
  expect(events.ending).toBe('open');
}

describe.each(['fail', 'hang'] as const)('a store that is lost (%s)', (how) => {
  test('leaves streams open for as long as was agreed, and ends them as an outage then', async () => {
    await using harness = await startHarness();
    const streams = await openBoth(harness);
    harness.lose(how);
    harness.pass(STALE_MS + 1);
    await goOn(streams, harness);
    const closed = once(streams.socket, 'close');
    harness.pass(OUTAGE_MS);
    expect((await closed)[0]).toBe(1013);
    expect((await streams.events.response()).body).toMatch(/\n\nevent: error\ndata: \{"code":5031,.*\}\n\n$/);
  });

  test('ends none that it is back for in time', async () => {
    await using harness = await startHarness();
    const streams = await openBoth(harness);
    harness.lose(how);
    harness.pass(STALE_MS + 1);
    await goOn(streams, harness);
    harness.store.recover();
    harness.pass(OUTAGE_MS);
    const ready = async () => (await ask(harness.gateway.adminUrl, rawRequest('GET /readyz'))).status;
    await expect.poll(ready).toBe(200);
    streams.socket.send('and now');
    expect(String((await once(streams.socket, 'message'))[0])).toBe('and now');
    streams.socket.close();
    streams.events.close();
  });

  test('that opens one in an outage is told so', async () => {
    await using harness = await startHarness();
    const before = await openBoth(harness);
    harness.lose(how);
    harness.pass(STALE_MS + 1);
    const socket = dial(harness);
    const [upgraded] = (await once(socket, 'upgrade')) as [{ headers: Record<string, string> }];
    expect(upgraded.headers['x-scopegate-degraded']).toMatch(/^store; age=/);
    for (const each of [socket, before.socket]) each.close();
    before.events.close();
  });
});

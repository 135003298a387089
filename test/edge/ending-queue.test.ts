/** Many streams that lose their right at once: nothing more passes on any of them, and they end oldest first, by a budget. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { CloseMessage } from '../../src/edge/streams/close-message.ts';
import { EndingQueue } from '../../src/edge/streams/ending-queue.ts';
import { startTestGateway } from '../support/gateway.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';

const FAREWELL: CloseMessage = { body: 'gone', closeCode: 4401, closeText: '', trailers: [] };
const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n';

test('all are hushed at once, and ended oldest first, a few milliseconds a turn', async () => {
  // A clock by which each look, so each end, takes a millisecond.
  let nowMs = 0;
  const ends = new EndingQueue(() => nowMs++);
  const hushed: number[] = [];
  const ended: number[] = [];
  for (let nth = 0; nth < 100; nth++)
    ends.add(
      99 - nth,
      { kind: 'events', hush: () => hushed.push(nth), stop: () => ended.push(nth) },
      FAREWELL,
      () => {},
    );
  expect([hushed.length, ended.length]).toEqual([100, 0]);
  let turns = 0;
  for (; ended.length < 100; turns++) await turn();
  expect(ended).toEqual(hushed.toReversed());
  // Everything else has had its turn so many times meanwhile.
  expect(turns).toBeGreaterThanOrEqual(20);
});

test('streams of one token end oldest first', async () => {
  await using upstream = await Recorder.start();
  upstream.replyToHead = () => EVENTS;
  const routes = [{ id: 'any', match: { path: '/**' }, require: { scopes: ['chat:read'] } }];
  await using gateway = await startTestGateway({ upstreamUrl: upstream.url, routes });
  const wanted = { owner: 'alice', name: 'many', scopes: ['chat:read'], workspaces: ['ws_sales'], expiresInDays: 1 };
  const { id, token } = (await gateway.admin('POST', '/tokens', wanted)).body as { id: string; token: string };
  const ended: number[] = [];
  const clients: RawClient[] = [];
  for (let nth = 0; nth < 60; nth++) {
    const client = await RawClient.connect(gateway.url);
    client.send(rawRequest('GET /stream', [`Authorization: Bearer ${token}`]));
    await client.untilText('hello');
    // A verdict that is formed anew must not make the stream younger.
    if (nth === 30) await gateway.admin('PATCH', `/tokens/${id}`, { name: 'renamed' });
    client.socket.on('data', () => ended.push(nth));
    clients.push(client);
  }
  await gateway.admin('POST', `/tokens/${id}/revoke`);
  await Promise.all(clients.map((client) => client.response()));
  expect(ended.filter((nth, at) => ended.indexOf(nth) === at)).toEqual(Array.from({ length: 60 }, (_, nth) => nth));
  for (const client of clients) client.close();
  expect(gateway.errorLines).toEqual([]);
});

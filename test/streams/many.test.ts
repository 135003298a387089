/** Many sockets at once: each gets its own messages, and one revocation ends them all. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { effort } from '../support/chance.ts';
import { startTestGateway } from '../support/gateway.ts';
import { SocketUpstream } from './socket-upstream.ts';

/** The long form opens 1,000. */
const COUNT = effort > 1 ? 1000 : 200;

test(`${COUNT} open sockets echo, and are all closed within a second of their token's revocation`, async () => {
  await using upstream = await SocketUpstream.start();
  await using gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    upstream: { maxConnections: 65_535 },
    routes: [{ id: 'any', match: { path: '/any' }, require: { scopes: ['chat:read'] } }],
  });
  const wanted = { owner: 'alice', name: 'many', scopes: ['chat:read'], workspaces: ['ws_sales'], expiresInDays: 1 };
  const { id, token } = (await gateway.admin('POST', '/tokens', wanted)).body as { id: string; token: string };
  const other = await gateway.mint({ scopes: ['chat:read'] });
  const open = async (bearer: string) => {
    const headers = { authorization: `Bearer ${bearer}` };
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/any`, { headers, perMessageDeflate: false });
    await once(socket, 'open');
    return socket;
  };
  const sockets: WebSocket[] = [];
  while (sockets.length < COUNT) sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => open(token)))));
  const bystander = await open(other);
  await Promise.all(
    sockets.map(async (socket, nth) => {
      for (const round of [1, 2, 3]) {
        const message = `${nth} in round ${round}`;
        socket.send(message);
        expect(String((await once(socket, 'message'))[0])).toBe(message);
      }
    }),
  );
  const metrics = async () => (await fetch(`${gateway.adminUrl}/metrics`)).text();
  expect(await metrics()).toContain(`scopegate_open_upgrades ${COUNT + 1}\n`);

  const closed = Promise.all(sockets.map(async (socket) => (await once(socket, 'close'))[0] as number));
  const started = performance.now();
  await gateway.admin('POST', `/tokens/${id}/revoke`);
  const codes = await closed;
  // Every client of theirs is in this process too, on a machine that may stall.
  expect(performance.now() - started).toBeLessThan(5000);
  expect(new Set(codes)).toEqual(new Set([4401]));
  bystander.send('still here');
  expect(String((await once(bystander, 'message'))[0])).toBe('still here');
  const text = await metrics();
  expect(text).toContain('scopegate_open_upgrades 1\n');
  expect(text).toContain(`scopegate_streams_stopped_total{reason="token_inactive"} ${COUNT}\n`);
  expect(text).toContain(`scopegate_stream_stop_seconds_count ${COUNT}\n`);
  bystander.close();
  await once(bystander, 'close');
});

/** Who is given up, and who is not: an answer that came in while this process stood still is an answer in time. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stallAwareTimeout } from '../src/stall-aware-timeout.ts';

let ours: Socket;
let theirs: Socket;
beforeEach(async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  ours = connect((server.address() as { port: number }).port, '127.0.0.1');
  [theirs] = (await accepted) as [Socket];
  if (ours.connecting) await once(ours, 'connect');
  server.close();
});
afterEach(() => {
  ours.destroy();
  theirs.destroy();
});

function standStill(forMs: number): void {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs);
}

it.each([1, 10])('what came in while this process stood still is read first (%i parts)', async (parts) => {
  const order: string[] = [];
  const givenUp = new Promise<void>((resolve) => {
    stallAwareTimeout(20, () => resolve(void order.push('given up')), { parts });
  });
  ours.once('data', () => order.push('answered'));
  theirs.write('answer');
  standStill(100);
  await givenUp;
  expect(order).toEqual(['answered', 'given up']);
});

it('nobody is given up whose answer came then: the wait can be ended to the last', async () => {
  let isGivenUp = false;
  const cancel = stallAwareTimeout(20, () => {
    isGivenUp = true;
  });
  const answered = once(ours, 'data').then(cancel);
  theirs.write('answer');
  standStill(100);
  await answered;
  // Whoever began to wait later, and as long, is told later.
  await new Promise<void>((resolve) => stallAwareTimeout(20, resolve));
  expect(isGivenUp).toBe(false);
});

it('with parts a stall costs the other side no more than one of them', async () => {
  const begunAtMs = performance.now();
  const givenUp = new Promise<void>((resolve) => {
    stallAwareTimeout(500, resolve, { parts: 10 });
  });
  standStill(400);
  await givenUp;
  expect(performance.now() - begunAtMs).toBeGreaterThanOrEqual(400 + 400);
});

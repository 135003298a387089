/** Which requests begin in a turn of the event loop: nobody waits for long, and no turn is long. */
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RequestOrder, type Startable } from '../../src/http/http1/request-order.ts';
import { startListener } from '../../src/http/start-listener.ts';

/** A connection with `requests` whole ones. */
class Asking implements Startable {
  #requests: number;
  readonly #name: string;
  readonly #order: RequestOrder;
  readonly #started: string[];

  constructor(name: string, requests: number, { order, started }: { order: RequestOrder; started: string[] }) {
    this.#name = name;
    this.#requests = requests;
    this.#order = order;
    this.#started = started;
  }

  startNow(): void {
    while (this.#requests > 0 && this.#order.mayStart(this)) {
      this.#requests--;
      this.#started.push(this.#name);
    }
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const world = () => ({ order: new RequestOrder(), started: [] as string[] });

/** Time stands still but for what a test says. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it('a request begins at once where nobody else is', () => {
  const all = world();
  new Asking('a', 1, all).startNow();
  expect(all.started).toEqual(['a']);
});

it('while connections come in requests wait, and begin in the order in which they came', async () => {
  const all = world();
  all.order.accepted();
  new Asking('a', 1, all).startNow();
  await turn();
  expect(all.started).toEqual([]);
  all.order.accepted();
  new Asking('b', 1, all).startNow();
  await turn();
  expect(all.started).toEqual([]);
  await turn();
  expect(all.started).toEqual(['a', 'b']);
});

it('requests wait 10 ms at most for connections, and have as long for themselves then', async () => {
  const all = world();
  const comes = (name: string) => {
    all.order.accepted();
    new Asking(name, 1, all).startNow();
  };
  comes('a');
  vi.advanceTimersByTime(9);
  await turn();
  comes('b');
  vi.advanceTimersByTime(1);
  await turn();
  expect(all.started).toEqual(['a', 'b']);
  vi.advanceTimersByTime(9);
  comes('c');
  expect(all.started).toEqual(['a', 'b', 'c']);
  vi.advanceTimersByTime(1);
  comes('d');
  expect(all.started).toEqual(['a', 'b', 'c']);
  await turn();
  await turn();
  expect(all.started).toEqual(['a', 'b', 'c', 'd']);
});

it('64 begin in a turn; behind that each connection gets one after the other', async () => {
  const all = world();
  new Asking('a', 66, all).startNow();
  new Asking('b', 2, all).startNow();
  expect(all.started).toEqual(Array(64).fill('a'));
  await turn();
  expect(all.started.slice(64)).toEqual(['a', 'b', 'a', 'b']);
});

it('of five hundred that come at once each is answered, and no more than 64 of them begin in one go', async () => {
  vi.useRealTimers();
  let begun = 0;
  let most = 0;
  const listener = await startListener({
    ...{ name: 'gateway', host: '127.0.0.1', port: 0, tls: null },
    handle: (exchange) => {
      if (begun++ === 0) process.nextTick(() => (begun = 0));
      most = Math.max(most, begun);
      exchange.answer(200, ['Content-Length', '2', 'Connection', 'close'], 'ok');
    },
    onBug: (error) => expect.unreachable(String(error)),
    refuse: () => ({ headers: [], body: '' }),
  });
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => {
      const socket = connect(listener.port, '127.0.0.1');
      return new Promise<string>((resolve) => {
        socket.once('connect', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
        socket.once('data', (chunk) => resolve(chunk.toString('latin1', 9, 12)));
        socket.once('error', (error) => resolve(error.message));
      }).finally(() => socket.destroy());
    }),
  );
  await listener.drain({ deadlineMs: 1000, idleMs: 0 });
  expect(new Set(answers)).toEqual(new Set(['200']));
  expect(most).toBeLessThanOrEqual(64);
});

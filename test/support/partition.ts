/**
 * A TCP proxy between one process and a server, as a network that fails: it swallows bytes, delays them, lets only one
 * direction through, or cuts. Carries bytes and knows nothing of what they say.
 */
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

export interface Partition extends AsyncDisposable {
  readonly port: number;
  /** Connections that were accepted so far. */
  readonly accepted: number;
  /** Resolves once a request that has `text` in it, in one piece, was sent after this call. */
  carried(text: string): Promise<void>;
  /** Nothing goes through, in either direction, and nobody is told. What was swallowed is lost with its connection. */
  swallow(): void;
  /** Requests go through, answers do not. */
  swallowAnswers(): void;
  /** Every byte takes so much longer, each way. */
  delay(ms: number): void;
  /** Ends the server's side towards the client and leaves the other way open. */
  halfClose(): void;
  /** Resets every connection, and accepts none. */
  cut(): void;
  /** The address has moved: new connections reach another server, open ones stay where they are. */
  redirect(target: number): void;
  /** Everything goes through again; connections that lost bytes are reset. */
  heal(): void;
  stop(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  damaged: boolean;
}

/** `await using network = await startPartition(redis.port)` stops it at the end of the block. */
export async function startPartition(first: number): Promise<Partition> {
  let target = first;
  const pairs = new Set<Pair>();
  let swallows = { requests: false, answers: false };
  let delayMs = 0;
  let isCut = false;
  let accepted = 0;
  const awaited = new Set<(chunk: Buffer) => void>();
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    accepted++;
    if (isCut) {
      client.resetAndDestroy();
      return;
    }
    const pair: Pair = {
      client,
      server: createConnection({ port: target, host: '127.0.0.1', allowHalfOpen: true }),
      damaged: false,
    };
    pairs.add(pair);
    const carry = (from: Socket, to: Socket, kind: 'requests' | 'answers') => {
      from.on('data', (chunk: Buffer) => {
        if (kind === 'requests') for (const seen of awaited) seen(chunk);
        if (swallows[kind]) pair.damaged = true;
        else if (delayMs === 0) to.write(chunk);
        else setTimeout(() => to.writable && to.write(chunk), delayMs);
      });
      from.on('end', () => {
        if (!swallows[kind]) to.end();
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        if (swallows[kind]) return;
        pairs.delete(pair);
        to.destroy();
      });
    };
    carry(client, pair.server, 'requests');
    carry(pair.server, client, 'answers');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reset = (pair: Pair) => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.destroy();
  };
  const stop = async () => {
    for (const pair of pairs) reset(pair);
    server.close();
    await once(server, 'close');
  };
  return {
    port: (server.address() as { port: number }).port,
    get accepted() {
      return accepted;
    },
    carried: (text) =>
      new Promise((resolve) => {
        awaited.add(function seen(chunk) {
          if (!chunk.includes(text)) return;
          awaited.delete(seen);
          resolve();
        });
      }),
    swallow: () => {
      swallows = { requests: true, answers: true };
    },
    swallowAnswers: () => {
      swallows = { requests: false, answers: true };
    },
    delay: (ms) => {
      delayMs = ms;
    },
    halfClose: () => {
      for (const { client } of pairs) client.end();
    },
    cut: () => {
      isCut = true;
      for (const pair of pairs) reset(pair);
    },
    redirect: (next) => {
      target = next;
    },
    heal: () => {
      isCut = false;
      delayMs = 0;
      swallows = { requests: false, answers: false };
      for (const pair of pairs) if (pair.damaged || pair.client.destroyed) reset(pair);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

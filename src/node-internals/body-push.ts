/**
 * The body of a request, taken as its parser hands it over: by a `push` of our own in the place of the stream's. Where a
 * Node does not call that, by the stream's events, at the price of its buffer. Looks at no byte.
 */
import type { IncomingMessage } from 'node:http';
import type { Http2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import type { Habit } from './habit.ts';

const PRICE = 'a body that comes in very small chunks takes up to 20 MB while its upstream does not read';
export const PUSH: Habit = {
  name: "request.push: a body taken from node:http's parser before it is buffered",
  fallback: PRICE,
};
export const H2_PUSH: Habit = {
  name: 'stream.push and stream._read of node:http2: a body taken before it is buffered',
  fallback: PRICE,
};

const unheard = new Set<Habit>();

/** Found at the start: this Node does not call a `push` of ours. From here on bodies are taken by events. */
export function takeByEvents(habit: Habit): void {
  unheard.add(habit);
}

/** How a body is taken, and how its source is told to go on. */
export interface BodySource {
  readonly stream: Readable;
  readonly habit: Habit;
  /** Reads on after `push` said no. */
  readonly readOn: () => void;
}

export function bodyOf(request: IncomingMessage): BodySource {
  return { stream: request, habit: PUSH, readOn: () => request.socket.resume() };
}

/** `readOn`: what Node itself does to be read on. */
export function h2BodyOf(stream: Http2Stream): BodySource {
  return { stream, habit: H2_PUSH, readOn: () => stream._read(0) };
}

/** `take`: is given every chunk from here on, and says whether more may be read now. Returns the way to read on after a no. */
export function takeChunks({ stream, habit, readOn }: BodySource, take: (chunk: Buffer) => boolean): () => void {
  if (unheard.has(habit)) {
    stream.on('data', (chunk: Buffer) => {
      if (!take(chunk)) stream.pause();
    });
    return () => stream.resume();
  }
  const push = stream.push.bind(stream);
  stream.push = (chunk: Buffer | null): boolean => (chunk === null ? push(null) : take(chunk));
  return readOn;
}

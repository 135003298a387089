/**
 * What node:http2 says and takes beyond the documentation of the oldest Node that we run on: trailers as they were sent,
 * and the fields of an answer as pairs. Hands them on as they are.
 */
import type { OutgoingHttpHeaders, ServerHttp2Stream, ServerStreamResponseOptions } from 'node:http2';
import type { Habit } from './habit.ts';

export const RAW_TRAILERS: Habit = {
  name: 'the third argument of the trailers event of node:http2: trailers as they were sent',
};
export const RAW_RESPONSE: Habit = {
  name: 'stream.respond of node:http2 with an array: names and values in turn',
  fallback: 'an answer over HTTP/2 costs a few microseconds more',
};

let takesPairs = true;

/** Found at the start: this Node takes objects alone. */
export function respondByObjects(): void {
  takesPairs = false;
}

/** `hear`: raw pairs. */
export function onRawTrailers(stream: ServerHttp2Stream, hear: (raw: readonly string[]) => void): void {
  stream.on('trailers', (_fields, _flags, raw: readonly string[] = []) => hear(raw));
}

/** `fields`: names in lower case, `:status` first; whose they were before, they are Node's now. */
export function respondWith(stream: ServerHttp2Stream, fields: string[], options: ServerStreamResponseOptions): void {
  stream.respond(takesPairs ? fields : objectOf(fields), options);
}

/** Values of one name together, in their order. */
export function objectOf(pairs: readonly string[]): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at]!;
    const value = pairs[at + 1]!;
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (typeof before === 'string') fields[name] = [before, value];
    else before.push(value);
  }
  return fields;
}

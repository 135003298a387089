/** What node:http2 says beyond its documentation: trailers as they were sent. Hands them on as they are. */
import type { ServerHttp2Stream } from 'node:http2';
import type { Habit } from './habit.ts';

export const RAW_TRAILERS: Habit = {
  name: 'the third argument of the trailers event of node:http2: trailers as they were sent',
};

/** `hear`: raw pairs. */
export function onRawTrailers(stream: ServerHttp2Stream, hear: (raw: readonly string[]) => void): void {
  stream.on('trailers', (_fields, _flags, raw: readonly string[] = []) => hear(raw));
}

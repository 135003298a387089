/**
 * Where a session of node:http2 keeps its open streams: in a table of ours in the place of its Map, which would let most
 * requests grow old (`few-entries`). Looks at no stream.
 */
import type { Http2Session, Http2Stream } from 'node:http2';
import { types } from 'node:util';
import { FewEntries } from '../few-entries.ts';
import type { Habit } from './habit.ts';

export const OPEN_STREAMS: Habit = {
  name: 'session[kState].streams of node:http2: its open streams in a Map, for which a table of ours may stand',
  fallback: 'a request over HTTP/2 costs a third more',
};

let isReplaceable = true;

/** Found at the start: this Node keeps them elsewhere. */
export function leaveOpenStreams(): void {
  isReplaceable = false;
}

/** `session` has none yet. Returns where they will stand, or null. */
export function takeOpenStreams(session: Http2Session): FewEntries<number, Http2Stream> | null {
  if (!isReplaceable) return null;
  const state = stateOf(session);
  if (!types.isMap(state?.streams) || state.streams.size > 0) return null;
  const streams = new FewEntries<number, Http2Stream>();
  state.streams = streams;
  return streams;
}

function stateOf(session: Http2Session): { streams?: unknown } | undefined {
  const name = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'state');
  return name === undefined ? undefined : (session as unknown as Record<symbol, object>)[name];
}

/**
 * What node:http2 says of an answer beyond its documentation: heads and trailers as they were sent, bytes before they are
 * buffered, and whether the answer was ended or its stream only closed. Looks at no byte. Loads node:http2, which takes 5 MB,
 * when it is first used.
 */
import type { ClientHttp2Session, ClientHttp2Stream, ClientSessionOptions } from 'node:http2';
import type { Socket } from 'node:net';
import { h2BodyOf, takeChunks } from './body-push.ts';
import type { Habit } from './habit.ts';

/** What is not there is not guessed at: no answer counts as whole. */
const PRICE = 'upstreams of protocol h2 or h2c cannot be used';

export const RAW_ANSWER: Habit = {
  name: 'fields as arrays in request, response, headers and trailers of node:http2: heads as they are sent',
  fallback: PRICE,
};
export const ANSWER_END: Habit = {
  name: 'stream.push(null) of node:http2 before a stream counts as closed: the end that an answer was given',
  fallback: PRICE,
};

const END_STREAM = 1;

/** Nothing here may throw. `raw`: name and value in turn, as received. */
export interface AnswerHearer {
  /** 1xx. */
  interim(raw: readonly string[]): void;
  /** `endsHere`: no body and no trailers follow. */
  head(raw: readonly string[], endsHere: boolean): void;
  /** May come before the head is told of. false: no more, for now. */
  data(chunk: Buffer): boolean;
  trailers(raw: readonly string[]): void;
  /** The other side has said that it is whole. All data, and the trailers, have been handed over. */
  ended(): void;
  /** Nothing comes any more. `code`: of the reset, or 0. */
  closed(code: number): void;
}

/** Returns the way to read on after `data` said no. */
export function hearAnswer(stream: ClientHttp2Stream, hearer: AnswerHearer): () => void {
  let isWhole = false;
  const readOn = takeChunks(h2BodyOf(stream), (chunk) => hearer.data(chunk));
  const push = stream.push.bind(stream);
  stream.push = (chunk: Buffer | null): boolean => {
    // Node does the same when a stream is closed, even by a reset that says NO_ERROR in the middle of an answer.
    if (chunk === null) isWhole ||= !stream.closed;
    return push(chunk);
  };
  stream.on('headers', (_fields, _flags, raw: readonly string[] = []) => hearer.interim(raw));
  stream.on('response', (_fields, flags, raw: readonly string[] = []) => hearer.head(raw, (flags & END_STREAM) !== 0));
  stream.on('trailers', (_fields, _flags, raw: readonly string[] = []) => hearer.trailers(raw));
  stream.on('end', () => {
    if (isWhole) hearer.ended();
  });
  // `close` tells what is to be done.
  stream.on('error', () => {});
  stream.on('close', () => {
    if (isWhole) hearer.ended();
    hearer.closed(stream.rstCode ?? 0);
  });
  stream.resume();
  return readOn;
}

const CANCEL = 8;

/** RST_STREAM, CANCEL. Node's `close` ends a request in order before it resets it: half would look whole. */
export function resetStream(stream: ClientHttp2Stream): void {
  stream.end = () => stream;
  stream.close(CANCEL);
}

/** A session on a connection that stands, TLS included. */
export function openSession(socket: Socket, origin: string, options: ClientSessionOptions): ClientHttp2Session {
  return process.getBuiltinModule('node:http2').connect(origin, { ...options, createConnection: () => socket });
}

/** `fields`: names in lower case, pseudo-headers first. */
export function requestWith(
  session: ClientHttp2Session,
  fields: readonly string[],
  options: { readonly endStream: boolean; readonly waitForTrailers: boolean },
): ClientHttp2Stream {
  return session.request(fields as never, options as never);
}

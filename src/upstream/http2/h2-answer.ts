/** The head of an answer over HTTP/2, as whoever relays it knows it from HTTP/1.1. Its fields have been found good. */
import { STATUS_CODES } from 'node:http';
import type { H2AnswerHead } from '../../core/h2-head.ts';
import type { AnswerFraming, AnswerHead } from '../exchange.ts';

/** `endsHere`: nothing follows it. */
export function relayableHead(
  { status, headers, length }: H2AnswerHead,
  isHeadRequest: boolean,
  endsHere: boolean,
): AnswerHead {
  let framing: AnswerFraming = 'chunked';
  if (isHeadRequest || status === 204 || status === 304 || endsHere) framing = 'none';
  else if (length !== -1) framing = 'length';
  return { status, statusText: STATUS_CODES[status] ?? '', headers, framing, length, protocol: '2.0' };
}

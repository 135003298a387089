/**
 * What a stream that may not go on is told: an SSE client by a last event with the body of the refusal, a WebSocket
 * client by a close frame, one of gRPC by trailers. Says no more than a refusal of the same request would.
 */
import type { Dialect } from '../../core/dialect.ts';
import { grpcCode, grpcTrailers, UNAVAILABLE } from '../../core/grpc.ts';
import { type Reason, reasonRow } from '../../core/reason.ts';

export interface CloseMessage {
  /** The refusal's body; null: there is nothing to say in an event stream. */
  readonly body: string | null;
  readonly closeCode: number;
  readonly closeText: string;
  /** Raw pairs, of a call of gRPC. */
  readonly trailers: readonly string[];
}

/** RFC 6455 section 7.4.2: 4000 to 4999 are an application's own. */
const TOKEN_GONE = 4401;
const PERMISSION_GONE = 4403;
/** Of IANA's registry. */
const TRY_AGAIN_LATER = 1013;

/** The gateway stops (RFC 6455 section 7.4.1). */
export const GOING_AWAY: CloseMessage = {
  body: null,
  closeCode: 1001,
  closeText: '',
  trailers: grpcTrailers(UNAVAILABLE, 'The gateway stops.'),
};

export function closeMessageFor(reason: Reason, dialect: Dialect, requestId: string, scopes?: string): CloseMessage {
  const { status, text } = reasonRow(reason);
  const closeCode = status === 401 ? TOKEN_GONE : status === 503 ? TRY_AGAIN_LATER : PERMISSION_GONE;
  const named = reason === 'scope_missing' && scopes !== undefined ? { scopes } : {};
  const { body, status: said } = dialect.render(reason, { requestId, ...named });
  return { body, closeCode, closeText: text, trailers: grpcTrailers(grpcCode(said, status), dialect.message(reason)) };
}

/** The last event of a stream. */
export function errorEvent(body: string): Buffer {
  return Buffer.from(`event: error\ndata: ${body}\n\n`);
}

/** From a server, so unmasked. */
export function closeFrame({ closeCode, closeText }: CloseMessage): Buffer {
  const text = Buffer.from(closeText);
  return Buffer.concat([Buffer.from([0x88, 2 + text.length, closeCode >> 8, closeCode & 0xff]), text]);
}

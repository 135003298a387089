/** What the one who ends streams and the streams themselves agree on. Types only. */
import type { IncomingRequest } from '../read-request.ts';
import type { CloseMessage } from './close-message.ts';

/** `answer`: of another type than these, and of unknown length. `grpc`: a call of gRPC, even before it is answered. `other`: an upgrade to anything but WebSocket. */
export type StreamKind = 'events' | 'answer' | 'grpc' | 'websocket' | 'other';

/** A stream, as the one who ends it sees it. */
export interface Stream {
  readonly kind: StreamKind;
  /** From now on nothing passes but the rest of a sentence that the upstream has begun. Costs next to nothing. */
  hush(closeMessage: CloseMessage): void;
  /** It is hushed: the close message is sent once that sentence is finished, and the connection closes, within half a second. */
  stop(): void;
}

/** The request that a stream answers. */
export interface StreamedRequest {
  readonly requestId: string;
  readonly tokenId: string | null;
  /** As it came: read once more whenever the rules are replaced. */
  readonly incoming: IncomingRequest;
}

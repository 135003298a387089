/** What the one who ends streams and the streams themselves agree on. Types only. */
import type { SelectorSource } from '../../core/selector.ts';
import type { StreamClose } from './stream-close.ts';

/** `answer`: of another type than events, and of unknown length. `other`: an upgrade to anything but WebSocket. */
export type StreamKind = 'events' | 'answer' | 'websocket' | 'other';

/** A stream, as the one who ends it sees it. */
export interface Stream {
  readonly kind: StreamKind;
  /** From now on nothing passes but the rest of a sentence that the upstream has begun. Costs next to nothing. */
  hush(streamClose: StreamClose): void;
  /** It is hushed: say close message once that sentence is finished, and close, within half a second. */
  stop(): void;
}

/** The request that a stream answers, as far as a verdict may rest on it. */
export interface StreamedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly authorization: readonly string[];
  readonly source: SelectorSource;
  readonly tokenId: string | null;
}

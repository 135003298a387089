/** What one who has a request forwarded hears of it. Types only. */
import type { UriContext } from '../../core/answer-uris.ts';
import type { AnswerEdits, HeaderEdits } from '../../core/header-edits.ts';
import type { Reason } from '../../core/reason.ts';
import type { UpstreamFailure } from '../../upstream/exchange.ts';
import type { ServerTiming } from '../server-timing.ts';
import type { Stream } from '../streams/stream.ts';

/** How an exchange went. */
export interface Ended {
  readonly status: number;
  /** The client got the whole answer. */
  readonly isComplete: boolean;
  /** Of the bodies that crossed. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Told once per forwarded request. */
export interface ForwardObserver {
  /** null: the client is not shown where the time went. */
  readonly timing: ServerTiming | null;
  /** What the answer is to say besides: raw pairs. null: nothing. */
  readonly answerHeaders: readonly string[] | null;
  /** What the route changes on the way up, and on the way down; null: nothing. */
  readonly requestEdits: HeaderEdits | null;
  readonly answerEdits: AnswerEdits | null;
  /** By which URIs of the answer are turned into the client's; null: they stay. */
  uriContext(): UriContext | null;
  /** The head of the answer is there. */
  headCame(): void;
  /** No answer has begun: the caller renders the refusal. */
  refused(reason: Reason, failure: UpstreamFailure): void;
  /** The answer goes on for as long as its caller may; `stream` is the way to end it. Not told of any other. */
  opened(stream: Stream): void;
  /** The exchange is over. */
  finished(ended: Ended): void;
}

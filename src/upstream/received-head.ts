/**
 * The head of an answer as it was received: one text, cut up into a reason phrase and headers only where somebody asks for
 * them. Its text has been found good by whoever made it; nothing is checked here.
 */
import { headersIn } from '../core/http1/header-pairs.ts';
import type { AnswerFraming, AnswerHead, SortedAnswer } from './exchange.ts';

/** Behind "HTTP/1.1 200 ". */
const REASON_AT = 13;

export class ReceivedHead implements AnswerHead {
  readonly status: number;
  readonly framing: AnswerFraming;
  readonly length: number;
  readonly protocol: string;
  readonly sorted: SortedAnswer | undefined;
  readonly #text: string;
  readonly #fieldsAt: number;
  #headers: readonly string[] | undefined;

  /** `text`: from the status line to the empty line, with both. `fieldsAt`: where the first header is, or would be. */
  constructor(
    text: string,
    fieldsAt: number,
    status: number,
    protocol: string,
    framing: AnswerFraming,
    length: number,
    sorted: SortedAnswer | undefined,
  ) {
    this.#text = text;
    this.#fieldsAt = fieldsAt;
    this.status = status;
    this.protocol = protocol;
    this.framing = framing;
    this.length = length;
    this.sorted = sorted;
  }

  get statusText(): string {
    return this.#text.slice(REASON_AT, this.#fieldsAt - 2);
  }

  get headers(): readonly string[] {
    this.#headers ??= headersIn(this.#text, this.#fieldsAt);
    return this.#headers;
  }
}

/**
 * The head of an answer as it was received: one text, cut up into a reason phrase and headers only where somebody asks for
 * them. Its text has been found good by whoever made it; nothing is checked here.
 */
import { isBlank } from '../core/http1/octets.ts';
import type { AnswerFraming, AnswerHead } from './exchange.ts';

/** Behind "HTTP/1.1 200 ". */
const REASON_AT = 13;

export class ReceivedHead implements AnswerHead {
  readonly status: number;
  readonly framing: AnswerFraming;
  readonly length: number;
  readonly protocol: string;
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
  ) {
    this.#text = text;
    this.#fieldsAt = fieldsAt;
    this.status = status;
    this.protocol = protocol;
    this.framing = framing;
    this.length = length;
  }

  get statusText(): string {
    return this.#text.slice(REASON_AT, this.#fieldsAt - 2);
  }

  get headers(): readonly string[] {
    this.#headers ??= headersIn(this.#text, this.#fieldsAt);
    return this.#headers;
  }
}

/** Raw [name, value, …] of the lines from `fieldsAt` up to the empty one, without the blanks around a value. */
export function headersIn(text: string, fieldsAt: number): readonly string[] {
  const headers: string[] = [];
  let at = fieldsAt;
  for (;;) {
    const colon = text.indexOf(':', at);
    if (colon < 0) return headers;
    const lineEnd = text.indexOf('\r', colon);
    let start = colon + 1;
    let end = lineEnd;
    while (start < end && isBlankAt(text, start)) start += 1;
    while (end > start && isBlankAt(text, end - 1)) end -= 1;
    headers.push(text.substring(at, colon), text.substring(start, end));
    at = lineEnd + 2;
  }
}

function isBlankAt(text: string, at: number): boolean {
  return isBlank(text.charCodeAt(at));
}

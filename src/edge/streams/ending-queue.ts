/**
 * Ends streams that may not go on: nothing more passes from the moment they come here; the last word and the closing, which
 * cost ten times as much as the verdict, follow oldest stream first, a few milliseconds in each turn of the event loop, so that
 * requests get theirs. Never decides which.
 */

import type { CloseMessage } from './close-message.ts';
import type { Stream } from './stream.ts';

/** Of one turn. */
const TURN_MS = 5;

interface Ending {
  /** The older, the lower. */
  readonly nth: number;
  readonly stream: Stream;
  readonly onEnded: () => void;
}

export class EndingQueue {
  readonly #monotonicMs: () => number;
  #waiting: Ending[] = [];
  #next = 0;
  #isInOrder = true;
  #turn: NodeJS.Immediate | null = null;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  add(nth: number, stream: Stream, closeMessage: CloseMessage, onEnded: () => void): void {
    stream.hush(closeMessage);
    this.#isInOrder &&= nth >= (this.#waiting.at(-1)?.nth ?? 0);
    this.#waiting.push({ nth, stream, onEnded });
    this.#soon();
  }

  #soon(): void {
    this.#turn ??= setImmediate(() => this.#endSome());
  }

  #endSome(): void {
    this.#turn = null;
    if (!this.#isInOrder) this.#putInOrder();
    const untilMs = this.#monotonicMs() + TURN_MS;
    while (this.#next < this.#waiting.length) {
      const { stream, onEnded } = this.#waiting[this.#next++]!;
      stream.stop();
      onEnded();
      if (this.#monotonicMs() >= untilMs) break;
    }
    if (this.#next < this.#waiting.length) return this.#soon();
    this.#waiting = [];
    this.#next = 0;
  }

  #putInOrder(): void {
    this.#waiting = this.#waiting.slice(this.#next).sort((left, right) => left.nth - right.nth);
    this.#next = 0;
    this.#isInOrder = true;
  }
}

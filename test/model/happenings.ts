/**
 * What is known from outside of when something took effect: at some moment between its call and its answer. From that
 * alone follows what must have been so at another moment, and what may have been.
 */

export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** A change that was asked for. One whose outcome nobody knows may take effect at any time from its call on. */
export class Happening implements Span {
  readonly startMs = performance.now();
  endMs = Number.POSITIVE_INFINITY;
  outcome: 'open' | 'done' | 'refused' = 'open';

  answered(outcome: 'done' | 'refused' | 'unknown'): void {
    if (outcome === 'unknown') return;
    this.outcome = outcome;
    this.endMs = performance.now();
  }

  /** Before that moment, whatever happened. */
  isSureBefore(moment: number): boolean {
    return this.outcome === 'done' && this.endMs < moment;
  }

  isPossibleBefore(moment: number): boolean {
    return this.outcome !== 'refused' && this.startMs < moment;
  }
}

/** One use of an id: from when somebody or something was made under it until it was removed. */
export class Life {
  readonly id: string;
  readonly born: Happening;
  readonly ends: Happening[] = [];

  constructor(id: string, born: Happening) {
    this.id = id;
    this.born = born;
  }

  isSurelyOver(moment: number): boolean {
    return this.ends.some((end) => end.isSureBefore(moment));
  }

  isPossiblyOver(moment: number): boolean {
    return this.ends.some((end) => end.isPossibleBefore(moment));
  }

  /** Was it there at some moment of the span? */
  isPossibleIn({ startMs, endMs }: Span): boolean {
    return this.born.isPossibleBefore(endMs) && !this.isSurelyOver(startMs);
  }
}

/** What has one value at a time. */
export class Register<T> {
  readonly #writes: Array<{ readonly value: T; readonly at: Happening }> = [];

  write(value: T, at: Happening): void {
    this.#writes.push({ value, at });
  }

  /** All that it may have had at some moment of the span. */
  possibleIn({ startMs, endMs }: Span): T[] {
    const replaced = (at: Happening) =>
      this.#writes.some((later) => later.at.startMs > at.endMs && later.at.isSureBefore(startMs));
    return this.#writes.filter(({ at }) => at.isPossibleBefore(endMs) && !replaced(at)).map(({ value }) => value);
  }
}

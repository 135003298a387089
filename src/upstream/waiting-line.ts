/**
 * Requests that wait for a connection, in the order in which they came, with a count for each of those they are for.
 * Neither decides who may wait nor who is next but by that order.
 */
import type { UpstreamCall } from './upstream-call.ts';

export class WaitingLine {
  /** A Set, so that an aborted request can leave from the middle. */
  readonly #calls = new Set<UpstreamCall>();
  readonly #byHolder = new Map<string | undefined, number>();

  get size(): number {
    return this.#calls.size;
  }

  /** How many of one holder wait. */
  count(holder: string | undefined): number {
    return this.#byHolder.get(holder) ?? 0;
  }

  add(call: UpstreamCall): void {
    const { holder } = call.request;
    this.#calls.add(call);
    this.#byHolder.set(holder, this.count(holder) + 1);
  }

  /** false: it was not in line. */
  delete(call: UpstreamCall): boolean {
    if (!this.#calls.delete(call)) return false;
    const { holder } = call.request;
    const left = this.count(holder) - 1;
    if (left === 0) this.#byHolder.delete(holder);
    else this.#byHolder.set(holder, left);
    return true;
  }

  /** The one that has waited longest leaves the line. There must be one. */
  shift(): UpstreamCall {
    const first = this.#calls.values().next().value!;
    this.delete(first);
    return first;
  }

  /** Those that came at `sinceMs` or before, and all of them if it is left out; they leave the line. */
  *leaving(sinceMs = Number.POSITIVE_INFINITY): Generator<UpstreamCall> {
    for (const call of this.#calls) {
      if (call.waitingSince > sinceMs) return;
      this.delete(call);
      yield call;
    }
  }
}

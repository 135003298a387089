/**
 * Runs the inspections of bodies, of long ones a little each turn of the event loop: however many long bodies there are,
 * and however they are written, other requests wait for them no longer than one such slice. Keeps no body.
 */
import type { BodyInspection } from '../../core/bodies/inspect.ts';
import type { InspectedBody } from '../../core/bodies/inspected-body.ts';
import type { Clock } from '../../observe/clock.ts';

/** A slice ends with the first step behind this. */
const SLICE_MS = 2;
/** Of the costliest text a step takes about as long as a slice may. */
const STEP_CHARACTERS = 8 * 1024;

/** null: the body is not well formed. */
type Outcome = InspectedBody | null;

interface Waiting {
  readonly inspection: BodyInspection;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

export class InspectionQueue {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #waiting: Waiting[] = [];

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Short bodies are through at once. */
  run(inspection: BodyInspection): Outcome | Promise<Outcome> {
    const outcome = this.#slice(inspection);
    if (outcome !== undefined) return outcome;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ inspection, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(this.#turn);
    });
  }

  /** One of them each turn, in a circle. */
  readonly #turn = (): void => {
    const first = this.#waiting.shift()!;
    try {
      const outcome = this.#slice(first.inspection);
      if (outcome === undefined) this.#waiting.push(first);
      else first.resolve(outcome);
    } catch (error) {
      first.reject(error);
    }
    if (this.#waiting.length > 0) setImmediate(this.#turn);
  };

  #slice(inspection: BodyInspection): Outcome | undefined {
    const end = this.#clock.monotonicMs() + SLICE_MS;
    let outcome: Outcome | undefined;
    do outcome = inspection.goOn(STEP_CHARACTERS);
    while (outcome === undefined && this.#clock.monotonicMs() < end);
    return outcome;
  }
}

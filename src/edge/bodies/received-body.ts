/**
 * A request's body that was read before its verdict: its bytes, which go on as they came, and how they are inspected. Counts as waiting until it is let go. Decides nothing.
 */
import type { BodyType } from '../../core/bodies/body-type.ts';
import { BodyInspection } from '../../core/bodies/inspect.ts';
import type { BodyField } from '../../core/bodies/inspected-body.ts';

export class ReceivedBody {
  readonly bytes: Buffer;
  /** Raw pairs. */
  readonly trailers: readonly string[];
  readonly #type: BodyType;
  #waiting: (() => void) | null;

  /** `letGo`: it counts no longer. */
  constructor(type: BodyType, bytes: Buffer, trailers: readonly string[], letGo: () => void) {
    this.#type = type;
    this.bytes = bytes;
    this.trailers = trailers;
    this.#waiting = letGo;
  }

  inspection(fields: readonly BodyField[]): BodyInspection {
    return new BodyInspection(this.#type, this.bytes, fields);
  }

  /** It has gone on, or nobody wants it any more. */
  letGo(): void {
    this.#waiting?.();
    this.#waiting = null;
  }
}

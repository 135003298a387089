/**
 * A request's body that was read before its verdict: what it says of the fields that a route names, and its bytes, which
 * go on as they came. Counts as waiting until it is let go. Decides nothing.
 */
import type { BodyType } from '../../core/bodies/body-type.ts';
import { inspectBody } from '../../core/bodies/inspect.ts';
import type { BodyField, InspectedBody } from '../../core/bodies/inspected-body.ts';

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

  /** null: it is not well formed. */
  inspect(fields: readonly BodyField[]): InspectedBody | null {
    return inspectBody(this.#type, this.bytes, fields);
  }

  /** It has gone on, or nobody wants it any more. */
  letGo(): void {
    this.#waiting?.();
    this.#waiting = null;
  }
}

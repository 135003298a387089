/**
 * Follows the bytes of somebody else's stream, to know where something of ours can be said in it: between two events,
 * between two frames, between two messages. Changes no byte and understands nothing of what they say.
 */

export interface Boundary {
  /** What was followed so far ends at one. */
  readonly isReached: boolean;
  /** Follow these bytes; `untilReached`: only as far as the next boundary. Returns how many were followed. */
  follow(bytes: Buffer, untilReached: boolean): number;
}

/** Two line ends in a row, of whichever kind: an event is over, and so is a comment. */
const BLANK_LINE = /(?:\n\n|\r\r|\n\r|[\n\r]\r\n)$/;
const TAIL = 3;

/** Of a `text/event-stream` (WHATWG HTML section 9.2.6). */
export class EventBoundary implements Boundary {
  /** The last bytes; empty at the start, where nothing has been begun. */
  #tail = '';

  get isReached(): boolean {
    return this.#tail === '' || BLANK_LINE.test(this.#tail);
  }

  follow(bytes: Buffer, untilReached: boolean): number {
    if (!untilReached) {
      const { length } = bytes;
      const last = bytes.toString('latin1', Math.max(0, length - TAIL));
      this.#tail = length >= TAIL ? last : (this.#tail + last).slice(-TAIL);
      return length;
    }
    for (let index = 0; index < bytes.length; index++) {
      this.#tail = (this.#tail + String.fromCharCode(bytes[index]!)).slice(-TAIL);
      if (this.isReached) return index + 1;
    }
    return bytes.length;
  }
}

/** Of pieces that begin with a head, which says how long the rest of them is. */
abstract class PieceBoundary implements Boundary {
  readonly #head: number[] = [];
  #payloadLeft = 0;

  get isReached(): boolean {
    return this.#payloadLeft === 0 && this.#head.length === 0;
  }

  follow(bytes: Buffer, untilReached: boolean): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.#payloadLeft > 0) {
        const taken = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= taken;
        at += taken;
      } else {
        this.#head.push(bytes[at]!);
        at += 1;
        const length = this.lengthBehind(this.#head);
        if (length !== null) {
          this.#payloadLeft = length;
          this.#head.length = 0;
        }
      }
      if (untilReached && this.isReached) break;
    }
    return at;
  }

  /** In bytes; null: the head is not whole. */
  protected abstract lengthBehind(head: readonly number[]): number | null;
}

const numberIn = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

const MESSAGE_HEAD_BYTES = 5;

/** Of the messages of gRPC: a byte of flags, four of length, and so many more. */
export class MessageBoundary extends PieceBoundary {
  protected override lengthBehind(head: readonly number[]): number | null {
    return head.length < MESSAGE_HEAD_BYTES ? null : numberIn(head.slice(1));
  }
}

const CLOSE_OPCODE = 8;

/** Of WebSocket frames (RFC 6455 section 5.2). */
export class FrameBoundary extends PieceBoundary {
  #hasClosed = false;

  /** A close frame has passed: no other may follow it. */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  protected override lengthBehind(head: readonly number[]): number | null {
    const [first, second] = head;
    if (second === undefined) return null;
    const short = second & 0x7f;
    const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
    const masked = (second & 0x80) === 0 ? 0 : 4;
    if (head.length < 2 + extended + masked) return null;
    this.#hasClosed ||= (first! & 0x0f) === CLOSE_OPCODE;
    // Past 2^53 the count is not exact; such a frame does not end within anybody's life.
    return extended === 0 ? short : numberIn(head.slice(2, 2 + extended));
  }
}

/**
 * Reads bodies whole where the verdict asks for them, before anything of the request goes on. Bounded by the bytes of one,
 * of all that wait in this process, of one token's share of these, and by time. Looks at no byte, and never refuses by
 * what a body says.
 */
import { type BodyType, bodyTypeOf } from '../../core/bodies/body-type.ts';
import type { HeaderFacts } from '../../core/framing.ts';
import type { BodySink, Exchange, ExchangeListener } from '../../http/exchange.ts';
import { stallAwareTimeout } from '../../stall-aware-timeout.ts';
import type { Refused } from '../disposition.ts';
import { ReceivedBody } from './received-body.ts';

export interface BodyLimits {
  /** Of one body. */
  readonly bytes: number;
  /** Of all that wait. */
  readonly totalBytes: number;
  /** For one to be complete. */
  readonly completeMs: number;
}

/** Of all that wait, one token's are at most one part in so many. */
const SHARE = 8;
const FIRST_BYTES = 1024;
const UNSUPPORTED: Refused = { kind: 'refused', reason: 'body_unreadable', status: 415 };
const TOO_LARGE: Refused = { kind: 'refused', reason: 'body_too_large' };
const TOO_SLOW: Refused = { kind: 'refused', reason: 'body_timeout' };
const LEFT: Refused = { kind: 'refused', reason: 'body_unreadable', detail: 'the client left before it was whole' };
const FULL: Refused = { kind: 'refused', reason: 'overloaded', detail: 'too many bytes of bodies wait' };
const SHARE_TAKEN: Refused = { ...FULL, detail: 'this token has its share of the bodies that wait' };
/** Whoever has no body to read (a question about a request that is elsewhere) cannot have it judged here. */
const ELSEWHERE: Refused = {
  kind: 'refused',
  reason: 'bad_request',
  detail: 'this route reads the body, which only the gateway itself gets',
};

export class WaitingBodies {
  readonly #limits: BodyLimits;
  #bytes = 0;
  readonly #byToken = new Map<string, number>();

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** Bytes that wait now. */
  get bytes(): number {
    return this.#bytes;
  }

  get limits(): BodyLimits {
    return this.#limits;
  }

  /** null: the request has none. `tokenId`: whose share it counts for. */
  read(exchange: Exchange, facts: HeaderFacts, tokenId: string): Promise<ReceivedBody | Refused> | Refused | null {
    if (exchange.isElsewhere === true) return ELSEWHERE;
    const { body, expectContinue } = facts;
    if (body.kind === 'none' || (body.kind === 'length' && body.length === 0)) return null;
    const type = bodyTypeOf(exchange.headers);
    if (type === null) return UNSUPPORTED;
    if (body.kind === 'length' && body.length > this.#limits.bytes) return TOO_LARGE;
    return new Promise((resolve) => {
      const reader = new BodyReader(this, exchange, tokenId, type, resolve);
      exchange.listen(reader);
      if (exchange.readAhead !== undefined) return exchange.readAhead(reader);
      if (expectContinue) exchange.sendContinue();
      exchange.readBody(reader);
    });
  }

  /** Why so many bytes more may not wait; null: they may, and count from now on. */
  take(tokenId: string, bytes: number): Refused | null {
    const own = (this.#byToken.get(tokenId) ?? 0) + bytes;
    if (this.#bytes + bytes > this.#limits.totalBytes) return FULL;
    if (own > this.#limits.totalBytes / SHARE) return SHARE_TAKEN;
    this.#bytes += bytes;
    this.#byToken.set(tokenId, own);
    return null;
  }

  letGo(tokenId: string, bytes: number): void {
    const own = this.#byToken.get(tokenId)! - bytes;
    this.#bytes -= bytes;
    if (own > 0) this.#byToken.set(tokenId, own);
    else this.#byToken.delete(tokenId);
  }
}

/** One body, on its way in. */
class BodyReader implements BodySink, ExchangeListener {
  readonly #all: WaitingBodies;
  readonly #exchange: Exchange;
  readonly #tokenId: string;
  readonly #type: BodyType;
  readonly #done: (outcome: ReceivedBody | Refused) => void;
  readonly #cancelTimeout: () => void;
  #isOver = false;
  /** Its room doubles: a piece of its own for each chunk would cost many times what a chunk of one byte is. */
  #room: Buffer = Buffer.alloc(0);
  #bytes = 0;

  constructor(
    all: WaitingBodies,
    exchange: Exchange,
    tokenId: string,
    type: BodyType,
    done: (outcome: ReceivedBody | Refused) => void,
  ) {
    this.#all = all;
    this.#exchange = exchange;
    this.#tokenId = tokenId;
    this.#type = type;
    this.#done = done;
    this.#cancelTimeout = stallAwareTimeout(all.limits.completeMs, () => this.#refuse(TOO_SLOW), {
      keepsProcess: false,
    });
  }

  bodyChunk(chunk: Buffer): void {
    if (this.#isOver) return;
    const end = this.#bytes + chunk.length;
    if (end > this.#all.limits.bytes) return this.#refuse(TOO_LARGE);
    const refused = this.#all.take(this.#tokenId, chunk.length);
    if (refused !== null) return this.#refuse(refused);
    if (end > this.#room.length) {
      const room = Buffer.allocUnsafeSlow(
        Math.max(end, Math.min(2 * this.#room.length, this.#all.limits.bytes), FIRST_BYTES),
      );
      this.#room.copy(room, 0, 0, this.#bytes);
      this.#room = room;
    }
    chunk.copy(this.#room, this.#bytes);
    this.#bytes = end;
  }

  bodyEnd(trailers: readonly string[]): void {
    if (this.#isOver) return;
    const bytes = this.#room.subarray(0, this.#bytes);
    this.#end(new ReceivedBody(this.#type, bytes, trailers, () => this.#letGo()));
  }

  clientDrained(): void {}

  clientClosed(): void {
    if (!this.#isOver) this.#refuse(LEFT);
  }

  #refuse(refused: Refused): void {
    // What is behind it must not run before it is answered, which ends the connection.
    if (this.#exchange.readAhead === undefined) this.#exchange.pauseBody();
    this.#room = Buffer.alloc(0);
    this.#letGo();
    this.#end(refused);
  }

  #letGo(): void {
    this.#all.letGo(this.#tokenId, this.#bytes);
    this.#bytes = 0;
  }

  #end(outcome: ReceivedBody | Refused): void {
    this.#isOver = true;
    this.#cancelTimeout();
    this.#done(outcome);
  }
}

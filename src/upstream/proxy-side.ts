/**
 * What http-proxy-3 takes for the client's socket. It never meets the real one: what it writes there comes out as
 * events, and what it reads is handed in, so that our own rules for headers, back-pressure and aborts hold.
 */
import { Duplex } from 'node:stream';

export interface ProxySideEvents {
  /** Bytes of the upstream. false: hold back until `resume`. */
  fromUpstream(chunk: Buffer): boolean;
  upstreamEnded(): void;
  /** What was handed in has been taken. */
  wantsMore(): void;
}

export class ProxySide extends Duplex {
  readonly #events: ProxySideEvents;
  #headSeen = false;
  #held: (() => void) | null = null;

  constructor(events: ProxySideEvents) {
    super();
    this.#events = events;
  }

  override _read(): void {
    this.#events.wantsMore();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // Its own rendering of the 101, in one write. The client gets ours.
    if (!this.#headSeen) this.#headSeen = true;
    else if (!this.#events.fromUpstream(chunk)) {
      this.#held = done;
      return;
    }
    done();
  }

  override _final(done: () => void): void {
    done();
    this.#events.upstreamEnded();
  }

  /** The client reads again. */
  goOn(): void {
    const held = this.#held;
    this.#held = null;
    held?.();
  }

  // What http-proxy-3 expects of a socket beyond that; the real ones are in others' care.
  setTimeout(): void {}
  setNoDelay(): void {}
  setKeepAlive(): void {}
  destroySoon(): void {}
}

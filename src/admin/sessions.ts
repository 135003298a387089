/**
 * Sessions of the console, and links that open one, in the memory of the sidecar: who signed in, and until when. Keeps no
 * credential, of a member's token only its hash: whether that may still be used is asked at each call (caller.ts).
 */
import { LRUCache } from 'lru-cache';
import { atMost } from '../at-most.ts';
import type { TokenHash } from '../core/facts.ts';
import { hashToken, randomText } from '../secret.ts';

const IDLE_MS = 30 * 60_000;
const TOTAL_MS = 12 * 3_600_000;
const LINK_MS = 15 * 60_000;
const SESSIONS_MAX = 10_000;
const LINKS_MAX = 100;
/** 256 bits. */
const ID_LENGTH = 43;
const LINK_PREFIX = 'once_';

/** null: the operator. */
export type SignedIn = TokenHash | null;

export interface OpenSession {
  readonly signedIn: SignedIn;
  /** Unless a call comes before. */
  readonly idleUntilMs: number;
  readonly endsAtMs: number;
}

interface Clock {
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
}

interface Kept {
  readonly signedIn: SignedIn;
  readonly endMs: number;
  idleEndMs: number;
}

export class Sessions {
  readonly #clock: Clock;
  /** By the hash of the id, so that a look-up tells nothing of it by the time it takes. */
  readonly #sessions = new LRUCache<string, Kept>(atMost(SESSIONS_MAX));
  readonly #links = new LRUCache<string, number>(atMost(LINKS_MAX));

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The id is what the browser keeps. */
  open(signedIn: SignedIn): { readonly id: string; readonly session: OpenSession } {
    const id = randomText(ID_LENGTH);
    const nowMs = this.#clock.monotonicMs();
    const kept = { signedIn, endMs: nowMs + TOTAL_MS, idleEndMs: nowMs + IDLE_MS };
    this.#sessions.set(hashToken(id), kept);
    return { id, session: this.#shown(kept) };
  }

  /** Goes on from now. null: unknown, or over. */
  find(id: string): OpenSession | null {
    const key = hashToken(id);
    const kept = this.#sessions.get(key);
    if (kept === undefined) return null;
    const nowMs = this.#clock.monotonicMs();
    if (kept.idleEndMs <= nowMs) {
      this.#sessions.delete(key);
      return null;
    }
    kept.idleEndMs = Math.min(nowMs + IDLE_MS, kept.endMs);
    return this.#shown(kept);
  }

  close(id: string): void {
    this.#sessions.delete(hashToken(id));
  }

  /** Opens one session, of the operator. */
  newLink(): { readonly code: string; readonly endsAtMs: number } {
    const code = LINK_PREFIX + randomText(ID_LENGTH);
    this.#links.set(hashToken(code), this.#clock.monotonicMs() + LINK_MS);
    return { code, endsAtMs: this.#clock.nowMs() + LINK_MS };
  }

  /** Is it such a link, for the first time and in time? */
  takeLink(code: string): boolean {
    const key = hashToken(code);
    const endMs = this.#links.get(key);
    this.#links.delete(key);
    return endMs !== undefined && endMs > this.#clock.monotonicMs();
  }

  #shown({ signedIn, endMs, idleEndMs }: Kept): OpenSession {
    const { nowMs, monotonicMs } = this.#clock;
    const shift = nowMs() - monotonicMs();
    return { signedIn, idleUntilMs: Math.round(idleEndMs + shift), endsAtMs: Math.round(endMs + shift) };
  }
}

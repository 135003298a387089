/**
 * Who else serves: the gateway processes that hold a lease, looked at now and then, and closely while somebody waits for
 * all of them to have applied a change. What it answers is what was seen; it never fails a change that has been made.
 */
import type { GatewayProcess, Registry } from '../store/registry.ts';

/** How far a change has got. */
export interface Receipt {
  /** By every process that holds a lease. */
  readonly applied: boolean;
  /** How many those are; null: nobody could be asked. */
  readonly processes: number | null;
  /** Their ids, of those whose lease does not say yet that they have: some milliseconds after they did. */
  readonly laggards: readonly string[];
  /** From the commit until it was applied everywhere, or until now. */
  readonly lagMs: number;
}

interface Waiter {
  readonly revision: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  seen: Omit<Receipt, 'lagMs'>;
  readonly settle: (receipt: Receipt) => void;
}

const CLOSE_LOOK_MS = 5;
const LOOK_MS = 1000;
const UNKNOWN = { applied: false, processes: null, laggards: [] };

export class ProcessList {
  readonly #registry: Registry;
  readonly #monotonicMs: () => number;
  readonly #waiting = new Set<Waiter>();
  #live: readonly GatewayProcess[] | null = null;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #ending = false;

  constructor(registry: Registry, monotonicMs: () => number) {
    this.#registry = registry;
    this.#monotonicMs = monotonicMs;
    void this.#look();
  }

  /** As last seen, at most a second or two ago; null: nobody could be asked. */
  get live(): readonly GatewayProcess[] | null {
    return this.#live;
  }

  /** Call it once the change has been made. Never rejects. */
  receipt(revision: number, waitMs: number): Promise<Receipt> {
    const sinceMs = this.#monotonicMs();
    return new Promise((settle) => {
      this.#waiting.add({ revision, sinceMs, untilMs: sinceMs + waitMs, seen: UNKNOWN, settle });
      if (!this.#looking) void this.#look();
    });
  }

  /** Whoever waits is told now how far it has got. */
  end(): void {
    this.#ending = true;
    clearTimeout(this.#timer);
    if (this.#waiting.size > 0 && !this.#looking) void this.#look();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    clearTimeout(this.#timer);
    // Only what is asked from now on can speak for changes that have been made by now.
    const waiting = [...this.#waiting];
    this.#live = await this.#registry.live().catch(() => null);
    this.#looking = false;
    const nowMs = this.#monotonicMs();
    for (const waiter of waiting) this.#judge(waiter, nowMs);
    if (this.#ending && this.#waiting.size === 0) return;
    this.#timer = setTimeout(() => void this.#look(), this.#waiting.size > 0 ? CLOSE_LOOK_MS : LOOK_MS).unref();
  }

  #judge(waiter: Waiter, nowMs: number): void {
    if (this.#live !== null) {
      const laggards = this.#live.filter(({ revision }) => revision < waiter.revision).map(({ id }) => id);
      waiter.seen = { applied: laggards.length === 0, processes: this.#live.length, laggards };
    }
    if (!waiter.seen.applied && nowMs < waiter.untilMs && !this.#ending) return;
    this.#waiting.delete(waiter);
    waiter.settle({ ...waiter.seen, lagMs: Math.round(nowMs - waiter.sinceMs) });
  }
}

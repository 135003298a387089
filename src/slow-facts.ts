/**
 * What takes a while to find out, as it was last known: whoever asks waits a moment at most, and is told what is known by
 * then. It is found out again only while somebody asks, and never for more than a share of the time. Facts, never verdicts.
 */
import { setTimeout as pause } from 'node:timers/promises';

interface SlowFactOptions {
  readonly patienceMs: number;
  /** For each millisecond that it took, so many of rest. */
  readonly restFactor: number;
  /** Things that are remembered; the one that was asked for longest ago goes first. */
  readonly max: number;
}

interface Entry<T> {
  /** null: not known yet. */
  value: T | null;
  restsUntilMs: number;
  /** null: nobody is finding out. */
  running: Promise<T> | null;
}

export class SlowFacts<T> {
  readonly #options: SlowFactOptions;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(options: SlowFactOptions) {
    this.#options = options;
  }

  /** null: not known yet. Rejects where finding out fails while one waits for it. */
  async get(key: string, find: () => Promise<T>): Promise<T | null> {
    const entry: Entry<T> = this.#entries.get(key) ?? { value: null, restsUntilMs: 0, running: null };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#options.max) this.#entries.delete(this.#entries.keys().next().value!);
    if (entry.running === null) {
      if (performance.now() < entry.restsUntilMs) return entry.value;
      entry.running = this.#find(entry, find);
      // Whoever waits hears of it; nobody may.
      entry.running.catch(() => undefined);
    }
    const end = new AbortController();
    const patience = pause(this.#options.patienceMs, null, { signal: end.signal }).catch(() => null);
    const found = await Promise.race([entry.running, patience]).finally(() => end.abort());
    return found ?? entry.value;
  }

  async #find(entry: Entry<T>, find: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    try {
      entry.value = await find();
      return entry.value;
    } finally {
      const endedMs = performance.now();
      entry.restsUntilMs = endedMs + (endedMs - startedMs) * this.#options.restFactor;
      entry.running = null;
    }
  }
}

/**
 * Revokes tokens while they are used, and watches how long each is served on: before the receipt that everybody refuses
 * it, and, which may never be, behind it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Latencies, type LatencySeries } from './latencies.ts';
import type { LoadClient, LoadTarget } from './load-client.ts';
import type { VictimToken } from './plan.ts';

/** Resolves when the sidecar has answered; `applied`: it says that every gateway process refuses the token now. */
export type Revoke = (id: string) => Promise<{ readonly applied: boolean }>;

export interface Revocations {
  readonly count: number;
  /** From the call to the receipt. */
  readonly receipt: LatencySeries;
  /** From the call to the first request behind which none was served. */
  readonly lag: LatencySeries;
  /** Requests that began behind a receipt and were served all the same. Must be 0. */
  readonly allowedAfterReceipt: number;
  /** Answers that did not say in time that everybody refuses it. */
  readonly withoutReceipt: number;
  readonly probes: number;
}

interface Probe {
  readonly startedMs: number;
  readonly isAllowed: boolean;
}

const PROBE_GAP_MS = 5;
/** Over several connections, so that every gateway process is asked. */
const PROBES_AFTER = 20;
const WARMING = 3;
const WATCH_MAX_MS = 10_000;

export class RevocationWatch {
  readonly #client: LoadClient;
  readonly #revoke: Revoke;
  readonly #receipt = new Latencies();
  readonly #lag = new Latencies();
  #count = 0;
  #allowedAfterReceipt = 0;
  #withoutReceipt = 0;
  #probes = 0;

  constructor(client: LoadClient, revoke: Revoke) {
    this.#client = client;
    this.#revoke = revoke;
  }

  /** Rejects with what the sidecar says where it cannot be revoked. */
  async end(victim: VictimToken, target: LoadTarget): Promise<void> {
    for (let sent = 0; sent < WARMING; sent++) await this.#probe(victim, target);
    const probes: Array<Promise<Probe>> = [];
    const watch = { receiptMs: Number.POSITIVE_INFINITY, isOver: false };
    const probing = this.#probeUntil(watch, () => probes.push(this.#probe(victim, target)));
    const calledMs = performance.now();
    let applied: boolean;
    try {
      applied = (await this.#revoke(victim.id)).applied;
    } catch (error) {
      watch.isOver = true;
      await probing;
      throw error;
    }
    watch.receiptMs = performance.now();
    await probing;
    this.#account(await Promise.all(probes), calledMs, watch.receiptMs, applied);
  }

  result(): Revocations {
    return {
      count: this.#count,
      receipt: this.#receipt.series(),
      lag: this.#lag.series(),
      allowedAfterReceipt: this.#allowedAfterReceipt,
      withoutReceipt: this.#withoutReceipt,
      probes: this.#probes,
    };
  }

  #account(probes: readonly Probe[], calledMs: number, receiptMs: number, applied: boolean): void {
    this.#count++;
    this.#receipt.record(receiptMs - calledMs);
    const lastAllowedMs = Math.max(
      calledMs,
      ...probes.filter(({ isAllowed }) => isAllowed).map((each) => each.startedMs),
    );
    const refusedMs = probes.map(({ startedMs }) => startedMs).filter((startedMs) => startedMs > lastAllowedMs);
    this.#lag.record(Math.min(...refusedMs, performance.now()) - calledMs);
    if (!applied) this.#withoutReceipt++;
    else this.#allowedAfterReceipt += probes.filter((each) => each.isAllowed && each.startedMs > receiptMs).length;
  }

  /** Until it was asked often enough behind the receipt. */
  async #probeUntil(watch: { readonly receiptMs: number; readonly isOver: boolean }, probe: () => void): Promise<void> {
    const endMs = performance.now() + WATCH_MAX_MS;
    for (let after = 0; after < PROBES_AFTER && !watch.isOver && performance.now() < endMs; ) {
      if (performance.now() > watch.receiptMs) after++;
      probe();
      await pause(PROBE_GAP_MS);
    }
  }

  async #probe({ text }: VictimToken, target: LoadTarget): Promise<Probe> {
    this.#probes++;
    const startedMs = performance.now();
    const { outcome } = await this.#client.send(target, text);
    return { startedMs, isAllowed: typeof outcome === 'number' && outcome < 400 };
  }
}

/**
 * The store as a gateway uses it: opened, its records brought up to date, remembered, watched. Opened once; a reload
 * replaces none of it. Judges nothing.
 */

import { watchStore } from '../lifecycle/store-watch.ts';
import { systemClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Owned } from '../owned.ts';
import type { OpenedStore } from '../store/adapter.ts';
import { FactCache } from '../store/cache/fact-cache.ts';
import { LastUsed } from '../store/cache/last-used.ts';
import type { Store } from '../store/store.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { cacheOptions, openStore, placeOf } from './open-store.ts';
import { readyStore } from './ready-store.ts';

export interface Records extends Pick<OpenedStore, 'registry' | 'questions' | 'counters' | 'fault'> {
  readonly store: Store;
  readonly facts: FactCache;
  readonly lastUsed: LastUsed;
}

/** Rejects with SetupError where only an operator can mend it. */
export async function openRecords(options: GatewayOptions, metrics: Metrics, owned: Owned): Promise<Records> {
  const { configuration, log, clock = systemClock } = options;
  const { file } = configuration;
  const { opened, registry, questions, counters, describe, fault } = await openStore(configuration, log);
  owned.add(opened, (engine) => engine.close());
  owned.add(registry, (engine) => engine.close());
  const ready = await readyStore({ store: opened, registry, name: placeOf(configuration), log }, owned);
  const store = options.aroundStore?.(ready) ?? ready;
  const facts = new FactCache(store, { ...cacheOptions(file), monotonicMs: clock.monotonicMs });
  owned.add(store.follow(facts), (unfollow) => unfollow());
  owned.add(watchStore({ facts, fault, serveDuringOutageMs: file.cache.serveDuringOutageMs, log }), (stop) => stop());
  const onFailed = (error: unknown) =>
    log.warn({ reason: String(error) }, 'last uses: could not be written; will try again');
  const lastUsed = owned.add(new LastUsed({ store, onFailed }), (uses) => uses.close());
  describe(metrics);
  return { store, registry, questions, counters, fault, facts, lastUsed };
}

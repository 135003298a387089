/** Opens the store that a configuration names. Which stores there are is known to store/adapters.ts alone. */
import type { Configuration } from '../config/load/configuration.ts';
import type { Log } from '../observe/log.ts';
import type { OpenedStore } from '../store/adapter.ts';
import { adapterOf } from '../store/adapters.ts';
import type { FactCacheOptions } from '../store/cache/fact-cache.ts';

/** By which the cache outwaits a store that gives up by itself, so that the store's own reason is heard. */
const SLACK_MS = 25;

/** Rejects with SetupError with what to mend. A server that cannot be reached is waited for, by everybody who asks. */
export function openStore({ file: { store }, resolvePath }: Configuration, log: Log): Promise<OpenedStore> {
  return adapterOf(store).open(store, { resolvePath, log });
}

/** What people call the store, without a secret: the same text, the same store. */
export function placeOf({ file: { store }, resolvePath }: Configuration): string {
  return adapterOf(store).describe(store, resolvePath);
}

/** What is remembered of the store, and for how long it is waited for. */
export function cacheOptions({ cache, store }: Configuration['file']): Omit<FactCacheOptions, 'monotonicMs'> {
  const readTimeoutMs = adapterOf(store).readTimeoutMs(store);
  return readTimeoutMs === null ? cache : { ...cache, readPatienceMs: readTimeoutMs + SLACK_MS };
}

/** Opens the store that a configuration names. Which stores there are is known to store/adapters.ts alone. */
import type { Configuration } from '../config/load/configuration.ts';
import type { Log } from '../observe/log.ts';
import type { OpenedStore } from '../store/adapter.ts';
import { adapterOf } from '../store/adapters.ts';
import type { FactCacheOptions } from '../store/cache/fact-cache.ts';

/** Rejects with SetupError with what to mend. A server that cannot be reached is waited for, by everybody who asks. */
export function openStore({ file: { store }, resolvePath }: Configuration, log: Log): Promise<OpenedStore> {
  return adapterOf(store).open(store, { resolvePath, log });
}

/** What people call the store, without a secret: the same text, the same store. */
export function placeOf({ file: { store }, resolvePath }: Configuration): string {
  return adapterOf(store).describe(store, resolvePath);
}

/** What is remembered of the store, and when it gives up a look-up by itself. */
export function cacheOptions({ cache, store }: Configuration['file']): Omit<FactCacheOptions, 'monotonicMs'> {
  return { ...cache, readTimeoutMs: adapterOf(store).readTimeoutMs(store) };
}

/** The store of a configuration, opened by a command: beside whatever runs on it, with patience, since no request waits for us. */
import type { Configuration } from '../config/load/configuration.ts';
import { requireKnownFormat } from '../format/bring-up-to-date.ts';
import { createLog } from '../observe/log.ts';
import type { Owned } from '../owned.ts';
import type { OpenedStore } from '../store/adapter.ts';
import { adapterOf } from '../store/adapters.ts';

const PATIENCE_MS = 10_000;

/**
 * `owned` closes it. Opening makes a store that is not there: ask its adapter before. One of an older format is left as it is.
 * Rejects with SetupError or StoreUnavailable.
 */
export async function openForCommand({ file, resolvePath }: Configuration, owned: Owned): Promise<OpenedStore> {
  const adapter = adapterOf(file.store);
  const settings = adapter.withTimeouts(file.store, PATIENCE_MS);
  const store = await adapter.open(settings, { resolvePath, log: createLog('error', process.stderr) });
  owned.add(store.opened, (opened) => opened.close());
  owned.add(store.registry, (list) => list.close());
  await requireKnownFormat(store.opened, adapter.describe(file.store, resolvePath));
  return store;
}

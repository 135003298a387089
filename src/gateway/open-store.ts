/** The only file that knows which store was chosen. */
import { dirname } from 'node:path';
import type { Configuration } from '../config/load-gateway.ts';
import { SqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';

export interface OpenedStore {
  readonly opened: Store;
  /** Where what belongs to this machine alone is kept, such as a generated admin key. */
  readonly folder: string;
}

/** Throws SetupError with what to mend. */
export function openStore({ file, resolvePath }: Configuration): OpenedStore {
  const path = resolvePath(file.store.driver === 'sqlite' ? file.store.path : 'data/scopegate.db');
  return { opened: new SqliteStore(path), folder: dirname(path) };
}

/**
 * The only way from the store to a document: every record is checked before anybody reads it. A damaged one is answered
 * as a store that cannot be asked, never as a record that is not there, and never as a no.
 */
import { DamagedRecord, type Scanned, type ScanOptions, type Store, type Stored } from '../../store/store.ts';
import { checkDoc } from './check-doc.ts';
import type { DocByKind, DocKind } from './records.ts';

export interface StoredDoc<K extends DocKind> {
  readonly key: string;
  readonly doc: DocByKind[K];
  /** The revision that wrote it. */
  readonly version: number;
}

export interface ScannedDoc<K extends DocKind> extends StoredDoc<K> {
  readonly score: number;
}

/** null: there is none; a deleted one that stays for a while is there. Rejects with StoreUnavailable. */
export async function getDoc<K extends DocKind>(store: Store, kind: K, key: string): Promise<StoredDoc<K> | null> {
  const stored = await store.get(key);
  return stored === null ? null : { key, doc: docOf(kind, stored), version: stored.version };
}

/** Entries of a list that holds one kind. Rejects with StoreUnavailable. */
export async function scanDocs<K extends DocKind>(
  store: Store,
  kind: K,
  index: string,
  options: ScanOptions,
): Promise<Array<ScannedDoc<K>>> {
  const page = await store.scan(index, options);
  return page.map((entry) => scannedDoc(kind, entry));
}

/** An entry of a list that holds several kinds. Throws DamagedRecord. */
export function scannedDoc<K extends DocKind>(kind: K, entry: Scanned): ScannedDoc<K> {
  return { key: entry.key, doc: docOf(kind, entry), version: entry.version, score: entry.score };
}

function docOf<K extends DocKind>(kind: K, { key, record }: Pick<Stored, 'key' | 'record'>): DocByKind[K] {
  try {
    return checkDoc(kind, key, record);
  } catch (cause) {
    throw new DamagedRecord(cause);
  }
}

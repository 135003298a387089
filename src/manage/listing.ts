/** Lists, page by page, as they stand. */
import { setImmediate as breathe } from 'node:timers/promises';
import { kindOf } from '../core/facts.ts';
import { Slices } from '../slices.ts';
import type { Scanned, Store } from '../store/store.ts';
import type { DocByKind, DocKind } from './unit-of-work/records.ts';
import { scannedDoc } from './unit-of-work/stored-docs.ts';

const PAGE = 100;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Which page of a list. */
export interface PageRequest {
  /** Of items, at least 1. */
  readonly limit: number;
  /** null: the first page. */
  readonly cursor: string | null;
}

/**
 * One page of a list, as it stands. `pick` says what is shown of a record, null: nothing; pages stay full as long as there
 * is more, or until so many records have been looked at. `look` is shown together what `pick` will be asked about. `kinds`: what the list holds.
 */
export async function list<K extends DocKind, Shown = DocByKind[K]>(
  store: Store,
  kinds: K | readonly K[],
  index: string,
  options: PageRequest & {
    readonly pick?: (doc: DocByKind[K]) => Shown | null | Promise<Shown | null>;
    readonly look?: (docs: ReadonlyArray<DocByKind[K]>) => Promise<void>;
    readonly examineMax?: number;
    /** From the last to the first. */
    readonly backwards?: boolean;
    /** Behind this place, on the first page. */
    readonly from?: { readonly score: number; readonly key: string } | undefined;
    /** Behind this one nothing is wanted. */
    readonly isEnd?: (doc: DocByKind[K]) => boolean;
  },
): Promise<Page<Shown>> {
  const slices = new Slices();
  const items: Shown[] = [];
  let left = options.examineMax ?? Number.POSITIVE_INFINITY;
  const onwards = options.backwards === true ? { backwards: true } : {};
  let after = options.cursor === null ? options.from : readCursor(options.cursor);
  for (;;) {
    const page = await store.scan(index, { limit: PAGE, ...onwards, ...(after === undefined ? {} : { after }) });
    const docs = page.map((entry) => scannedDoc(kindAmong(kinds, entry.key), entry).doc);
    await options.look?.(docs);
    for (const [nth, entry] of page.entries()) {
      if (slices.over) await slices.next();
      after = { score: entry.score, key: entry.key };
      const stored = docs[nth]!;
      if (options.isEnd?.(stored) === true) return { items, nextCursor: null };
      const shown = options.pick === undefined ? (stored as Shown) : await options.pick(stored);
      if (shown !== null) items.push(shown);
      left--;
      if (items.length === options.limit || left === 0) break;
    }
    if (items.length === options.limit || left === 0) {
      const more = await store.scan(index, { limit: 1, ...onwards, after: after! });
      return { items, nextCursor: more.length === 0 ? null : writeCursor(after!) };
    }
    if (page.length < PAGE) return { items, nextCursor: null };
    // The embedded store answers at once: a long page, or a filter that finds little, would let nothing else happen.
    await slices.next();
  }
}

/** Whose name, or id, holds this part, whatever its case. Absent: everybody's. */
export function whoseNameHolds(part: string | undefined): (...names: readonly string[]) => boolean {
  const wanted = folded(part ?? '');
  return (...names) => wanted === '' || names.some((name) => folded(name).includes(wanted));
}

/** Of a list with several kinds the key tells; one that is none of them is found out by the check. */
function kindAmong<K extends DocKind>(kinds: K | readonly K[], key: string): K {
  if (typeof kinds === 'string') return kinds;
  return kinds.find((kind) => kind === kindOf(key)) ?? kinds[0]!;
}

/** Every record of a list, as they stand when they are come to; others have their turn between its pages. */
export async function* everyOne<K extends DocKind>(store: Store, kind: K, index: string): AsyncGenerator<DocByKind[K]> {
  for await (const entry of everyEntry(store, index)) yield scannedDoc(kind, entry).doc;
}

/** The same as it is stored, of a list that holds several kinds. */
export async function* everyEntry(store: Store, index: string): AsyncGenerator<Scanned> {
  let after: { score: number; key: string } | undefined;
  for (;;) {
    const page = await store.scan(index, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    yield* page;
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) return;
    after = { score: last.score, key: last.key };
    await breathe();
  }
}

/** As people look for a name: in any case, whatever form its characters have. */
export function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

function writeCursor(entry: { score: number; key: string }): string {
  return Buffer.from(JSON.stringify([entry.score, entry.key])).toString('base64url');
}

/** Throws SyntaxError or TypeError on text that is no cursor of ours. */
export function readCursor(text: string): { score: number; key: string } {
  const [score, key] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [unknown, unknown];
  if (typeof score !== 'number' || typeof key !== 'string') throw new TypeError('no cursor');
  return { score, key };
}

/** Lists, page by page, as they stand. */
import { setImmediate as breathe } from 'node:timers/promises';
import { kindOf } from '../core/facts.ts';
import { Slices } from '../slices.ts';
import type { Scanned, ScanOptions, Store } from '../store/store.ts';
import { malformed } from './rejection.ts';
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

/** A part of one list, or of several that are ordered alike and hold different records, as if they were one. */
export interface Range {
  /** Told from others that a cursor could be of. */
  readonly along: string;
  readonly indexes: readonly string[];
  /** Only entries whose score is greater. */
  readonly above?: number;
  /** Only entries whose score is no greater. */
  readonly upTo?: number;
  /** Only entries whose text begins with it. */
  readonly prefix?: string;
}

/** Behind which entry it goes on, in each list of a range; null: from its start. */
type Places = ReadonlyArray<Place | null>;
type Place = NonNullable<ScanOptions['after']>;

/**
 * One page of a list, as it stands. `pick` says what is shown of a record, null: nothing; pages stay full as long as there
 * is more, or until so many records have been looked at. `look` is shown together what `pick` will be asked about. `kinds`: what the list holds.
 */
export async function list<K extends DocKind, Shown = DocByKind[K]>(
  store: Store,
  kinds: K | readonly K[],
  where: string | Range,
  options: PageRequest & {
    readonly pick?: (doc: DocByKind[K]) => Shown | null | Promise<Shown | null>;
    readonly look?: (docs: ReadonlyArray<DocByKind[K]>) => Promise<void>;
    readonly examineMax?: number;
    /** From the last to the first. */
    readonly backwards?: boolean;
    /** Behind this place, on the first page. */
    readonly from?: Place | undefined;
    /** Behind this one nothing is wanted. */
    readonly isEnd?: (doc: DocByKind[K]) => boolean;
  },
): Promise<Page<Shown>> {
  const slices = new Slices();
  const items: Shown[] = [];
  let left = options.examineMax ?? Number.POSITIVE_INFINITY;
  const range = typeof where === 'string' ? { along: '', indexes: [where] } : where;
  const after = placesOf(range, options);
  const more = (limit: number) => scanRange(store, range, after, limit, options.backwards === true);
  for (;;) {
    const page = await more(PAGE);
    const docs = page.map(({ entry }) => scannedDoc(kindAmong(kinds, entry.key), entry).doc);
    await options.look?.(docs);
    for (const [nth, { entry, list }] of page.entries()) {
      if (slices.over) await slices.next();
      after[list] = placeOf(entry);
      const stored = docs[nth]!;
      if (options.isEnd?.(stored) === true) return { items, nextCursor: null };
      const shown = options.pick === undefined ? (stored as Shown) : await options.pick(stored);
      if (shown !== null) items.push(shown);
      left--;
      if (items.length === options.limit || left === 0) break;
    }
    if (items.length === options.limit || left === 0) {
      return { items, nextCursor: (await more(1)).length === 0 ? null : writeCursor(range.along, after) };
    }
    if (page.length < PAGE) return { items, nextCursor: null };
    // The embedded store answers at once: a long page, or a filter that finds little, would let nothing else happen.
    await slices.next();
  }
}

/** One page of several ranges, one behind the other. Each has an `along` of its own. */
export async function listInTurn<T>(
  ranges: readonly Range[],
  { limit, cursor }: PageRequest,
  pageOf: (range: Range, part: PageRequest) => Promise<Page<T>>,
): Promise<Page<T>> {
  const items: T[] = [];
  let from = cursor;
  for (const [nth, range] of ranges.entries()) {
    const found = await pageOf(range, { limit: limit - items.length, cursor: from });
    items.push(...found.items);
    if (found.nextCursor !== null) return { items, nextCursor: found.nextCursor };
    const next = ranges[nth + 1];
    if (next !== undefined && items.length === limit) return { items, nextCursor: startOf(next) };
    from = null;
  }
  return { items, nextCursor: null };
}

function startOf({ along, indexes }: Range): string {
  return writeCursor(
    along,
    indexes.map(() => null),
  );
}

/** From where it goes on. Throws Rejection (400) for the cursor of another list. */
function placesOf({ along, indexes }: Range, { cursor, from }: PageRequest & { readonly from?: Place | undefined }) {
  if (cursor === null) return indexes.map(() => from ?? null);
  const read = readCursor(cursor);
  if (read.along !== along || read.after.length !== indexes.length)
    throw malformed('invalid_field', 'cursor must be the nextCursor of an earlier page of this list', 'cursor');
  return [...read.after];
}

/** The next entries of all lists, each with the number of its list. As many as `limit`, unless that is all there are. */
async function scanRange(
  store: Store,
  { indexes, above, upTo = Number.POSITIVE_INFINITY, prefix }: Range,
  after: Places,
  limit: number,
  backwards: boolean,
): Promise<Array<{ readonly entry: Scanned; readonly list: number }>> {
  const from = {
    limit,
    ...(above !== undefined && { above }),
    ...(prefix !== undefined && { prefix }),
    ...(backwards && { backwards }),
  };
  const scans = indexes.map((index, list) =>
    store.scan(index, after[list] == null ? from : { ...from, after: after[list] }),
  );
  const found = (await Promise.all(scans)).flatMap((entries, list) => entries.map((entry) => ({ entry, list })));
  // Each list is in its order, which stays among entries of one score.
  if (indexes.length > 1) found.sort((one, other) => one.entry.score - other.entry.score);
  return found.slice(0, limit).filter(({ entry }) => entry.score <= upTo);
}

function placeOf({ score, key, text }: Place): Place {
  return { score, key, ...(text !== undefined && { text }) };
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

function writeCursor(along: string, after: Places): string {
  const places = after.map((place) => (place === null ? null : [place.score, place.key, place.text]));
  const told = along === '' ? places[0] : [along, ...places];
  return Buffer.from(JSON.stringify(told)).toString('base64url');
}

/** Throws SyntaxError or TypeError on text that is no cursor of ours. */
export function readCursor(text: string): { readonly along: string; readonly after: Places } {
  const told = JSON.parse(Buffer.from(text, 'base64url').toString()) as readonly unknown[];
  const [along, ...places] = told;
  if (typeof along !== 'string') return { along: '', after: [readPlace(told)] };
  return { along, after: places.map((place) => (place === null ? null : readPlace(place))) };
}

function readPlace(told: unknown): Place {
  const [score, key, text = null] = told as readonly unknown[];
  if (typeof score !== 'number' || typeof key !== 'string') throw new TypeError('no cursor');
  if (text !== null && typeof text !== 'string') throw new TypeError('no cursor');
  return text === null ? { score, key } : { score, key, text };
}

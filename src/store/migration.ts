/**
 * Carries a store over into another, whatever engines they are: copies, then compares every record and list entry both
 * ways. Changes nothing in the source. May be killed at any moment and run again: what is there already is not copied
 * again, and what has changed in the source meanwhile is made good. Neither store may be in use by anybody else.
 */
import { DAY_MS } from '../core/policy.ts';
import { SetupError } from '../errors.ts';
import { type ExportableStore, type Exported, isSame } from './exportable.ts';
import { FORMAT_KEY } from './format.ts';
import type { Touch } from './store.ts';

/** Stands in the target until all of it is there. Under a kind of its own: no fact is read from it. */
const MARKER = 'migration/source';
/** Small enough for an engine that does nothing else meanwhile. */
const BATCH = 500;

export type Step = 'copied' | 'checked in the target' | 'checked in the source';

export interface MigrationOptions {
  readonly from: ExportableStore;
  readonly to: ExportableStore;
  /** What the source is called, so that only it is gone on with. */
  readonly source: string;
  /** `total`: of records, about. */
  readonly onStep?: (step: Step, done: number, total: number) => void;
}

export interface Migrated {
  /** As the entries: a few too many, perhaps, where both stores show some of their records more than once. */
  readonly records: number;
  readonly entries: number;
  /** In this run; the others were there from an earlier one. */
  readonly copied: number;
  /** In the target, of records that the source has no more. */
  readonly removed: number;
}

/**
 * Rejects with SetupError where the target is not for us or the source did not keep still, with what to do. Where all of it is there
 * from an earlier run, and unchanged, only that is found out.
 */
export async function migrate({ from, to, source, onStep = () => undefined }: MigrationOptions): Promise<Migrated> {
  const complete = await begin(from, to, source);
  if (complete !== null) return { ...complete, copied: 0, removed: 0 };
  const before = await from.revision();
  const total = await from.size();
  const copied = await copy(from, to, (done) => onStep('copied', done, total));
  const inTarget = await compareTarget(from, to, (done) => onStep('checked in the target', done, total));
  const inSource = await compareSource(from, to, (done) => onStep('checked in the source', done, total));
  if ((await from.revision()) !== before) throw restless('source');
  if ((await to.revision()) !== inTarget.revision) throw restless('target');
  await write(to, [{ key: MARKER, record: null, version: (await to.get(MARKER))?.version ?? 0 }]);
  return { ...fewer(inTarget.counted, inSource), copied, removed: inTarget.removed };
}

type Counted = Pick<Migrated, 'records' | 'entries'>;

const NONE: Counted = { records: 0, entries: 0 };

function plus({ records, entries }: Counted, page: readonly Exported[]): Counted {
  return { records: records + page.length, entries: page.reduce((sum, { indexes }) => sum + indexes.length, entries) };
}

/** Both hold the same, and none is left out of a count, though one may be counted twice. */
function fewer(one: Counted, other: Counted): Counted {
  return { records: Math.min(one.records, other.records), entries: Math.min(one.entries, other.entries) };
}

/** What is there already, where nothing is left to be done; null: go on. */
async function begin(from: ExportableStore, to: ExportableStore, source: string): Promise<Counted | null> {
  if ((await from.get(MARKER)) !== null)
    throw new SetupError('the source is itself the unfinished target of a migration; finish that one first');
  const marker = (await to.get(MARKER))?.record as { readonly source: string } | undefined;
  if (marker === undefined) {
    if (await holdsAnything(to)) {
      const same = await countSame(from, to);
      if (same !== null) return same;
      throw new SetupError('the target holds data already; name an empty one (another file, or another keyPrefix)');
    }
    await write(to, [{ key: MARKER, record: { source }, version: 0 }]);
    return null;
  }
  if (marker.source !== source)
    throw new SetupError(
      `the target is being filled from ${marker.source}, not from ${source}; go on with that, or empty it`,
    );
  return null;
}

/** null: they differ. */
async function countSame(from: ExportableStore, to: ExportableStore): Promise<Counted | null> {
  let [inTarget, inSource] = [NONE, NONE];
  for await (const page of pages(to)) {
    const there = await from.exported(page.map(({ key }) => key));
    if (page.some((found, place) => there[place] == null || !isSame(there[place], found))) return null;
    inTarget = plus(inTarget, page);
  }
  for await (const page of pages(from)) {
    if ((await to.exported(page.map(({ key }) => key))).includes(null)) return null;
    inSource = plus(inSource, page);
  }
  return fewer(inTarget, inSource);
}

/** A gateway that was started on an empty store has left its format there, and nothing else. */
async function holdsAnything(store: ExportableStore): Promise<boolean> {
  for await (const page of pages(store)) if (page.some(({ key }) => key !== FORMAT_KEY)) return true;
  return false;
}

async function copy(from: ExportableStore, to: ExportableStore, onDone: (done: number) => void): Promise<number> {
  let [done, copied] = [0, 0];
  for await (const page of pages(from)) {
    const there = await to.exported(page.map(({ key }) => key));
    const missing = page.flatMap((wanted, place) => {
      const found = there[place]!;
      return found !== null && isSame(wanted, found) ? [] : [{ ...wanted, version: found?.version ?? 0 }];
    });
    await write(to, missing);
    await to.touch(await touchesOf(from, page));
    await to.touch(await scopeTouchesOf(from, page));
    copied += missing.length;
    done += page.length;
    onDone(done);
  }
  return copied;
}

/** What the source has no more is removed; everything else must be as it is there. */
async function compareTarget(from: ExportableStore, to: ExportableStore, onDone: (done: number) => void) {
  let [done, removed, counted] = [0, 0, NONE];
  for await (const page of pages(to)) {
    const there = await from.exported(page.map(({ key }) => key));
    const gone = page.filter(({ key }, place) => there[place] === null && key !== MARKER);
    for (const [place, found] of page.entries()) {
      const wanted = there[place]!;
      if (wanted !== null && !isSame(wanted, found)) throw restless('source');
    }
    await write(
      to,
      gone.map(({ key, version }) => ({ key, version, record: null })),
    );
    removed += gone.length;
    counted = plus(
      counted,
      page.filter((_, place) => there[place] !== null),
    );
    done += page.length;
    onDone(done);
  }
  return { removed, counted, revision: await to.revision() };
}

async function compareSource(from: ExportableStore, to: ExportableStore, onDone: (done: number) => void) {
  let counted = NONE;
  for await (const page of pages(from)) {
    const there = await to.exported(page.map(({ key }) => key));
    for (const [place, wanted] of page.entries()) {
      const found = there[place]!;
      if (found === null || !isSame(wanted, found)) throw restless('source');
    }
    const used = new Map((await touchesOf(to, page)).map(({ key, atMs }) => [key, atMs]));
    const outdated = (await touchesOf(from, page)).some(({ key, atMs }) => (used.get(key) ?? 0) < atMs);
    if (outdated) throw restless('source');
    counted = plus(counted, page);
    onDone(counted.records);
  }
  return counted;
}

/** When the records were last used, of those that were. */
async function touchesOf(store: ExportableStore, page: readonly Exported[]): Promise<Touch[]> {
  const touched = await store.touched(page.map(({ key }) => key));
  return page.flatMap(({ key }, place) => (touched[place] == null ? [] : [{ key, atMs: touched[place] }]));
}

/** With which scopes, and the day from which on that is known, which comes first. */
async function scopeTouchesOf(store: ExportableStore, page: readonly Exported[]): Promise<Touch[]> {
  const used = await store.scopesUsed(page.map(({ key }) => key));
  return page.flatMap(({ key }, place) => {
    const { days, sinceDay } = used[place]!;
    if (sinceDay === null) return [];
    const scopes = [...days.keys()];
    return [
      { key, atMs: sinceDay * DAY_MS, scopes },
      ...scopes.map((scope) => ({ key, atMs: days.get(scope)! * DAY_MS, scopes: [scope] })),
    ];
  });
}

async function* pages(store: ExportableStore): AsyncGenerator<readonly Exported[]> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<ExportableStore['export']>> = await store.export(cursor, BATCH);
    yield page.records;
    cursor = page.next;
  } while (cursor !== null);
}

type Written = Pick<Exported, 'key' | 'record' | 'version'> & Partial<Pick<Exported, 'indexes'>>;

async function write(to: ExportableStore, records: readonly Written[]): Promise<void> {
  if (records.length === 0) return;
  const committed = await to.commit({
    expects: records.map(({ key, version }) => ({ key, version })),
    writes: records.map(({ key, record, indexes = [] }) => ({ key, record, indexes })),
  });
  if (!committed.ok) throw restless('target');
}

function restless(which: 'source' | 'target'): SetupError {
  return new SetupError(
    `the ${which} was changed by somebody else meanwhile: stop every scopegate that uses it, and run this again; what is copied stays copied`,
  );
}

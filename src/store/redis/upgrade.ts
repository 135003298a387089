/**
 * From the first layout of records in Redis to the second: a few at a time, each few at once or not at all, by whoever
 * starts; may be killed at any moment and begun again. What is moved is gone from where it was, so memory does not grow.
 * A process of an older scopegate cannot change anything from then on, and one that is started finds a format beyond its own.
 *
 * The first layout: `r:KEY` a record, as three parts on lines of their own: version, names of its indexes, the record;
 * `i:INDEX` an index, a sorted set of keys; `log` the change log; `processes` the leases.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SetupError } from '../../errors.ts';
import { FORMAT_KEY } from '../format.ts';
import type { GatewayProcess } from '../registry.ts';
import type { IndexEntry } from '../store.ts';
import { EncodedWrites, pushWrite } from './commit.ts';
import type { Scripted } from './scripts.ts';
import type { RedisShared } from './shared.ts';

/** What a server does nothing else for. */
const PAGE = 50;
/** Keys that one SCAN looks at. */
const SCANNED = 1000;
const LOOK_AGAIN_MS = 50;
/** Leases of processes that were killed end within this time. */
const LEASES_MS = 10_000;
const PROGRESS_MS = 2000;
/** In the old place of the format: one beyond what any scopegate of the first layout knows. */
const FORMAT_OF_NONE = '1\n[]\n{"number":3}';

export interface LayoutUpgradeParts {
  readonly prefix: string;
  readonly shared: RedisShared;
  /** Rejects with StoreUnavailable. */
  readonly ask: <T>(work: (client: Scripted) => Promise<T>) => Promise<T>;
  readonly report: (level: 'info' | 'warn', message: string, details?: object) => void;
}

/** true, too, where there is nothing yet. */
export async function isOfLayout(ask: LayoutUpgradeParts['ask'], prefix: string): Promise<boolean> {
  const [layout, revision] = await ask((client) =>
    Promise.all([client.get(`${prefix}layout`), client.get(`${prefix}revision`)]),
  );
  return layout === '2' || (layout === null && revision === null);
}

/** Resolves once what is there is of this layout. Rejects with SetupError where an older scopegate runs on it. */
export async function bringToLayout(parts: LayoutUpgradeParts): Promise<void> {
  const { prefix, ask, report } = parts;
  if (await isOfLayout(ask, prefix)) return;
  const layout = await ask((client) => client.get(`${prefix}layout`));
  if (layout !== null && layout !== 'upgrading')
    throw new SetupError(
      'store: what is in Redis was written by a newer scopegate, and this one does not know where it has what; nothing was changed. Start it with that newer scopegate (docs/upgrading.md)',
    );
  if (layout === null) {
    await requireUnused(parts);
    await ask((client) => client.scopegateUpgradeBegin([`${prefix}revision`, prefix, FORMAT_KEY]));
  }
  const startedMs = performance.now();
  report('info', 'store: moving the records in Redis to where this version has them; nothing is served until then');
  const moved = await moveRecords(parts);
  await moveEntries(parts);
  await ask((client) => client.scopegateUpgradeEnd([`${prefix}revision`, prefix, FORMAT_KEY, FORMAT_OF_NONE]));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  report('info', `store: the records in Redis are where this version has them (${moved} moved in ${seconds} s)`);
}

async function moveRecords(parts: LayoutUpgradeParts): Promise<number> {
  const { prefix, ask, report } = parts;
  let moved = 0;
  let toldAtMs = performance.now();
  // What was moved is not there any more, so a look that finds nothing has found all.
  for (let found = -1; found !== 0; ) {
    found = 0;
    for await (const keys of keysOf(ask, `${prefix}r:`)) {
      for (let from = 0; from < keys.length; from += PAGE) {
        const count = await movePage(parts, keys.slice(from, from + PAGE));
        found += count;
        moved += count;
        if (performance.now() - toldAtMs < PROGRESS_MS) continue;
        toldAtMs = performance.now();
        report('info', `store: moving the records in Redis: ${moved} so far`);
      }
    }
  }
  return moved;
}

async function movePage({ prefix, shared, ask }: LayoutUpgradeParts, keys: readonly string[]): Promise<number> {
  const first = `${prefix}revision`;
  const found = await ask((client) => client.scopegateUpgradeRead([first, prefix, ...keys]));
  for (;;) {
    const encoded = new EncodedWrites(prefix, shared.forWriting());
    const heads: string[][] = [];
    for (const [place, key] of keys.entries()) {
      const [text, touched, ...scores] = found[place]!;
      if (text === undefined || text === null || (key === FORMAT_KEY && text === FORMAT_OF_NONE)) continue;
      const old = readOld(text, scores);
      encoded.add(key, old?.record, old?.indexes ?? [], old === null ? Buffer.from(text) : undefined);
      const names = old?.indexes.map(({ index }) => index) ?? [];
      heads.push([key, String(old?.version ?? 0), touched ?? '', String(names.length), ...names]);
    }
    if (heads.length === 0) return 0;
    const args: Array<string | Buffer> = [first, prefix, FORMAT_KEY, FORMAT_OF_NONE, ...encoded.around];
    args.push(String(heads.length));
    for (const [place, head] of heads.entries()) {
      args.push(...head);
      pushWrite(args, encoded.writes[place]!);
    }
    const taken = await ask((client) => client.scopegateUpgradeRecords(args));
    if (typeof taken !== 'string') return heads.length;
    encoded.isTaken(shared, taken);
  }
}

interface OldRecord {
  readonly version: number;
  readonly record: unknown;
  readonly indexes: readonly IndexEntry[];
}

/** null: no commit has written this. */
function readOld(text: string, scores: ReadonlyArray<string | null>): OldRecord | null {
  const head = /^([1-9]\d{0,15})\n(\[[^\n]*\])\n/.exec(text);
  if (head === null) return null;
  try {
    const record = JSON.parse(text.slice(head[0].length)) as unknown;
    if (record === null) return null;
    const names = JSON.parse(head[2]!) as string[];
    const indexes = names.flatMap((index, place) => {
      const score = scores[place];
      // It was missing in its list before.
      return score === undefined || score === null ? [] : [{ index, score: Number(score) }];
    });
    return { version: Number(head[1]), record, indexes };
  } catch {
    return null;
  }
}

/** What is left in the old lists no record has named: they had it, so they have it. */
async function moveEntries({ prefix, shared, ask }: LayoutUpgradeParts): Promise<void> {
  const first = `${prefix}revision`;
  for await (const indexes of keysOf(ask, `${prefix}i:`))
    for (const index of indexes) {
      for (;;) {
        const page = await ask((client) => client.zrange(`${prefix}i:${index}`, 0, String(PAGE - 1), 'WITHSCORES'));
        if (page.length === 0) break;
        const encoded = new EncodedWrites(prefix, shared.forWriting());
        const keys: string[] = [];
        for (let place = 0; place < page.length; place += 2) {
          keys.push(page[place]!);
          encoded.add(page[place]!, null, [{ index, score: Number(page[place + 1]) }], Buffer.alloc(0));
        }
        const args: Array<string | Buffer> = [first, prefix, index, ...encoded.around, String(keys.length)];
        for (const [place, { packed, entries }] of encoded.writes.entries()) {
          args.push(keys[place]!, packed, String(entries.length));
          for (const [list, score] of entries) args.push(String(list), String(score));
        }
        await ask((client) => client.scopegateUpgradeEntries(args));
      }
    }
}

/** An older scopegate would find nothing from then on. */
async function requireUnused({ prefix, ask, report }: LayoutUpgradeParts): Promise<void> {
  const untilMs = performance.now() + LEASES_MS;
  for (let told = false; ; told = true) {
    const [, ...live] = await ask((client) => client.scopegateLive([`${prefix}processes`, `${prefix}revision`]));
    if (live.length === 0) return;
    const running = live.map((text) => JSON.parse(text) as GatewayProcess);
    const which = running.map(({ host, pid }) => `${host} (process ${pid})`).join(', ');
    if (performance.now() >= untilMs)
      throw new SetupError(
        `store: the records in Redis have to be moved, but an older scopegate runs on it: ${which}. Stop every gateway and sidecar that uses it, wait a few seconds, and start this again (docs/upgrading.md)`,
      );
    if (!told)
      report('info', 'store: its records have to be moved; waiting for who uses it to end', { running: which });
    await pause(LOOK_AGAIN_MS);
  }
}

/** What follows `start` in the keys that begin with it, some at a time; a key may come twice. */
export async function* keysOf(ask: LayoutUpgradeParts['ask'], start: string): AsyncGenerator<string[]> {
  const pattern = `${start.replace(/[\\*?[\]]/g, '\\$&')}*`;
  let cursor = '0';
  do {
    const from = cursor;
    const [next, keys] = await ask((client) => client.scan(from, 'MATCH', pattern, 'COUNT', SCANNED));
    yield keys.map((key) => key.slice(start.length));
    cursor = next;
  } while (cursor !== '0');
}

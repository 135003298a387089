/**
 * Brings the records of a store to the format that this program reads and writes, before anybody reads or writes one: page
 * by page, in slices, each page at once or not at all. May be killed at any moment and begun again. Of several processes
 * that start at once one does it, and the others wait; should two do it after all, they get in each other's way and not
 * in the records'. A store of a newer format is refused, and left as it is.
 */
import { setImmediate as breathe, setTimeout as pause } from 'node:timers/promises';
import { Bug, SetupError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import { version } from '../package-files.ts';
import { randomText } from '../secret.ts';
import type { ExportableStore, Exported } from '../store/exportable.ts';
import { FORMAT_KEY, type FormatRecord, readFormat } from '../store/format.ts';
import type { Registry } from '../store/registry.ts';
import type { Committed, Write } from '../store/store.ts';
import type { FormatUpgrade, Rewriting, UpgradeReader } from './upgrade.ts';
import { CURRENT_FORMAT, UPGRADES } from './upgrades.ts';

/** Small enough for an engine that does nothing else meanwhile. */
const PAGE = 50;
/** Of one list. */
const LISTED_MAX = 10_000;
/** Who rewrites says so as often, even where there is nothing to write. */
const BEAT_MS = 500;
/** Who has said nothing for so long is gone, or hangs; another one takes over. */
const SILENT_MAX_MS = 3000;
const LOOK_AGAIN_MS = 50;
const PROGRESS_MS = 2000;
/** Somebody else changes its records again and again. */
const TRIES_MAX = 50;
const PASSES_MAX = 3;
/** Leases of processes that were killed end within this time. */
const LEASES_MS = 10_000;

export interface Place {
  readonly store: ExportableStore;
  /** What people call it. */
  readonly name: string;
  /** Of the gateways that run on it. */
  readonly registry: Pick<Registry, 'live'>;
  readonly log: Log;
  /** Absent: all that there are. */
  readonly upgrades?: readonly FormatUpgrade[];
}

/** Rejects with SetupError where only an operator can mend it, with StoreUnavailable where it can be tried again. */
export async function bringUpToDate(place: Place): Promise<void> {
  const { store, upgrades = UPGRADES } = place;
  const current = upgrades.at(-1)!.to;
  const found = await formatOf(store);
  requireKnown(place.name, found.number, current);
  if (found.number === current) return;
  if (found.isNew) {
    const writes = [{ key: FORMAT_KEY, record: { number: current } satisfies FormatRecord }];
    const committed = await store.commit({ expects: [{ key: FORMAT_KEY, version: 0 }], writes });
    // Somebody else made it, or has begun to use it, in between.
    return committed.ok ? undefined : bringUpToDate(place);
  }
  await requireUnused(place, current);
  for (const upgrade of upgrades)
    if (upgrade.to > found.number) while (!(await new Run(place, upgrade).finish())) await pause(LOOK_AGAIN_MS);
}

/** Throws SetupError where the store is of a newer format than this program knows. */
export async function requireKnownFormat(store: ExportableStore, name: string): Promise<void> {
  requireKnown(name, (await formatOf(store)).number, CURRENT_FORMAT);
}

async function formatOf(store: ExportableStore): Promise<{ readonly number: number; readonly isNew: boolean }> {
  const stored = await store.get(FORMAT_KEY);
  return { number: readFormat(stored).number, isNew: stored === null && (await store.revision()) === 0 };
}

function requireKnown(name: string, number: number, known: number): void {
  if (number <= known) return;
  throw new SetupError(
    `store: ${name} was written by a newer scopegate: its records are of format ${number}, and this one (${version()}) knows them up to ${known}. Nothing was changed. Start it with that newer scopegate, or restore a backup from before the upgrade (docs/upgrading.md)`,
  );
}

/** An older scopegate would not understand what it finds from then on, and write what we do not expect. */
async function requireUnused({ name, registry, log }: Place, current: number): Promise<void> {
  const untilMs = performance.now() + LEASES_MS;
  for (let told = false; ; told = true) {
    const running = (await registry.live()).filter(({ format }) => format !== current);
    if (running.length === 0) return;
    const which = running.map(({ host, pid }) => `${host} (process ${pid})`).join(', ');
    if (performance.now() >= untilMs)
      throw new SetupError(
        `store: the records of ${name} are of an older format and have to be rewritten, but an older scopegate runs on it: ${which}. Stop every gateway and sidecar that uses it, wait a few seconds, and start this again (docs/upgrading.md)`,
      );
    if (!told) log.info({ running: which }, 'store: its records have to be rewritten; waiting for who uses it to end');
    await pause(LOOK_AGAIN_MS);
  }
}

type Rewrite = NonNullable<FormatUpgrade['rewrite']>;

/** Another process has taken over. */
class TakenOver extends Error {}

/** One upgrade by one process, from the first page to the last. */
class Run {
  readonly #place: Place;
  readonly #upgrade: FormatUpgrade;
  readonly #reader: UpgradeReader;
  readonly #name = randomText(16);
  readonly #damaged = new Set<string>();
  /** Of the record that says that it is us; each of our commits writes it, and none is made where somebody else has. */
  #claim = 0;
  #beatAtMs = 0;
  /** Of the newest commit that we know of: nobody else makes any. */
  #revision = 0;
  #isDisturbed = false;
  #rewritten = 0;

  constructor(place: Place, upgrade: FormatUpgrade) {
    this.#place = place;
    this.#upgrade = upgrade;
    const { store } = place;
    this.#reader = {
      get: (key) => store.get(key),
      exported: (keys) => store.exported(keys),
      listed: (index) => store.scan(index, { limit: LISTED_MAX }),
    };
  }

  /** false: somebody else was doing it; whether they have finished is to be seen. */
  async finish(): Promise<boolean> {
    const { log } = this.#place;
    const { to, what } = this.#upgrade;
    try {
      if (!(await this.#begin())) return true;
      const startedMs = performance.now();
      log.info({ format: to }, `store: upgrading its records to format ${to} (${what}); nothing is served until then`);
      for (let passes = 1; this.#upgrade.rewrite !== null; passes++) {
        await this.#pass(this.#upgrade.rewrite);
        if (!this.#isDisturbed && (await this.#place.store.revision()) === this.#revision) break;
        if (passes === PASSES_MAX) throw new SetupError(disturbed(this.#place.name));
        this.#isDisturbed = false;
        this.#revision = await this.#place.store.revision();
      }
      await this.#commit([], { number: to });
      this.#tellEnd(performance.now() - startedMs);
      return true;
    } catch (error) {
      if (error instanceof TakenOver) return false;
      throw error;
    }
  }

  /** false: it is done already. */
  async #begin(): Promise<boolean> {
    const { store, log } = this.#place;
    const { to } = this.#upgrade;
    let seen = { version: -1, atMs: 0 };
    for (let told = false; ; ) {
      const stored = await store.get(FORMAT_KEY);
      const found = readFormat(stored);
      if (found.number >= to) return false;
      const [version, nowMs] = [stored?.version ?? 0, performance.now()];
      if (seen.version !== version) seen = { version, atMs: nowMs };
      if (found.becoming === undefined || nowMs - seen.atMs > SILENT_MAX_MS) {
        this.#claim = version;
        this.#revision = await store.revision();
        const ours = { number: found.number, becoming: to, by: this.#name };
        if (await this.#tryCommit([], ours)) return true;
        continue;
      }
      if (!told) log.info('store: another process is upgrading its records; waiting for it');
      told = true;
      await pause(LOOK_AGAIN_MS);
    }
  }

  async #pass(rewrite: Rewrite): Promise<void> {
    const { store, log } = this.#place;
    const total = await store.size();
    let [done, toldAtMs, cursor] = [0, performance.now(), null as string | null];
    do {
      const page = await store.export(cursor, PAGE);
      await this.#rewrite(rewrite, page.records);
      if (this.#upgrade.listsUses === true) await this.#listUses(page.records);
      await this.#beat();
      done += page.records.length;
      cursor = page.next;
      if (performance.now() - toldAtMs > PROGRESS_MS && cursor !== null) {
        toldAtMs = performance.now();
        log.info({ done, total }, `store: upgrading its records: ${done} of ${Math.max(done, total)}`);
      }
      // The loop has its turn, whatever the engine.
      await breathe();
    } while (cursor !== null);
  }

  async #rewrite(rewrite: Rewrite, records: readonly Exported[]): Promise<void> {
    let page = records;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const { writes, damaged } = await rewrite(page, this.#reader);
      this.#noteDamaged(damaged);
      if (writes.length === 0) return;
      if (await this.#commit(writes, this.#ours)) {
        this.#rewritten += writes.length;
        return;
      }
      const again = await this.#place.store.exported(page.map(({ key }) => key));
      page = again.filter((record) => record !== null);
    }
    throw new SetupError(disturbed(this.#place.name));
  }

  /** What is known already is noted again, and so stands in its list. */
  async #listUses(records: readonly Exported[]): Promise<void> {
    const { store } = this.#place;
    const keys = records.map(({ key }) => key);
    const touched = await store.touched(keys);
    const uses = keys.flatMap((key, nth) => (touched[nth] == null ? [] : [{ key, atMs: touched[nth] }]));
    if (uses.length > 0) await store.touch(uses);
  }

  async #beat(): Promise<void> {
    if (performance.now() - this.#beatAtMs > BEAT_MS) await this.#commit([], this.#ours);
  }

  get #ours(): FormatRecord {
    return { number: this.#upgrade.to - 1, becoming: this.#upgrade.to, by: this.#name };
  }

  /** false: a record was changed meanwhile. Throws TakenOver. */
  async #commit(writes: Rewriting['writes'], claim: FormatRecord): Promise<boolean> {
    if (await this.#tryCommit(writes, claim)) return true;
    if (((await this.#place.store.get(FORMAT_KEY))?.version ?? 0) !== this.#claim) throw new TakenOver();
    if (writes.length === 0) throw new Bug('a commit that expects nothing else was refused');
    return false;
  }

  async #tryCommit(writes: Rewriting['writes'], claim: FormatRecord): Promise<boolean> {
    const made: Write[] = writes.map(({ key, record, indexes }) => ({ key, record, indexes }));
    const committed: Committed = await this.#place.store.commit({
      expects: [{ key: FORMAT_KEY, version: this.#claim }, ...writes.map(({ key, version }) => ({ key, version }))],
      writes: [...made, { key: FORMAT_KEY, record: claim }],
    });
    if (!committed.ok) return false;
    if (committed.revision !== this.#revision + 1) this.#isDisturbed = true;
    this.#claim = committed.revision;
    this.#revision = committed.revision;
    this.#beatAtMs = performance.now();
    return true;
  }

  #noteDamaged(keys: readonly string[]): void {
    for (const key of keys) {
      if (this.#damaged.has(key)) continue;
      this.#damaged.add(key);
      this.#place.log.warn(
        { key },
        'store: a record is damaged and stays as it is; what rests on it is answered with 503',
      );
    }
  }

  #tellEnd(tookMs: number): void {
    const { to } = this.#upgrade;
    const seconds = (tookMs / 1000).toFixed(1);
    this.#place.log.info(
      { format: to, rewritten: this.#rewritten, damaged: this.#damaged.size },
      `store: its records are of format ${to} now (${this.#rewritten} rewritten in ${seconds} s)`,
    );
  }
}

function disturbed(name: string): string {
  return `store: the records of ${name} are being rewritten, and somebody else goes on changing them: stop every older scopegate that uses it, also sidecars (--only admin), and start this again; what is rewritten stays so`;
}

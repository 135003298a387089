/**
 * Store adapter: one SQLite file (node:sqlite), the embedded default. A commit that resolved has been synced and survives
 * power loss, not just kill -9; commits that come close upon each other are synced together (commit-group.ts). Several processes may share the file; each
 * follows the others' commits through the change table. Never interprets a record.
 */
import { DatabaseSync } from 'node:sqlite';
import { SetupError } from '../../errors.ts';
import type { StoreFault } from '../adapter.ts';
import type { ExportableStore, Exported, ExportedPage } from '../exportable.ts';
import type {
  Change,
  ChangeEvent,
  ChangeListener,
  Committed,
  CountOptions,
  Lookup,
  Scanned,
  ScanOptions,
  ScopeUses,
  Stored,
  Touch,
} from '../store.ts';
import { BulkWriting } from './bulk.ts';
import { ask, BUSY_MS } from './busy.ts';
import { CommitGroup } from './commit-group.ts';
import { SqliteExport } from './export.ts';
import { secureFile } from './file.ts';
import { SqliteHealth } from './health.ts';
import { checkFile, checkSound, migrateFile } from './migrations.ts';
import { NO_RESERVE, type ReserveOptions, SqliteReserve } from './reserve.ts';
import { behindPrefix, SqliteRows, textInTie, unpackRows } from './rows.ts';
import { SqliteShared } from './shared.ts';
import { prepare, type ScannedRow } from './statements.ts';
import { SqliteTouches } from './touches.ts';
import { WalSync } from './wal-sync.ts';
import { LOG_LENGTH, SqliteWriter } from './writer.ts';

/** How often another process's commits are looked for; the promise is 100 ms. */
const POLL_MS = 25;

/** No tie is greater than a blob. */
const BEHIND_SCORE = { tie: new Uint8Array(), row: 0 } as const;
/** As SQL has it. */
const NO_LIMIT = -1;
const ABSENT: Lookup = Object.freeze({ kind: 'absent' });

export class SqliteStore implements ExportableStore {
  readonly #database: DatabaseSync;
  readonly #followers = new Set<ChangeListener>();
  readonly #statements: ReturnType<typeof prepare>;
  readonly #rows: SqliteRows;
  readonly #touches: SqliteTouches;
  readonly #writer: SqliteWriter;
  readonly #export: SqliteExport;
  readonly #reserve: SqliteReserve;
  readonly #health: SqliteHealth;
  readonly #bulk: BulkWriting;
  readonly #sync: WalSync;
  readonly #group: CommitGroup;
  #poll: NodeJS.Timeout | undefined;
  #dataVersion = 0;
  /** Followers know everything up to here, and what is in `#told`. */
  #followed = 0;
  readonly #told = new Set<number>();

  /** Opens or creates the file (0600, folder 0700). Throws SetupError with what to mend. */
  constructor(path: string, reserve: ReserveOptions = NO_RESERVE) {
    secureFile(path);
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path);
      database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      // Before anything is written: a file that is not ours is left as it was.
      checkFile(database);
      checkSound(database, path);
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      migrateFile(database);
      // What one change of several would go back to is kept in memory, not in a file of its own.
      database.exec('PRAGMA busy_timeout = 0; PRAGMA temp_store = MEMORY');
      this.#database = database;
      this.#statements = prepare(database);
      const shared = new SqliteShared(database);
      this.#rows = new SqliteRows(database, shared);
      this.#writer = new SqliteWriter(database, this.#rows, shared);
      this.#touches = new SqliteTouches(database, this.#rows, shared, this.#writer);
      this.#export = new SqliteExport(database, this.#rows);
      this.#bulk = new BulkWriting(database);
      this.#reserve = new SqliteReserve(path, reserve);
      this.#sync = new WalSync(path);
      this.#group = new CommitGroup(
        database,
        this.#sync,
        () => this.#writer.begin(),
        (error) => this.#forgetLost(error),
      );
      this.#health = new SqliteHealth(path, database, this.#sync);
    } catch (error) {
      database?.close();
      throw new SetupError(`store: ${path} cannot be opened as a scopegate database: ${(error as Error).message}`);
    }
  }

  /** How many changes found no room. */
  get fullCount(): number {
    return this.#reserve.fullCount;
  }
  /** What keeps it from taking changes; null: nothing. */
  get fault(): StoreFault | null {
    return this.#health.fault;
  }

  read(key: string): Lookup {
    try {
      const found = this.#rows.recordOf(key);
      return found === undefined ? ABSENT : { kind: 'found', record: found.record };
    } catch (cause) {
      return { kind: 'unavailable', cause };
    }
  }

  async get(key: string): Promise<Stored | null> {
    return ask(() => {
      const row = this.#rows.find(key);
      if (row === undefined || row.record === null) return null;
      return { key, record: this.#rows.decoded(key, row.record), version: row.version };
    });
  }

  async scan(index: string, options: ScanOptions): Promise<readonly Scanned[]> {
    const { above = -Number.MAX_VALUE, backwards = false } = options;
    return ask(() => {
      const rows = backwards ? this.#scanBack(index, options, above) : this.#scanAhead(index, options, above);
      return (rows as unknown as ScannedRow[]).map(({ key: packed, version, score, tie, record }) => {
        const key = this.#rows.keyIn(packed);
        const text = textInTie(tie);
        return { key, record: this.#rows.decoded(key, record), version, score, ...(text !== undefined && { text }) };
      });
    });
  }

  #scanAhead(index: string, { after, limit, prefix }: ScanOptions, above: number) {
    const isFirst = after === undefined || after.score <= above;
    const { tie, row } = isFirst ? BEHIND_SCORE : this.#rows.placeOf(after);
    if (prefix !== undefined) {
      const from = isFirst ? [prefix, 0] : [tie, row];
      return this.#statements.scanText.all(index, ...from, behindPrefix(prefix), limit);
    }
    return this.#statements.scan.all(index, isFirst ? above : after.score, tie, row, limit);
  }

  #scanBack(index: string, { after, limit }: ScanOptions, above: number) {
    const { tie, row } = after === undefined ? BEHIND_SCORE : this.#rows.placeBefore(after);
    return this.#statements.scanBack.all(index, above, after?.score ?? Number.MAX_VALUE, tie, row, limit);
  }

  async count(index: string, above: number, options: CountOptions = {}): Promise<number> {
    const { prefix, upTo = Number.MAX_VALUE, atMost = NO_LIMIT } = options;
    const { count, countText } = this.#statements;
    return ask(() => {
      const found =
        prefix === undefined
          ? count.get(index, above, upTo, atMost)
          : countText.get(index, prefix, behindPrefix(prefix), atMost);
      return (found as { total: number }).total;
    });
  }

  async commit(change: Change): Promise<Committed> {
    const write = async () => {
      const made = await this.#health.change(() => this.#make(change));
      if (made === null) return null;
      await made.settled;
      this.#health.wrote();
      return made;
    };
    const made = await this.#reserve.around(write, change.ends === true, this.#group.isOpen);
    return made === null ? { ok: false } : { ok: true, revision: made.revision };
  }

  async changesSince(revision: number, limit: number): Promise<readonly ChangeEvent[] | null> {
    return ask(() => this.#changes(revision, limit));
  }

  /** Nobody waits for the disk: what a power loss takes of it is no promise. */
  async touch(touches: readonly Touch[]): Promise<void> {
    this.#group.end();
    await this.#health.change(() => this.#touches.write(touches));
    this.#health.wrote();
  }

  async touched(keys: readonly string[]): Promise<ReadonlyArray<number | null>> {
    return ask(() => keys.map((key) => this.#touches.lastUse(key)));
  }

  async scopesUsed(keys: readonly string[]): Promise<readonly ScopeUses[]> {
    return ask(() => keys.map((key) => this.#touches.scopeUses(key)));
  }

  follow(follower: ChangeListener): () => void {
    if (this.#followers.size === 0) {
      this.#dataVersion = this.#currentDataVersion();
      this.#followed = this.#newest();
      this.#poll = setInterval(() => {
        this.#pollOthers();
        this.#health.look();
      }, POLL_MS).unref();
    }
    this.#followers.add(follower);
    follower.caughtUp(this.#followed);
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size === 0) clearInterval(this.#poll);
    };
  }

  /** A commit of our own is heard before it is acknowledged; for others' we look at once. */
  async followed(revision: number): Promise<void> {
    if (this.#followers.size > 0 && this.#followed < revision) ask(() => this.#catchUp());
  }

  async export(cursor: string | null, limit: number): Promise<ExportedPage> {
    return ask(() => this.#export.page(cursor, limit));
  }

  async exported(keys: readonly string[]): Promise<ReadonlyArray<Exported | null>> {
    return ask(() => this.#export.these(keys));
  }

  async size(): Promise<number> {
    return ask(() => this.#export.size());
  }

  async revision(): Promise<number> {
    return ask(() => this.#newest());
  }

  async close(): Promise<void> {
    clearInterval(this.#poll);
    this.#bulk.close();
    this.#group.end();
    this.#sync.close();
    this.#followers.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  /** Others may build on it from now on: what they write is made with it or after it, or not at all. */
  #make(change: Change): { readonly revision: number; readonly settled: Promise<void> } | null {
    this.#bulk.expect(change.writes.length);
    const committedAtMs = Date.now();
    const keys = change.writes.map((write) => write.key);
    const revision = this.#group.run(() => this.#writer.write(change, keys, committedAtMs));
    if (revision === null) return null;
    const settled = this.#group.settled();
    this.#tell({ revision, keys, committedAtMs });
    change.visible?.(revision);
    return { revision, settled };
  }

  /** What followers were told of was never made. */
  #forgetLost(error: unknown): void {
    this.#writer.forget();
    this.#health.note(error);
    this.#told.clear();
    for (const follower of this.#followers) follower.flushed();
    try {
      this.#followed = this.#newest();
    } catch {
      // They notice the silence.
    }
  }

  /** Of our own commit, in the same turn: nobody may read the cache in between. */
  #tell(notice: ChangeEvent): void {
    if (this.#followers.size === 0) return;
    this.#told.add(notice.revision);
    for (const follower of this.#followers) follower.changed(notice, true);
    this.#pollOthers();
  }

  #changes(revision: number, limit: number): ChangeEvent[] | null {
    const oldest = (this.#statements.oldest.get() as { revision: number | null }).revision;
    if (oldest !== null && oldest > revision + 1) return null;
    const rows = this.#statements.since.all(revision, limit) as Array<{
      revision: number;
      rows: Uint8Array;
      committed_at: number;
    }>;
    return rows.map((row) => ({
      revision: row.revision,
      keys: this.#keysOf(row.rows),
      committedAtMs: row.committed_at,
    }));
  }

  #keysOf(rows: Uint8Array): string[] {
    return unpackRows(rows).flatMap((id) => {
      const found = this.#statements.keyOf.get(id) as { key: Uint8Array } | undefined;
      return found === undefined ? [] : [this.#rows.keyIn(found.key)];
    });
  }

  #pollOthers(): void {
    try {
      this.#catchUp();
    } catch {
      // Not heard: followers notice the silence, and every read says `unavailable` by itself.
    }
  }

  /** data_version moves only when another connection commits, so an idle poll costs microseconds. */
  #catchUp(): void {
    const version = this.#currentDataVersion();
    if (version !== this.#dataVersion) {
      this.#deliver();
      this.#dataVersion = version;
    }
    // Others have committed nothing that has not been told, so nothing is missing before our own.
    this.#followed = Math.max(this.#followed, ...this.#told);
    this.#told.clear();
    for (const follower of this.#followers) follower.caughtUp(this.#followed);
  }

  #deliver(): void {
    const notices = this.#changes(this.#followed, LOG_LENGTH);
    if (notices === null) {
      for (const follower of this.#followers) follower.flushed();
      this.#followed = this.#newest();
      return;
    }
    for (const notice of notices) {
      if (!this.#told.has(notice.revision)) for (const follower of this.#followers) follower.changed(notice, false);
      this.#followed = notice.revision;
    }
  }

  #currentDataVersion(): number {
    return (this.#statements.dataVersion.get() as { data_version: number }).data_version;
  }

  #newest(): number {
    return (this.#statements.newest.get() as { revision: number | null }).revision ?? 0;
  }
}

/**
 * A store of plain maps, gone with the process: what policy tests are run on, and the reference for the contract suite.
 * Records are kept as JSON text, so that no caller can change one behind the store's back.
 */
import type { ExportableStore, Exported, ExportedPage } from './exportable.ts';
import {
  type Change,
  type ChangeEvent,
  type ChangeListener,
  type Committed,
  type CountOptions,
  dayOf,
  type IndexEntry,
  type Lookup,
  type Scanned,
  type ScanOptions,
  type ScopeUses,
  type Stored,
  StoreUnavailable,
  scopeUsesOf,
  type Touch,
  usesList,
} from './store.ts';

const HEARTBEAT_MS = 100;
const CLOSED = 'it has been closed';

interface Row {
  readonly text: string;
  readonly version: number;
  readonly indexes: readonly IndexEntry[];
}

export class MemoryStore implements ExportableStore {
  readonly #rows = new Map<string, Row>();
  readonly #touches = new Map<string, number>();
  readonly #scopes = new Map<string, Map<string, number>>();
  readonly #indexes = new Map<string, Map<string, IndexEntry>>();
  readonly #log: ChangeEvent[] = [];
  readonly #followers = new Set<ChangeListener>();
  #heartbeat: NodeJS.Timeout | undefined;
  #revision = 0;
  #closed = false;

  read(key: string): Lookup {
    if (this.#closed) return { kind: 'unavailable', cause: CLOSED };
    const row = this.#rows.get(key);
    return row === undefined ? { kind: 'absent' } : { kind: 'found', record: JSON.parse(row.text) };
  }

  async get(key: string): Promise<Stored | null> {
    this.#assertOpen();
    const row = this.#rows.get(key);
    return row === undefined ? null : { key, record: JSON.parse(row.text), version: row.version };
  }

  async scan(index: string, options: ScanOptions): Promise<readonly Scanned[]> {
    this.#assertOpen();
    const { after, above = Number.NEGATIVE_INFINITY, limit, backwards = false, prefix } = options;
    const onwards = backwards ? -1 : 1;
    return [...(this.#indexes.get(index) ?? [])]
      .map(([key, { score, text }]) => ({ key, score, ...(text !== undefined && { text }) }))
      .filter((entry) => entry.score > above && (after === undefined || onwards * compare(entry, after) > 0))
      .filter(({ text }) => prefix === undefined || text!.startsWith(prefix))
      .sort((left, right) => onwards * compare(left, right))
      .slice(0, limit)
      .map((entry) => {
        const row = this.#rows.get(entry.key)!;
        return { ...entry, record: JSON.parse(row.text) as unknown, version: row.version };
      });
  }

  async count(index: string, above: number, options: CountOptions = {}): Promise<number> {
    this.#assertOpen();
    const { prefix, upTo = Number.POSITIVE_INFINITY, atMost } = options;
    const entries = [...(this.#indexes.get(index)?.values() ?? [])];
    const found = entries.filter(({ score, text }) =>
      prefix === undefined ? score > above && score <= upTo : text!.startsWith(prefix),
    );
    return Math.min(found.length, atMost ?? Number.POSITIVE_INFINITY);
  }

  async commit(change: Change): Promise<Committed> {
    this.#assertOpen();
    for (const { key, version } of change.expects) {
      if ((this.#rows.get(key)?.version ?? 0) !== version) return { ok: false };
    }
    // Whatever cannot be written shows before anything is.
    const texts = change.writes.map(({ record }) => JSON.stringify(record));
    const revision = ++this.#revision;
    for (const [position, { key, record, indexes = [] }] of change.writes.entries()) {
      for (const entry of this.#rows.get(key)?.indexes ?? []) this.#indexes.get(entry.index)?.delete(key);
      this.#rows.delete(key);
      if (record === null) {
        this.#touches.delete(key);
        this.#indexes.get(usesList(key))?.delete(key);
        this.#scopes.delete(key);
        continue;
      }
      this.#rows.set(key, { text: texts[position]!, version: revision, indexes });
      for (const entry of indexes) this.#enter(key, entry);
    }
    const notice = { revision, keys: change.writes.map((write) => write.key), committedAtMs: Date.now() };
    this.#log.push(notice);
    for (const follower of this.#followers) follower.changed(notice, true);
    for (const follower of this.#followers) follower.caughtUp(revision);
    return { ok: true, revision };
  }

  async changesSince(revision: number, limit: number): Promise<readonly ChangeEvent[] | null> {
    this.#assertOpen();
    return this.#log.filter((notice) => notice.revision > revision).slice(0, limit);
  }

  async touch(touches: readonly Touch[]): Promise<void> {
    this.#assertOpen();
    for (const { key, atMs, scopes = [] } of touches.filter(({ key }) => this.#rows.has(key))) {
      if (atMs > (this.#touches.get(key) ?? 0)) {
        this.#touches.set(key, atMs);
        this.#enter(key, { index: usesList(key), score: dayOf(atMs) });
      }
      if (scopes.length === 0) continue;
      const days = this.#scopes.get(key) ?? new Map([['', dayOf(atMs)]]);
      for (const scope of scopes) days.set(scope, Math.max(dayOf(atMs), days.get(scope) ?? 0));
      this.#scopes.set(key, days);
    }
  }

  async scopesUsed(keys: readonly string[]): Promise<readonly ScopeUses[]> {
    this.#assertOpen();
    return keys.map((key) => scopeUsesOf(this.#scopes.get(key) ?? []));
  }

  async touched(keys: readonly string[]): Promise<ReadonlyArray<number | null>> {
    this.#assertOpen();
    return keys.map((key) => this.#touches.get(key) ?? null);
  }

  follow(follower: ChangeListener): () => void {
    this.#followers.add(follower);
    follower.caughtUp(this.#revision);
    this.#heartbeat ??= setInterval(() => {
      for (const each of this.#followers) each.caughtUp(this.#revision);
    }, HEARTBEAT_MS).unref();
    return () => this.#followers.delete(follower);
  }

  /** All commits are ours, and heard before they are acknowledged. */
  async followed(_revision: number): Promise<void> {
    this.#assertOpen();
  }

  async export(cursor: string | null, limit: number): Promise<ExportedPage> {
    this.#assertOpen();
    const keys = [...this.#rows.keys()].filter((key) => cursor === null || key > cursor).sort();
    const page = keys.slice(0, limit);
    const records = page.map((key) => this.#exported(key)!);
    return { records, next: keys.length > limit ? page.at(-1)! : null };
  }

  async exported(keys: readonly string[]): Promise<ReadonlyArray<Exported | null>> {
    this.#assertOpen();
    return keys.map((key) => this.#exported(key));
  }

  async size(): Promise<number> {
    this.#assertOpen();
    return this.#rows.size;
  }

  async revision(): Promise<number> {
    this.#assertOpen();
    return this.#revision;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.#followers.clear();
  }

  #enter(key: string, entry: IndexEntry): void {
    const members = this.#indexes.get(entry.index) ?? new Map<string, IndexEntry>();
    this.#indexes.set(entry.index, members.set(key, entry));
  }

  #exported(key: string): Exported | null {
    const row = this.#rows.get(key);
    if (row === undefined) return null;
    return { key, record: JSON.parse(row.text) as unknown, version: row.version, indexes: row.indexes };
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreUnavailable(CLOSED);
  }
}

type Place = NonNullable<ScanOptions['after']>;

/** Above 0: `left` stands behind. */
function compare(left: Place, right: Place): number {
  if (left.score !== right.score) return left.score - right.score;
  if (left.text !== right.text) return Buffer.compare(Buffer.from(left.text ?? ''), Buffer.from(right.text ?? ''));
  return left.key === right.key ? 0 : left.key > right.key ? 1 : -1;
}

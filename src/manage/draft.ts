/**
 * One unit of work on one organization: reads see the draft's own writes, nothing is stored until all of it is, and it
 * is stored only if nobody else changed the organization meanwhile (then it is drawn up again from the start).
 * Limits and cascades are therefore exact under concurrency, in whatever store, and every change carries its audit trail.
 */
import type { TokenHash } from '../core/facts.ts';
import { kindOf } from '../core/read-fact.ts';
import { Bug } from '../errors.ts';
import type { Store, Write } from '../store/store.ts';
import { type AuditLine, actorView, auditDoc, describeWrite } from './audit.ts';
import type { ManageContext } from './context.ts';
import { place } from './places.ts';
import type { AuditDoc, DocByKind, DocKind, DocReader } from './records.ts';

const TRIES_MAX = 20;
const PAGE = 1000;

type Shown = Readonly<Record<string, unknown>> | null;

export class Draft implements DocReader {
  readonly #store: Store;
  readonly #writes = new Map<string, Write>();
  readonly #expects = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #verbs = new Map<string, string>();
  /** Scores of the records that this draft makes, by index and key. */
  readonly #made = new Map<string, Map<string, number>>();
  readonly #notes: Array<Pick<AuditDoc, 'action' | 'target'>> = [];

  constructor(store: Store, lockKey: string, lockVersion: number) {
    this.#store = store;
    this.#expects.set(lockKey, lockVersion);
    this.#writes.set(lockKey, { key: lockKey, record: {} });
    this.#silent.add(lockKey);
  }

  async get<K extends DocKind>(_kind: K, key: string): Promise<DocByKind[K] | null> {
    const written = this.#writes.get(key);
    if (written !== undefined) return written.record as DocByKind[K] | null;
    return ((await this.#store.get(key))?.record ?? null) as DocByKind[K] | null;
  }

  /** Every record in a list, with this draft's own changes applied. */
  async all<K extends DocKind>(_kind: K, index: string): Promise<Array<{ key: string; doc: DocByKind[K] }>> {
    const found = new Map<string, DocByKind[K]>();
    let after: { score: number; key: string } | undefined;
    for (;;) {
      const page = await this.#store.scan(index, { limit: PAGE, ...(after === undefined ? {} : { after }) });
      for (const { key, record } of page) found.set(key, record as DocByKind[K]);
      const last = page.at(-1);
      if (page.length < PAGE || last === undefined) break;
      after = { score: last.score, key: last.key };
    }
    for (const [key, write] of this.#writes) {
      found.delete(key);
      if (write.record !== null && write.indexes?.some((entry) => entry.index === index)) {
        found.set(key, write.record as DocByKind[K]);
      }
    }
    return Array.from(found, ([key, doc]) => ({ key, doc }));
  }

  /**
   * How many entries of a list score above `above`, with those of `make` in this draft, not counting the token `except`,
   * which is about to be written.
   */
  async count(index: string, above: number, except: string): Promise<number> {
    const total = await this.#store.count(index, above);
    const stored = (await this.#store.get(except))?.record as DocByKind['token'] | undefined;
    const counted =
      stored !== undefined &&
      place('token', stored).indexes.some((entry) => entry.index === index && entry.score > above);
    let made = 0;
    for (const [key, score] of this.#made.get(index) ?? []) if (key !== except && score > above) made++;
    return (counted ? total - 1 : total) + made;
  }

  put<K extends DocKind>(kind: K, doc: DocByKind[K], extra?: { readonly hash: TokenHash }): void {
    const { key, indexes } = place(kind, doc, extra);
    this.#writes.set(key, { key, record: doc, indexes });
  }

  /** Puts what must not exist yet. `verb`: what the audit trail calls it. */
  make<K extends DocKind>(kind: K, doc: DocByKind[K], verb = 'created', extra?: { readonly hash: TokenHash }): void {
    const { key, indexes } = place(kind, doc, extra);
    this.expectAbsent(key);
    this.put(kind, doc, extra);
    this.#verbs.set(key, verb);
    for (const { index, score } of indexes) {
      const scores = this.#made.get(index) ?? new Map<string, number>();
      this.#made.set(index, scores.set(key, score));
    }
  }

  delete(key: string): void {
    this.#writes.set(key, { key, record: null });
    this.#silent.delete(key);
  }

  /** Part of something larger that has its own line in the audit trail. */
  deleteSilently(key: string): void {
    this.delete(key);
    this.#silent.add(key);
  }

  /** A line in the audit trail for something that changes no record. */
  note(line: Pick<AuditDoc, 'action' | 'target'>): void {
    this.#notes.push(line);
  }

  /** The commit fails, and the work is done again, if this key exists by then. */
  expectAbsent(key: string): void {
    this.#expects.set(key, 0);
  }

  /** Writes the trail of what has been drafted and noted so far. */
  async audit({ actor, nowMs }: ManageContext, organizationId: string): Promise<void> {
    const say = (line: AuditLine) => this.put('audit', auditDoc(organizationId, actorView(actor), nowMs(), line));
    for (const line of this.#notes) say({ ...line, before: null, after: null });
    for (const [key, write] of [...this.#writes]) {
      if (this.#silent.has(key)) continue;
      const before = ((await this.#store.get(key))?.record ?? null) as Shown;
      const verb = this.#verbs.get(key);
      const line = describeWrite({ kind: kindOf(key) as DocKind, before, after: write.record as Shown, verb });
      if (line !== null) say(line);
    }
  }

  get change(): { expects: Array<{ key: string; version: number }>; writes: Write[] } {
    return {
      expects: Array.from(this.#expects, ([key, version]) => ({ key, version })),
      writes: [...this.#writes.values()],
    };
  }
}

export interface Drafted<T> {
  readonly value: T;
  /** 0: a dry run, nothing was written. */
  readonly revision: number;
}

/** Work on the same organization waits its turn, so conflicts arise only with other processes. */
const queues = new WeakMap<Store, Map<string, Promise<unknown>>>();

/**
 * Rejections thrown by `work` pass through; nothing is written then. A dry run does all of the work and writes
 * nothing: what it returns is what would have been.
 */
export async function change<T>(
  context: ManageContext,
  organizationId: string,
  work: (draft: Draft) => Promise<T>,
  options: { readonly dryRun?: boolean } = {},
): Promise<Drafted<T>> {
  const queue = queues.get(context.store) ?? new Map<string, Promise<unknown>>();
  queues.set(context.store, queue);
  const before = queue.get(organizationId) ?? Promise.resolve();
  const attempting = () => attempt(context, organizationId, work, options.dryRun === true);
  const turn = before.then(attempting, attempting);
  queue.set(organizationId, turn);
  try {
    return await turn;
  } finally {
    if (queue.get(organizationId) === turn) queue.delete(organizationId);
  }
}

async function attempt<T>(
  context: ManageContext,
  organizationId: string,
  work: (draft: Draft) => Promise<T>,
  dryRun: boolean,
): Promise<Drafted<T>> {
  const { store } = context;
  const lockKey = `lock/${organizationId}`;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const draft = new Draft(store, lockKey, (await store.get(lockKey))?.version ?? 0);
    const value = await work(draft);
    if (dryRun) return { value, revision: 0 };
    await draft.audit(context, organizationId);
    const committed = await store.commit(draft.change);
    if (committed.ok) return { value, revision: committed.revision };
  }
  throw new Bug(`organization ${organizationId} kept changing under ${TRIES_MAX} tries`);
}

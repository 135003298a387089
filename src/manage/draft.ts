/**
 * One unit of work on one organization: reads see the draft's own writes, nothing is stored until all of it is, and it
 * is stored only if nobody else changed the organization meanwhile (then it is drawn up again from the start).
 * Limits and cascades are therefore exact under concurrency, in whatever store.
 */
import type { TokenHash } from '../core/facts.ts';
import { Bug } from '../errors.ts';
import type { Store, Write } from '../store/store.ts';
import { type DocByKind, type DocKind, place } from './records.ts';

const TRIES_MAX = 20;
const PAGE = 1000;

export class Draft {
  readonly #store: Store;
  readonly #writes = new Map<string, Write>();
  readonly #expects = new Map<string, number>();

  constructor(store: Store, lockKey: string, lockVersion: number) {
    this.#store = store;
    this.#expects.set(lockKey, lockVersion);
    this.#writes.set(lockKey, { key: lockKey, record: {} });
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
      if (write.record !== null && write.indexes?.some((entry) => entry.index === index))
        found.set(key, write.record as DocByKind[K]);
    }
    return Array.from(found, ([key, doc]) => ({ key, doc }));
  }

  put<K extends DocKind>(kind: K, doc: DocByKind[K], extra?: { readonly hash: TokenHash }): void {
    const { key, indexes } = place(kind, doc, extra);
    this.#writes.set(key, { key, record: doc, indexes });
  }

  delete(key: string): void {
    this.#writes.set(key, { key, record: null });
  }

  /** The commit fails, and the work is done again, if this key exists by then. */
  expectAbsent(key: string): void {
    this.#expects.set(key, 0);
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
  readonly revision: number;
}

/** Work on the same organization waits its turn, so conflicts arise only with other processes. */
const queues = new WeakMap<Store, Map<string, Promise<unknown>>>();

/** Rejections thrown by `work` pass through; nothing is written then. */
export async function change<T>(
  store: Store,
  organizationId: string,
  work: (draft: Draft) => Promise<T>,
): Promise<Drafted<T>> {
  const queue = queues.get(store) ?? new Map<string, Promise<unknown>>();
  queues.set(store, queue);
  const before = queue.get(organizationId) ?? Promise.resolve();
  const turn = before.then(
    () => attempt(store, organizationId, work),
    () => attempt(store, organizationId, work),
  );
  queue.set(organizationId, turn);
  try {
    return await turn;
  } finally {
    if (queue.get(organizationId) === turn) queue.delete(organizationId);
  }
}

async function attempt<T>(
  store: Store,
  organizationId: string,
  work: (draft: Draft) => Promise<T>,
): Promise<Drafted<T>> {
  const lockKey = `lock/${organizationId}`;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const draft = new Draft(store, lockKey, (await store.get(lockKey))?.version ?? 0);
    const value = await work(draft);
    const committed = await store.commit(draft.change);
    if (committed.ok) return { value, revision: committed.revision };
  }
  throw new Bug(`organization ${organizationId} kept changing under ${TRIES_MAX} tries`);
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** One page of a list, as it stands. `keep` filters; pages stay full as long as there is more. */
export async function list<K extends DocKind>(
  store: Store,
  _kind: K,
  index: string,
  options: { readonly limit: number; readonly cursor: string | null; readonly keep?: (doc: DocByKind[K]) => boolean },
): Promise<Page<DocByKind[K]>> {
  const items: Array<DocByKind[K]> = [];
  let after = options.cursor === null ? undefined : readCursor(options.cursor);
  for (;;) {
    const page = await store.scan(index, {
      limit: Math.max(options.limit, 100),
      ...(after === undefined ? {} : { after }),
    });
    for (const entry of page) {
      after = { score: entry.score, key: entry.key };
      const doc = entry.record as DocByKind[K];
      if (options.keep === undefined || options.keep(doc)) items.push(doc);
      if (items.length === options.limit) break;
    }
    const exhausted = page.length < Math.max(options.limit, 100);
    if (items.length === options.limit) {
      const more = await store.scan(index, { limit: 1, after: after! });
      return { items, nextCursor: more.length === 0 ? null : writeCursor(after!) };
    }
    if (exhausted) return { items, nextCursor: null };
  }
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

/**
 * One unit of work on one organization: reads see the unit of work's own writes, nothing is stored until all of it is, and it
 * is stored only if nobody else changed the organization meanwhile (then it is drawn up again from the start).
 * Limits and cascades are therefore exact under concurrency, in whatever store, and every change carries its audit trail.
 */
import { type Generation, kindOf, organizationKey, type TokenHash } from '../../core/facts.ts';
import { Bug } from '../../errors.ts';
import { Slices } from '../../slices.ts';
import type { Change, Store, Write } from '../../store/store.ts';
import { requireInside } from '../actor.ts';
import { type AuditLine, actorView, auditDoc, describeWrite, isSilent } from '../audit.ts';
import { type ManageContext, reader } from '../context.ts';
import { factsFor, isKept, type KeptFacts, keepFacts, NO_FACTS } from './kept-facts.ts';
import { type Lock, OrganizationLock } from './organization-lock.ts';
import { place } from './places.ts';
import { type AuditDoc, type DocByKind, type DocKind, type DocReader, isDeleted } from './records.ts';
import { getDoc, type StoredDoc, scanDocs } from './stored-docs.ts';
import { takeTurn } from './turns.ts';

/** What was read is remembered: nobody else changes it before this change is made, or else it is drawn up again. */
const REMEMBERED_MAX = 1000;
/** The lock is held for this change long before; more means that its holders die one after the other. */
const TRIES_MAX = 50;
const PAGE = 1000;

type Shown = Readonly<Record<string, unknown>> | null;

export class UnitOfWork implements DocReader {
  /** The number of this change: what it makes is of this generation, and what it ends was of an earlier one. */
  readonly generation: Generation;
  readonly #store: Store;
  readonly #writes = new Map<string, Write>();
  readonly #expects = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #verbs = new Map<string, string>();
  /** Scores of the records that this unit of work makes, by index and key. */
  readonly #made = new Map<string, Map<string, number>>();
  readonly #notes: AuditLine[] = [];
  readonly #slices = new Slices();
  readonly #others: OtherTurns;
  readonly #alsoIn = new Set<string>();
  readonly #read = new Map<string, DocByKind[DocKind] | null>();
  #kept: KeptFacts;
  /** What the next change may count on. */
  readonly #facts = new Map<string, StoredDoc<DocKind>>();

  #ends = false;
  /** As it was read or is written; where it is deleted, as it was. */
  #organization: DocByKind['organization'] | null = null;

  constructor(store: Store, lock: Lock, generation: Generation, others: OtherTurns, kept: KeptFacts) {
    this.#store = store;
    this.#others = others;
    this.#kept = kept;
    this.generation = generation;
    this.#passThrough(lock);
  }

  /**
   * From here on this is a change of that one, too: nothing else is changed in its name until this is made. Always after the
   * organization's own turn, and of one enterprise only, so that nobody waits for each other.
   */
  async alsoIn(name: string): Promise<void> {
    if (this.#alsoIn.has(name)) return;
    this.#alsoIn.add(name);
    this.#passThrough(await this.#others.enter(name));
    // What was read before may have been changed in its name.
    this.#read.clear();
    this.#kept = NO_FACTS;
    this.#facts.clear();
  }

  async get<K extends DocKind>(kind: K, key: string): Promise<DocByKind[K] | null> {
    const doc = await this.getEvenDeleted(kind, key);
    return doc === null || isDeleted(kind, doc) ? null : doc;
  }

  /** The same, of what was deleted and stays for a while. */
  async getEvenDeleted<K extends DocKind>(kind: K, key: string): Promise<DocByKind[K] | null> {
    const written = this.#writes.get(key);
    if (written !== undefined) return written.record as DocByKind[K] | null;
    const found = await this.#stored(kind, key);
    if (kind === 'organization' && found !== null) this.#organization = found as DocByKind['organization'];
    return found;
  }

  /** One page of a list, as it is stored. */
  page(index: string, limit: number, after: { score: number; key: string } | null): ReturnType<Store['scan']> {
    return this.#store.scan(index, { limit, ...(after === null ? {} : { after }) });
  }

  /** Every record in a list, with this unit of work's own changes applied. */
  async all<K extends DocKind>(kind: K, index: string): Promise<Array<{ key: string; doc: DocByKind[K] }>> {
    const found = new Map<string, DocByKind[K]>();
    let after: { score: number; key: string } | undefined;
    for (;;) {
      const options = { limit: PAGE, ...(after === undefined ? {} : { after }) };
      const page = await scanDocs(this.#store, kind, index, options);
      for (const { key, doc } of page) found.set(key, doc);
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
   * How many entries of a list score above `above`, with those of `make` in this unit of work, not counting the token `except`,
   * which is about to be written.
   */
  async count(index: string, above: number, except: string): Promise<number> {
    const total = await this.#store.count(index, above);
    const stored = await this.#stored('token', except);
    const counted =
      stored !== null && place('token', stored).indexes.some((entry) => entry.index === index && entry.score > above);
    let made = 0;
    for (const [key, score] of this.#made.get(index) ?? []) if (key !== except && score > above) made++;
    return (counted ? total - 1 : total) + made;
  }

  put<K extends DocKind>(kind: K, doc: DocByKind[K], extra?: { readonly hash: TokenHash }): void {
    const { key, indexes } = place(kind, doc, extra);
    if (kind === 'organization') this.#organization = doc as DocByKind['organization'];
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
  note(line: Pick<AuditDoc, 'action' | 'target'> & Partial<Pick<AuditDoc, 'after'>>): void {
    this.#notes.push({ before: null, after: null, ...line });
  }

  /** It takes something away from somebody, or out of the world: made even where the store has no room for anything new. */
  ends(): void {
    this.#ends = true;
  }

  /** The commit fails, and the work is done again, if this key exists by then. */
  expectAbsent(key: string): void {
    this.#expects.set(key, 0);
  }

  /** Writes the trail of what has been drafted and noted so far. */
  async audit(actor: AuditDoc['actor'], nowMs: number, organizationId: string): Promise<void> {
    const organization = this.#organization ?? (await this.#stored('organization', organizationKey(organizationId)));
    const whose = (organization ?? { id: organizationId }) as Parameters<typeof auditDoc>[0];
    const say = (line: AuditLine) => this.put('audit', auditDoc(whose, actor, nowMs, line));
    for (const line of this.#notes) say(line);
    for (const [key, write] of [...this.#writes]) {
      const kind = kindOf(key) as DocKind;
      if (this.#silent.has(key) || isSilent(kind)) continue;
      const shown = (record: unknown) => (record === null || isDeleted(kind, record as never) ? null : record) as Shown;
      const before = shown(await this.#before(kind, key));
      const line = describeWrite({ kind, before, after: shown(write.record), verb: this.#verbs.get(key) });
      if (line !== null) say(line);
    }
  }

  /** What must not exist does not, or the commit fails. */
  async #before<K extends DocKind>(kind: K, key: string): Promise<DocByKind[K] | null> {
    return this.#expects.get(key) === 0 ? null : this.#stored(kind, key);
  }

  /** Requests get their turn meanwhile: a store in a file answers within the turn, and work may read a thousand records. */
  async breathe(): Promise<void> {
    if (this.#slices.over) await this.#slices.next();
  }

  #passThrough(lock: Lock): void {
    this.#expects.set(lock.key, lock.version);
    this.#writes.set(lock.key, { key: lock.key, record: { changes: Math.max(this.generation, lock.changes + 1) } });
    this.#silent.add(lock.key);
  }

  async #stored<K extends DocKind>(kind: K, key: string): Promise<DocByKind[K] | null> {
    const known = this.#read.get(key);
    if (known !== undefined) return known as DocByKind[K] | null;
    const kept = this.#kept.get(key);
    if (kept !== undefined) this.#expects.set(key, kept.version);
    else await this.breathe();
    const stored = kept ?? (await getDoc(this.#store, kind, key));
    const found = (stored?.doc ?? null) as DocByKind[K] | null;
    if (this.#read.size < REMEMBERED_MAX) {
      this.#read.set(key, found);
      if (stored !== null && isKept(kind) && !isDeleted(kind, found!)) this.#facts.set(key, stored);
    }
    return found;
  }

  /** What it has read and leaves as it was. */
  get facts(): KeptFacts {
    for (const key of this.#writes.keys()) if (isKept(kindOf(key) as DocKind)) return NO_FACTS;
    return this.#facts;
  }

  get change(): Change {
    return {
      ...(this.#ends ? { ends: true } : {}),
      expects: Array.from(this.#expects, ([key, version]) => ({ key, version })),
      writes: [...this.#writes.values()],
    };
  }
}

/** What else than its organization a change has its turn in. */
class OtherTurns {
  readonly #store: Store;
  readonly #ends: boolean;
  readonly #taken = new Map<string, { readonly leave: () => void; readonly lock: OrganizationLock; tries: number }>();

  constructor(store: Store, ends: boolean) {
    this.#store = store;
    this.#ends = ends;
  }

  async enter(name: string): Promise<Lock> {
    let taken = this.#taken.get(name);
    if (taken === undefined) {
      const leave = await takeTurn(this.#store, name, this.#ends);
      taken = { leave, lock: new OrganizationLock(this.#store, name), tries: 0 };
      this.#taken.set(name, taken);
    }
    return taken.lock.read(taken.tries++);
  }

  passed(): void {
    for (const { lock } of this.#taken.values()) lock.passed();
  }

  async leave(): Promise<void> {
    for (const { leave, lock } of this.#taken.values()) {
      leave();
      await lock.release();
    }
  }
}

export interface WorkResult<T> {
  readonly value: T;
  /** 0: a dry run, nothing was written. */
  readonly revision: number;
}

export type ChangeContext = Pick<ManageContext, 'store' | 'nowMs' | 'actor'>;

export interface ChangeOptions {
  /** Do all of the work and write nothing: what is returned is what would have been. */
  readonly dryRun?: boolean;
  /**
   * It ends something: it goes before whatever else waits for the same organization, and is made even where the store has
   * no room for anything new.
   */
  readonly ends?: boolean;
  /** All the same it needs room: it can be done again and again, and leaves something each time. */
  readonly grows?: boolean;
  /** In whose name it stands in the audit trail; absent: the context's. */
  readonly actor?: AuditDoc['actor'];
}

/**
 * Rejections thrown by `work` pass through; nothing is written then. Work on the same organization waits its turn, so
 * conflicts arise only with other processes; after a few, those wait for us.
 */
export async function change<T>(
  context: ChangeContext,
  organizationId: string,
  work: (unit: UnitOfWork) => Promise<T>,
  options: ChangeOptions = {},
): Promise<WorkResult<T>> {
  await requireInside(reader(context.store), context.actor, organizationId);
  const leave = await takeTurn(context.store, organizationId, options.ends === true);
  const lock = new OrganizationLock(context.store, organizationId);
  const others = new OtherTurns(context.store, options.ends === true);
  let isOver = false;
  /** The next one's turn: what it reads is what this one has written, durable or not yet. */
  const passOn = () => {
    if (!isOver) leave();
    isOver = true;
  };
  try {
    return await attempt(context, { lock, others, passOn }, organizationId, work, options);
  } finally {
    passOn();
    await lock.release();
    await others.leave();
  }
}

async function attempt<T>(
  context: ChangeContext,
  {
    lock,
    others,
    passOn,
  }: { readonly lock: OrganizationLock; readonly others: OtherTurns; readonly passOn: () => void },
  organizationId: string,
  work: (unit: UnitOfWork) => Promise<T>,
  { dryRun = false, ends = false, grows = false, actor = actorView(context.actor) }: ChangeOptions,
): Promise<WorkResult<T>> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const found = await lock.read(tries);
    // The clock, too: should the lock be lost, what comes after it is still later than what came before.
    const generation = Math.max(found.changes + 1, context.nowMs());
    const kept = tries === 0 ? factsFor(context.store, organizationId, found.version) : NO_FACTS;
    const unit = new UnitOfWork(context.store, found, generation, others, kept);
    if (ends && !grows) unit.ends();
    const value = await work(unit);
    if (dryRun) return { value, revision: 0 };
    await unit.audit(actor, context.nowMs(), organizationId);
    await unit.breathe();
    let isVisible = false;
    const visible = (revision: number) => {
      if (!isVisible) keepFacts(context.store, organizationId, revision, unit.facts);
      isVisible = true;
      passOn();
    };
    const committed = await context.store.commit({ ...unit.change, visible });
    if (committed.ok) {
      visible(committed.revision);
      lock.passed();
      others.passed();
      return { value, revision: committed.revision };
    }
  }
  throw new Bug(`organization ${organizationId} kept changing under ${TRIES_MAX} tries`);
}

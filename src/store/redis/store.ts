/**
 * Store adapter: Redis, shared by several machines. A commit is one script; it resolves once the replicas that it waits
 * for have it. Three connections: look-ups, which fail fast; changes, which may wait; the feed. Never interprets a record.
 */
import { ReplyError } from 'ioredis';
import type { Taken, Use } from '../../core/rate-limit.ts';
import type { SharedValues } from '../codec/shared-values.ts';
import type { ExportableStore, Exported, ExportedPage } from '../exportable.ts';
import type { QuestionBoard } from '../question-board.ts';
import type { Registry } from '../registry.ts';
import {
  type Change,
  type ChangeEvent,
  type ChangeListener,
  type Committed,
  type CountOptions,
  type Lookup,
  OutcomeUnknown,
  type Scanned,
  type ScanOptions,
  type ScopeUses,
  type Stored,
  StoreUnavailable,
  scopeUsesOf,
  type Touch,
} from '../store.ts';
import { commitArguments, markedText, orderOf, readOrder } from './commit.ts';
import type { RedisConnection } from './connection.ts';
import { countArguments, readCounts } from './counts.ts';
import { RedisExport } from './export.ts';
import { parse } from './feed.ts';
import { RedisLink, type RedisStoreOptions, within } from './link.ts';
import { boundsBefore, boundsOf, packKey, recordsKey, unpackKey } from './packed-key.ts';
import { RedisQuestionBoard } from './question-board.ts';
import { readRecord, understood } from './records.ts';
import { RedisRegistry } from './registry.ts';
import { ReplicaWait } from './replicas.ts';
import type { Scripted } from './scripts.ts';
import { type FetchShared, RedisShared } from './shared.ts';
import { scopeDays, touchArguments } from './touches.ts';
import { bringToLayout, isOfLayout } from './upgrade.ts';

const NOTHING = Buffer.alloc(0);
const ABSENT: Lookup = Object.freeze({ kind: 'absent' });
/** Of an answer that is given when its time is over. */
const REPLY_MS = 300;
const LIMIT_MAX = 1_000_000;
const OUT_OF_MEMORY = /\bOOM\b/;
/** Errors after which this connection is of no use: the server is not, or no longer, the one that takes our writes. */
const WRONG_SERVER = /\b(?:READONLY|MOVED|CLUSTERDOWN|MASTERDOWN)\b/;

export class RedisStore implements ExportableStore {
  readonly #options: RedisStoreOptions;
  readonly #prefix: string;
  readonly #link: RedisLink;
  readonly #export: RedisExport;
  readonly #shared: RedisShared;
  /** Whether all that is there is where we look for it. */
  #isSettled = false;
  #settling: Promise<void> | null = null;
  /** Of each connection its own. */
  readonly #replicas = new WeakMap<Scripted, ReplicaWait>();

  /**
   * Rejects with SetupError for what only an operator can mend: a password, a certificate, a server that is no Redis.
   * A Redis that cannot be reached is waited for: until then everything is answered with `unavailable`.
   */
  static async open(options: RedisStoreOptions): Promise<RedisStore> {
    const store = new RedisStore(options);
    try {
      await store.#link.start();
      await store.#settleAtOnce();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#prefix = `${options.keyPrefix}{scopegate}:`;
    this.#link = new RedisLink(options, this.#prefix);
    this.#shared = new RedisShared(this.#prefix);
    this.#export = new RedisExport((work) => this.#ask(work), this.#prefix, this.#shared);
  }

  /** How often the history in Redis was found to be another than the one we knew. */
  get rewoundCount(): number {
    return this.#link.rewoundCount;
  }

  /** How many changes found no room. */
  get fullCount(): number {
    return this.#link.fullCount;
  }

  read(key: string): Lookup | Promise<Lookup> {
    const { problem } = this.#link.lookups;
    if (problem !== null) return { kind: 'unavailable', cause: problem };
    return this.#isSettled ? this.#look(key) : this.#lookLater(key);
  }

  async get(key: string): Promise<Stored | null> {
    const packed = packKey(key);
    const value = await this.#ask((client) => client.hgetBuffer(recordsKey(this.#prefix, packed), packed));
    return value === null ? null : understood(this.#recordOf(key, value).then((stored) => ({ key, ...stored })));
  }

  async scan(index: string, options: ScanOptions): Promise<readonly Scanned[]> {
    const { after, above, limit, backwards = false, prefix } = options;
    const bound = boundOf(above);
    const from =
      after === undefined
        ? ['', '', '', '', '', '']
        : [orderOf(after), after.key, ...(backwards ? boundsBefore : boundsOf)(after.key)];
    const most = Math.min(limit, LIMIT_MAX);
    const args = [`${this.#prefix}revision`, this.#prefix, index, String(most), bound, ...from, markedText(prefix)];
    const [lists, ...found] = await this.#ask((client) =>
      backwards ? client.scopegateScanBackBuffer(args) : client.scopegateScanBuffer(args),
    );
    const read = (shared: SharedValues) => {
      const page: Scanned[] = [];
      for (let place = 0; place < found.length; place += 3) {
        const key = unpackKey(found[place]!);
        const order = readOrder(found[place + 1]!.toString());
        page.push({ key, ...order, ...readRecord(key, found[place + 2] ?? NOTHING, shared) });
      }
      // Each list is in its order.
      if (lists <= 1) return page;
      return page.sort(backwards ? (left, right) => inOrder(right, left) : inOrder).slice(0, most);
    };
    return understood(this.#shared.reading(read, (places) => this.#fetch(places)));
  }

  async count(index: string, above: number, { prefix, upTo, atMost }: CountOptions = {}): Promise<number> {
    const args = [`${this.#prefix}revision`, this.#prefix, index, boundOf(above), boundOf(upTo), markedText(prefix)];
    return Math.min(await this.#ask((client) => client.scopegateTotal(args)), atMost ?? Number.POSITIVE_INFINITY);
  }

  async commit(change: Change): Promise<Committed> {
    const { waitReplicas, memoryReservePercent: reservePercent } = this.#options;
    const terms = { mark: this.#link.nextMark(), waitReplicas: waitReplicas ?? -1, reservePercent };
    const needed = this.#shared.forWriting();
    const args = commitArguments(this.#prefix, change, terms, needed);
    await this.#settle();
    const { client } = this.#link.changes;
    const untilMs = performance.now() + this.#options.commitTimeoutMs;
    const reply = await this.#send(client, args);
    if (reply[0] === 'conflict') return { ok: false };
    if (reply[0] === 'taken') {
      this.#shared.isTaken(needed.needed.get(Number(reply[1]))!);
      return this.commit(change);
    }
    if (reply[0] === 'layout') throw this.#unsettled();
    if (reply[0] === 'full') throw this.#link.full(`${reply[1]} of ${reply[2]} bytes of its memory are used`);
    if (reply[0] === 'replicas') {
      throw new StoreUnavailable(`only ${reply[1]} of ${waitReplicas} replicas are connected; nothing was changed`);
    }
    const revision = Number(reply[1]);
    const wanted = waitReplicas ?? reply[3];
    const caughtUp = within(this.#link.feed.reached(revision), this.#options.commitTimeoutMs);
    const missing = wanted === 0 ? null : await this.#awaitReplicas(client, wanted, untilMs - performance.now());
    if (!(await caughtUp)) this.#link.feed.distrust();
    if (missing !== null) throw new OutcomeUnknown(missing);
    return { ok: true, revision };
  }

  async changesSince(revision: number, limit: number): Promise<readonly ChangeEvent[] | null> {
    const log = `${this.#prefix}changes`;
    const [newest, entries] = await this.#ask((client) =>
      Promise.all([
        client.get(`${this.#prefix}revision`),
        client.xrangeBuffer(log, `${revision + 1}-0`, '+', 'COUNT', Math.min(limit, LIMIT_MAX)),
      ]),
    );
    const [first] = entries;
    if (first === undefined) return Number(newest ?? 0) === revision ? [] : null;
    try {
      const notices = entries.map(parse).map(({ mark: _, ...notice }) => notice);
      return notices[0]!.revision === revision + 1 ? notices : null;
    } catch (cause) {
      throw new StoreUnavailable(cause);
    }
  }

  /** Adds a request to every count, or to none. Rejects with StoreUnavailable, as soon as a look-up would. */
  async take(uses: readonly Use[]): Promise<Taken> {
    const args = countArguments(this.#prefix, uses);
    const { commandTimeoutMs } = this.#options;
    return readCounts(uses, await this.#ask((client) => client.scopegateCount(args), commandTimeoutMs));
  }

  /** No replica is waited for: what a failover takes of it is no promise. */
  async touch(touches: readonly Touch[]): Promise<void> {
    const { client } = this.#link.changes;
    const args = touchArguments(this.#prefix, touches);
    try {
      await this.#link.changes.ask(client, this.#options.commitTimeoutMs, (asked) => asked.scopegateTouch(args));
    } catch (cause) {
      this.#noteServerError(this.#link.changes, client, cause);
      throw new StoreUnavailable(cause);
    }
  }

  async touched(keys: readonly string[]): Promise<ReadonlyArray<number | null>> {
    return (await this.#beside('t:', keys)).map((at) => (at === null ? null : Number(at)));
  }

  async scopesUsed(keys: readonly string[]): Promise<readonly ScopeUses[]> {
    return (await this.#beside('u:', keys)).map((text) => scopeUsesOf(scopeDays(text ?? '')));
  }

  /** What stands beside the records, in hashes of that name. */
  async #beside(hashes: string, keys: readonly string[]): Promise<ReadonlyArray<string | null>> {
    if (keys.length === 0) return [];
    return this.#ask((client) =>
      Promise.all(
        keys.map((key) => {
          const packed = packKey(key);
          return client.hget(recordsKey(this.#prefix, packed, hashes), packed);
        }),
      ),
    );
  }

  follow(follower: ChangeListener): () => void {
    return this.#link.feed.follow(follower);
  }

  followed(revision: number): Promise<void> {
    return this.#link.feed.reached(revision);
  }

  /** Of the processes that share this Redis. It can be asked for as long as this store is open. */
  registry(): Registry {
    const { commandTimeoutMs } = this.#options;
    return new RedisRegistry({ prefix: this.#prefix, ask: (work) => this.#ask(work, commandTimeoutMs) });
  }

  /** Likewise. */
  questions(): QuestionBoard {
    const { commandTimeoutMs } = this.#options;
    return new RedisQuestionBoard({ prefix: this.#prefix, ask: (work) => this.#ask(work, commandTimeoutMs) });
  }

  async export(cursor: string | null, limit: number): Promise<ExportedPage> {
    return understood(this.#export.page(cursor, limit));
  }

  async exported(keys: readonly string[]): Promise<ReadonlyArray<Exported | null>> {
    return understood(this.#export.records(keys));
  }

  size(): Promise<number> {
    return this.#export.size();
  }

  async revision(): Promise<number> {
    return Number((await this.#ask((client) => client.get(`${this.#prefix}revision`))) ?? 0);
  }

  async close(): Promise<void> {
    this.#link.close();
  }

  async #look(key: string): Promise<Lookup> {
    const { client } = this.#link.lookups;
    try {
      const packed = packKey(key);
      const value = await this.#link.lookups.ask(client, this.#options.commandTimeoutMs, (asked) =>
        asked.hgetBuffer(recordsKey(this.#prefix, packed), packed),
      );
      return value === null ? ABSENT : { kind: 'found', record: (await this.#recordOf(key, value)).record };
    } catch (cause) {
      this.#noteServerError(this.#link.lookups, client, cause);
      return { kind: 'unavailable', cause };
    }
  }

  #recordOf(key: string, value: Buffer) {
    return this.#shared.reading(
      (shared) => readRecord(key, value, shared),
      (places) => this.#fetch(places, this.#options.commandTimeoutMs),
    );
  }

  #fetch(places: Parameters<FetchShared>[0], timeoutMs?: number): Promise<Array<string | null>> {
    return this.#ask((client) => Promise.all(places.map(([hash, field]) => client.hget(hash, field))), timeoutMs);
  }

  async #lookLater(key: string): Promise<Lookup> {
    try {
      await this.#settle();
    } catch (cause) {
      return { kind: 'unavailable', cause };
    }
    return this.read(key);
  }

  /** Where there is nothing to be done, and Redis says so now. */
  async #settleAtOnce(): Promise<void> {
    if (this.#link.lookups.problem !== null) return;
    const ask = <T>(work: (client: Scripted) => Promise<T>) =>
      this.#askUnsettled(this.#link.lookups, work, this.#options.commandTimeoutMs);
    this.#isSettled = await isOfLayout(ask, this.#prefix).catch(() => false);
  }

  /** Nothing is read or written before all of it is where we look for it. Those who come meanwhile wait for the same. */
  #settle(): Promise<void> {
    if (this.#isSettled) return Promise.resolve();
    this.#settling ??= bringToLayout({
      prefix: this.#prefix,
      shared: this.#shared,
      ask: (work) => this.#askUnsettled(this.#link.changes, work, this.#options.commitTimeoutMs),
      report: this.#options.report,
    })
      .then(() => {
        this.#isSettled = true;
      })
      .finally(() => {
        this.#settling = null;
      });
    return this.#settling;
  }

  /** Somebody has put back what was there long ago. */
  #unsettled(): StoreUnavailable {
    this.#isSettled = false;
    return new StoreUnavailable('what is in Redis is of an older layout; nothing was changed');
  }

  async #ask<T>(work: (client: Scripted) => Promise<T>, timeoutMs: number = this.#options.commitTimeoutMs): Promise<T> {
    await this.#settle();
    return this.#askUnsettled(this.#link.lookups, work, timeoutMs);
  }

  async #askUnsettled<T>(
    connection: RedisConnection,
    work: (client: Scripted) => Promise<T>,
    timeoutMs: number,
  ): Promise<T> {
    const { client } = connection;
    try {
      return await connection.ask(client, timeoutMs, work);
    } catch (cause) {
      this.#noteServerError(connection, client, cause);
      throw new StoreUnavailable(cause);
    }
  }

  async #send(client: Scripted, args: ReadonlyArray<string | Buffer>) {
    try {
      return await this.#link.changes.ask(client, this.#options.commitTimeoutMs, (asked) =>
        asked.scopegateCommit(args),
      );
    } catch (cause) {
      if (cause instanceof ReplyError && OUT_OF_MEMORY.test((cause as Error).message)) throw this.#link.full(cause);
      this.#noteServerError(this.#link.changes, client, cause);
      // What Redis itself answers with an error it has not done.
      throw cause instanceof ReplyError ? new StoreUnavailable(cause) : new OutcomeUnknown(cause);
    }
  }

  /** null, or what is wrong. */
  async #awaitReplicas(client: Scripted, wanted: number, leftMs: number): Promise<string | null> {
    const replicas = this.#replicas.get(client) ?? new ReplicaWait(client);
    this.#replicas.set(client, replicas);
    const timeoutMs = Math.max(1, leftMs);
    try {
      const have = await this.#link.changes.ask(client, timeoutMs + REPLY_MS, () => replicas.wait(wanted, timeoutMs));
      return have >= wanted ? null : `only ${have} of ${wanted} replicas have the change`;
    } catch (error) {
      return `the connection was lost while replicas were waited for (${(error as Error).message})`;
    }
  }

  #noteServerError(connection: RedisConnection, client: Scripted, cause: unknown): void {
    if (!(cause instanceof ReplyError)) return;
    if (WRONG_SERVER.test((cause as Error).message)) connection.abandon(client, cause as Error);
    else this.#link.refused(cause as Error);
  }
}

/** Of scores, as scripts take it; empty: there is none. */
function boundOf(score: number | undefined): string {
  return score === undefined || !Number.isFinite(score) ? '' : String(score);
}

/** By score, then by text, then by the bytes of the key. */
function inOrder(left: Scanned, right: Scanned): number {
  const bytes = (one: string | undefined, other: string | undefined) =>
    Buffer.compare(Buffer.from(one ?? ''), Buffer.from(other ?? ''));
  return left.score - right.score || bytes(left.text, right.text) || bytes(left.key, right.key);
}

/**
 * Store adapter: Redis, shared by several machines. A commit is one script; it resolves once the replicas that it waits
 * for have it. Three connections: look-ups, which fail fast; changes, which may wait; the feed. Never interprets a record.
 */
import { ReplyError } from 'ioredis';
import type { Taken, Use } from '../../core/rate-limit.ts';
import type { ExportableStore, Exported, ExportedPage } from '../exportable.ts';
import type { Registry } from '../registry.ts';
import {
  type Change,
  type ChangeEvent,
  type ChangeListener,
  type Committed,
  type Lookup,
  OutcomeUnknown,
  type Scanned,
  type ScanOptions,
  type Stored,
  StoreUnavailable,
  type Touch,
} from '../store.ts';
import { commitArguments } from './commit.ts';
import type { RedisConnection } from './connection.ts';
import { countArguments, readCounts } from './counts.ts';
import { RedisExport } from './export.ts';
import { parse } from './feed.ts';
import { RedisLink, type RedisStoreOptions, within } from './link.ts';
import { RedisRegistry } from './registry.ts';
import { ReplicaWait } from './replicas.ts';
import { readText, type Scripted, understood, understoodLater } from './scripts.ts';

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
    this.#export = new RedisExport((work) => this.#ask(work), this.#prefix);
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
    return problem === null ? this.#look(key) : { kind: 'unavailable', cause: problem };
  }

  async get(key: string): Promise<Stored | null> {
    const text = await this.#ask((client) => client.get(this.#recordKey(key)));
    return text === null ? null : understood(() => ({ key, ...readText(key, text) }));
  }

  async scan(index: string, options: ScanOptions): Promise<readonly Scanned[]> {
    const { after, above, limit } = options;
    const bound = above === undefined || above === Number.NEGATIVE_INFINITY ? '' : String(above);
    const from = after === undefined ? ['', ''] : [String(after.score), after.key];
    const most = Math.min(limit, LIMIT_MAX);
    const found = await this.#ask((client) =>
      client.scopegateScan([`${this.#prefix}revision`, this.#prefix, index, String(most), bound, ...from]),
    );
    return understood(() => {
      const page: Scanned[] = [];
      for (let place = 0; place < found.length; place += 3) {
        const [key, score, text] = [found[place]!, Number(found[place + 1]), found[place + 2] ?? ''];
        page.push({ key, score, ...readText(key, text) });
      }
      return page;
    });
  }

  async count(index: string, above: number): Promise<number> {
    const bound = above === Number.NEGATIVE_INFINITY ? '-inf' : `(${above}`;
    return this.#ask((client) => client.zcount(`${this.#prefix}i:${index}`, bound, '+inf'));
  }

  async commit(change: Change): Promise<Committed> {
    const { waitReplicas, memoryReservePercent: reservePercent } = this.#options;
    const terms = { mark: this.#link.nextMark(), waitReplicas: waitReplicas ?? -1, reservePercent };
    const args = commitArguments(this.#prefix, change, terms);
    const { client } = this.#link.changes;
    const untilMs = performance.now() + this.#options.commitTimeoutMs;
    const reply = await this.#send(client, args);
    if (reply[0] === 'conflict') return { ok: false };
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
    const log = `${this.#prefix}log`;
    const [newest, entries] = await this.#ask((client) =>
      Promise.all([
        client.get(`${this.#prefix}revision`),
        client.xrange(log, `${revision + 1}-0`, '+', 'COUNT', Math.min(limit, LIMIT_MAX)),
      ]),
    );
    const [first] = entries;
    if (first === undefined) return Number(newest ?? 0) === revision ? [] : null;
    return understood(() => {
      const notices = entries.map(parse).map(({ mark: _, ...notice }) => notice);
      return notices[0]!.revision === revision + 1 ? notices : null;
    });
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
    const args = [`${this.#prefix}revision`, this.#prefix, ...touches.flatMap(({ key, atMs }) => [key, String(atMs)])];
    try {
      await this.#link.changes.ask(client, this.#options.commitTimeoutMs, (asked) => asked.scopegateTouch(args));
    } catch (cause) {
      this.#noteServerError(this.#link.changes, client, cause);
      throw new StoreUnavailable(cause);
    }
  }

  async touched(keys: readonly string[]): Promise<ReadonlyArray<number | null>> {
    if (keys.length === 0) return [];
    const found = await this.#ask((client) => client.hmget(`${this.#prefix}touches`, ...keys));
    return found.map((at) => (at === null ? null : Number(at)));
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

  async export(cursor: string | null, limit: number): Promise<ExportedPage> {
    return understoodLater(this.#export.page(cursor, limit));
  }

  async exported(keys: readonly string[]): Promise<ReadonlyArray<Exported | null>> {
    return understoodLater(this.#export.records(keys));
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
      const text = await this.#link.lookups.ask(client, this.#options.commandTimeoutMs, (asked) =>
        asked.get(this.#recordKey(key)),
      );
      return text === null ? ABSENT : { kind: 'found', record: readText(key, text).record };
    } catch (cause) {
      this.#noteServerError(this.#link.lookups, client, cause);
      return { kind: 'unavailable', cause };
    }
  }

  async #ask<T>(work: (client: Scripted) => Promise<T>, timeoutMs: number = this.#options.commitTimeoutMs): Promise<T> {
    const { client } = this.#link.lookups;
    try {
      return await this.#link.lookups.ask(client, timeoutMs, work);
    } catch (cause) {
      this.#noteServerError(this.#link.lookups, client, cause);
      throw new StoreUnavailable(cause);
    }
  }

  async #send(client: Scripted, args: readonly string[]) {
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

  #recordKey(key: string): string {
    return `${this.#prefix}r:${key}`;
  }
}

/**
 * Store adapter: Redis, shared by several machines. A commit is one script; it resolves once the replicas that it waits
 * for have it. Three connections: look-ups, which fail fast; changes, which may wait; the feed. Never interprets a record.
 */
import { randomBytes } from 'node:crypto';
import { ReplyError } from 'ioredis';
import { SetupError } from '../errors.ts';
import { connect, describePlace, type RedisAccess } from './redis-connect.ts';
import { parse, RedisFeed } from './redis-feed.ts';
import { RedisLine } from './redis-line.ts';
import { ReplicaWait } from './redis-replicas.ts';
import { commitArguments, readText, type Scripted } from './redis-scripts.ts';
import { survey } from './redis-survey.ts';
import {
  type Change,
  type Committed,
  type Follower,
  type Lookup,
  type Notice,
  OutcomeUnknown,
  type Scanned,
  type ScanOptions,
  type Store,
  type Stored,
  StoreUnavailable,
} from './store.ts';

export interface RedisStoreOptions {
  readonly access: RedisAccess;
  /** The first characters of every key. */
  readonly keyPrefix: string;
  /** How long a look-up may take; past it everybody is told `unavailable` at once, until Redis answers again. */
  readonly commandTimeoutMs: number;
  /** How long a change may take, replicas included. */
  readonly commitTimeoutMs: number;
  /** Replicas that must have a change before it is acknowledged; null: all that are connected. */
  readonly waitReplicas: number | null;
  /** What an operator should read. Never holds a password. */
  readonly report: (level: 'info' | 'warn' | 'error', message: string, details?: object) => void;
}

const ABSENT: Lookup = Object.freeze({ kind: 'absent' });
/** The first attempts of a start; past it the store opens without Redis, and waits for it. */
const START_MS = 1500;
/** Of an answer that is given when its time is over. */
const REPLY_MS = 300;
const LIMIT_MAX = 1_000_000;
/** Errors after which this connection is of no use: the server is not, or no longer, the one that takes our writes. */
const WRONG_SERVER = /\b(?:READONLY|MOVED|CLUSTERDOWN|MASTERDOWN)\b/;

export class RedisStore implements Store {
  readonly #options: RedisStoreOptions;
  readonly #prefix: string;
  readonly #self = randomBytes(9).toString('base64url');
  readonly #lookups: RedisLine;
  readonly #changes: RedisLine;
  readonly #feedLine: RedisLine;
  readonly #feed: RedisFeed;
  /** Of each connection its own. */
  readonly #replicas = new WeakMap<Scripted, ReplicaWait>();
  #commits = 0;
  #rewound = 0;
  /** What the operator was last told. */
  #told: string | null = null;
  #advice = '';
  #examined: Promise<SetupError | null> = Promise.resolve(null);

  /**
   * Rejects with SetupError for what only an operator can mend: a password, a certificate, a server that is no Redis.
   * A Redis that cannot be reached is waited for: until then everything is answered with `unavailable`.
   */
  static async open(options: RedisStoreOptions): Promise<RedisStore> {
    const store = new RedisStore(options);
    try {
      await store.#start();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#prefix = `${options.keyPrefix}{scopegate}:`;
    const line = (onState: (problem: Error | null) => void, enableAutoPipelining = false) =>
      new RedisLine({
        connect: () => connect(options.access, `${this.#prefix}revision`, { enableAutoPipelining }),
        onState,
      });
    this.#lookups = line((problem) => this.#tellState(problem), true);
    this.#changes = line((problem) => {
      if (problem === null) this.#examined = this.#examine();
    });
    this.#feedLine = line(() => undefined);
    this.#feed = new RedisFeed({
      line: this.#feedLine,
      log: `${this.#prefix}log`,
      isOurs: (mark) => mark.startsWith(this.#self),
      onRewound: (from, to) => {
        this.#rewound++;
        const message = `store: Redis has lost changes: its newest was ${from}, now it is ${to}; revoked tokens may be valid again`;
        options.report('error', message, { from, to });
      },
    });
  }

  /** How often the history in Redis was found to be another than the one we knew. */
  get rewoundCount(): number {
    return this.#rewound;
  }

  read(key: string): Lookup | Promise<Lookup> {
    const { problem } = this.#lookups;
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
    const { waitReplicas } = this.#options;
    const args = commitArguments(this.#prefix, change, `${this.#self}.${++this.#commits}`, waitReplicas ?? -1);
    const { client } = this.#changes;
    const untilMs = performance.now() + this.#options.commitTimeoutMs;
    const reply = await this.#send(client, args);
    if (reply[0] === 'conflict') return { ok: false };
    if (reply[0] === 'replicas') {
      throw new StoreUnavailable(`only ${reply[1]} of ${waitReplicas} replicas are connected; nothing was changed`);
    }
    const revision = Number(reply[1]);
    const wanted = waitReplicas ?? reply[3];
    const heard = within(this.#feed.reached(revision), this.#options.commitTimeoutMs);
    const missing = wanted === 0 ? null : await this.#awaitReplicas(client, wanted, untilMs - performance.now());
    if (!(await heard)) this.#feed.distrust();
    if (missing !== null) throw new OutcomeUnknown(missing);
    return { ok: true, revision };
  }

  async changesSince(revision: number, limit: number): Promise<readonly Notice[] | null> {
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

  follow(follower: Follower): () => void {
    return this.#feed.follow(follower);
  }

  followed(revision: number): Promise<void> {
    return this.#feed.reached(revision);
  }

  async close(): Promise<void> {
    this.#feed.close();
    for (const line of [this.#lookups, this.#changes, this.#feedLine]) line.close();
  }

  async #look(key: string): Promise<Lookup> {
    const { client } = this.#lookups;
    try {
      const text = await this.#lookups.ask(client, this.#options.commandTimeoutMs, (asked) =>
        asked.get(this.#recordKey(key)),
      );
      return text === null ? ABSENT : { kind: 'found', record: readText(key, text).record };
    } catch (cause) {
      this.#leaveWrongServer(this.#lookups, client, cause);
      return { kind: 'unavailable', cause };
    }
  }

  async #ask<T>(work: (client: Scripted) => Promise<T>): Promise<T> {
    const { client } = this.#lookups;
    try {
      return await this.#lookups.ask(client, this.#options.commitTimeoutMs, work);
    } catch (cause) {
      this.#leaveWrongServer(this.#lookups, client, cause);
      throw new StoreUnavailable(cause);
    }
  }

  async #send(client: Scripted, args: readonly string[]) {
    try {
      return await this.#changes.ask(client, this.#options.commitTimeoutMs, (asked) => asked.scopegateCommit(args));
    } catch (cause) {
      this.#leaveWrongServer(this.#changes, client, cause);
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
      const have = await this.#changes.ask(client, timeoutMs + REPLY_MS, () => replicas.wait(wanted, timeoutMs));
      return have >= wanted ? null : `only ${have} of ${wanted} replicas have the change`;
    } catch (error) {
      return `the connection was lost while replicas were waited for (${(error as Error).message})`;
    }
  }

  #leaveWrongServer(line: RedisLine, client: Scripted, cause: unknown): void {
    if (cause instanceof ReplyError && WRONG_SERVER.test((cause as Error).message))
      line.abandon(client, cause as Error);
  }

  #recordKey(key: string): string {
    return `${this.#prefix}r:${key}`;
  }

  async #start(): Promise<void> {
    const untilMs = performance.now() + START_MS;
    for (const line of [this.#lookups, this.#changes]) {
      while (line.problem !== null && performance.now() < untilMs) {
        await within(line.changed, untilMs - performance.now());
        if (line.problem instanceof SetupError) throw line.problem;
        if (line.problem !== null && /ECONNREFUSED/.test(line.problem.message)) return;
      }
    }
    await within(this.#feed.reached(0), Math.max(0, untilMs - performance.now()));
    const unusable = await this.#examined;
    if (unusable !== null) throw unusable;
  }

  /** Of each server that takes our writes: after a failover it is another one. */
  async #examine(): Promise<SetupError | null> {
    const { access, report } = this.#options;
    try {
      const { client } = this.#changes;
      const advice = await this.#changes.ask(client, this.#options.commitTimeoutMs, (asked) => survey(asked, access));
      const text = advice.join('; ');
      if (text !== '' && text !== this.#advice) report('warn', `store: ${describePlace(access)}: ${text}`);
      this.#advice = text;
    } catch (error) {
      if (error instanceof SetupError) return error;
    }
    return null;
  }

  #tellState(problem: Error | null): void {
    const { access, report } = this.#options;
    const before = this.#told;
    this.#told = problem?.message ?? '';
    if (problem === null) {
      if (before !== '') report('info', `store: connected to ${describePlace(access)}`);
    } else if (before === null || before === '') {
      report('warn', `store: ${describePlace(access)} does not answer: ${problem.message}; trying again until it does`);
    }
  }
}

/** Has it come to pass in time? */
async function within(event: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const came = event.then(
    () => true,
    () => false,
  );
  return Promise.race([came, late]).finally(() => clearTimeout(timer));
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new StoreUnavailable(cause);
  }
}

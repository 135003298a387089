/**
 * The link of a store to Redis: three connections and the feed on one of them, and what the operator is told of them.
 * Asks nothing of its own but what kind of server was reached.
 */
import { randomBytes } from 'node:crypto';
import { SetupError } from '../../errors.ts';
import { stallAwareTimeout } from '../../stall-aware-timeout.ts';
import { StoreFull } from '../store.ts';
import { describeAddress, type RedisAccess } from './address.ts';
import { RedisConnection, type RedisConnectionOptions } from './connection.ts';
import { RedisFeed } from './feed.ts';
import { locate, openClient, serverOf } from './open-client.ts';
import { preflight } from './preflight.ts';
import type { Scripted } from './scripts.ts';
import { ServerPin } from './server-pin.ts';

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
  /** A server that may evict records is used, and warned of. Absent: it is refused. */
  readonly acceptEviction?: boolean;
  /** The part of `maxmemory` in which nothing new is taken, only what ends or removes something. */
  readonly memoryReservePercent: number;
  /** What an operator should read. Never holds a password. */
  readonly report: (level: 'info' | 'warn' | 'error', message: string, details?: object) => void;
}

/** The first attempts of a start; past it the store opens without Redis, and waits for it. */
const START_MS = 1500;
/** A refusal is told of again after this time, not with each request that meets it. */
const REFUSAL_MS = 60_000;
const FULL_HINT = 'what ends or removes something is still made. Raise maxmemory';
/** How often the Sentinels are asked whether the master still is the one. */
const WATCH_MS = 1000;

export class RedisLink {
  /** Fails fast. */
  readonly lookups: RedisConnection;
  /** May wait: for the disk, for replicas. */
  readonly changes: RedisConnection;
  readonly feed: RedisFeed;
  readonly #options: RedisStoreOptions;
  readonly #key: string;
  readonly #feedConnection: RedisConnection;
  readonly #pin = new ServerPin(() => this.feed.distrust());
  readonly #self = randomBytes(9).toString('base64url');
  #commits = 0;
  #rewound = 0;
  #full = 0;
  #starting = true;
  /** What the operator was told last. */
  #told: 'nothing' | 'up' | 'down' = 'nothing';
  #advice = '';
  /** When each kind of refusal was told last. */
  readonly #refusals = new Map<string, number>();
  /** What is wrong until somebody mends it. */
  #hopeless = '';
  #examined: Promise<SetupError | null> = Promise.resolve(null);
  #watch: NodeJS.Timeout | undefined;

  constructor(options: RedisStoreOptions, prefix: string) {
    this.#options = options;
    this.#key = `${prefix}revision`;
    const kept = (own: Partial<RedisConnectionOptions>, enableAutoPipelining = false) =>
      new RedisConnection({
        connect: () => openClient(options.access, this.#key, { enableAutoPipelining }),
        objection: (client) => this.#pin.objection(serverOf(client)),
        onState: () => undefined,
        ...own,
        onUp: (client) => {
          own.onUp?.(client);
          this.#leaveOtherServers(client);
        },
      });
    this.lookups = kept(
      {
        onUp: (client) => this.#pin.read(serverOf(client)),
        onState: (problem) => this.#tellState(problem),
      },
      true,
    );
    this.changes = kept({
      onUp: (client) => {
        this.#examined = this.#examine(client);
      },
    });
    this.#feedConnection = kept({ objection: () => null });
    this.feed = new RedisFeed({
      connection: this.#feedConnection,
      log: `${prefix}changes`,
      isOurs: (mark) => mark.startsWith(`${this.#self}.`),
      onPlaced: (client) => this.#pin.follow(serverOf(client)),
      onRefused: (error) => this.refused(error, 'lets nobody follow its changes'),
      onRewound: (from, to) => this.#alarm(from, to),
    });
    if (options.access.place.kind === 'sentinel')
      this.#watch = setInterval(() => this.#followMaster(), WATCH_MS).unref();
  }

  get rewoundCount(): number {
    return this.#rewound;
  }

  get fullCount(): number {
    return this.#full;
  }

  /** A change found no room. */
  full(cause: unknown): StoreFull {
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#full++;
    this.#tellNowAndThen('full', `store: there is no room for anything new in Redis (${why}); ${FULL_HINT}`);
    return new StoreFull(cause);
  }

  /** Tells a commit from every other one, and ours from others'. */
  nextMark(): string {
    return `${this.#self}.${++this.#commits}`;
  }

  /** Waits for Redis, for a moment. Rejects with SetupError where waiting is no use. */
  async start(): Promise<void> {
    await this.#reach(performance.now() + START_MS);
    this.#starting = false;
  }

  /** Redis answered, with a no that it will give again. */
  refused({ message }: Error, what = 'refuses what the store needs'): void {
    const kind = [what, ...(message.match(/^\S+|'[^']*'/g) ?? [])].join(' ');
    // Of a command within a script Redis does not even say which it was.
    const isForbidden = /^NOPERM|can't run this command/.test(message);
    const hint = isForbidden ? '; what its user needs: docs/redis.md, "A user for scopegate"' : '';
    this.#tellNowAndThen(kind, `store: Redis ${what}: ${message}${hint}`);
  }

  close(): void {
    clearInterval(this.#watch);
    this.feed.close();
    for (const connection of this.#all) connection.close();
  }

  #tellNowAndThen(kind: string, message: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#refusals.get(kind) ?? Number.NEGATIVE_INFINITY) < REFUSAL_MS) return;
    this.#refusals.set(kind, nowMs);
    this.#options.report('error', message);
  }

  async #reach(untilMs: number): Promise<void> {
    const leftMs = () => Math.max(0, untilMs - performance.now());
    for (const connection of [this.lookups, this.changes]) {
      while (connection.problem !== null && leftMs() > 0) {
        await within(connection.changed, leftMs());
        if (connection.problem instanceof SetupError) throw connection.problem;
        if (connection.problem?.message.includes('ECONNREFUSED')) return;
      }
    }
    await within(this.feed.reached(0), leftMs());
    const unusable = await this.#examined;
    if (unusable !== null) throw unusable;
  }

  /** Each server that takes our changes: after a failover it is another one. */
  async #examine(client: Scripted): Promise<SetupError | null> {
    const { access, report, commitTimeoutMs, acceptEviction = false } = this.#options;
    try {
      const advice = await this.changes.ask(client, commitTimeoutMs, (asked) =>
        preflight(asked, access, acceptEviction),
      );
      const text = advice.join('; ');
      if (text !== '' && text !== this.#advice) report('warn', `store: ${describeAddress(access)}: ${text}`);
      this.#advice = text;
    } catch (error) {
      if (!(error instanceof SetupError)) return null;
      if (!this.#starting) report('error', error.message);
      return error;
    }
    return null;
  }

  /** A master that was cut off from its Sentinels goes on answering us, long after another has taken over. */
  async #followMaster(): Promise<void> {
    // null: nobody to ask.
    const master = await locate(this.#options.access, this.#key).catch(() => null);
    if (master === null) return;
    const { host, port } = master;
    const isDeposed = ({ options }: Scripted) => options.host !== host || options.port !== port;
    for (const connection of this.#all) connection.abandonIf(isDeposed, new Error(`${host}:${port} is the master now`));
  }

  /** Who was reached last is the best guess: whoever is on another server looks for it again. */
  #leaveOtherServers(client: Scripted): void {
    const server = serverOf(client);
    const isElsewhere = (other: Scripted) => serverOf(other) !== server;
    for (const connection of this.#all)
      connection.abandonIf(isElsewhere, new Error('another server answers in its place'));
  }

  get #all(): readonly RedisConnection[] {
    return [this.lookups, this.changes, this.#feedConnection];
  }

  #tellState(problem: Error | null): void {
    const { access, report } = this.#options;
    const before = this.#told;
    if (problem === null) {
      this.#told = 'up';
      this.#hopeless = '';
      if (before !== 'up') report('info', `store: connected to ${describeAddress(access)}`);
      return;
    }
    if (problem instanceof SetupError) {
      // At the start it is thrown.
      if (!this.#starting && this.#hopeless !== problem.message)
        report('error', `${problem.message}; trying again until that is mended`);
      this.#hopeless = problem.message;
      return;
    }
    if (before === 'down') return;
    this.#told = 'down';
    // A server that speaks in the clear waits for ever for the rest of what it takes for a command.
    const hint = access.tls === undefined ? '' : ', if it speaks TLS there: rediss://';
    report(
      'warn',
      `store: ${describeAddress(access)} does not answer (${problem.message}); trying again until it does${hint}`,
    );
  }

  #alarm(from: number, to: number): void {
    this.#rewound++;
    const lost = `store: Redis has lost changes: its newest was ${from}, now it is ${to}`;
    const message =
      to === 0 ? `${lost}: it is empty, and knows no token any more` : `${lost}; revoked tokens may be valid again`;
    this.#options.report('error', message, { from, to });
  }
}

/** Has it come to pass in time? */
export async function within(event: Promise<void>, timeoutMs: number): Promise<boolean> {
  let cancel = (): void => undefined;
  const late = new Promise<boolean>((resolve) => {
    cancel = stallAwareTimeout(timeoutMs, () => resolve(false));
  });
  const came = event.then(
    () => true,
    () => false,
  );
  return Promise.race([came, late]).finally(cancel);
}

/**
 * The change feed of the Redis store: reads the log itself, over a connection of its own, from the last entry that was
 * delivered. That entry is read again each time: while it is still there, as it was, nothing is missing before the
 * next one. Otherwise followers are told to believe nothing, and that a history was replaced is an alarm.
 */
import { ReplyError } from 'ioredis';
import { type ChangeEvent, type ChangeListener, StoreUnavailable } from '../store.ts';
import { splitKeys } from './commit.ts';
import type { RedisConnection } from './connection.ts';
import type { Scripted } from './scripts.ts';

/** An idle feed says so five times per second. */
const BLOCK_MS = 200;
/** A connection that is silent for so much longer than it may is replaced. */
const PATIENCE_MS = 1000;
const BATCH = 1000;
const REFUSAL = /NOPERM|WRONGTYPE/;

type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

interface Logged extends ChangeEvent {
  readonly mark: string;
}

interface Position {
  readonly revision: number;
  /** What tells this commit from another of the same revision, in a history that is not ours. */
  readonly mark: string;
}

export interface FeedOptions {
  readonly connection: RedisConnection;
  /** The key of the log. */
  readonly log: string;
  readonly isOurs: (mark: string) => boolean;
  /** The log there goes on from where we are; of each connection once, before anything that it brings is delivered. */
  readonly onPlaced: (client: Scripted) => void;
  /** Redis answered with a no that will not pass by itself. */
  readonly onRefused: (error: Error) => void;
  /** The newest revision we have heard of is not, or not as we know it, in the log: writes were lost. */
  readonly onRewound: (from: number, to: number) => void;
}

export class RedisFeed {
  readonly #options: FeedOptions;
  readonly #followers = new Set<ChangeListener>();
  readonly #waiting = new Set<{ readonly revision: number; readonly done: () => void; readonly fail: () => void }>();
  #position: Position | null = null;
  #placed: Scripted | null = null;
  #caughtUpAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    void this.#run();
  }

  /** Whoever begins now has nothing that could be out of date. */
  follow(follower: ChangeListener): () => void {
    this.#followers.add(follower);
    const ageMs = performance.now() - this.#caughtUpAtMs;
    if (ageMs <= 2 * BLOCK_MS) follower.caughtUp(this.#position!.revision, ageMs);
    return () => this.#followers.delete(follower);
  }

  /** Resolves once followers know everything up to `revision`; with 0, once the feed has found its place. */
  reached(revision: number): Promise<void> {
    if (this.#position !== null && this.#position.revision >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const fail = () => reject(new StoreUnavailable('it has been closed'));
      if (this.#closed) fail();
      else this.#waiting.add({ revision, done: resolve, fail });
    });
  }

  /** A change was made that the feed does not bring. */
  distrust(): void {
    for (const follower of this.#followers) follower.flushed();
  }

  close(): void {
    this.#closed = true;
    this.#followers.clear();
    for (const { fail } of this.#waiting) fail();
    this.#waiting.clear();
  }

  async #run(): Promise<void> {
    const { connection } = this.#options;
    while (!this.#closed) {
      let client: Scripted | undefined;
      try {
        client = await connection.connected();
        for (;;) {
          await this.#catchUp(client);
          await this.#nextChange(client);
        }
      } catch (error) {
        // Not heard: followers notice the silence.
        if (error instanceof ReplyError && REFUSAL.test((error as Error).message))
          this.#options.onRefused(error as Error);
        if (client !== undefined) connection.abandon(client, error as Error);
      }
    }
  }

  async #nextChange(client: Scripted): Promise<void> {
    const { connection, log } = this.#options;
    const after = `${this.#position!.revision}-0`;
    await connection.ask(client, BLOCK_MS + PATIENCE_MS, (asked) =>
      asked.xread('COUNT', 1, 'BLOCK', BLOCK_MS, 'STREAMS', log, after),
    );
  }

  async #catchUp(client: Scripted): Promise<void> {
    const { connection, log } = this.#options;
    if (this.#position === null) {
      this.#arrive(await this.#newest(client));
      // What was read before we knew our place may have changed before it.
      this.distrust();
    }
    for (;;) {
      const position = this.#position!;
      const askedMs = performance.now();
      const entries = await connection.ask(client, PATIENCE_MS, (asked) =>
        asked.xrangeBuffer(log, `${position.revision}-0`, '+', 'COUNT', BATCH + 1),
      );
      const logged = entries.map(parse);
      if (!isContinued(position, logged)) {
        await this.#startOver(client, position, logged);
        continue;
      }
      if (this.#placed !== client) this.#options.onPlaced(client);
      this.#placed = client;
      for (const entry of logged) if (entry.revision > position.revision) this.#deliver(entry);
      if (logged.length <= BATCH) {
        this.#hear(this.#position!.revision, performance.now() - askedMs);
        return;
      }
    }
  }

  #deliver({ mark, ...notice }: Logged): void {
    const ours = this.#options.isOurs(mark);
    for (const follower of this.#followers) follower.changed(notice, ours);
    this.#arrive({ revision: notice.revision, mark });
  }

  #hear(revision: number, ageMs: number): void {
    this.#caughtUpAtMs = performance.now() - ageMs;
    for (const follower of this.#followers) follower.caughtUp(revision, ageMs);
  }

  async #startOver(client: Scripted, position: Position, logged: readonly Logged[]): Promise<void> {
    const newest = await this.#newest(client);
    const [first] = logged;
    // Older changes are forgotten in time; newer ones are not.
    const wasTrimmed = first !== undefined && first.revision > position.revision;
    if (!wasTrimmed) {
      this.#options.onRewound(position.revision, newest.revision);
      for (const { done } of this.#waiting) done();
      this.#waiting.clear();
    }
    this.distrust();
    this.#arrive(newest);
  }

  async #newest(client: Scripted): Promise<Position> {
    const { connection, log } = this.#options;
    const entries = await connection.ask(client, PATIENCE_MS, (asked) =>
      asked.xrevrangeBuffer(log, '+', '-', 'COUNT', 1),
    );
    return entries[0] === undefined ? { revision: 0, mark: '' } : parse(entries[0]);
  }

  #arrive({ revision, mark }: Position): void {
    this.#position = { revision, mark };
    for (const waiting of this.#waiting) {
      if (waiting.revision > revision) continue;
      this.#waiting.delete(waiting);
      waiting.done();
    }
  }
}

/** Is the first of these the entry at `position`, and does one follow the other? */
function isContinued(position: Position, logged: readonly Logged[]): boolean {
  const [first] = logged;
  if (position.revision > 0 && (first?.revision !== position.revision || first.mark !== position.mark)) return false;
  const from = position.revision > 0 ? position.revision : 1;
  return logged.every(({ revision }, index) => revision === from + index);
}

/** An entry of the log. Throws for anything that no commit has written. */
export function parse([idBytes, fields]: Entry): Logged {
  const named = new Map<string, Buffer>();
  for (let place = 0; place < fields.length; place += 2) named.set(fields[place]!.toString(), fields[place + 1]!);
  const at = (name: string) => (named.get(name) ?? '').toString();
  const [id, packed] = [idBytes.toString(), named.get('packed')];
  // The newest entry of the first layout.
  const keys = packed === undefined ? (JSON.parse(at('keys')) as string[]) : splitKeys(packed);
  return { revision: Number(id.slice(0, id.indexOf('-'))), keys, committedAtMs: Number(at('at')), mark: at('mark') };
}

/**
 * The parts that a store's content consists of, the smallest that can be lost: taken out one at a time, and put back. And
 * the gateways that are asked meanwhile, each over a store of which it can be made to know nothing.
 */
import { copyFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { type Clock, systemClock } from '../../src/observe/clock.ts';
import type { ChangeEvent, ChangeListener, Store } from '../../src/store/store.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/recorder.ts';
import { gateTo, settingsOf, writePolicy } from './grounds.ts';

/** Each part is tried, however long that takes. */
export const LONG = process.env.SCOPEGATE_LONG === '1';
/** A prime that is no divisor of how many parts there are. */
export const STRIDE = 7919;

export interface LosingGateway extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly exchanged: Exchanged;
  readonly gate: ReturnType<typeof gateTo>;
}

/** For all tests of the file: one upstream, one policy, and as many gateways as are started. */
export function losingGateways() {
  let upstream: HttpUpstream;
  const policy = writePolicy();
  beforeAll(async () => {
    upstream = await startHttpUpstream((_, answer) => answer.end('ok'));
  });
  afterAll(async () => {
    await upstream.stop();
    policy.remove();
  });
  const start = async (store: object, clock: Partial<Clock> = {}): Promise<LosingGateway> => {
    let exchanged!: Exchanged;
    const { policy: path, routes, ...settings } = settingsOf(policy.path, {});
    const gateway = await startTestGateway({
      upstreamUrl: upstream.url,
      policy: path,
      seed: false,
      routes,
      settings: { ...settings, store, log: { access: 'none' } },
      clock: { ...systemClock, ...clock },
      aroundStore: (opened: Store) => {
        exchanged = new Exchanged(opened);
        return exchanged.store;
      },
    });
    const gate = gateTo(gateway.url, gateway.adminKey);
    return {
      gateway,
      exchanged,
      gate,
      [Symbol.asyncDispose]: async () => {
        gate.close();
        await gateway.stop();
      },
    };
  };
  return { policy, start };
}

/** A key, or what stands in one. */
export interface Part {
  readonly key: string;
  /** A field of a hash, a member of a sorted set or a set, an entry of a stream; null: the whole key. */
  readonly inner: string | null;
  readonly name: string;
}

export class RedisParts implements Disposable {
  readonly #client: Redis;

  constructor(url: string) {
    this.#client = new Redis(url, { enableAutoPipelining: true });
  }

  async all(): Promise<Part[]> {
    const keys = (await this.#client.keys('*')).sort();
    const parts: Part[] = [];
    for (const key of keys) {
      parts.push({ key, inner: null, name: key });
      for (const inner of await this.#within(key)) parts.push({ key, inner, name: `${key} » ${inner}` });
    }
    return parts;
  }

  /** Those that have one of these texts in their names. */
  async about(marks: readonly string[]): Promise<Part[]> {
    const isAbout = (text: string) => marks.some((mark) => text.includes(mark));
    const keys = (await this.#client.keys('*')).sort();
    const kinds = await Promise.all(keys.map((key) => this.#client.type(key)));
    const parts: Part[] = [];
    for (const [nth, key] of keys.entries()) {
      if (isAbout(key)) parts.push({ key, inner: null, name: key });
      if (kinds[nth] === 'string' || kinds[nth] === 'stream') continue;
      for (const inner of await this.#within(key))
        if (isAbout(key) || isAbout(inner)) parts.push({ key, inner, name: `${key} » ${inner}` });
    }
    return parts;
  }

  /** Returns the way to put it back. */
  async take({ key, inner }: Part): Promise<() => Promise<void>> {
    const [kind, dump] = await Promise.all([this.#client.type(key), this.#client.dumpBuffer(key)]);
    if (inner === null) await this.#client.del(key);
    else if (kind === 'hash') await this.#client.hdel(key, inner);
    else if (kind === 'zset') await this.#client.zrem(key, inner);
    else if (kind === 'set') await this.#client.srem(key, inner);
    else await this.#client.xdel(key, inner);
    return async () => {
      if (dump !== null) await this.#client.restore(key, 0, dump, 'REPLACE');
    };
  }

  [Symbol.dispose](): void {
    this.#client.disconnect();
  }

  async #within(key: string): Promise<string[]> {
    switch (await this.#client.type(key)) {
      case 'hash':
        return this.#client.hkeys(key);
      case 'zset':
        return this.#client.zrange(key, '0', '-1');
      case 'set':
        return this.#client.smembers(key);
      case 'stream':
        return (await this.#client.xrange(key, '-', '+')).map(([id]) => id);
      default:
        return [];
    }
  }
}

export interface Row {
  readonly table: string;
  readonly where: string;
  readonly values: readonly (string | number)[];
  readonly name: string;
}

/** Every row of every table of a database file. */
export function rowsOf(path: string): Row[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
      .all() as Array<{ name: string }>;
    return tables.flatMap(({ name: table }) => {
      const columns = database.prepare(`PRAGMA table_info(${table})`).all() as Array<{ name: string; pk: number }>;
      const keys = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
      const rows = database.prepare(`SELECT ${keys.join(', ')} FROM ${table}`).all() as Array<
        Record<string, string | number>
      >;
      return rows.map((row) => ({
        table,
        where: keys.map((key) => `${key} = ?`).join(' AND '),
        values: keys.map((key) => row[key]!),
        name: `${table} » ${keys.map((key) => row[key]).join(' ')}`,
      }));
    });
  } finally {
    database.close();
  }
}

/** A copy of the file without that row. */
export function copyWithout(path: string, copy: string, row: Row): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${copy}${suffix}`, { force: true });
  copyFileSync(path, copy);
  deleteRow(copy, row);
}

/** A store whose content is exchanged under a gateway, which then believes nothing that it knew: as after a fresh start. */
export class Exchanged {
  readonly store: Store;
  #inner: Store;
  readonly #followers = new Map<ChangeListener, () => void>();

  constructor(inner: Store) {
    this.#inner = inner;
    this.store = new Proxy(inner, {
      get: (_, name) => {
        if (name === 'follow') return (follower: ChangeListener) => this.#follow(follower);
        const found = Reflect.get(this.#inner, name) as unknown;
        return typeof found === 'function' ? found.bind(this.#inner) : found;
      },
    });
  }

  async exchange(inner: Store): Promise<void> {
    const before = this.#inner;
    for (const unfollow of this.#followers.values()) unfollow();
    this.#inner = inner;
    await before.close();
    for (const follower of this.#followers.keys()) this.#followers.set(follower, inner.follow(follower));
    this.forget();
  }

  forget(): void {
    for (const follower of this.#followers.keys()) follower.flushed();
  }

  #follow(follower: ChangeListener): () => void {
    const told: ChangeListener = {
      changed: (notice: ChangeEvent, ours) => follower.changed(notice, ours),
      flushed: () => follower.flushed(),
      caughtUp: (revision, ageMs) => follower.caughtUp(revision, ageMs),
    };
    this.#followers.set(told, this.#inner.follow(told));
    return () => {
      this.#followers.get(told)?.();
      this.#followers.delete(told);
    };
  }
}

/** Takes the row out of the file that a gateway has open. */
export function deleteRow(path: string, { table, where, values }: Row): void {
  const database = new DatabaseSync(path, { timeout: 5000 });
  database.prepare(`DELETE FROM ${table} WHERE ${where}`).run(...values);
  database.close();
}

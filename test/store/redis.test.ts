/** What the store in Redis promises beyond the suite for every store: about bad data, lost answers and slow servers. */
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { commitArguments } from '../../src/store/redis/commit.ts';
import { RedisShared } from '../../src/store/redis/shared.ts';
import { OutcomeUnknown, StoreUnavailable, type Write } from '../../src/store/store.ts';
import { startPartition } from '../support/partition.ts';
import { freePort, type RedisServer, startRedis } from '../support/redis.ts';
import { at, leafOf, openRedis, placeOf, type Reported, write } from './redis-harness.ts';

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(() => redis.cli('flushall'));

const [hash, field] = placeOf('a');
/** What stands before a record in no list. */
const HEAD = Buffer.of(2, 0, 0, 0, 0, 1, 0, 0, 0);
const NO_VERSION = Buffer.of(2, 0, 0, 0, 0, 0, 0, 0, 0);
const TERMS = { mark: '', waitReplicas: 0, reservePercent: 0 };
const NEEDED = new RedisShared('').forWriting();

describe('a start', () => {
  const refusal = async (opening: Promise<unknown>): Promise<string> => {
    const error = await opening.then(
      () => new Error('it was opened'),
      (reason: Error) => reason,
    );
    expect(error).toBeInstanceOf(SetupError);
    return error.message;
  };

  // The port of its bus would be ten thousand above, which may be beyond all ports.
  const startNode = async () =>
    startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] });

  it('with a wrong password is refused, and the password is not shown', async () => {
    await using locked = await startRedis({ args: ['--requirepass', 'right'] });
    const said = await refusal(openRedis(at(locked.port, { password: 'wr0ng' })));
    expect(said).toContain(`store: Redis at 127.0.0.1:${locked.port}: it refuses the user or password`);
    expect(said).not.toContain('wr0ng');
    expect(await refusal(openRedis(at(locked.port)))).toContain('it refuses the user or password');
    const store = await openRedis(at(locked.port, { password: 'right' }));
    expect(await write(store, 'a')).toMatchObject({ ok: true });
    await store.close();
  });

  it('at a server that is no Redis is refused', async () => {
    const web = createServer((_, answer) => answer.end('hello')).listen(0, '127.0.0.1');
    await new Promise((resolve) => web.once('listening', resolve));
    const { port } = web.address() as { port: number };
    expect(await refusal(openRedis(port))).toContain('what answers there is not Redis');
    web.close();
  });

  it('with a database that is not there is refused', async () => {
    expect(await refusal(openRedis(at(redis.port, { database: 99 })))).toContain('it has no such database');
  });

  it('at a node of a Cluster says what to set, and so does one that takes a server for a Cluster', async () => {
    await using node = await startNode();
    expect(await refusal(openRedis(node.port))).toContain('set store.cluster: true');
    const place = { kind: 'cluster' as const, nodes: [{ host: '127.0.0.1', port: redis.port }] };
    expect(await refusal(openRedis({ place }))).toContain('leave out store.cluster');
  });

  it('with a user who may not say INFO is refused in a Cluster, where masters are known by it, and there alone', async () => {
    await using node = await startNode();
    await node.cli('cluster', 'addslotsrange', '0', '16383');
    for (const server of [node, redis])
      await server.cli('acl', 'setuser', 'blind', 'on', '>secret', 'allkeys', '+@all', '-info');
    const user = { username: 'blind', password: 'secret' };
    const place = { kind: 'cluster' as const, nodes: [{ host: '127.0.0.1', port: node.port }] };
    expect(await refusal(openRedis({ place, ...user }))).toMatch(
      /^store: Redis Cluster at .*: its user lacks a permission that the store needs \(NOPERM.*'info'/,
    );
    const store = await openRedis(at(redis.port, user), { waitReplicas: 0 });
    expect(await write(store, 'a')).toMatchObject({ ok: true });
    await store.close();
  });

  it('without Redis succeeds, answers everything with unavailable, and needs no second start', async () => {
    const reports: Reported[] = [];
    await using server = await startRedis();
    await server.kill();
    const store = await openRedis(server.port, {}, reports);
    expect(await store.read('a')).toMatchObject({ kind: 'unavailable' });
    await expect(store.get('a')).rejects.toThrow(StoreUnavailable);
    const refused = await write(store, 'a').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StoreUnavailable);
    expect(refused).not.toBeInstanceOf(OutcomeUnknown);
    await server.restart();
    await expect.poll(() => write(store, 'a').catch(() => null), { timeout: 5000 }).toMatchObject({ ok: true });
    // Look-ups have a connection of their own, which may be up a moment later.
    await expect
      .poll(() => reports.map(({ message }) => message).toSorted())
      .toEqual([
        expect.stringMatching(/does not answer \(connect ECONNREFUSED/),
        expect.stringMatching(/appendonly is off/),
        expect.stringMatching(/^store: connected to Redis at 127\.0\.0\.1/),
      ]);
    await store.close();
  });

  it.each([
    [['--appendonly', 'no'], /appendonly is off, so a crash loses acknowledged changes/],
    [['--appendonly', 'yes', '--appendfsync', 'everysec'], /appendfsync is not always/],
  ])('warns of a server that would not keep what it acknowledged: %j', async (args, warning) => {
    await using server = await startRedis({ args });
    const reports: Reported[] = [];
    const store = await openRedis(server.port, {}, reports);
    expect(reports.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      expect.stringMatching(warning),
    ]);
    await store.close();
  });

  it.each(['allkeys-lru', 'volatile-ttl'])('refuses a server that may evict what it holds: %s', async (policy) => {
    const args = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', policy];
    await using server = await startRedis({ args });
    await expect(openRedis(server.port, {})).rejects.toThrow(
      /maxmemory-policy is .*set noeviction, or store.acceptEvic/,
    );
    const reports: Reported[] = [];
    const store = await openRedis(server.port, { acceptEviction: true }, reports);
    expect(reports.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      expect.stringMatching(/tokens vanish when memory/),
    ]);
    await store.close();
  });

  it('says nothing against a server that keeps everything', async () => {
    await using server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const reports: Reported[] = [];
    const store = await openRedis(server.port, {}, reports);
    expect(reports.map(({ level }) => level)).toEqual(['info']);
    await store.close();
  });
});

describe('what no commit has written', () => {
  const value = (...parts: ReadonlyArray<string | Buffer>) => Buffer.concat(parts.map((part) => Buffer.from(part)));
  const put = async (bytes: Buffer) => {
    const client = new Redis(redis.url);
    await client.hset(hash, field, bytes);
    client.disconnect();
  };
  const sound = () => {
    const args = commitArguments('', { expects: [], writes: [{ key: 'a', record: { a: 1 } }] }, TERMS, NEEDED);
    return args.find((each): each is Buffer => Buffer.isBuffer(each) && each.includes('{"a":1}'))!;
  };

  it.each([
    ['text', () => value('garbage')],
    ['nothing at all', () => value('')],
    ['half of a record', () => value(HEAD, sound().subarray(0, -1))],
    ['another byte', () => value(HEAD, Buffer.from(sound().map((byte, place) => (place === 3 ? byte ^ 1 : byte))))],
    ['no version', () => value(NO_VERSION, sound())],
    ['a head longer than all of it', () => value(Buffer.of(2, 0, 0, 0, 0, 1, 0, 255, 255), sound())],
  ])('is unavailable, never absent and never a crash: %s', async (_name, bytes) => {
    const store = await openRedis(redis.port);
    await write(store, 'b');
    await put(bytes());
    expect(await store.read('a')).toMatchObject({ kind: 'unavailable' });
    await expect(store.get('a')).rejects.toThrow(StoreUnavailable);
    expect(await store.read('b')).toMatchObject({ kind: 'found' });
    await put(value(HEAD, sound()));
    expect(await store.read('a')).toEqual({ kind: 'found', record: { a: 1 } });
    await store.close();
  });

  it('is unavailable in the place of a hash of records, too', async () => {
    const store = await openRedis(redis.port);
    await write(store, 'b');
    await redis.cli('set', hash, 'garbage');
    expect(await store.read('a')).toMatchObject({ kind: 'unavailable' });
    await expect(store.get('a')).rejects.toThrow(StoreUnavailable);
    await expect(write(store, 'a')).rejects.toThrow(StoreUnavailable);
    expect((await store.changesSince(0, 10))?.length).toBe(1);
    await store.close();
  });

  it('is unavailable when it is larger than any record', async () => {
    const store = await openRedis(redis.port, { commandTimeoutMs: 5000 });
    const digits = 17 * 1024 * 1024;
    await put(value(HEAD, `"${'x'.repeat(digits)}"`));
    expect(await store.read('a')).toMatchObject({ kind: 'unavailable' });
    await expect(write(store, 'b', 'x'.repeat(digits))).rejects.toThrow('too large');
    expect(await store.get('b')).toBeNull();
    await store.close();
  });

  it('in the place of an index lets a commit leave nothing behind', async () => {
    const store = await openRedis(redis.port);
    await write(store, 'before');
    const leaf = await leafOf(redis, 'all');
    await redis.cli('del', leaf);
    await redis.cli('set', leaf, 'garbage');
    const change = {
      expects: [],
      writes: [
        { key: 'x', record: 1 },
        { key: 'a', record: 1, indexes: [{ index: 'all', score: 1 }] },
      ],
    };
    await expect(store.commit(change)).rejects.toThrow('WRONGTYPE');
    expect([await store.get('x'), await store.changesSince(1, 10)]).toEqual([null, []]);
    await expect(store.scan('all', { limit: 1 })).rejects.toThrow(StoreUnavailable);
    await store.close();
  });
});

describe('a commit', () => {
  it('that Redis has no memory for changes nothing, and is known not to have', async () => {
    const store = await openRedis(redis.port);
    await write(store, 'a', 'before');
    await redis.cli('config', 'set', 'maxmemory', '1');
    const writes: Write[] = [
      { key: 'a', record: null },
      { key: 'b', record: 1 },
    ];
    const refused = await store.commit({ expects: [], writes }).catch((error: unknown) => error);
    await redis.cli('config', 'set', 'maxmemory', '0');
    expect(refused).toBeInstanceOf(StoreUnavailable);
    expect(refused).not.toBeInstanceOf(OutcomeUnknown);
    expect(await store.get('a')).toMatchObject({ record: 'before' });
    expect(await store.count('all', 0)).toBe(1);
    expect(await store.changesSince(1, 10)).toEqual([]);
    await store.close();
  });

  it('may be as large as the largest cascade', async () => {
    const store = await openRedis(redis.port, { commitTimeoutMs: 10_000 });
    const writes = Array.from({ length: 20_000 }, (_, index) => ({
      key: `k${index}`,
      record: { index },
      indexes: [{ index: 'all', score: index }],
    }));
    expect(await store.commit({ expects: writes.map(({ key }) => ({ key, version: 0 })), writes })).toMatchObject({
      ok: true,
    });
    expect(await store.count('all', -1)).toBe(20_000);
    await store.close();
  });

  it('whose answer is lost has an unknown outcome; asked again, the store knows', async () => {
    await using network = await startPartition(redis.port);
    const store = await openRedis(network.port);
    network.swallowAnswers();
    await expect(write(store, 'a')).rejects.toBeInstanceOf(OutcomeUnknown);
    network.heal();
    await expect.poll(() => store.get('a').catch(() => null), { timeout: 5000 }).toMatchObject({ version: 1 });
    await store.close();
  });

  it('whose connection is cut under way has an unknown outcome, at once', async () => {
    await using network = await startPartition(redis.port);
    const store = await openRedis(network.port, { commitTimeoutMs: 10_000 });
    redis.pause();
    const carried = network.carried('0a');
    const writing = write(store, 'a').catch((error: unknown) => error);
    await carried;
    network.cut();
    redis.resume();
    expect(await writing).toBeInstanceOf(OutcomeUnknown);
    await store.close();
  });

  it('is never sent twice', async () => {
    await using network = await startPartition(redis.port);
    const store = await openRedis(network.port);
    for (let round = 0; round < 3; round++) {
      network.swallowAnswers();
      await write(store, 'a').catch(() => undefined);
      network.heal();
      await expect.poll(() => store.get('a').catch(() => null), { timeout: 5000 }).not.toBeNull();
    }
    expect((await store.changesSince(0, 10))?.length).toBeLessThanOrEqual(3);
    await store.close();
  });
});

describe('a scan', () => {
  it('gives the pages that the reference gives, among many entries of one score', async () => {
    const [store, reference] = [await openRedis(redis.port), new MemoryStore()];
    let seed = 7;
    const below = (most: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % most;
    };
    const writes = Array.from({ length: 500 }, () => ({
      key: `${'abAB_-.~'[below(8)]}${below(1000)}`,
      record: 1,
      indexes: [{ index: 'all', score: below(5) - 2 }],
    }));
    const unique = [...new Map(writes.map((each) => [each.key, each])).values()];
    for (const each of [store, reference]) await each.commit({ expects: [], writes: unique });
    for (let round = 0; round < 50; round++) {
      const after = {
        score: below(5) - 2,
        key: below(2) === 0 ? unique[below(unique.length)]!.key : `b${below(1000)}x`,
      };
      const options = {
        limit: 1 + below(20),
        ...(below(4) === 0 ? {} : { after }),
        ...(below(2) === 0 ? {} : { above: below(5) - 3 }),
      };
      expect(await store.scan('all', options), JSON.stringify(options)).toEqual(await reference.scan('all', options));
    }
    await store.close();
  });
});

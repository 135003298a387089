/** `scopegate migrate-store` between a real file and a real Redis: there and back, killed on its way, refused by name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Exported, isSame } from '../../src/store/exportable.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import type { Write } from '../../src/store/store.ts';
import { run } from '../directory/harness.ts';
import { openRedis } from '../store/redis-harness.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ROOT, scopegate } from '../support/process.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { startHttpUpstream } from '../support/recorder.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

let redis: RedisServer;
let folder: string;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  await redis.cli('flushall');
  folder = mkdtempSync(join(tmpdir(), 'scopegate-migration-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

const configuration = (name: string, store: object) => {
  const path = join(folder, `${name}.yaml`);
  const routes = [
    { id: 'all', match: { path: '/v1/workspaces' }, require: { scopes: ['workspace:read'] }, upstream: 'up' },
  ];
  const upstreams = { up: { targets: ['http://127.0.0.1:9'] } };
  writeFileSync(path, JSON.stringify({ policy: join(ROOT, 'policies/coze.yaml'), store, upstreams, routes }));
  return path;
};
const sqlite = (name: string) => configuration(name, { driver: 'sqlite', path: `${name}.db` });
const inRedis = (keyPrefix = 'new:', name = 'redis') =>
  configuration(name, { driver: 'redis', url: redis.url, keyPrefix });
const migrate = (from: string, to: string, ...more: string[]) =>
  run(['migrate-store', '--from', from, '--to', to, ...more]);

async function fill(name: string, count: number): Promise<void> {
  const store = new SqliteStore(join(folder, `${name}.db`));
  for (let start = 0; start < count; start += 5000) {
    const writes: Write[] = Array.from({ length: Math.min(5000, count - start) }, (_, nth) => ({
      key: `token/acme/tok_${start + nth}`,
      record: { id: `tok_${start + nth}`, name: 'ü "quoted"\n', scopes: ['bot:read'] },
      indexes: [
        { index: 'tokens/acme', score: 1_800_000_000_000 + start + nth },
        { index: 'counted/acme/personal', score: Number.MAX_SAFE_INTEGER },
      ],
    }));
    await store.commit({ expects: [], writes });
  }
  await store.touch([{ key: 'token/acme/tok_0', atMs: 1_800_000_000_000 }]);
  await store.close();
}

async function contents(name: string): Promise<readonly Exported[]> {
  const store = new SqliteStore(join(folder, `${name}.db`));
  const { records } = await store.export(null, 1_000_000);
  await store.close();
  return records;
}

/** Each store has an order of its own. */
function expectSame(left: readonly Exported[], right: readonly Exported[]): void {
  const there = new Map(right.map((record) => [record.key, record]));
  expect(left.length).toBe(there.size);
  expect(left.filter((record) => !isSame(record, there.get(record.key) ?? { ...record, indexes: [] }))).toEqual([]);
}

it('sqlite to Redis and back gives the same store, whose tokens work', async () => {
  await using upstream = await startHttpUpstream((_request, response) => response.end('here'));
  const gateway = await startTestGateway({ upstreamUrl: upstream.url });
  const old = configuration('old', { driver: 'sqlite', path: join(gateway.folder, 'data/scopegate.db') });
  expect((await migrate(old, inRedis())).stderr).toMatch(
    /scopegate\.db is in use by a gateway on .* \(process \d+\); stop it/,
  );
  await gateway.running.stop();
  const bytes = readFileSync(join(gateway.folder, 'data/scopegate.db'));
  const there = await migrate(old, inRedis());
  expect(there.code, there.stderr).toBe(0);
  expect(there.stdout).toMatch(
    /^\d+ records copied; all of them compared both ways, with \d+ list entries\nNext: start every gateway/,
  );
  expect(readFileSync(join(gateway.folder, 'data/scopegate.db')).equals(bytes), 'the source is as it was').toBe(true);
  const onRedis = await startTestGateway({
    upstreamUrl: upstream.url,
    seed: false,
    settings: { store: { driver: 'redis', url: redis.url, keyPrefix: 'new:', commandTimeoutMs: 5000 } },
  });
  const request = (token: string) => rawRequest('GET /v1/workspaces', [`Authorization: Bearer ${token}`]);
  expect((await ask(onRedis.url, request(gateway.tokens.owner))).status).toBe(200);
  expect((await ask(onRedis.url, request(gateway.tokens.reader))).status, 'its scopes').toBe(403);
  await onRedis.stop();
  const back = await migrate(inRedis(), sqlite('back'), '--json');
  expect(JSON.parse(back.stdout)).toMatchObject({
    removed: 0,
    source: expect.stringContaining('keyPrefix new:') as unknown,
  });
  const first = new SqliteStore(join(gateway.folder, 'data/scopegate.db'));
  expectSame(await contents('back'), (await first.export(null, 100_000)).records);
  await first.close();
  await gateway.stop();
});

it('killed on its way it is gone on with, and copies only what is missing', async () => {
  await fill('old', 8_000);
  const [from, to] = [sqlite('old'), inRedis()];
  const first = scopegate(['migrate-store', '--from', from, '--to', to]);
  await using target = {
    store: await openRedis(redis.port, { keyPrefix: 'new:', commandTimeoutMs: 5000, commitTimeoutMs: 10_000 }),
    [Symbol.asyncDispose]: () => target.store.close(),
  };
  const copied = () => target.store.count('tokens/acme', -1);
  // Should it end by itself, there is nothing to wait for.
  while (first.child.exitCode === null && (await copied()) < 1000) await turn();
  await first.stop('SIGKILL');
  const there = await copied();
  expect(there).toBeLessThan(8_000);
  expect((await migrate(sqlite('other'), to)).stderr).toContain('does not exist');
  await fill('other', 1);
  expect((await migrate(sqlite('other'), to)).stderr).toMatch(/being filled from \S*old\.db, not from \S*other\.db/);
  const second = await migrate(from, to, '--json');
  expect(JSON.parse(second.stdout)).toMatchObject({ records: 8_000, entries: 16_000, copied: 8_000 - there });
  expect(await migrate(to, sqlite('back'))).toMatchObject({ code: 0 });
  expectSame(await contents('back'), await contents('old'));
  const back = new SqliteStore(join(folder, 'back.db'));
  expect(await back.touched(['token/acme/tok_0', 'token/acme/tok_1'])).toEqual([1_800_000_000_000, null]);
  await back.close();
}, 60_000);

it('run again after success it says that it is complete already', async () => {
  await fill('old', 3);
  expect((await migrate(sqlite('old'), sqlite('copy'))).stdout).toMatch(/^3 records copied/);
  expect(await migrate(sqlite('old'), sqlite('copy'))).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^complete already: all of it .*, 3 records with 6 list entries\n/),
  });
});

it('says "about" where only Redis could count, which may show a record twice', async () => {
  await fill('old', 3);
  const [first, second] = [inRedis(), inRedis('other:', 'second')];
  expect((await migrate(sqlite('old'), first)).stdout).toMatch(/^3 records copied; .* with 6 list entries\n/);
  expect((await migrate(first, second)).stdout).toMatch(/^about 3 records copied; .* with about 6 list entries\n/);
  expect((await migrate(first, second)).stdout).toMatch(
    /^complete already: .*, about 3 records with about 6 list entries\n/,
  );
});

it('refuses a target that holds data, the same store twice, and a Redis that is not there', async () => {
  await fill('old', 3);
  await fill('theirs', 2);
  const before = await contents('theirs');
  const refused = await migrate(sqlite('old'), sqlite('theirs'));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('the target holds data already')]);
  expect(await contents('theirs')).toEqual(before);
  expect((await migrate(sqlite('old'), sqlite('old'))).stderr).toContain('both configurations name the same store');
  expect((await run(['migrate-store', '--from', sqlite('old')])).stderr).toContain('takes --from FILE and --to FILE');
  const away = configuration('away', { driver: 'redis', url: 'redis://127.0.0.1:1' });
  expect((await migrate(sqlite('old'), away)).stderr).toMatch(
    /the store could not be asked.*\nWhat is copied stays copied/,
  );
});

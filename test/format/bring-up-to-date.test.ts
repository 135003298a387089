/**
 * The way from one format to the next is taken once and to its end, whatever happens meanwhile: killed processes, several
 * at once, older programs beside them, damaged records. The stores are those of make-everything.ts, with many tokens more.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { kindOf } from '../../src/core/facts.ts';
import { readFact } from '../../src/core/read-fact.ts';
import { bringUpToDate, type Place } from '../../src/format/bring-up-to-date.ts';
import type { FormatUpgrade } from '../../src/format/upgrade.ts';
import { CURRENT_FORMAT, UPGRADES } from '../../src/format/upgrades.ts';
import { type ExportableStore, type Exported, isSame } from '../../src/store/exportable.ts';
import { FORMAT_KEY } from '../../src/store/format.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { FileRegistry } from '../../src/store/sqlite/registry.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { type Change, OutcomeUnknown, type Write } from '../../src/store/store.ts';
import { ROOT, scopegate } from '../support/process.ts';
import { putFile } from './recorded.ts';

let folder: string;
let lines: string[] = [];
const log = pino({ level: 'debug', base: null }, { write: (line) => lines.push(line) });
beforeEach(() => {
  lines = [];
  folder = mkdtempSync(join(tmpdir(), 'scopegate-format-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

const placeOf = (store: ExportableStore, more: Partial<Place> = {}): Place => ({
  ...{ store, name: 'the store', registry: { live: async () => [] }, log },
  ...more,
});
const said = (text: string) => lines.filter((line) => line.includes(text)).length;
const contents = async (store: ExportableStore) =>
  (await store.export(null, 1_000_000)).records.filter(({ key }) => key !== FORMAT_KEY);
const byKey = (records: readonly Exported[]) => [...records].sort((left, right) => (left.key < right.key ? -1 : 1));

async function expectSame(left: ExportableStore, right: ExportableStore): Promise<void> {
  const [one, other] = [byKey(await contents(left)), byKey(await contents(right))];
  expect(one.length).toBe(other.length);
  expect(one.filter((record, nth) => !isSame(record, other[nth]!))).toEqual([]);
}

/** The recorded store, with `more` tokens like one of it, and a value in its grace beside each. */
async function filled(store: ExportableStore, more = 0): Promise<void> {
  const source = new SqliteStore(putFile(folder, 'recorded.db'));
  const { records } = await source.export(null, 100_000);
  await source.close();
  await store.commit({ expects: [], writes: records });
  const model = records.find(({ record }) => (record as { name?: string }).name === 'joined')!;
  const values = records.find(({ indexes }) => indexes.some(({ index }) => index.startsWith('credentials/acme/')))!;
  const hash = (text: string) => createHash('sha256').update(text).digest('base64url');
  for (let from = 0; from < more; from += 1000) {
    const writes: Write[] = [];
    for (let nth = from; nth < Math.min(more, from + 1000); nth++) {
      const id = `tok_more_${String(nth).padStart(6, '0')}`;
      const record = { ...(model.record as object), id, hash: hash(`${nth}`) };
      writes.push({ key: `token/acme/${id}`, record, indexes: model.indexes });
      const indexes = [
        { index: `credentials/acme/${id}`, score: 0 },
        { index: 'everything/acme', score: 0 },
      ];
      for (const [value, endsAtMs] of [
        [`${nth}`, null],
        [`${nth} before`, 1_900_000_000_000],
      ] as const)
        writes.push({ key: hash(value), record: { ...(values.record as object), tokenId: id, endsAtMs }, indexes });
    }
    await store.commit({ expects: [], writes });
  }
}

async function upgradedReference(more = 0): Promise<MemoryStore> {
  const store = new MemoryStore();
  await filled(store, more);
  await bringUpToDate(placeOf(store));
  lines = [];
  return store;
}

const numberOf = async (store: ExportableStore) => (await store.get(FORMAT_KEY))?.record;

it('a new store is of the current format at once, and looks for nothing to rewrite', async () => {
  const store = new MemoryStore();
  await bringUpToDate(placeOf(store));
  expect(await numberOf(store)).toEqual({ number: CURRENT_FORMAT });
  expect(await store.revision()).toBe(1);
  await bringUpToDate(placeOf(store));
  expect(await store.revision()).toBe(1);
  expect(lines).toEqual([]);
});

it('formats follow one another without a gap', () => {
  expect(UPGRADES.map(({ to }) => to)).toEqual(UPGRADES.map((_, nth) => nth + 2));
});

it('several upgrades are made one after the other, from wherever a store stands', async () => {
  const upgrade = (to: number): FormatUpgrade => ({
    ...{ to, what: `the ${to}th` },
    rewrite: async (page) => {
      const old = page.filter(({ key, record }) => key === 'x/y' && !(record as number[]).includes(to));
      const writes = old.map((found) => ({ ...found, record: [...(found.record as number[]), to] }));
      return { writes, damaged: [] };
    },
  });
  const store = new MemoryStore();
  await store.commit({ expects: [], writes: [{ key: 'x/y', record: [1] }] });
  await bringUpToDate(placeOf(store, { upgrades: [upgrade(2)] }));
  expect((await store.get('x/y'))?.record).toEqual([1, 2]);
  await bringUpToDate(placeOf(store, { upgrades: [upgrade(2), upgrade(3), upgrade(4)] }));
  expect((await store.get('x/y'))?.record).toEqual([1, 2, 3, 4]);
  expect(await numberOf(store)).toEqual({ number: 4 });
});

describe('a store of a newer format', () => {
  it('is refused with what it is, where it is and what helps, and is left as it was', async () => {
    const path = putFile(folder);
    const store = new SqliteStore(path);
    await store.commit({ expects: [], writes: [{ key: FORMAT_KEY, record: { number: 99 } }] });
    await store.close();
    const bytes = readFileSync(path);
    const config = configure('everything.db');
    const serve = scopegate(['serve', '--config', config], ENV);
    expect(await serve.exit()).toBe(1);
    const refusal = new RegExp(
      `store: \\S*everything\\.db was written by a newer scopegate: its records are of format 99, and this one \\(\\S+\\) knows them up to ${CURRENT_FORMAT}\\. Nothing was changed\\. Start it with that newer scopegate, or restore a backup`,
    );
    expect(serve.stdout() + serve.stderr()).toMatch(refusal);
    const copy = scopegate(['migrate-store', '--from', config, '--to', configure('other.db')], ENV);
    expect(await copy.exit()).toBe(1);
    expect(copy.stderr()).toMatch(refusal);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  }, 30_000);

  it('is refused also where its number cannot be read', async () => {
    const store = new MemoryStore();
    await store.commit({ expects: [], writes: [{ key: FORMAT_KEY, record: { number: 'two' } }] });
    await expect(bringUpToDate(placeOf(store))).rejects.toThrow(/format\/records.*is damaged; restore/);
  });
});

const ENV = { env: { SCOPEGATE_ADMIN_KEY: 'test-admin-key-0123456789-0123456789-0123456789' } };

function configure(file: string): string {
  const path = join(folder, `${file}.yaml`);
  const listener = { host: '127.0.0.1', port: 0 };
  const routes = [{ id: 'all', match: { path: '/read' }, require: { scopes: ['content:read'] }, upstream: 'up' }];
  const whole = {
    ...{ gateway: listener, admin: listener, policy: join(ROOT, 'policies/default.yaml') },
    ...{ store: { driver: 'sqlite', path: file }, upstreams: { up: { targets: ['http://127.0.0.1:9'] } }, routes },
  };
  writeFileSync(path, JSON.stringify(whole));
  return path;
}

const MANY = 4000;

async function prepared(file: string): Promise<string> {
  const store = new SqliteStore(join(folder, file));
  await filled(store, MANY);
  await store.close();
  return configure(file);
}

it('killed in the middle (SIGKILL) it is gone on with, several times, and nothing is lost or done twice', async () => {
  const reference = await upgradedReference(MANY);
  const config = await prepared('many.db');
  const store = new SqliteStore(join(folder, 'many.db'));
  const rewritten = async () =>
    (await store.export(null, 1_000_000)).records.filter(
      ({ key, record }) => kindOf(key) === 'token' && 'generation' in (record as object),
    ).length;
  let before = 0;
  for (const part of [0.1, 0.4]) {
    const killed = scopegate(['serve', '--config', config], ENV);
    let done = await rewritten();
    while (killed.child.exitCode === null && done < MANY * part) {
      await turn();
      done = await rewritten();
    }
    await killed.stop('SIGKILL');
    expect(await numberOf(store)).toMatchObject({ number: 1, becoming: 2 });
    const after = await rewritten();
    expect(after).toBeGreaterThan(before);
    expect(after).toBeLessThan(MANY);
    before = after;
  }
  const last = scopegate(['serve', '--config', config], ENV);
  const output = await last.until('ready: ');
  expect(output.indexOf('of format 2 now')).toBeLessThan(output.indexOf('ready: '));
  await last.stop();
  expect(await numberOf(store)).toEqual({ number: CURRENT_FORMAT });
  await expectSame(store, reference);
  await store.close();
}, 120_000);

it('of several processes that start at once one does it, and all of them serve', async () => {
  const reference = await upgradedReference(MANY);
  const config = await prepared('many.db');
  const only = (which: string) => scopegate(['serve', '--config', config, '--only', which], ENV);
  const started = ['gateway', 'gateway', 'admin'].map(only);
  const outputs = await Promise.all(started.map((one) => one.until('ready: ')));
  expect(outputs.filter((output) => output.includes('of format 2 now'))).toHaveLength(1);
  await Promise.all(started.map((one) => one.stop()));
  const store = new SqliteStore(join(folder, 'many.db'));
  await expectSame(store, reference);
  await store.close();
}, 120_000);

it('reports how far it is, and lets the loop breathe', async () => {
  const store = new MemoryStore();
  await filled(store, 3000);
  let [turns, isDone] = [0, false];
  const count = () => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await bringUpToDate(placeOf(store));
  isDone = true;
  const pages = Math.ceil((await store.size()) / 100);
  expect(turns).toBeGreaterThanOrEqual(pages);
});

/** Makes way for others between any two of its steps, and fails as it is told: before a commit, or after it was made. */
class Unsteady extends MemoryStore {
  readonly #faults: Array<'before' | 'after' | 'none'>;

  constructor(faults: readonly ('before' | 'after' | 'none')[]) {
    super();
    this.#faults = [...faults];
  }

  isSteady = true;

  override async commit(change: Change) {
    if (this.isSteady) return super.commit(change);
    const fault = this.#faults.shift() ?? 'none';
    await turn();
    if (fault === 'before') throw new OutcomeUnknown('lost before');
    const committed = await super.commit(change);
    if (fault === 'after') throw new OutcomeUnknown('lost after');
    return committed;
  }
}

it('whatever fails, and by however many it is tried, the same comes out', async () => {
  const reference = await upgradedReference(150);
  const fault = fc.constantFrom('none' as const, 'none' as const, 'none' as const, 'before' as const, 'after' as const);
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 12 }), fc.integer({ min: 1, max: 3 }), async (faults, parties) => {
      const store = new Unsteady(faults);
      await filled(store, 150);
      store.isSteady = false;
      const untilDone = async () => {
        for (;;) {
          const failed = await bringUpToDate(placeOf(store)).catch((error) => error as Error);
          if (failed === undefined) return;
          if (!(failed instanceof OutcomeUnknown)) throw failed;
          // As if the one who had begun were forgotten, so that nobody waits for its silence.
          const stored = await store.get(FORMAT_KEY);
          if (stored === null) continue;
          const { becoming: _, ...rest } = stored.record as { number: number; becoming?: number };
          store.isSteady = true;
          await store.commit({
            expects: [{ key: FORMAT_KEY, version: stored.version }],
            writes: [{ key: FORMAT_KEY, record: rest }],
          });
          store.isSteady = false;
        }
      };
      await Promise.all(Array.from({ length: parties }, untilDone));
      expect(await numberOf(store)).toEqual({ number: CURRENT_FORMAT });
      await expectSame(store, reference);
    }),
    { numRuns: 25 },
  );
}, 60_000);

describe('beside an older scopegate', () => {
  const old = { id: 'old.1', host: 'machine-7', pid: 4711, startedAtMs: 0, revision: 1 };

  it('nothing is rewritten while it holds a lease, and it is named', async () => {
    const store = new MemoryStore();
    await filled(store);
    const before = await store.revision();
    await expect(bringUpToDate(placeOf(store, { registry: { live: async () => [old] } }))).rejects.toThrow(
      /the records of the store are of an older format .* an older scopegate runs on it: machine-7 \(process 4711\)\. Stop every gateway/,
    );
    expect(await store.revision()).toBe(before);
  }, 30_000);

  it('one of our own is no obstacle: the store may have lost what says its format', async () => {
    const store = new MemoryStore();
    await filled(store);
    const ours = { ...old, format: CURRENT_FORMAT };
    await bringUpToDate(placeOf(store, { registry: { live: async () => [ours] } }));
    expect(await numberOf(store)).toEqual({ number: CURRENT_FORMAT });
  });

  it('the upgrade begins once it has gone', async () => {
    const store = new MemoryStore();
    await filled(store);
    const registry = new FileRegistry(join(folder, 'leases'));
    await registry.renew(old, 60_000);
    const upgrading = bringUpToDate(placeOf(store, { registry }));
    while (said('waiting for who uses it to end') === 0) await turn();
    expect(await numberOf(store)).toBeUndefined();
    await registry.leave(old.id);
    await upgrading;
    expect(await numberOf(store)).toEqual({ number: CURRENT_FORMAT });
  });

  it('what it writes meanwhile is rewritten, too; where it does not stop, that is told', async () => {
    const store = new MemoryStore();
    await filled(store);
    // As its sidecar, which holds no lease, would write it: behind what has been looked at already.
    const late = { organizationId: 'acme', workspaceId: 'w1', id: 'a', name: 'late' };
    let writes = 1;
    const commit = store.commit.bind(store);
    store.commit = async (change) => {
      const committed = await commit(change);
      if (writes > 0 && change.writes.some(({ key }) => key === FORMAT_KEY)) {
        writes--;
        await commit({ expects: [], writes: [{ key: 'environment/acme/a', record: late }] });
      }
      return committed;
    };
    await bringUpToDate(placeOf(store));
    expect((await store.get('environment/acme/a'))?.record).toEqual({ ...late, workspaceGeneration: 0 });
    await commit({ expects: [], writes: [{ key: FORMAT_KEY, record: null }] });
    writes = Number.POSITIVE_INFINITY;
    await expect(bringUpToDate(placeOf(store))).rejects.toThrow(
      /stop every older scopegate that uses it, also sidecars/,
    );
  });
});

it.each([
  ['token/acme/', { workspaces: 7 }],
  ['member/acme/', { teams: null }],
  ['workspace/acme/', { ownerId: null }],
  ['resource/acme/', { collaborators: {} }],
])('a damaged record (%s, %j) stays as it is, is told, holds nothing up and opens nothing', async (start, damage) => {
  const store = new MemoryStore();
  await filled(store);
  const { key, record, indexes } = (await contents(store)).find((found) => found.key.startsWith(start))!;
  const damaged = { ...(record as object), ...damage };
  await store.commit({ expects: [], writes: [{ key, record: damaged, indexes }] });
  await bringUpToDate(placeOf(store));
  expect((await store.get(key))?.record).toEqual(damaged);
  expect(() => readFact(key, damaged)).toThrow(TypeError);
  expect(said(key)).toBe(1);
  expect(await numberOf(store)).toEqual({ number: CURRENT_FORMAT });
});

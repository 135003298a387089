/**
 * How fast tokens are made, each durable before it is answered, in a SQLite file: by the store alone, one commit after the
 * other and 16 at a time, and through the sidecar's API, in one organization; and taken in by the thousand, as an import does.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Owned } from '../src/owned.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import { AdminClient } from './admin-client.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { creation } from './dataset.ts';
import { cpuSeconds, percentile } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';

const AT_A_TIME = 16;
const POLICY = fileURLToPath(new URL('../policies/featbit.yaml', import.meta.url));
const WANTED = { owner: 'ann', kind: 'personal', name: 'n', scopes: ['flags:read'], expiresInDays: 30 };
const ROUTES = [{ id: 'all', match: { path: '/**' }, require: { scopes: ['flags:read'] }, upstream: 'platform' }];
const IMPORTED_AT_ONCE = 1000;
/** Of those that come together as against those that come alone: what one commit and one sync of several are worth. */
const TOGETHER_MIN = 2.5;

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicroseconds: number;
}

export async function benchChanges({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const count = quick ? 1000 : 10_000;
    const rows: Array<readonly [string, Figures]> = [];
    const note = (name: string, figures: Figures) => {
      rows.push([name, figures]);
      say(`${name}: ${Math.round(figures.perSecond)} a second`);
    };
    for (const atATime of [1, AT_A_TIME]) {
      const store = new SqliteStore(join(folder, `alone-${atATime}.db`));
      const cpu = () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6;
      note(
        `the store alone, ${atATime} at a time`,
        await create(store, atATime === 1 ? count / 5 : count, atATime, cpu),
      );
      await store.close();
    }
    await throughSidecar(owned, folder, count, note);
    return report(rows);
  } finally {
    await owned.release();
  }
}

/** Each in an organization of its own, whose changes wait for each other. */
function create(store: SqliteStore, count: number, atATime: number, cpu: () => number): Promise<Figures> {
  const versions = new Array<number>(atATime).fill(0);
  return timed(count, atATime, cpu, async (nth, lane) => {
    const committed = await store.commit(creation(`org_${lane}`, versions[lane]!, nth));
    if (!committed.ok) throw new Error('bench: a commit was refused');
    versions[lane] = committed.revision;
  });
}

const throughSidecarAt = (count: number) => `the sidecar, ${count} at a time`;

async function throughSidecar(
  owned: Owned,
  folder: string,
  count: number,
  note: (name: string, figures: Figures) => void,
): Promise<void> {
  const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
  const own = join(folder, 'sidecar');
  mkdirSync(own, { mode: 0o700 });
  const sections = {
    policy: POLICY,
    routes: ROUTES,
    admin: { port: 0 },
    import: { patterns: [{ prefix: 'old_', minLength: 16, maxLength: 64 }] },
  };
  const sidecar = await startScopegate(owned, own, upstream.url, {}, sections, 'admin');
  const key = readFileSync(join(own, 'admin-key'), 'utf8').trim();
  const admin = owned.add(await AdminClient.open(sidecar.url, key, AT_A_TIME, 'owner'), (opened) => opened.close());
  const cpu = () => cpuSeconds(sidecar.pid);
  const mint = () => admin.call('POST', '/tokens', WANTED);
  await timed(count / 2, AT_A_TIME, cpu, mint);
  note(throughSidecarAt(1), await timed(count / 10, 1, cpu, mint));
  note(throughSidecarAt(AT_A_TIME), await timed(count, AT_A_TIME, cpu, mint));
  const { name: _, ...usual } = WANTED;
  const take = () => {
    const tokens = Array.from({ length: IMPORTED_AT_ONCE }, (_, nth) => ({
      ...{ ...usual, name: `n${nth}`, hint: 'old_' },
      sha256: createHash('sha256').update(randomBytes(16)).digest('hex'),
    }));
    return admin.call('POST', '/tokens/import', { tokens });
  };
  await take();
  const taken = await timed(Math.max(2, count / 1000), 1, cpu, take);
  note('an import, by the thousand', {
    ...taken,
    perSecond: taken.perSecond * IMPORTED_AT_ONCE,
    cpuMicroseconds: taken.cpuMicroseconds / IMPORTED_AT_ONCE,
  });
}

async function timed(
  count: number,
  atATime: number,
  cpu: () => number,
  work: (nth: number, lane: number) => Promise<unknown>,
): Promise<Figures> {
  const times: number[] = [];
  const [startedMs, cpuBefore] = [performance.now(), cpu()];
  let next = 0;
  await Promise.all(
    Array.from({ length: atATime }, async (_, lane) => {
      while (next < count) {
        const beganMs = performance.now();
        await work(next++, lane);
        times.push(performance.now() - beganMs);
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  times.sort((one, other) => one - other);
  return {
    perSecond: times.length / seconds,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    cpuMicroseconds: ((cpu() - cpuBefore) * 1e6) / times.length,
  };
}

function report(rows: ReadonlyArray<readonly [string, Figures]>): Section {
  const rounded = (value: number) => Math.round(value * 100) / 100;
  const perSecond = (wanted: string) => rows.find(([name]) => name === wanted)![1].perSecond;
  const together = perSecond(throughSidecarAt(AT_A_TIME)) / perSecond(throughSidecarAt(1));
  return {
    name: 'changes',
    tables: [
      {
        title: 'tokens made in a SQLite file, each durable before it is answered',
        columns: ['', 'tokens/s', 'p50 ms', 'p99 ms', 'CPU µs a token'],
        rows: rows.map(([name, { perSecond, p50Ms, p99Ms, cpuMicroseconds }]) => [
          ...[name, Math.round(perSecond), rounded(p50Ms), rounded(p99Ms), Math.round(cpuMicroseconds)],
        ]),
      },
    ],
    checks: [
      {
        promise: `${AT_A_TIME} callers at once are given over ${TOGETHER_MIN} times as many tokens a second as one`,
        measured: together.toFixed(2),
        kept: together > TOGETHER_MIN,
      },
    ],
  };
}

/**
 * A million tokens in each store: how fast they are made (in bulk, and one durable commit at a time as the sidecar does),
 * what a token costs that the gateway has not seen yet beside one that it has, and what all of it takes of memory and disk.
 * Both stores are as durable as they can be: SQLite with synchronous=FULL, Redis with appendfsync always.
 */
import { readdirSync, statSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { Owned } from '../src/owned.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import type { Store } from '../src/store/store.ts';
import { startRedis } from '../test/support/redis.ts';
import { hasTool } from '../test/support/tools.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { buildDataset, creation, type Holder } from './dataset.ts';
import { cpuSeconds, drawDistinct, percentile, residentMegabytes } from './measure.ts';
import { openRedisAt } from './redis-store.ts';
import type { BenchOptions, Section } from './report.ts';

const SEED = 5;
/** Small enough for an engine that does nothing else meanwhile. */
const TOKENS_PER_COMMIT = 500;
const AT_A_TIME = 8;
/** Requests before anything is counted: the compiler is still at work. */
const SETTLING = 2000;

interface Subject {
  readonly name: string;
  readonly open: () => Promise<Store>;
  /** The gateway's section. */
  readonly section: object;
  /** Of the engine's own process; null: it has none. */
  readonly residentMb: () => Promise<number | null>;
  /** The folder with its files. */
  readonly folder: string;
}

export async function benchStores({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const subjects = [sqlite(folder)];
    if (hasTool('redis-server')) subjects.push(await redis(owned));
    else say('redis-server is not installed; SQLite alone is measured');
    const total = quick ? 20_000 : 1_000_000;
    const asked = quick ? 2000 : 50_000;
    const measured: Measured[] = [];
    for (const subject of subjects)
      measured.push(await measure(subject, { folder, total, asked, upstream: upstream.url, say }));
    return report(measured, total, asked);
  } finally {
    await owned.release();
  }
}

function sqlite(folder: string): Subject {
  const path = join(folder, 'scopegate.db');
  return {
    name: 'SQLite',
    open: async () => new SqliteStore(path),
    section: { driver: 'sqlite', path },
    residentMb: async () => null,
    folder,
  };
}

async function redis(owned: Owned): Promise<Subject> {
  const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  owned.add(server, (started) => started.stop());
  const pid = Number(/process_id:(\d+)/.exec(await server.cli('info', 'server'))![1]);
  return {
    name: 'Redis',
    open: () => openRedisAt(server.port),
    section: { driver: 'redis', url: server.url, commandTimeoutMs: 5000 },
    residentMb: async () => residentMegabytes(pid),
    folder: server.folder,
  };
}

interface Ground {
  readonly folder: string;
  readonly total: number;
  readonly asked: number;
  readonly upstream: string;
  readonly say: (line: string) => void;
}

interface Measured {
  readonly name: string;
  readonly bulkPerSecond: number;
  readonly createdPerSecond: number;
  readonly cold: Times;
  readonly warm: Times;
  readonly gatewayMb: number;
  readonly storeMb: number | null;
  readonly diskMb: number;
}

async function measure(subject: Subject, { folder, total, asked, upstream, say }: Ground): Promise<Measured> {
  const owned = new Owned();
  try {
    const store = owned.add(await subject.open(), (opened) => opened.close());
    const keep = drawDistinct(asked + SETTLING, total, SEED);
    const bulkStartedMs = performance.now();
    const dataset = await buildDataset(store, {
      ...{ tokens: total, keep, whole: true, tokensPerCommit: TOKENS_PER_COMMIT },
      say: (line) => say(`${subject.name}: ${line}`),
    });
    const bulkPerSecond = total / ((performance.now() - bulkStartedMs) / 1000);
    say(`${subject.name}: filled`);
    const createdPerSecond = await create(store, Math.max(400, asked / 10));
    say(`${subject.name}: ${Math.round(createdPerSecond)} tokens created in a second`);
    const storeMb = await subject.residentMb();
    const sections = { store: subject.section, cache: { maxEntries: asked * 3 } };
    const gateway = await startScopegate(owned, folder, upstream, {}, sections);
    const settling = dataset.holders.slice(asked);
    await ask(gateway, settling);
    await ask(gateway, settling);
    const holders = dataset.holders.slice(0, asked);
    const cold = await ask(gateway, holders);
    const warm = await ask(gateway, holders);
    say(`${subject.name}: looked up`);
    const gatewayMb = residentMegabytes(gateway.pid);
    return {
      name: subject.name,
      bulkPerSecond,
      createdPerSecond,
      cold,
      warm,
      gatewayMb,
      storeMb,
      diskMb: onDisk(subject.folder),
    };
  } finally {
    await owned.release();
  }
}

/** As many organizations at a time, each waiting for its own. */
async function create(store: Store, count: number): Promise<number> {
  const startedMs = performance.now();
  const share = Math.ceil(count / AT_A_TIME);
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async (_, organization) => {
      let version = 0;
      for (let nth = 0; nth < share; nth++) {
        const committed = await store.commit(creation(`org_${organization}`, version, organization * share + nth));
        if (!committed.ok) throw new Error('bench: a commit was refused');
        version = committed.revision;
      }
    }),
  );
  return (share * AT_A_TIME) / ((performance.now() - startedMs) / 1000);
}

interface Times {
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  /** Of the gateway's process, for one request. */
  readonly cpuMicroseconds: number;
}

/** One request for each, one after the other over one connection. */
async function ask(
  { url, pid }: { readonly url: string; readonly pid: number },
  holders: readonly Holder[],
): Promise<Times> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = new Float64Array(holders.length);
  const cpuBefore = cpuSeconds(pid);
  for (const [nth, { text, environmentId }] of holders.entries()) {
    const startedMs = performance.now();
    const status = await statusOf(`${url}/api/v1/workflows?environmentId=${environmentId}`, text, agent);
    times[nth] = (performance.now() - startedMs) * 1000;
    if (status !== 200) throw new Error(`bench: a token was answered with ${status}`);
  }
  const cpuMicroseconds = ((cpuSeconds(pid) - cpuBefore) * 1e6) / holders.length;
  agent.destroy();
  times.sort();
  return { p50Microseconds: percentile(times, 0.5), p99Microseconds: percentile(times, 0.99), cpuMicroseconds };
}

function statusOf(url: string, token: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode!));
    });
    request.once('error', reject);
  });
}

function onDisk(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 1e6;
}

function report(measured: readonly Measured[], total: number, asked: number): Section {
  const count = (value: number) => value.toLocaleString('en-US');
  return {
    name: 'stores',
    tables: [
      {
        title: `${count(total)} tokens in each store: made, and what they take`,
        columns: [
          ...['', `tokens/s in bulk (${TOKENS_PER_COMMIT} a commit)`, `tokens/s, ${AT_A_TIME} commits at a time`],
          ...['MB resident, store', 'MB on disk', 'MB resident, gateway'],
        ],
        rows: measured.map((each) => [
          ...[each.name, Math.round(each.bulkPerSecond), Math.round(each.createdPerSecond)],
          ...[each.storeMb === null ? 'in the process' : each.storeMb.toFixed(0)],
          ...[Math.round(each.diskMb), Math.round(each.gatewayMb)],
        ]),
      },
      {
        title: `requests through the gateway, one at a time, ${count(asked)} different tokens: first each for the first time, then again`,
        columns: ['', 'cold p50 µs', 'cold p99 µs', 'cold CPU µs', 'warm p50 µs', 'warm p99 µs', 'warm CPU µs'],
        rows: measured.map(({ name, cold, warm }) => [
          name,
          ...[cold, warm].flatMap((times) => [
            Math.round(times.p50Microseconds),
            Math.round(times.p99Microseconds),
            Math.round(times.cpuMicroseconds),
          ]),
        ]),
      },
    ],
    checks: [],
  };
}

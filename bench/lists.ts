/**
 * How long the sidecar takes for fifty rows of a list of tokens, in SQLite and in Redis: all, by owner, state, kind, expiry and
 * the beginning of the name, as tokens of a thousand owners differ in them; and by last use. One in three was never used; for
 * those it looks at as many tokens as it takes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { organizationKey, tokenKey } from '../src/core/facts.ts';
import { DAY_MS } from '../src/core/policy.ts';
import { CURRENT_FORMAT } from '../src/format/upgrades.ts';
import { place } from '../src/manage/unit-of-work/places.ts';
import type { TokenDoc } from '../src/manage/unit-of-work/records.ts';
import { Owned } from '../src/owned.ts';
import { FORMAT_KEY } from '../src/store/format.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import type { Store, Write } from '../src/store/store.ts';
import { startRedis } from '../test/support/redis.ts';
import { hasTool } from '../test/support/tools.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { percentile } from './measure.ts';
import { openRedisAt } from './redis-store.ts';
import type { BenchOptions, Section } from './report.ts';
import { ORGANIZATION, OWNERS, wholeToken } from './token-weight.ts';

export const LISTS_POLICY = fileURLToPath(new URL('../policies/featbit.yaml', import.meta.url));
const PER_COMMIT = 1000;
const P50_MAX_MS = 20;
const ROUNDS = 25;
const FILTERS = [
  '',
  'owner=member_18',
  'state=revoked',
  'kind=service',
  'expiringWithinDays=30',
  'unusedForDays=90',
  'unusedForDays=99',
  'neverUsed=true',
  'name=deploy-1',
  'name=deploy-12345',
  'state=active',
  'state=expired',
  'state=revoked&kind=service',
  'state=active&expiringWithinDays=30',
  'owner=member_18&state=revoked',
  'owner=member_18&name=deploy-1',
  'owner=member_18&state=active&kind=personal',
];

export async function benchLists({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const count = quick ? 50_000 : 1_000_000;
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const engines: Engine[] = [sqlite(temporaryFolder(owned))];
    if (hasTool('redis-server')) engines.push(await redis(owned));
    else say('redis-server is not installed; SQLite alone is measured');
    const measured = [];
    for (const engine of engines) measured.push(await measure(engine, count, upstream.url, say));
    return {
      name: 'lists',
      tables: measured.map(({ name, times }) => ({
        title: `fifty of ${count.toLocaleString('en-US')} tokens in ${name}, through the sidecar's API`,
        columns: ['filter', 'rows', 'p50 ms', 'max ms'],
        rows: times.map(({ filter, found, p50, most }) => [filter, found, p50, most]),
      })),
      checks: measured.map(({ name, times }) => {
        const slowest = Math.max(...times.filter(({ filter }) => filter !== 'neverUsed=true').map(({ p50 }) => p50));
        return {
          promise: `fifty rows of ${name} by owner, state, kind, expiry, name or last use within ${P50_MAX_MS} ms (p50)`,
          measured: `${slowest} ms at most`,
          kept: slowest <= P50_MAX_MS,
        };
      }),
    };
  } finally {
    await owned.release();
  }
}

interface Engine {
  readonly name: string;
  readonly folder: string;
  readonly keyFolder: string;
  /** The gateway's section. */
  readonly section: object;
  readonly open: () => Promise<Store>;
}

function sqlite(folder: string): Engine {
  const path = join(folder, 'scopegate.db');
  return {
    name: 'SQLite',
    folder,
    keyFolder: folder,
    section: { driver: 'sqlite', path },
    open: async () => new SqliteStore(path),
  };
}

async function redis(owned: Owned): Promise<Engine> {
  const server = owned.add(await startRedis(), (started) => started.stop());
  const open = () => openRedisAt(server.port);
  const section = { driver: 'redis', url: server.url, commandTimeoutMs: 5000 };
  const folder = temporaryFolder(owned);
  return { name: 'Redis', folder, keyFolder: join(folder, 'data'), section, open };
}

interface Times {
  readonly filter: string;
  readonly found: number;
  readonly p50: number;
  readonly most: number;
}

async function measure(
  { name, folder, keyFolder, section, open }: Engine,
  count: number,
  upstreamUrl: string,
  say: (line: string) => void,
): Promise<{ readonly name: string; readonly times: readonly Times[] }> {
  const owned = new Owned();
  try {
    const store = await open();
    await fillTokens(store, count, (line) => say(`${name}: ${line}`)).finally(() => store.close());
    const sections = { policy: LISTS_POLICY, routes: LISTS_ROUTES, admin: { port: 0 }, store: section };
    const sidecar = await startScopegate(owned, folder, upstreamUrl, {}, sections, 'admin');
    const key = readFileSync(join(keyFolder, 'admin-key'), 'utf8').trim();
    const dispatcher = owned.add(new Agent({ connections: 1 }), (agent) => agent.destroy());
    const times: Times[] = [];
    for (const filter of FILTERS) {
      const asked = await ask(
        dispatcher,
        `${sidecar.url}/v1/organizations/${ORGANIZATION}/tokens?limit=50&${filter}`,
        key,
      );
      const [p50, most] = [percentile(asked.times, 0.5), asked.times.at(-1)!].map((ms) => Math.round(ms * 10) / 10);
      say(`${name}: ${filter}: ${asked.found} in ${p50} ms`);
      times.push({ filter: filter === '' ? 'all' : filter, found: asked.found, p50: p50!, most: most! });
    }
    return { name, times };
  } finally {
    await owned.release();
  }
}

async function ask(
  dispatcher: Agent,
  url: string,
  key: string,
): Promise<{ readonly found: number; readonly times: number[] }> {
  const times: number[] = [];
  let found = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const beganMs = performance.now();
    const { statusCode, body } = await request(url, { dispatcher, headers: { authorization: `Bearer ${key}` } });
    const answer = (await body.json()) as { items: object[] };
    times.push(performance.now() - beganMs);
    if (statusCode !== 200) throw new Error(`bench: ${url} was answered with ${statusCode}`);
    found = answer.items.length;
  }
  return { found, times: times.sort((one, other) => one - other) };
}

export const LISTS_ROUTES = [
  { id: 'all', match: { path: '/**' }, require: { scopes: ['flags:read'] }, upstream: 'platform' },
];

/** `count` tokens, in a store that has nothing yet. */
export async function fillTokens(store: Store, count: number, say: (line: string) => void): Promise<void> {
  const commit = async (writes: Write[]) => {
    await store.commit({ expects: [], writes });
  };
  const nowMs = Date.now();
  const organization = {
    id: ORGANIZATION,
    generation: 1,
    deletedAtMs: null,
    name: 'Acme',
    edition: 'team',
    createdAtMs: 1,
  };
  await commit([
    { key: FORMAT_KEY, record: { number: CURRENT_FORMAT } },
    { ...place('organization', organization as never), key: organizationKey(ORGANIZATION), record: organization },
    ...Array.from({ length: OWNERS }, (_, nth) => member(nth)),
  ]);
  for (let from = 0; from < count; from += PER_COMMIT) {
    const writes = Array.from({ length: PER_COMMIT }, (_, nth) => wholeToken(from + nth, varied(from + nth, nowMs)));
    await commit(writes.flat());
    const used = writes.flatMap(([token], nth) => (nth % 3 === 0 ? [] : [usedBefore(token!, nowMs, nth)]));
    await store.touch(used);
    if (from % 250_000 === 0) say(`${from} tokens stored`);
  }
}

function member(nth: number): Write {
  const id = `member_${nth}`;
  const record = {
    ...{
      organizationId: ORGANIZATION,
      edition: 'team',
      id,
      generation: 1_780_000_000_000,
      role: 'member',
      scopes: null,
    },
    ...{ teams: [], assignments: [], name: id, email: null, actions: null, createdAtMs: 1 },
  };
  return { ...place('member', record as never), record };
}

/** A twentieth is revoked, a tenth is a service's, and they end within the year. */
function varied(nth: number, nowMs: number): Partial<TokenDoc> {
  return {
    workspaces: 'all-organization',
    expiresAtMs: nowMs + ((nth * 7) % 365) * DAY_MS,
    ...(nth % 20 === 3 ? { state: 'revoked' } : {}),
    ...(nth % 10 === 7 ? { kind: 'service' } : {}),
  };
}

function usedBefore({ record }: Write, nowMs: number, nth: number) {
  const { organizationId, id } = record as TokenDoc;
  return { key: tokenKey(organizationId, id), atMs: nowMs - (nth % 100) * DAY_MS };
}

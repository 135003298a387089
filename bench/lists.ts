/**
 * How long the sidecar takes for fifty rows of a list of tokens in a SQLite file: all, by owner, state, kind, expiry, last use
 * and the beginning of the name, as one of a thousand owners' tokens differ in them. Of a filter that fits few tokens the
 * sidecar looks at as many as it takes.
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
import type { Write } from '../src/store/store.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { percentile } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';
import { ORGANIZATION, OWNERS, wholeToken } from './token-weight.ts';

export const LISTS_POLICY = fileURLToPath(new URL('../policies/featbit.yaml', import.meta.url));
const PER_COMMIT = 5000;
const ROUNDS = 25;
const FILTERS = [
  '',
  'owner=member_18',
  'state=revoked',
  'kind=service',
  'expiringWithinDays=30',
  'unusedForDays=90',
  'neverUsed=true',
  'name=deploy-1',
  'name=deploy-12345',
  'owner=member_18&state=active&kind=personal',
];

export async function benchLists({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const count = quick ? 50_000 : 1_000_000;
    await fillTokens(join(folder, 'scopegate.db'), count, say);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const sections = { policy: LISTS_POLICY, routes: LISTS_ROUTES, admin: { port: 0 } };
    const sidecar = await startScopegate(owned, folder, upstream.url, {}, sections, 'admin');
    const key = readFileSync(join(folder, 'admin-key'), 'utf8').trim();
    const dispatcher = owned.add(new Agent({ connections: 1 }), (agent) => agent.destroy());
    const rows: Array<readonly (string | number)[]> = [];
    for (const filter of FILTERS) {
      const times: number[] = [];
      let found = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const beganMs = performance.now();
        const { statusCode, body } = await request(
          `${sidecar.url}/v1/organizations/${ORGANIZATION}/tokens?limit=50&${filter}`,
          { dispatcher, headers: { authorization: `Bearer ${key}` } },
        );
        const answer = (await body.json()) as { items: object[] };
        times.push(performance.now() - beganMs);
        if (statusCode !== 200) throw new Error(`bench: ${filter} was answered with ${statusCode}`);
        found = answer.items.length;
      }
      times.sort((one, other) => one - other);
      const [p50, most] = [percentile(times, 0.5), times.at(-1)!].map((ms) => Math.round(ms * 10) / 10);
      say(`${filter}: ${found} in ${p50} ms`);
      rows.push([filter === '' ? 'all' : filter, found, p50!, most!]);
    }
    return {
      name: 'lists',
      tables: [
        {
          title: `fifty of ${count.toLocaleString('en-US')} tokens in a SQLite file, through the sidecar's API`,
          columns: ['filter', 'rows', 'p50 ms', 'max ms'],
          rows,
        },
      ],
      checks: [],
    };
  } finally {
    await owned.release();
  }
}

export const LISTS_ROUTES = [
  { id: 'all', match: { path: '/**' }, require: { scopes: ['flags:read'] }, upstream: 'platform' },
];

/** `count` tokens, in a file that is not there yet. */
export async function fillTokens(path: string, count: number, say: (line: string) => void): Promise<void> {
  const store = new SqliteStore(path);
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
  await store.close();
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

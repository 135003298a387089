/** What has ended is removed in time and nothing else is; and whatever goes through many records lets requests through. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountKey, organizationKey, type TokenHash } from '../../src/core/facts.ts';
import { auditDoc } from '../../src/manage/audit.ts';
import { list } from '../../src/manage/listing.ts';
import { purge } from '../../src/manage/purge.ts';
import {
  type FoundAccount,
  findToken,
  type IssuedToken,
  issueAccessToken,
} from '../../src/manage/tokens/access-tokens.ts';
import { lists, place } from '../../src/manage/unit-of-work/places.ts';
import type { AccountDoc, AuditDoc, OrganizationDoc } from '../../src/manage/unit-of-work/records.ts';
import { LastUsed } from '../../src/store/cache/last-used.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';

const HOUR_MS = 3_600_000;
const MANY = 1000;
const ALL = { keepDays: Number.POSITIVE_INFINITY, maxEvents: Number.POSITIVE_INFINITY, maxStalenessMs: 0 };

let folder: string;
let store: SqliteStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-purge-'));
  store = new SqliteStore(join(folder, 'scopegate.db'));
  await found();
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const account = (clientId: string, deletedAtMs: number | null = null): AccountDoc => ({
  ...{ organizationId: 'acme', edition: 'team', clientId, name: 'n', scopes: [], createdBy: null, createdAtMs: 0 },
  ...{ secretHash: 'HASH' as TokenHash, assignments: [], tokensFrom: 0 },
  state: deletedAtMs === null ? 'active' : 'deleted',
  deletedAtMs,
});

/** An organization with one service account. */
async function found(): Promise<void> {
  const organization = {
    id: 'acme',
    name: 'n',
    edition: 'team',
    generation: 0,
    createdAtMs: 0,
    deletedAtMs: null,
  } as const;
  const writes = [
    { ...place('organization', organization), record: organization },
    { ...place('account', account('cli')), record: account('cli') },
  ];
  await store.commit({ expects: [], writes });
}

async function issue(lifeMs: number): Promise<string> {
  const { version } = (await store.get(accountKey('acme', 'cli')))!;
  const client: FoundAccount = { doc: account('cli'), version };
  const terms = { lifeMs, nowMs: 0, liveMax: Number.POSITIVE_INFINITY, told: false };
  return ((await issueAccessToken(store, client, [], terms)) as IssuedToken).token;
}

/** How often others had their turn while it ran. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await work.finally(() => {
    over = true;
  });
  return turns;
}

it('access tokens are removed with all that led to them once they have expired, a hundred at a time; others stay', async () => {
  const expired = await Promise.all(Array.from({ length: MANY }, () => issue(HOUR_MS)));
  const alive = await issue(2 * HOUR_MS);
  expect(await turnsDuring(purge(store, HOUR_MS, ALL))).toBeGreaterThanOrEqual(MANY / 100);
  expect(await store.count(lists.accessTokens(), 0)).toBe(1);
  expect(await findToken(store, expired[0]!, 0)).toBeNull();
  expect(await findToken(store, alive, 0)).not.toBeNull();
});

it('a deleted account is kept for two days, when its last token has long expired', async () => {
  const [deleted, living] = [account('gone', HOUR_MS), account('here')];
  for (const doc of [deleted, living])
    await store.commit({ expects: [], writes: [{ ...place('account', doc), record: doc }] });
  const kept = async (clientId: string) => (await store.get(accountKey('acme', clientId))) !== null;
  await purge(store, 48 * HOUR_MS, ALL);
  expect(await kept('gone')).toBe(true);
  await purge(store, 49 * HOUR_MS, ALL);
  expect([await kept('gone'), await kept('here')]).toEqual([false, true]);
});

it('a list whose filter finds nothing lets others have their turn', async () => {
  for (let made = 0; made < MANY; made++) await issue(HOUR_MS);
  const options = { limit: 10, cursor: null, pick: () => null };
  const listed = list(store, 'token', lists.tokensOfClient('acme', 'cli'), options);
  expect(await turnsDuring(listed)).toBeGreaterThanOrEqual(MANY / 100);
  expect(await listed).toEqual({ items: [], nextCursor: null });
});

it('so does the writing of last uses', async () => {
  const uses = new LastUsed({ store, onFailed: () => expect.unreachable() });
  for (let used = 0; used < 2 * MANY; used++) uses.noteKey(`token/acme/${used}`, 1);
  expect(await turnsDuring(uses.flush())).toBeGreaterThanOrEqual(4);
  await uses.close();
});

it('what a process that ended had left to do after an end is done: nothing of a deleted organization stays', async () => {
  await found();
  await issue(HOUR_MS);
  const { record } = (await store.get(organizationKey('acme')))!;
  const deleted = { ...(record as OrganizationDoc), deletedAtMs: 1 };
  const actor = { kind: 'admin-key', id: null, tokenId: null } as const;
  const job = { organizationId: 'acme', what: 'organization', id: 'acme', generation: 1, actor } as const;
  const writes = [
    { ...place('organization', deleted), record: deleted },
    { ...place('cleanup', job), record: job },
  ];
  await store.commit({ expects: [], writes });
  await purge(store, 1, ALL);
  expect((await store.export(null, 1000)).records).toEqual([]);
});

describe('the audit trail', () => {
  const event = (org: string, atMs: number) => {
    const line = { action: 'token.revoked', target: null, before: null, after: null };
    const record = auditDoc({ id: org }, { kind: 'member', id: 'ann', tokenId: null }, atMs, line);
    return { ...place('audit', record), record };
  };
  const trail = async (org: string) =>
    (await store.scan(lists.audit(org), { limit: 1000 })).map(({ record }) => (record as AuditDoc).atMs);

  it('is kept for so many days, also that of an organization that is no more', async () => {
    const writes = [1, 2, 3].flatMap((hour) => [event('acme', hour * HOUR_MS), event('gone', hour * HOUR_MS)]);
    await store.commit({ expects: [], writes });
    await purge(store, 3 * HOUR_MS, { ...ALL, keepDays: 1 / 24 });
    expect([await trail('acme'), await trail('gone')]).toEqual([[3 * HOUR_MS], [3 * HOUR_MS]]);
    expect(await store.count(lists.allAudit(), 0)).toBe(2);
  });

  it('holds so many events of one organization: the oldest go first, a hundred at a time, and those of nobody else', async () => {
    const organization = {
      id: 'acme',
      name: 'Acme',
      edition: 'team',
      generation: 0,
      createdAtMs: 0,
      deletedAtMs: null,
    } as const;
    const writes = Array.from({ length: MANY }, (_, number) => event('acme', number));
    writes.push(...[1, 2, 3].map((atMs) => event('other', atMs)));
    await store.commit({ expects: [], writes });
    await store.commit({ expects: [], writes: [{ ...place('organization', organization), record: organization }] });
    const turns = await turnsDuring(purge(store, MANY, { ...ALL, maxEvents: 3 }));
    expect(turns).toBeGreaterThanOrEqual(MANY / 100);
    expect([await trail('acme'), await trail('other')]).toEqual([
      [997, 998, 999],
      [1, 2, 3],
    ]);
  });
});

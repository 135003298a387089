/** Whatever is asked of the list of tokens: its pages show each token that fits once, and nothing else, by whatever way it is found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { memberKey, tokenKey } from '../../src/core/facts.ts';
import { DAY_MS } from '../../src/core/policy.ts';
import { OPERATOR } from '../../src/manage/actor.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import { putMember } from '../../src/manage/organization/members.ts';
import { deleteOrganization, putOrganization } from '../../src/manage/organization/organizations.ts';
import { purge } from '../../src/manage/purge.ts';
import type { TokenFilter } from '../../src/manage/tokens/token-filter.ts';
import { newTokenId } from '../../src/manage/tokens/token-id.ts';
import { stateShown } from '../../src/manage/tokens/token-state.ts';
import { getToken, listTokens } from '../../src/manage/tokens/tokens.ts';
import { place } from '../../src/manage/unit-of-work/places.ts';
import type { CleanupDoc, TokenDoc } from '../../src/manage/unit-of-work/records.ts';
import { mintToken } from '../../src/secret.ts';
import type { ExportableStore } from '../../src/store/exportable.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import type { Store } from '../../src/store/store.ts';

const policy = loadPolicy(fileURLToPath(new URL('../../policies/default.yaml', import.meta.url)), {}).policy!;
const NOW_MS = Date.UTC(2030, 0, 1);
const TOKENS = 120;
const OWNERS = ['ann', 'bob', 'tom'];
const NAMES = ['deploy', 'Deploy two', 'ＤＥＰＬＯＹ', 'döner', 'nightly', 'night', 'x', '%_', 'déploy'];

const folder = mkdtempSync(join(tmpdir(), 'scopegate-token-lists-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ENGINES: Readonly<Record<string, () => Store>> = {
  memory: () => new MemoryStore(),
  sqlite: () => new SqliteStore(join(mkdtempSync(join(folder, 's')), 'scopegate.db')),
};

describe.each(Object.keys(ENGINES))('in %s', (engine) => {
  let store: Store;
  let context: ManageContext;
  let generation: (owner: string) => number;

  beforeEach(async () => {
    store = ENGINES[engine]!();
    context = { store, policy: () => policy, nowMs: () => NOW_MS, actor: OPERATOR };
    await putOrganization(context, 'acme', { name: 'Acme', edition: 'team' });
    const made = new Map<string, number>();
    for (const id of OWNERS) {
      await putMember(context, 'acme', id, { name: id, role: id === 'ann' ? 'admin' : 'member' });
      made.set(id, (await store.get(memberKey('acme', id)))!.record!['generation' as never]);
    }
    generation = (owner) => made.get(owner)!;
    for (let nth = 0; nth < TOKENS; nth++) await write(tokenOf(nth));
    await use();
  });
  afterEach(() => store.close());

  const write = (doc: TokenDoc) => store.commit({ expects: [], writes: [{ ...place('token', doc), record: doc }] });

  /** Of two in three, at some day of the last 200. */
  async function use(): Promise<void> {
    const keys = (await all()).map(({ id }) => tokenKey('acme', id));
    const used = keys.filter((_, nth) => nth % 3 !== 0);
    await store.touch(used.map((key, nth) => ({ key, atMs: NOW_MS - ((nth * 13) % 200) * DAY_MS - nth })));
  }

  function tokenOf(nth: number): TokenDoc {
    const minted = mintToken('pat_');
    const owner = OWNERS[nth % 7 < 4 ? 0 : (nth % 2) + 1]!;
    const createdAtMs = NOW_MS - ((nth * 37) % 300) * DAY_MS;
    const isRevoked = nth % 5 === 0;
    const isInactive = nth % 5 === 1;
    return {
      ...{ organizationId: 'acme', edition: 'team', id: newTokenId(createdAtMs), generation: generation(owner) + 1 },
      // A kind that the policy has no longer among them.
      ...{ kind: ['personal', 'service', 'gone'][nth % 3]!, authority: nth % 3 === 0 ? 'live' : 'frozen' },
      ...{ ownerId: owner, ownerGeneration: generation(owner), clientId: null, scopes: ['content:read'] },
      ...{
        workspaces: 'all-organization',
        roles: [],
        state: isRevoked ? 'revoked' : isInactive ? 'inactive' : 'active',
      },
      stateReason: isInactive && nth % 2 === 0 ? 'owner_removed' : null,
      // Several end at once, and some never.
      expiresAtMs: nth % 4 === 0 ? null : NOW_MS + ((nth % 11) - 5) * 10 * DAY_MS,
      ...{ name: NAMES[nth % NAMES.length]!, description: null, createdBy: null, createdAtMs, hash: minted.hash() },
      ...{ hint: minted.hint('pat_'), replaced: null, apiVersion: null, contacts: null },
    } as TokenDoc;
  }

  async function all(filter: TokenFilter = {}, limit = 1000, actor = context.actor): Promise<TokenDoc[]> {
    const found: TokenDoc[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listTokens>> = await listTokens({ ...context, actor }, 'acme', filter, {
        limit,
        cursor,
      });
      // A page is full, or the last.
      expect(page.items.length === limit || page.nextCursor === null).toBe(true);
      found.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return found;
  }

  const fold = (text: string) => text.normalize('NFKC').toLowerCase();

  /** Told of one token, by itself. */
  async function fits(doc: TokenDoc, filter: TokenFilter): Promise<boolean> {
    const [usedAtMs] = await store.touched([tokenKey('acme', doc.id)]);
    const { expiringWithinDays: within, unusedForDays: unused } = filter;
    const endsInMs = (doc.expiresAtMs ?? Number.POSITIVE_INFINITY) - NOW_MS;
    return (
      (filter.owner === undefined || doc.ownerId === filter.owner) &&
      (filter.kind === undefined || doc.kind === filter.kind) &&
      (filter.state === undefined || stateShown(doc, NOW_MS) === filter.state) &&
      (within === undefined || (endsInMs > 0 && endsInMs <= within * DAY_MS)) &&
      (unused === undefined || (usedAtMs ?? doc.createdAtMs) < NOW_MS - unused * DAY_MS) &&
      (filter.neverUsed === undefined || (usedAtMs === null) === filter.neverUsed) &&
      (filter.name === undefined || fold(doc.name).startsWith(fold(filter.name)))
    );
  }

  const CHOICES: { readonly [K in keyof TokenFilter]-?: ReadonlyArray<TokenFilter[K]> } = {
    owner: [undefined, 'ann', 'tom', 'nobody'],
    kind: [undefined, 'service', 'gone', 'never'],
    state: [undefined, 'active', 'inactive', 'expired', 'revoked'],
    expiringWithinDays: [undefined, undefined, 0, 30],
    unusedForDays: [undefined, undefined, 0, 60, 150],
    neverUsed: [undefined, undefined, true, false],
    name: [undefined, undefined, 'DE', 'deploy', 'ni', '%', 'deployments', ''],
  } as never;

  /** Each thing alone, and all sorts of them together. */
  function* filters(): Generator<TokenFilter> {
    const names = Object.keys(CHOICES) as Array<keyof TokenFilter>;
    for (const name of names) for (const value of CHOICES[name]) yield { [name]: value };
    let bits = 12345;
    const draw = (most: number) => {
      bits = (Math.imul(bits, 1_103_515_245) + 12_345) >>> 0;
      return (bits >>> 16) % most;
    };
    for (let nth = 0; nth < 150; nth++)
      yield Object.fromEntries(names.map((name) => [name, CHOICES[name][draw(CHOICES[name].length)]]));
  }

  async function expectRight(): Promise<number> {
    const [everyOne, ids] = [await all(), (docs: readonly TokenDoc[]) => docs.map(({ id }) => id)];
    let found = 0;
    for (const asked of filters()) {
      const filter = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
      const wanted: TokenDoc[] = [];
      for (const doc of everyOne) if (await fits(doc, filter)) wanted.push(doc);
      found += wanted.length;
      const [inSevens, atOnce] = [ids(await all(filter, 7)), ids(await all(filter))];
      expect(inSevens.toSorted(), JSON.stringify(filter)).toEqual(ids(wanted).toSorted());
      expect(inSevens).toEqual(atOnce);
    }
    return found;
  }

  it('every filter shows what fits, page by page, once, in one order', async () => {
    expect(await all()).toHaveLength(TOKENS);
    expect(await expectRight()).toBeGreaterThan(TOKENS);
  });

  it('also while what an end has done is still to be written to its tokens', async () => {
    const actor = { kind: 'admin-key', id: null, tokenId: null } as const;
    const job: CleanupDoc = { organizationId: 'acme', what: 'member', id: 'ann', generation: generation('ann'), actor };
    const gone = { key: memberKey('acme', 'ann'), record: null };
    const before = await all({ state: 'inactive' });
    await store.commit({ expects: [], writes: [gone, { ...place('cleanup', job), record: job }] });
    expect((await all({ state: 'inactive' })).length).toBeGreaterThan(before.length);
    await expectRight();
  });

  it('in the order that each is known by: age, expiry', async () => {
    const ages = (await all({ owner: 'ann' }, 7)).map(({ createdAtMs }) => createdAtMs);
    expect(ages).toEqual(ages.toSorted((one, other) => one - other));
    for (const filter of [{ state: 'active' }, { state: 'expired' }, { kind: 'gone' }, { expiringWithinDays: 30 }]) {
      const ends = (await all(filter as TokenFilter, 7)).map(
        ({ expiresAtMs }) => expiresAtMs ?? Number.MAX_SAFE_INTEGER,
      );
      expect(ends).toEqual(ends.toSorted((one, other) => one - other));
    }
  });

  it('by last use: first who was used, by the day, then who never was, by age; a page that ends with the first goes on with the others', async () => {
    const found = await all({ unusedForDays: 60 });
    const touched = await store.touched(found.map(({ id }) => tokenKey('acme', id)));
    const used = touched.indexOf(null);
    expect(used).toBeGreaterThan(0);
    expect(touched.slice(used).every((atMs) => atMs === null)).toBe(true);
    const days = touched.slice(0, used).map((atMs) => Math.floor(atMs! / DAY_MS));
    expect(days).toEqual(days.toSorted((one, other) => one - other));
    const ages = found.slice(used).map(({ createdAtMs }) => createdAtMs);
    expect(ages).toEqual(ages.toSorted((one, other) => one - other));
    expect(ages.length).toBeGreaterThan(0);
    expect(await all({ unusedForDays: 60 }, used)).toEqual(found);
  });

  it('access tokens are shown by no filter, though they are used', async () => {
    const [doc] = await all();
    const issued: TokenDoc = {
      ...doc!,
      id: newTokenId(NOW_MS - 90 * DAY_MS),
      authority: 'client',
      clientId: 'client',
      ownerId: null,
    };
    await write(issued);
    await store.touch([{ key: tokenKey('acme', issued.id), atMs: NOW_MS - 80 * DAY_MS }]);
    for (const filter of [{ unusedForDays: 60 }, { neverUsed: false }])
      expect((await all(filter)).some(({ id }) => id === issued.id)).toBe(false);
  });

  it('whoever may see their own alone is shown no more, and no cursor names more', async () => {
    const actor = { kind: 'member', id: 'bob' } as const;
    for (const filter of filters()) {
      const { items, nextCursor } = await listTokens({ ...context, actor }, 'acme', filter, { limit: 2, cursor: null });
      expect(items.every(({ ownerId }) => ownerId === 'bob')).toBe(true);
      const [, id] = /token\/acme\/(\w+)/.exec(Buffer.from(nextCursor ?? '', 'base64url').toString()) ?? [];
      if (id !== undefined) expect((await getToken(context, 'acme', id)).ownerId).toBe('bob');
    }
  });

  it('with their organization all of them go, and their values; but those of imported ones, which are never to come back', async () => {
    const docs = await all();
    const values = docs.map(({ hash, id }, nth) => {
      const record = { organizationId: 'acme', tokenId: id, ...(nth === 0 && { imported: true as const }) };
      return { ...place('credential', record, { hash }), record };
    });
    await store.commit({ expects: [], writes: values });
    await deleteOrganization(context, 'acme');
    await purge(store, NOW_MS, { keepDays: 0, maxEvents: 0, maxStalenessMs: 0 });
    const left = await (store as ExportableStore).export(null, 1000);
    expect(left.records.map(({ key }) => key).toSorted()).toEqual([docs[0]!.hash, 'lock/acme'].toSorted());
  });

  it('the cursor of another list is refused, and one of ours is not by whatever has ended meanwhile', async () => {
    const first = await listTokens(context, 'acme', { state: 'revoked' }, { limit: 1, cursor: null });
    const again = (filter: TokenFilter) => listTokens(context, 'acme', filter, { limit: 1, cursor: first.nextCursor });
    await expect(again({ owner: 'ann' })).rejects.toMatchObject({ details: { kind: 'malformed' } });
    const actor = { kind: 'admin-key', id: null, tokenId: null } as const;
    const job: CleanupDoc = { organizationId: 'acme', what: 'member', id: 'zoe', generation: 1, actor };
    await store.commit({ expects: [], writes: [{ ...place('cleanup', job), record: job }] });
    expect((await again({ state: 'revoked' })).items[0]!.id).not.toBe(first.items[0]!.id);
  });
});

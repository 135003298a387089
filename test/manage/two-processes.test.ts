/** Rules that hold although several processes change one organization at once: here, several stores on one file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { workspaceKey } from '../../src/core/facts.ts';
import { OPERATOR } from '../../src/manage/actor.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import { deleteMember, putMember } from '../../src/manage/organization/members.ts';
import { putOrganization } from '../../src/manage/organization/organizations.ts';
import { deleteWorkspace, putWorkspace } from '../../src/manage/organization/workspaces.ts';
import { purge } from '../../src/manage/purge.ts';
import { Rejection } from '../../src/manage/rejection.ts';
import { changeTokenState, patchToken } from '../../src/manage/tokens/token-changes.ts';
import { createToken, getToken, listTokens } from '../../src/manage/tokens/tokens.ts';
import { lists } from '../../src/manage/unit-of-work/places.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';

const { policy } = loadPolicy(fileURLToPath(new URL('../../policies/coze.yaml', import.meta.url)), {});
const INPUT = { name: 'n', owner: 'ann', scopes: ['bot:read'], workspaces: 'all', expiresInDays: 1 } as const;

let folder: string;
let contexts: ManageContext[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-manage-'));
  contexts = Array.from({ length: 3 }, () => ({
    store: new SqliteStore(join(folder, 'store.db')),
    policy: () => policy!,
    nowMs: Date.now,
    actor: OPERATOR,
  }));
  await putOrganization(contexts[0]!, 'acme', { name: 'Acme', edition: 'team' });
  await putMember(contexts[0]!, 'acme', 'ann', { name: 'Ann', role: 'member' });
});
afterEach(async () => {
  for (const { store } of contexts) await store.close();
  rmSync(folder, { recursive: true });
});

const listed = async () => (await listTokens(contexts[0]!, 'acme', {}, { limit: 1000, cursor: null })).items;

it('a limit holds to the token: of 45 creates for 20 places exactly 20 succeed', async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 45 }, (_, index) => createToken(contexts[index % 3]!, 'acme', INPUT)),
  );
  const made = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  expect(made).toHaveLength(20);
  for (const reason of refused)
    expect((reason as Rejection).details).toMatchObject({ kind: 'conflict', code: 'limit_reached' });
  expect(refused).toHaveLength(25);
  expect(new Set(made.map(({ revision }) => revision)).size).toBe(20);
  expect(await listed()).toHaveLength(20);
});

it('a limit is checked again when a token is activated, also against another process', async () => {
  const first = await createToken(contexts[0]!, 'acme', INPUT);
  for (let index = 1; index < 20; index++) await createToken(contexts[index % 3]!, 'acme', INPUT);
  await expect(createToken(contexts[1]!, 'acme', INPUT)).rejects.toThrow(Rejection);
  await changeTokenState(contexts[2]!, 'acme', first.value.doc.id, 'revoke');
  await expect(createToken(contexts[1]!, 'acme', INPUT)).resolves.toMatchObject({
    value: { doc: { state: 'active' } },
  });
});

it('a revocation in one process is not undone by changes in another', async () => {
  const { id } = (await createToken(contexts[0]!, 'acme', INPUT)).value.doc;
  const racing = Array.from({ length: 12 }, (_, index) =>
    index === 5
      ? changeTokenState(contexts[0]!, 'acme', id, 'revoke')
      : index % 2 === 0
        ? changeTokenState(contexts[1]!, 'acme', id, index % 4 === 0 ? 'activate' : 'deactivate')
        : patchToken(contexts[2]!, 'acme', id, { name: `n${index}` }),
  );
  const results = await Promise.allSettled(racing);
  expect(results[5]!.status).toBe('fulfilled');
  for (const result of results)
    if (result.status === 'rejected') expect((result.reason as Rejection).details.code).toBe('token_revoked');
  for (const context of contexts) expect((await getToken(context, 'acme', id)).state).toBe('revoked');
});

it('a member removed in one process keeps no token that another was just making', async () => {
  const making = Array.from({ length: 10 }, (_, index) => createToken(contexts[1 + (index % 2)]!, 'acme', INPUT));
  const removing = deleteMember(contexts[0]!, 'acme', 'ann');
  await Promise.allSettled([...making, removing]);
  await removing;
  expect((await listed()).filter(({ state }) => state === 'active')).toEqual([]);
});

it("a deleted workspace's record stays until every process has heard that no token lists it any more", async () => {
  // A gateway that has the token at hand as it was refuses it where the workspace that it lists is missing.
  const several = loadPolicy(fileURLToPath(new URL('../../policies/featbit.yaml', import.meta.url)), {}).policy!;
  const [first, second] = contexts.map((context) => ({ ...context, policy: () => several })) as [
    ManageContext,
    ManageContext,
  ];
  await putMember(first, 'acme', 'ann', { name: 'Ann', role: 'administrator' });
  for (const id of ['stays', 'goes']) await putWorkspace(first, 'acme', id, { name: id, owner: 'ann' });
  const { value } = await createToken(first, 'acme', {
    ...{ name: 'n', owner: 'ann', scopes: ['flags:read'], workspaces: ['stays', 'goes'] },
  });
  const key = workspaceKey('acme', 'goes');
  const isThere = async () => (await second.store.get(key)) !== null;

  await deleteWorkspace(first, 'acme', 'goes');
  const deletedAtMs = Date.now();
  expect((await getToken(second, 'acme', value.doc.id)).workspaces).toMatchObject([['stays', expect.any(Number)]]);
  expect(await isThere()).toBe(true);
  const retention = { keepDays: 1, maxEvents: 100, maxStalenessMs: 3000 };
  await purge(second.store, deletedAtMs + 3000, retention);
  expect(await isThere()).toBe(true);
  await purge(second.store, deletedAtMs + 15_001, retention);
  expect(await isThere()).toBe(false);
  expect(await second.store.scan(lists.cleanups(), { limit: 10 })).toEqual([]);
});

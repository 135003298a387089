/** What one change has read, kept for the next: nothing is asked for twice, and nothing that another process has changed is believed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { memberKey } from '../../src/core/facts.ts';
import { OPERATOR } from '../../src/manage/actor.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import { deleteMember, patchMember, putMember } from '../../src/manage/organization/members.ts';
import { putOrganization } from '../../src/manage/organization/organizations.ts';
import { createToken } from '../../src/manage/tokens/tokens.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import type { Store, Stored } from '../../src/store/store.ts';
import { StoreDecorator } from '../../src/store/store-decorator.ts';

const { policy } = loadPolicy(fileURLToPath(new URL('../../policies/featbit.yaml', import.meta.url)), {});
const INPUT = { name: 'n', kind: 'personal', owner: 'ann', scopes: ['flags:read'] } as const;

class NotingStore extends StoreDecorator {
  asked: string[] = [];

  override get(key: string): Promise<Stored | null> {
    this.asked.push(key);
    return super.get(key);
  }
}

let folder: string;
let store: NotingStore;
let peer: Store;
const contextOf = (of: Store): ManageContext => ({
  store: of,
  policy: () => policy!,
  nowMs: Date.now,
  actor: OPERATOR,
});
const create = () => createToken(contextOf(store), 'acme', INPUT);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-facts-'));
  store = new NotingStore(new SqliteStore(join(folder, 'store.db')));
  peer = new SqliteStore(join(folder, 'store.db'));
  await putOrganization(contextOf(store), 'acme', { name: 'Acme', edition: 'team' });
  await putMember(contextOf(store), 'acme', 'ann', { name: 'Ann', role: 'owner' });
  await create();
  store.asked = [];
});
afterEach(async () => {
  await store.close();
  await peer.close();
  rmSync(folder, { recursive: true });
});

it('the next token of an organization asks for nothing but whether the organization has changed', async () => {
  await create();
  await create();
  expect(store.asked).toEqual(['lock/acme', 'lock/acme']);
});

it('a member whom another process has removed gets no more tokens', async () => {
  await deleteMember(contextOf(peer), 'acme', 'ann');
  await expect(create()).rejects.toMatchObject({ details: { code: 'owner_unknown' } });
});

it('what this process has changed itself is read again', async () => {
  await patchMember(contextOf(store), 'acme', 'ann', { role: 'member' });
  await expect(create()).rejects.toMatchObject({ details: { code: 'kind_not_held' } });
});

it('where the lock says nothing of a change, the commit does, and the token is judged anew', async () => {
  const { version, record } = (await peer.get(memberKey('acme', 'ann')))!;
  await peer.commit({
    expects: [{ key: memberKey('acme', 'ann'), version }],
    writes: [{ key: memberKey('acme', 'ann'), record: { ...(record as object), role: 'member' } }],
  });
  await expect(create()).rejects.toMatchObject({ details: { code: 'kind_not_held' } });
});

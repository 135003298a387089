/** A store of format 2: its records are found in the lists of format 3, as if they had been written today. */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { kindOf } from '../../src/core/facts.ts';
import { toNewLists } from '../../src/format/to-new-lists.ts';
import { OPERATOR } from '../../src/manage/actor.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import { createAccount } from '../../src/manage/organization/accounts.ts';
import { deleteMember, putMember, putTeam } from '../../src/manage/organization/members.ts';
import { putOrganization } from '../../src/manage/organization/organizations.ts';
import { putWorkspace, transferWorkspace } from '../../src/manage/organization/workspaces.ts';
import { createToken } from '../../src/manage/tokens/tokens.ts';
import { place } from '../../src/manage/unit-of-work/places.ts';
import type { DocKind } from '../../src/manage/unit-of-work/records.ts';
import type { Exported } from '../../src/store/exportable.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';

const NEW = /^(principals|transferred)\/|\/contact\//;

it('every record gets the lists that it would be written with, once', async () => {
  const store = new MemoryStore();
  const policy = loadPolicy(fileURLToPath(new URL('../../policies/default.yaml', import.meta.url)), {}).policy!;
  const context: ManageContext = { store, policy: () => policy, nowMs: () => Date.UTC(2030, 0, 1), actor: OPERATOR };
  await putOrganization(context, 'acme', { name: 'Acme', edition: 'team' });
  for (const id of ['ann', 'bob', 'tom']) await putMember(context, 'acme', id, { name: id, role: 'admin' });
  await putTeam(context, 'acme', 't1', { name: 'T', members: ['ann'] });
  await createAccount(context, 'acme', { name: 'robot', scopes: ['content:read'] });
  await putWorkspace(context, 'acme', 'w1', { name: 'W', owner: 'ann' });
  const token = { name: 't', scopes: ['content:read'], workspaces: ['w1'], expiresInDays: 1 };
  for (const owner of ['ann', 'tom'])
    await createToken(context, 'acme', { ...token, owner, contacts: { primary: 'bob' } });
  await transferWorkspace(context, 'acme', 'w1', 'bob');
  await deleteMember(context, 'acme', 'tom');

  const { records } = await store.export(null, 1000);
  const before = records.map((record): Exported => {
    const counted =
      Object(record.record).stateReason === 'owner_removed' ? [{ index: 'counted/acme/personal', score: 1 }] : [];
    return { ...record, indexes: [...record.indexes.filter(({ index }) => !NEW.test(index)), ...counted] };
  });
  const { writes, damaged } = await toNewLists.rewrite!(before, store as never);
  expect(damaged).toEqual([]);
  const sorted = (indexes: Exported['indexes']) => [...indexes].sort((a, b) => (a.index < b.index ? -1 : 1));
  const rewritten = new Map(writes.map((write) => [write.key, write]));
  expect(writes.length).toBeGreaterThan(6);
  for (const found of before) {
    const kind = kindOf(found.key) as DocKind;
    if (!['member', 'team', 'account', 'workspace', 'token'].includes(kind)) continue;
    const { indexes } = rewritten.get(found.key) ?? found;
    expect(sorted(indexes), found.key).toEqual(sorted(place(kind, found.record as never).indexes));
  }
  const again = writes.map((write): Exported => ({ ...found(records, write.key), indexes: write.indexes }));
  expect((await toNewLists.rewrite!(again, store as never)).writes).toEqual([]);
  await store.close();
});

function found(records: readonly Exported[], key: string): Exported {
  return records.find((record) => record.key === key)!;
}

/**
 * Changes are numbered by a record of their organization. Where the store has lost it, and the clock that would stand in was
 * set back, the count goes on from what other records say: what is ended then is ended.
 */
import { afterAll, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { OPERATOR } from '../../src/manage/actor.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import { createAccount, revokeAccountTokens } from '../../src/manage/organization/accounts.ts';
import { putMember } from '../../src/manage/organization/members.ts';
import { putOrganization } from '../../src/manage/organization/organizations.ts';
import { putWorkspace } from '../../src/manage/organization/workspaces.ts';
import { findAccount, findToken, issueAccessToken } from '../../src/manage/tokens/access-tokens.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { writePolicy } from './grounds.ts';

const HOUR_MS = 3_600_000;
const written = writePolicy();
const { policy } = loadPolicy(written.path, {});
afterAll(() => written.remove());

it('tokens that were issued by a clock an hour ahead end, although the count of changes was lost', async () => {
  const store = new MemoryStore();
  let nowMs = Date.now() + HOUR_MS;
  const context: ManageContext = { store, policy: () => policy!, nowMs: () => nowMs, actor: OPERATOR };
  await putOrganization(context, 'acme', { name: 'Acme', edition: 'team' });
  await putMember(context, 'acme', 'ann', { name: 'Ann', role: 'admin' });
  await putWorkspace(context, 'acme', 'w1', { name: 'W', owner: 'ann' });
  const { value } = await createAccount(context, 'acme', { name: 'n', scopes: ['content:read'] });
  const { clientId } = value.doc;
  await revokeAccountTokens(context, 'acme', clientId);
  const terms = { lifeMs: 2 * HOUR_MS, liveMax: 10, told: false, nowMs };
  const account = (await findAccount(store, clientId))!;
  const issued = (await issueAccessToken(store, account, ['content:read'], terms)) as { readonly token: string };
  nowMs -= HOUR_MS;
  await store.commit({ expects: [], writes: [{ key: 'lock/acme', record: null }] });
  expect(await findToken(store, issued.token, nowMs)).not.toBeNull();
  await revokeAccountTokens(context, 'acme', clientId);
  expect(await findToken(store, issued.token, nowMs)).toBeNull();
});

/**
 * What ends all tokens of somebody is one durable fact: as many questions to the store and as many records written for a
 * thousand tokens as for one. Counted, not timed. What is tidied up afterwards is not counted.
 */
import { afterAll, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load-policy.ts';
import { findAccount, issueAccessToken } from '../../src/manage/access-tokens.ts';
import { createAccount, deleteAccount, revokeAccountTokens, setAccountState } from '../../src/manage/accounts.ts';
import { OPERATOR } from '../../src/manage/actor.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import { deleteMember, putMember } from '../../src/manage/members.ts';
import { deleteOrganization, putOrganization } from '../../src/manage/organizations.ts';
import { createToken } from '../../src/manage/tokens.ts';
import { deleteWorkspace, putWorkspace, transferWorkspace } from '../../src/manage/workspaces.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { writePolicy } from './grounds.ts';

const FEW = 1;
const MANY = 400;
const SCOPES = ['content:read'];

const written = writePolicy();
const { policy } = loadPolicy(written.path, {});
afterAll(() => written.remove());

interface Work {
  /** Calls of the store, whatever they ask. */
  readonly questions: number;
  /** Records in its commits. */
  readonly writes: number;
}

class Counted {
  questions = 0;
  writes = 0;
  readonly store: Store;

  constructor(inner: Store) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const found = Reflect.get(target, name) as unknown;
        if (typeof found !== 'function') return found;
        return (...args: readonly unknown[]) => {
          if (name !== 'follow' && name !== 'close') this.questions++;
          if (name === 'commit') this.writes += (args[0] as { writes: unknown[] }).writes.length;
          return Reflect.apply(found, target, args);
        };
      },
    });
  }
}

interface Grounds {
  readonly context: ManageContext;
  readonly clientId: string;
}

async function found(store: Store, tokens: number): Promise<Grounds> {
  const context: ManageContext = { store, policy: () => policy!, nowMs: Date.now, actor: OPERATOR };
  await putOrganization(context, 'acme', { name: 'Acme', edition: 'team' });
  for (const id of ['ann', 'bob']) await putMember(context, 'acme', id, { name: id, role: 'member' });
  await putWorkspace(context, 'acme', 'w1', { name: 'w1', owner: 'ann' });
  const { clientId } = (await createAccount(context, 'acme', { name: 'robot', scopes: SCOPES })).value.doc;
  const personal = { name: 'n', owner: 'ann', scopes: SCOPES, workspaces: ['w1'], expiresInDays: 1 };
  for (let nth = 0; nth < tokens; nth++) {
    const account = (await findAccount(store, clientId))!;
    expect(await issueAccessToken(store, account, SCOPES, 900_000, Date.now())).not.toBeNull();
    await createToken(context, 'acme', personal);
  }
  return { context, clientId };
}

async function workOf(tokens: number, end: (grounds: Grounds) => Promise<unknown>): Promise<Work> {
  const counted = new Counted(new MemoryStore());
  const grounds = await found(counted.store, tokens);
  const { questions, writes } = counted;
  await end(grounds);
  const work = { questions: counted.questions - questions, writes: counted.writes - writes };
  await counted.store.close();
  return work;
}

/** Answered without a word about any single token. */
it.each<readonly [string, (grounds: Grounds) => Promise<unknown>]>([
  ['revoke-tokens', ({ context, clientId }) => revokeAccountTokens(context, 'acme', clientId)],
  ['disable?tokens=revoke', ({ context, clientId }) => setAccountState(context, 'acme', clientId, 'disabled', true)],
  [
    'DELETE of the account with tokens=revoke',
    ({ context, clientId }) => deleteAccount(context, 'acme', clientId, true),
  ],
  ['DELETE of the organization', ({ context }) => deleteOrganization(context, 'acme')],
])(`%s takes the store as much work with ${MANY} live tokens as with ${FEW}`, async (_, end) => {
  expect(await workOf(MANY, end)).toEqual(await workOf(FEW, end));
});

/** Their answers name the tokens, so those are read; to end them is one fact all the same. */
it.each<readonly [string, (grounds: Grounds) => Promise<unknown>]>([
  ['the removal of a member', ({ context }) => deleteMember(context, 'acme', 'ann')],
  ['the transfer of a workspace', ({ context }) => transferWorkspace(context, 'acme', 'w1', 'bob')],
  ['the deletion of a workspace', ({ context }) => deleteWorkspace(context, 'acme', 'w1')],
])(`%s writes as many records with ${MANY} tokens as with ${FEW}`, async (_, end) => {
  expect((await workOf(MANY, end)).writes).toBe((await workOf(FEW, end)).writes);
});

/**
 * What ends all tokens of somebody is one durable fact: as many questions to the store and as many records written for a
 * thousand tokens as for one. Counted, not timed. What is tidied up afterwards is not counted.
 */
import { afterAll, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { OPERATOR } from '../../src/manage/actor.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import {
  createAccount,
  deleteAccount,
  revokeAccountTokens,
  setAccountState,
} from '../../src/manage/organization/accounts.ts';
import { deleteMember, putMember } from '../../src/manage/organization/members.ts';
import { deleteOrganization, putOrganization } from '../../src/manage/organization/organizations.ts';
import { deleteWorkspace, putWorkspace, transferWorkspace } from '../../src/manage/organization/workspaces.ts';
import { findAccount, issueAccessToken } from '../../src/manage/tokens/access-tokens.ts';
import { createToken } from '../../src/manage/tokens/tokens.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { writePolicy } from './grounds.ts';

const FEW = 1;
const MANY = 400;
const SCOPES = ['content:read'];
const TERMS = { lifeMs: 900_000, liveMax: MANY, told: false };

const written = writePolicy();
const { policy } = loadPolicy(written.path, {});
afterAll(() => written.remove());

interface Work {
  /** Calls of the store, whatever they ask, up to the commit that ends. */
  readonly questions: number;
  /** Records in that commit. */
  readonly writes: number;
}

/** Counts up to the end of the first commit: that is the end itself, and what follows is tidying up. */
class Counted {
  questions = 0;
  writes = 0;
  readonly store: Store;
  #counting = false;

  constructor(inner: Store) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const found = Reflect.get(target, name) as unknown;
        if (typeof found !== 'function') return found;
        return (...args: readonly unknown[]) => {
          if (this.#counting) this.questions++;
          if (this.#counting && name === 'commit') {
            this.#counting = false;
            this.writes = (args[0] as { writes: unknown[] }).writes.length;
          }
          return Reflect.apply(found, target, args);
        };
      },
    });
  }

  count(): void {
    this.#counting = true;
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
    expect(await issueAccessToken(store, account, SCOPES, { ...TERMS, nowMs: Date.now() })).toMatchObject({
      token: expect.any(String),
    });
    await createToken(context, 'acme', personal);
  }
  return { context, clientId };
}

async function workOf(tokens: number, end: (grounds: Grounds) => Promise<unknown>): Promise<Work> {
  const counted = new Counted(new MemoryStore());
  const grounds = await found(counted.store, tokens);
  counted.count();
  await end(grounds);
  const { questions, writes } = counted;
  await counted.store.close();
  return { questions, writes };
}

const OF_ACCOUNTS: ReadonlyArray<readonly [string, (grounds: Grounds) => Promise<unknown>]> = [
  ['revoke-tokens', ({ context, clientId }) => revokeAccountTokens(context, 'acme', clientId)],
  [
    'disable?tokens=revoke',
    ({ context, clientId }) => setAccountState(context, 'acme', clientId, 'disabled', { revokeTokens: true }),
  ],
  [
    'DELETE of the account with tokens=revoke',
    ({ context, clientId }) => deleteAccount(context, 'acme', clientId, { revokeTokens: true }),
  ],
  ['DELETE of the organization', ({ context }) => deleteOrganization(context, 'acme')],
];

it.each(OF_ACCOUNTS)(`%s asks and writes as much with ${MANY} live tokens as with ${FEW}`, async (_, end) => {
  expect(await workOf(MANY, end)).toEqual(await workOf(FEW, end));
});

/** Their answers name the tokens, so those are read. */
const NAMING: typeof OF_ACCOUNTS = [
  ['the removal of a member', ({ context }) => deleteMember(context, 'acme', 'ann')],
  ['the transfer of a workspace', ({ context }) => transferWorkspace(context, 'acme', 'w1', 'bob')],
  ['the deletion of a workspace', ({ context }) => deleteWorkspace(context, 'acme', 'w1')],
];

it.each(NAMING)(`%s writes as much with ${MANY} tokens as with ${FEW}`, async (_, end) => {
  expect((await workOf(MANY, end)).writes).toBe((await workOf(FEW, end)).writes);
});

/** A stored record that is not what its key says: management answers as for an outage, says which one in the log, and changes nothing. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDoc } from '../../src/manage/unit-of-work/check-doc.ts';
import type { DocKind } from '../../src/manage/unit-of-work/records.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const AS_BOB = { 'scopegate-actor': 'bob' };
type Call = readonly [
  method: string,
  path: string,
  body?: object | undefined,
  headers?: Readonly<Record<string, string>>,
];
interface Case {
  readonly key: () => string;
  readonly damage: Readonly<Record<string, unknown>>;
  readonly calls: readonly Call[];
}

let gateway: TestGateway;
/** Somebody else's hand on the same file. */
let store: SqliteStore;
beforeAll(async () => {
  gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9' });
  store = new SqliteStore(join(gateway.folder, 'data/scopegate.db'));
  const made = await gateway.admin('PUT', '/teams/t1', { name: 'Sales', members: ['bob'] });
  expect(made.status).toBe(201);
});
afterAll(async () => {
  await store.close();
  await gateway.stop();
});

const tokenPath = (below = '') => `/tokens/${gateway.seeded.leakedId}${below}`;
const tokenKey = () => `token/acme/${gateway.seeded.leakedId}`;
const TOKEN_CALLS: readonly Call[] = [
  ['GET', ':token'],
  ['GET', '/tokens'],
  ['PATCH', ':token', { name: 'another' }],
  ['POST', ':token/revoke'],
];

const CASES: Readonly<Record<string, Case>> = {
  'a token of an unknown state': { key: tokenKey, damage: { state: 'acting' }, calls: TOKEN_CALLS },
  'a token without a generation': { key: tokenKey, damage: { generation: null }, calls: TOKEN_CALLS },
  'a token whose contacts are no contacts': {
    key: tokenKey,
    damage: { contacts: { primary: 7, emails: [] } },
    calls: TOKEN_CALLS,
  },
  "another token's record": { key: tokenKey, damage: { id: 'tok_other' }, calls: TOKEN_CALLS },
  'a member without scopes': {
    key: () => 'member/acme/bob',
    damage: { scopes: 'all' },
    calls: [
      ['GET', '/members/bob'],
      ['GET', '/members'],
      ['PATCH', '/members/bob', { name: 'Robert' }],
      ['GET', '/workspaces', undefined, AS_BOB],
      ['GET', '/workspaces/ws_sales', undefined, AS_BOB],
    ],
  },
  'a team without a list of members': {
    key: () => 'team/acme/t1',
    damage: { members: 'bob' },
    calls: [
      ['GET', '/teams/t1'],
      ['GET', '/teams'],
      ['PUT', '/teams/t1', { name: 'Sales', members: [] }],
    ],
  },
  'a workspace whose owner is none': {
    key: () => 'workspace/acme/ws_sales',
    damage: { ownerId: 7 },
    calls: [
      ['GET', '/workspaces/ws_sales'],
      ['GET', '/workspaces'],
      ['DELETE', '/workspaces/ws_sales'],
      ['GET', '/workspaces/ws_sales', undefined, AS_BOB],
    ],
  },
  'an organization of an unknown edition': {
    key: () => 'organization/acme',
    damage: { edition: 'free' },
    calls: [
      ['GET', ''],
      ['GET', '/members'],
      ['DELETE', ''],
    ],
  },
  'a lock that counts no changes': {
    key: () => 'lock/acme',
    damage: { changes: 'many' },
    calls: [['PATCH', '/members/bob', { name: 'Robert' }]],
  },
};

describe.each(Object.entries(CASES))('%s', (_name, { key, damage, calls }) => {
  it('is an outage for whoever needs it, told by name, and left as it is', async () => {
    const [sound] = await store.exported([key()]);
    const put = async (record: unknown) => {
      const { revision } = (await store.commit({
        expects: [],
        writes: [{ key: key(), record, indexes: sound!.indexes }],
      })) as { revision: number };
      await gateway.running.followed(revision);
    };
    const damaged = { ...(sound!.record as object), ...damage };
    await put(damaged);
    const logged = gateway.errorLines.length;
    for (const [method, path, body, headers] of calls) {
      const { status, body: answer } = await gateway.admin(method, path.replace(':token', tokenPath()), body, headers);
      expect({ status, code: (answer as { code: string }).code }, `${method} ${path}`).toEqual({
        status: 503,
        code: 'store_unavailable',
      });
    }
    const told = gateway.errorLines.slice(logged);
    expect(told).toHaveLength(calls.length);
    for (const line of told) expect(line).toContain(key());
    expect((await store.exported([key()]))[0]).toMatchObject({ record: damaged, indexes: sound!.indexes });
    await put(sound!.record);
    const [method, path] = calls[0]!;
    if (method === 'GET') expect((await gateway.admin(method, path.replace(':token', tokenPath()))).status).toBe(200);
  });
});

const ACTOR = { kind: 'member', id: 'ann', tokenId: null };
/** Kinds that no decision reads; of the others test/core/read-fact.test.ts tells what the decision needs. */
const WHOLE: Readonly<Record<string, readonly [DocKind, Readonly<Record<string, unknown>>]>> = {
  'client/sa_1': ['client', { organizationId: 'acme', clientId: 'sa_1' }],
  'issuance/acme/sa_1': ['issuance', { organizationId: 'acme', clientId: 'sa_1', issuedCount: 3, lastIssuedAtMs: 7 }],
  'audit/acme/evt_1': [
    'audit',
    {
      organizationId: 'acme',
      id: 'evt_1',
      atMs: 7,
      actor: ACTOR,
      action: 'token.revoked',
      outcome: 'done',
      target: { type: 'token', id: 'tok_1' },
      before: null,
      after: { state: 'revoked' },
      code: null,
      detail: null,
    },
  ],
  'cleanup/acme/member/7/ann': [
    'cleanup',
    { organizationId: 'acme', what: 'member', id: 'ann', generation: 7, actor: ACTOR },
  ],
  'environment/acme/e1': [
    'environment',
    { organizationId: 'acme', id: 'e1', name: 'Live', workspaceId: 'w1', workspaceGeneration: 1 },
  ],
  'resource/acme/bot/b1': [
    'resource',
    {
      organizationId: 'acme',
      type: 'bot',
      id: 'b1',
      workspaceId: 'w1',
      workspaceGeneration: 1,
      owner: ['ann', 3],
      collaborators: [],
    },
  ],
  'account/acme/sa_1': [
    'account',
    {
      organizationId: 'acme',
      clientId: 'sa_1',
      edition: 'team',
      name: '',
      scopes: ['bot:read'],
      secretHash: 'HASH',
      state: 'active',
      deletedAtMs: null,
      createdBy: null,
      createdAtMs: 1,
      tokensFrom: 1,
      assignments: [],
    },
  ],
};

describe.each(Object.entries(WHOLE))('%s', (key, [kind, record]) => {
  it('is read when whole, under its own key and as its own kind', () => {
    expect(checkDoc(kind, key, record)).toBe(record);
    expect(() => checkDoc(kind, `${key}x`, record)).toThrow(TypeError);
    expect(() => checkDoc(kind === 'client' ? 'audit' : 'client', key, record)).toThrow(TypeError);
    for (const damaged of [null, undefined, 'text', 7, [], {}])
      expect(() => checkDoc(kind, key, damaged)).toThrow(TypeError);
  });

  it.each(Object.keys(record))('is refused without its %s, and with one of another type, by name', (field) => {
    const { [field]: _gone, ...rest } = record;
    for (const damaged of [
      rest,
      { ...record, [field]: true },
      { ...record, [field]: [[]] },
      { ...record, [field]: [7] },
    ])
      expect(() => checkDoc(kind, key, damaged), JSON.stringify(damaged)).toThrow(new RegExp(`^${key}: `));
  });
});

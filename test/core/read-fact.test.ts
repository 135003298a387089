/** Stored records on their way to the decision: a damaged one is an outage, never a yes and never a no. */
import { describe, expect, it } from 'vitest';
import { readFact } from '../../src/core/read-fact.ts';

const token = {
  organizationId: 'acme',
  edition: 'team',
  id: 'tok_1',
  kind: 'personal',
  authority: 'live',
  generation: 7,
  hash: 'HASH',
  replaced: { hash: 'BEFORE', endsAtMs: 9 },
  ownerId: 'ann',
  ownerGeneration: 3,
  clientId: null,
  scopes: ['bot:read', 'bot:write'],
  workspaces: [
    ['w1', 1],
    ['w2', 2],
  ],
  roles: [['w1', 'admin']],
  state: 'active',
  stateReason: null,
  createdAtMs: 1,
  expiresAtMs: 5,
};
const member = {
  organizationId: 'acme',
  edition: 'team',
  id: 'ann',
  generation: 3,
  role: 'member',
  scopes: null,
  teams: [['t1', 1]],
  assignments: [['w1', 'member', 1]],
};
const whole: Record<string, Record<string, unknown>> = {
  'organization/acme': { id: 'acme', generation: 1, deletedAtMs: null },
  HASH: { organizationId: 'acme', tokenId: 'tok_1' },
  'token/acme/tok_1': token,
  'member/acme/ann': member,
  'team/acme/t1': { generation: 1, assignments: [['w1', 'member', 1]] },
  'account/acme/sa_1': { organizationId: 'acme', clientId: 'sa_1', tokensFrom: 1, assignments: [] },
  'workspace/acme/w1': {
    organizationId: 'acme',
    id: 'w1',
    generation: 1,
    ownerId: 'ann',
    ownerGeneration: 3,
    transferredIn: 5,
    tokensFrom: [['personal', 5]],
    deletedAtMs: null,
  },
  'environment/acme/e1': { workspaceId: 'w1', workspaceGeneration: 1 },
  'resource/acme/bot/b1': {
    workspaceId: 'w1',
    workspaceGeneration: 1,
    owner: ['ann', 3],
    collaborators: [['bob', 4]],
  },
};

it('a whole token becomes sets and texts for the hot path', () => {
  expect(readFact('token/acme/tok_1', token)).toMatchObject({
    scopes: new Set(['bot:read', 'bot:write']),
    scopesText: 'bot:read bot:write',
    workspaces: new Map([
      ['w1', 1],
      ['w2', 2],
    ]),
    workspacesText: 'w1,w2',
    roles: new Map([['w1', 'admin']]),
    expiresAtMs: 5,
  });
  expect(
    readFact('token/acme/tok_1', { ...token, scopes: null, workspaces: 'all-joined', expiresAtMs: null }),
  ).toMatchObject({
    scopes: 'all',
    scopesText: '',
    workspaces: 'all-joined',
    workspacesText: '*',
    expiresAtMs: Number.POSITIVE_INFINITY,
  });
});

describe.each(Object.entries(whole))('%s', (key, record) => {
  it('is read when whole', () => {
    expect(() => readFact(key, record)).not.toThrow();
  });

  it('is refused when it is no record', () => {
    for (const damaged of [null, undefined, 'text', 7, [], {}]) expect(() => readFact(key, damaged)).toThrow(TypeError);
  });

  // Fields that no decision reads, or that may be null by right.
  const idle = new Set(['stateReason', 'clientId']);
  it.each(Object.keys(record).filter((field) => !idle.has(field)))('is refused without its %s', (field) => {
    const { [field]: _gone, ...rest } = record;
    expect(() => readFact(key, rest)).toThrow(TypeError);
  });

  it.each(Object.keys(record).filter((field) => !idle.has(field)))(
    'is refused when its %s has another type',
    (field) => {
      for (const value of [{}, true, Number.NaN, [[]], [7]])
        expect(() => readFact(key, { ...record, [field]: value }), String(value)).toThrow(TypeError);
    },
  );
});

it.each([
  ['an unknown state', 'token/acme/tok_1', { ...token, state: 'acting' }],
  ['an unknown authority', 'token/acme/tok_1', { ...token, authority: 'root' }],
  ['an unknown all-grant', 'token/acme/tok_1', { ...token, workspaces: 'all' }],
  ['a role without a generation', 'team/acme/t1', { generation: 1, assignments: [['w1', 'admin']] }],
  ['a listed workspace without a generation', 'token/acme/tok_1', { ...token, workspaces: ['w1'] }],
  ['an unknown edition', 'member/acme/ann', { ...member, edition: 'free' }],
  ['an unknown role', 'team/acme/t1', { generation: 1, assignments: [['w1', 'owner', 1]] }],
  ['a role without a workspace', 'team/acme/t1', { generation: 1, assignments: [['', 'admin', 1]] }],
  ['a live token without owner', 'token/acme/tok_1', { ...token, ownerId: null }],
  ['a client token without client', 'token/acme/tok_1', { ...token, authority: 'client' }],
  ['a frozen token that would follow its owner', 'token/acme/tok_1', { ...token, authority: 'frozen', scopes: null }],
  ['an expiry between two milliseconds', 'token/acme/tok_1', { ...token, expiresAtMs: 5.5 }],
  ["another token's record", 'token/acme/tok_2', token],
  ["another organization's token", 'token/rival/tok_1', token],
  ["another member's record", 'member/acme/bob', member],
  ["another organization's workspace", 'workspace/rival/w1', whole['workspace/acme/w1']],
  ['a kind that does not exist', 'secret/acme/x', {}],
  ['a kind that every object has', 'constructor/acme', {}],
  ['a key without a kind', 'token', token],
])('%s is damage', (_name, key, record) => {
  expect(() => readFact(key, record)).toThrow(TypeError);
});

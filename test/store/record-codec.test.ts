/** Records as bytes: each comes back as JSON would bring it back, and what was damaged or lost is never read as something else. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { auditDoc, describeWrite } from '../../src/manage/audit.ts';
import { newTokenId } from '../../src/manage/tokens/token-id.ts';
import type { TokenDoc } from '../../src/manage/unit-of-work/records.ts';
import { hashToken } from '../../src/secret.ts';
import { decodeKey, decodeRecord, encodeKey, encodeRecord, splitKey } from '../../src/store/codec/record-codec.ts';
import { readShared, type SharedValues, sharedNumber } from '../../src/store/codec/shared-values.ts';

class Shared implements SharedValues {
  readonly counted: boolean = false;
  readonly kept = new Map<number, string>();

  numberOf(json: string): number | null {
    const number = sharedNumber(json);
    if ((this.kept.get(number) ?? json) !== json) return null;
    this.kept.set(number, json);
    return number;
  }

  valueOf(number: number): unknown {
    return readShared(number, this.kept.get(number));
  }
}

/** As a file has them. */
class Counted implements SharedValues {
  readonly counted = true;
  readonly kept: string[] = [];

  numberOf(json: string): number {
    if (!this.kept.includes(json)) this.kept.push(json);
    return this.kept.indexOf(json) + 1;
  }

  valueOf(number: number): unknown {
    const json = this.kept[number - 1];
    return readShared(json === undefined ? 0 : sharedNumber(json), json);
  }
}

const NOW_MS = 1_796_000_000_123;
const ID = newTokenId(NOW_MS);
const KEY = `token/acme/${ID}`;
const TOKEN: TokenDoc = {
  organizationId: 'acme',
  edition: 'team',
  id: ID,
  generation: NOW_MS + 3,
  kind: 'personal',
  authority: 'live',
  ownerId: 'member_17',
  ownerGeneration: NOW_MS - 86_400_000,
  clientId: null,
  scopes: ['workflows:read', 'workflows:write', 'bot:read', 'bot:write'],
  workspaces: [
    ['ws_1', NOW_MS - 5000],
    ['ws_2', NOW_MS - 4000],
  ],
  roles: [],
  state: 'active',
  stateReason: null,
  expiresAtMs: NOW_MS + 30 * 86_400_000,
  allowedAddresses: null,
  name: 'deploy-42',
  description: null,
  createdBy: null,
  createdAtMs: NOW_MS,
  hint: 'pat_3kQz…',
  hash: hashToken('one'),
  replaced: null,
  apiVersion: null,
  contacts: null,
};
const event = (before: object | null, after: object | null) =>
  auditDoc(
    { id: 'acme', generation: 7 },
    { kind: 'member', id: 'member_1', tokenId: null },
    NOW_MS,
    describeWrite({ kind: 'token', before: before as never, after: after as never })!,
  );

const backBy = (shared: SharedValues, key: string, record: unknown) =>
  decodeRecord(key, encodeRecord(key, record, shared), shared);
const back = (key: string, record: unknown) => {
  const counted = backBy(new Counted(), key, record);
  const made = backBy(new Shared(), key, record);
  expect(JSON.stringify(counted)).toBe(JSON.stringify(made));
  return made;
};

describe('a record comes back as it was', () => {
  const changed: Array<[string, Partial<TokenDoc> | Record<string, unknown>]> = [
    ['as it is made', {}],
    ['revoked', { state: 'revoked', stateReason: 'owner_removed' }],
    ['rotated', { replaced: { hash: hashToken('two'), endsAtMs: NOW_MS + 60_000 } }],
    ['of a service account', { clientId: 'svc', authority: 'client', ownerId: null, ownerGeneration: null }],
    ['with a rule for workspaces', { workspaces: 'all-owned' }],
    ['with no workspaces', { workspaces: [] }],
    ['frozen', { authority: 'frozen', roles: [['ws_1', 'admin']] }],
    ['with all that people may say', { description: 'ä"\u0000', contacts: { primary: null, emails: ['a@b.c'] } }],
    ['of a policy of its own', { kind: 'robot', edition: 'other' }],
    ['from long ago', { createdAtMs: 1000, generation: 0, expiresAtMs: null }],
    ['at the end of time', { expiresAtMs: Number.MAX_SAFE_INTEGER, generation: -1 }],
    ['with a field that nobody knows', { new: { a: 1 } }],
    ['with a number that is none', { generation: 1.5 }],
    ['with a text that is no Unicode', { name: '\ud800' }],
    ['with a hash that is none', { hash: 'short' }],
    ['with a hash that is not written as we do', { hash: `${'A'.repeat(42)}B` }],
    ['of another organization than its key says', { organizationId: 'other' }],
    ['with an id that is not ours', { id: 'tok_1' }],
  ];
  it.each(changed)('a token %s', (_, change) => {
    const record = { ...TOKEN, ...change };
    expect(back(KEY, record)).toEqual(JSON.parse(JSON.stringify(record)));
  });

  it('a token of which any field is not there', () => {
    for (const name of Object.keys(TOKEN)) {
      const { [name as keyof TokenDoc]: _, ...rest } = TOKEN;
      expect(back(KEY, rest), name).toEqual(rest);
      expect(back(KEY, { ...TOKEN, [name]: undefined }), name).toEqual(rest);
      for (const value of [null, 0, '', 'x', [], {}, true])
        expect(back(KEY, { ...TOKEN, [name]: value }), name).toEqual({ ...TOKEN, [name]: value });
    }
  });

  it.each([
    ['a token that was made', event(null, TOKEN)],
    ['a token that was changed', event(TOKEN, { ...TOKEN, state: 'revoked', name: 'other' })],
    ['a token that is gone', event(TOKEN, null)],
    ['something else', { ...event(null, TOKEN), target: { type: 'team', id: 'a' }, after: { id: 'a', members: [1] } }],
    ['nothing', { ...event(null, TOKEN), target: null, after: null, outcome: 'refused', code: 'forbidden' }],
    ['an organization without a number', { ...event(null, TOKEN), generation: undefined }],
  ])('a line of the trail about %s', (_, line) => {
    expect(back(`audit/acme/${line.id}`, line)).toEqual(JSON.parse(JSON.stringify(line)));
  });

  it.each([
    [hashToken('one'), { organizationId: 'acme', tokenId: ID }],
    [hashToken('one'), { organizationId: 'acme', tokenId: ID, imported: true }],
    [hashToken('one'), { organizationId: 'acme', tokenId: 'tok_by-hand', imported: false }],
    ['member/acme/m', { id: 'm', nested: { list: [1, 'two', null] } }],
    ['lock/acme', {}],
    ['anything', JSON.parse('{"__proto__": {"state": "active"}}')],
    ['token/acme/tok_1', JSON.parse('{"__proto__": 1}')],
    ['token/a/b/c', { id: 1 }],
    ['a', 1],
    ['a list', [1, 'two', null]],
    ['at', new Date(0)],
  ])('%s', (key, record) => {
    expect(JSON.stringify(back(key, record))).toBe(JSON.stringify(record));
  });

  it.each([new Shared(), new Counted()])('a key, whatever it is', (shared) => {
    const keys = [KEY, hashToken('one'), `audit/acme/${event(null, TOKEN).id}`, 'token/acme/tok_1', 'a', '', '\ud800'];
    for (const key of [...keys, 'token/acme', 'token/a/b/c', 'x'.repeat(43), 'ä/ö', 'audit/acme/evt_0']) {
      expect(decodeKey(encodeKey(key, shared), shared)).toBe(key);
      const rest = Buffer.from('rest');
      expect(splitKey(Buffer.concat([encodeKey(key, shared), rest]), shared)).toEqual({ key, rest });
    }
  });
});

it.each([
  ['made of their values', new Shared(), 150, 135],
  ['counted', new Counted(), 124, 97],
] as const)(
  'a token takes few bytes with its key, and a line of the trail about it: numbers are %s',
  (_, shared, ofToken, ofLine) => {
    const line = event(null, TOKEN);
    const weight = (key: string, record: unknown) =>
      encodeKey(key, shared).length + encodeRecord(key, record, shared).length;
    expect(weight(KEY, TOKEN)).toBeLessThanOrEqual(ofToken);
    expect(weight(`audit/acme/${line.id}`, line)).toBeLessThanOrEqual(ofLine);
  },
);

describe('what was damaged is refused', () => {
  it('wherever a byte was altered, and wherever it was cut off', () => {
    const shared = new Shared();
    const encoded = encodeRecord(KEY, TOKEN, shared);
    for (let place = 0; place < encoded.length; place++) {
      const altered = Buffer.from(encoded);
      altered[place]! ^= 1 << (randomBytes(1)[0]! % 8);
      expect(() => decodeRecord(KEY, altered, shared), `byte ${place}`).toThrow();
      expect(() => decodeRecord(KEY, encoded.subarray(0, place), shared), `cut at ${place}`).toThrow();
    }
  });

  it('where it stands under the key of another one', () => {
    const shared = new Shared();
    const encoded = encodeRecord(KEY, TOKEN, shared);
    expect(() => decodeRecord(`token/acme/${newTokenId(NOW_MS)}`, encoded, shared)).toThrow(/damaged/);
  });

  it('where a shared value is lost, or is another one now', () => {
    const shared = new Shared();
    const encoded = encodeRecord(KEY, TOKEN, shared);
    expect(shared.kept.size).toBeGreaterThan(3);
    for (const [number, json] of [...shared.kept]) {
      if (json === '"acme"') continue;
      shared.kept.delete(number);
      expect(() => decodeRecord(KEY, encoded, shared)).toThrow(/lost/);
      shared.kept.set(number, '["everything:write"]');
      expect(() => decodeRecord(KEY, encoded, shared)).toThrow(/damaged/);
      shared.kept.set(number, json);
    }
    expect(decodeRecord(KEY, encoded, shared)).toEqual(TOKEN);
  });

  it('and where the number of a value is another one’s, the record has the value itself', () => {
    const full: SharedValues = {
      counted: false,
      numberOf: () => null,
      valueOf: () => {
        throw new Error('nothing is shared');
      },
    };
    expect(decodeRecord(KEY, encodeRecord(KEY, TOKEN, full), full)).toEqual(TOKEN);
    expect(decodeKey(encodeKey(KEY, full), full)).toBe(KEY);
  });

  it('what JSON has no word for is no record', () => {
    expect(() => encodeRecord('a', undefined, new Shared())).toThrow(TypeError);
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(() => encodeRecord('a', circle, new Shared())).toThrow(TypeError);
  });
});

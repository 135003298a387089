/** Step 3: exactly one token, from the places that a route takes it from, and gone from the query behind it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AUTHORIZATION_QUERY,
  BEARER_ONLY,
  type CredentialSources,
  readCredential,
  withoutQueryCredential,
} from '../../src/core/credential.ts';
import { foldHeaderName, foldQueryName } from '../../src/core/folded-name.ts';
import { mintToken } from '../../src/secret.ts';

const RAW: CredentialSources = { ...BEARER_ONLY, raw: true };
const QUERY: CredentialSources = { ...BEARER_ONLY, queries: [AUTHORIZATION_QUERY] };
const CHECKED = mintToken('pat_').reveal();
const basic = {
  realm: 'r',
  publicOrigin: null,
  prefixes: ['pat_'],
  patterns: [{ prefix: 'old-', minLength: 20, maxLength: 30 }],
};
const BASIC: CredentialSources = { ...BEARER_ONLY, basic };
const header = (name: string) => ({ name: name.toLowerCase(), folded: foldHeaderName(name) });

/** The token, or why there is none. */
const read = (
  authorization: readonly string[],
  query: string,
  sources: CredentialSources,
  headers: readonly string[] = [],
  isForeign = false,
) => {
  const credential = readCredential({ authorization, query, headers, isForeignPage: () => isForeign }, sources);
  return credential.ok ? `token ${credential.token}` : credential.reason;
};

describe('the header', () => {
  it.each([
    [[], 'token_missing'],
    [['Bearer pat_1'], 'token pat_1'],
    [['bEARER   pat_1=='], 'token pat_1=='],
    [['Bearer'], 'token_malformed'],
    [['Bearer '], 'token_malformed'],
    [['Bearer a b'], 'token_malformed'],
    [['Bearer a, Bearer b'], 'token_malformed'],
    [['Bearer a\u0000'], 'token_malformed'],
    [['Bearer\ta'], 'token_malformed'],
    [['Basic YTpi'], 'token_malformed'],
    [['pat_1'], 'token_malformed'],
    [['Bearer a', 'Bearer a'], 'token_malformed'],
    [[''], 'token_malformed'],
  ])('%j: %s', (authorization, expected) => {
    expect(read(authorization, '', BEARER_ONLY)).toBe(expected);
  });

  it('may hold the bare token where the route says so', () => {
    expect(read(['pat_1'], '', RAW)).toBe('token pat_1');
    expect(read(['Bearer pat_1'], '', RAW)).toBe('token pat_1');
    expect(read(['pat 1'], '', RAW)).toBe('token_malformed');
    expect(read(['Bearer pat_1'], '', { ...RAW, bearer: false })).toBe('token_malformed');
  });
});

describe('the query', () => {
  it.each([
    [[], '?authorization=Bearer%20a', 'token a'],
    [[], '?authorization=Bearer+a', 'token a'],
    [[], '?authorization=a', 'token a'],
    [[], '?Authorization=a', 'token a'],
    [['Bearer a'], '?x=1&authorization=Bearer%20a', 'token a'],
    [['Bearer a'], '?authorization=b', 'token_malformed'],
    [[], '?authorization=a&authorization=a', 'token_malformed'],
    [[], '?authorization=', 'token_malformed'],
    [[], '?authorization', 'token_malformed'],
    [[], '?authorization[]=a', 'token_malformed'],
    [[], '?authorization=%zz', 'token_malformed'],
    [[], '?x=1', 'token_missing'],
  ])('%j %s: %s', (authorization, query, expected) => {
    expect(read(authorization, query, QUERY)).toBe(expected);
  });

  it('is no place for a token where the route does not say so', () => {
    expect(read([], '?authorization=a', BEARER_ONLY)).toBe('token_missing');
    expect(read(['Bearer a'], '?authorization=b', BEARER_ONLY)).toBe('token a');
  });
});

/** RFC 7617; contract 8.1. */
describe('Basic', () => {
  const encoded = (text: string) => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`;

  it.each([
    ['git:tok', 'token tok'],
    [':tok', 'token tok'],
    ['__token__:tok', 'token tok'],
    ['b\xf6b@example.com:tok', 'token tok'],
    ['tok:', 'token tok'],
    ['tok:x-oauth-basic', 'token tok'],
    [`${CHECKED}:`, `token ${CHECKED}`],
    [`git:${CHECKED}`, `token ${CHECKED}`],
    [`${CHECKED}:other`, 'token other'],
    [`${CHECKED}:${CHECKED}`, 'token_malformed'],
    [`${CHECKED}:${mintToken('pat_').reveal()}`, 'token_malformed'],
    [`old-12345678901234567890:${CHECKED}`, 'token_malformed'],
    ['git:tok:more', 'token_malformed'],
    ['git:tok\xe4', 'token_malformed'],
    ['git:to k', 'token_malformed'],
    ['gi\nt:tok', 'token_malformed'],
    ['git:tok\0', 'token_malformed'],
    ['tok', 'token_malformed'],
    [':', 'token_malformed'],
    ['', 'token_malformed'],
    ['b\xf6b:', 'token_malformed'],
    [':x-oauth-basic', 'token_malformed'],
  ])('%j: %s', (text, expected) => {
    expect(read([encoded(text)], '', BASIC)).toBe(expected);
  });

  it.each([
    'Z2l0OnRvaw',
    'Z2l0OnRvaw=',
    'Z2l0OnRvaw==\n',
    'Z2l0OnRvax==',
    'Z2l0 OnRvaw==',
    'Z2l0-nRvaw==',
    'Z2l0OnRvaw==Z2l0',
    '=',
    '',
    ' Z2l0OnRvaw==',
  ])('base64 that is not canonical is malformed: %j', (text) => {
    expect(read(['Basic Z2l0OnRvaw=='], '', BASIC)).toBe('token tok');
    expect(read([`Basic ${text}`], '', BASIC)).toBe(text.startsWith(' ') ? 'token tok' : 'token_malformed');
  });

  it('is one of several forms, and malformed where it is none', () => {
    expect(read(['Bearer tok'], '', BASIC)).toBe('token tok');
    expect(read(['bAsIc Z2l0OnRvaw=='], '', BASIC)).toBe('token tok');
    expect(read(['Basic Z2l0OnRvaw=='], '', BEARER_ONLY)).toBe('token_malformed');
    expect(read(['Bearer tok'], '', { ...BASIC, bearer: false })).toBe('token_malformed');
  });

  it('counts as missing where a browser sent it for a page of somebody else; other credentials count', () => {
    expect(read([encoded('git:tok')], '', BASIC, [], true)).toBe('token_missing');
    expect(read(['Bearer tok'], '', BASIC, [], true)).toBe('token tok');
    const both = { ...BASIC, queries: [foldQueryName('token')] };
    expect(read([encoded('git:tok')], '?token=other', both, [], true)).toBe('token other');
  });
});

describe('a header of its own', () => {
  const KEY: CredentialSources = { ...BEARER_ONLY, headers: [header('X-API-Key')] };

  it.each([
    [['X-API-Key', 'tok'], 'token tok'],
    [['x-api-key', 'tok'], 'token tok'],
    [['X-Api-Key', 'tok', 'Other', 'x'], 'token tok'],
    [['X-API-Key', ''], 'token_malformed'],
    [['X-API-Key', 'Bearer tok'], 'token_malformed'],
    [['X-API-Key', 'a b'], 'token_malformed'],
    [['X-API-Key', 'tok', 'X-API-Key', 'tok'], 'token_malformed'],
    [['X-API-Key', 'tok', 'X_API_Key', 'tok'], 'token_malformed'],
    [['X_API_Key', 'tok'], 'token_malformed'],
    [['X.API.Key', 'tok'], 'token_malformed'],
    [['Other', 'tok'], 'token_missing'],
  ])('%j: %s', (headers, expected) => {
    expect(read([], '', KEY, headers)).toBe(expected);
  });

  it('holds the same text as every other place that the route takes one from', () => {
    const all: CredentialSources = { ...KEY, queries: [foldQueryName('access_token')] };
    const key = ['X-API-Key', 'tok'];
    expect(read(['Bearer tok'], '?access_token=tok', all, key)).toBe('token tok');
    expect(read(['Bearer other'], '', all, key)).toBe('token_malformed');
    expect(read([], '?access_token=other', all, key)).toBe('token_malformed');
    expect(read(['Bearer tok'], '?access_token=other', all)).toBe('token_malformed');
    expect(read(['Basic x'], '', all, key)).toBe('token_malformed');
  });

  it('leaves Authorization to the upstream where the route passes it on and takes no token there', () => {
    const aside = { ...KEY, bearer: false, leavesAuthorization: true };
    expect(read(['Basic anything at all', 'twice'], '', aside, ['X-API-Key', 'tok'])).toBe('token tok');
    expect(read(['Bearer tok'], '', aside)).toBe('token_missing');
  });
});

describe('a parameter of its own', () => {
  const TOKEN: CredentialSources = { ...BEARER_ONLY, queries: [foldQueryName('access_token')] };

  it.each([
    ['?access_token=tok', 'token tok'],
    ['?x=1&access_token=tok', 'token tok'],
    ['?access%5Ftoken=to%6B', 'token tok'],
    ['?access_token=Bearer%20tok', 'token_malformed'],
    ['?access_token=tok&access_token=tok', 'token_malformed'],
    ['?access-token=tok', 'token_malformed'],
    ['?access.token=tok', 'token_malformed'],
    ['?access_token[]=tok', 'token_malformed'],
    ['?access_token=', 'token_malformed'],
    ['?token=tok', 'token_missing'],
  ])('%s: %s', (query, expected) => {
    expect(read([], query, TOKEN)).toBe(expected);
  });

  it('is taken out, in every spelling', () => {
    expect(withoutQueryCredential('?a=1&access_token=tok&access-token=x&b', TOKEN, [])).toBe('?a=1&b');
    expect(withoutQueryCredential('?access_token=tok', TOKEN, [])).toBe('');
  });
});

describe('what goes on', () => {
  it.each([
    ['?authorization=Bearer%20a', QUERY, [], ''],
    ['?x=1&authorization=a&y=%32', QUERY, [], '?x=1&y=%32'],
    ['?x=1&AUTHORIZATION[]=a', QUERY, [], '?x=1'],
    ['?authorization=pat_1', BEARER_ONLY, ['Bearer pat_1'], ''],
    ['?authorization=b', BEARER_ONLY, ['Bearer pat_1'], '?authorization=b'],
    ['?x=pat_1', BEARER_ONLY, ['Bearer pat_1'], '?x=pat_1'],
    ['', QUERY, ['Bearer a'], ''],
  ] as const)('of %s: %#', (query, sources, authorization, expected) => {
    expect(withoutQueryCredential(query, sources, authorization)).toBe(expected);
  });

  it('is the rest, byte for byte', () => {
    const pair = fc.stringMatching(/^[A-Za-z0-9%+=]{0,12}$/).filter((text) => !/a.*u.*t.*h|%/i.test(text));
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 6 }), fc.nat(6), (pairs, at) => {
        const mixed = [...pairs.slice(0, at), 'authorization=Bearer%20a', ...pairs.slice(at)];
        const expected = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
        expect(withoutQueryCredential(`?${mixed.join('&')}`, QUERY, [])).toBe(expected);
      }),
    );
  });
});

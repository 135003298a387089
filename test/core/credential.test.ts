/** Step 3: exactly one token, from the places that a route takes it from, and gone from the query behind it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CredentialSources, readCredential, withoutQueryCredential } from '../../src/core/credential.ts';

const BEARER: CredentialSources = { bearer: true, raw: false, query: false };
const RAW: CredentialSources = { bearer: true, raw: true, query: false };
const QUERY: CredentialSources = { bearer: true, raw: false, query: true };
/** The token, or why there is none. */
const read = (authorization: readonly string[], query: string, sources: CredentialSources) => {
  const credential = readCredential(authorization, query, sources);
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
    expect(read(authorization, '', BEARER)).toBe(expected);
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
    expect(read([], '?authorization=a', BEARER)).toBe('token_missing');
    expect(read(['Bearer a'], '?authorization=b', BEARER)).toBe('token a');
  });
});

describe('what goes on', () => {
  it.each([
    ['?authorization=Bearer%20a', QUERY, [], ''],
    ['?x=1&authorization=a&y=%32', QUERY, [], '?x=1&y=%32'],
    ['?x=1&AUTHORIZATION[]=a', QUERY, [], '?x=1'],
    ['?authorization=pat_1', BEARER, ['Bearer pat_1'], ''],
    ['?authorization=b', BEARER, ['Bearer pat_1'], '?authorization=b'],
    ['?x=pat_1', BEARER, ['Bearer pat_1'], '?x=pat_1'],
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

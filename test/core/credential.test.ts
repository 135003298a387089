/** Exactly one token, from the places that the route accepts, or a reason why there is none. */
import { describe, expect, it } from 'vitest';
import { readCredential, withoutQueryCredential } from '../../src/core/credential.ts';

const HEADER = { bearer: true, raw: false, query: false };
const ANYWHERE = { bearer: true, raw: true, query: true };
const MISSING = { ok: false, reason: 'token_missing' };
const MALFORMED = { ok: false, reason: 'token_malformed' };
const token = (text: string) => ({ ok: true, token: text });

describe('the Authorization header', () => {
  it.each([
    ['Bearer abc', token('abc')],
    ['bearer   abc', token('abc')],
    ['Bearer a.b_c~d+e/f-g==', token('a.b_c~d+e/f-g==')],
    ['Bearer', MALFORMED],
    ['Bearer ', MALFORMED],
    ['Bearer a b', MALFORMED],
    ['Bearer =abc', MALFORMED],
    ['Bearer\tabc', MALFORMED],
    ['Bearer abc\0', MALFORMED],
    ['Basic abc', MALFORMED],
    ['abc', MALFORMED],
    ['', MALFORMED],
  ])('%j', (value, expected) => {
    expect(readCredential([value], '', HEADER)).toEqual(expected);
  });

  it('is missing where there is none, and malformed where there are two, be they alike', () => {
    expect(readCredential([], '', HEADER)).toEqual(MISSING);
    expect(readCredential(['Bearer a', 'Bearer a'], '', ANYWHERE)).toEqual(MALFORMED);
  });

  it('holds a bare token only where the route says so, and no scheme where it does not', () => {
    expect(readCredential(['abc'], '', { bearer: false, raw: true, query: false })).toEqual(token('abc'));
    expect(readCredential(['Bearer abc'], '', { bearer: false, raw: true, query: false })).toEqual(MALFORMED);
  });
});

describe('the query', () => {
  it.each<[readonly string[], string, object]>([
    [[], '?Authorization=Bearer%20abc', token('abc')],
    [[], '?x=1&authorization=Bearer+abc', token('abc')],
    [[], '?authorization=abc', token('abc')],
    [[], '?authorization=', MALFORMED],
    [[], '?authorization', MALFORMED],
    [[], '?authorization=%zz', MALFORMED],
    [[], '?authorization=a&authorization=a', MALFORMED],
    [['Bearer a'], '?authorization=a', token('a')],
    [['Bearer a'], '?authorization=b', MALFORMED],
    [['Bearer a'], '?x=b', token('a')],
    [[], '?x=b', MISSING],
    // In another spelling somebody behind us would take it for one.
    [[], '?%61uthorization[]=a', MALFORMED],
  ])('header %j and %s', (authorization, query, expected) => {
    expect(readCredential(authorization, query, ANYWHERE)).toEqual(expected);
  });

  it('is not looked at where the route does not say so', () => {
    expect(readCredential([], '?authorization=abc', HEADER)).toEqual(MISSING);
    expect(readCredential(['Bearer a'], '?authorization=b', HEADER)).toEqual(token('a'));
  });

  it('goes on without its credential, byte for byte otherwise', () => {
    expect(withoutQueryCredential('?a=%41&authorization=t&&b', ANYWHERE, [])).toBe('?a=%41&&b');
    expect(withoutQueryCredential('?authorization=t', ANYWHERE, [])).toBe('');
    expect(withoutQueryCredential('?a=1', ANYWHERE, [])).toBe('?a=1');
  });

  it('keeps its credential where the route takes none there, unless it repeats the header', () => {
    expect(withoutQueryCredential('?authorization=t', HEADER, ['Bearer other'])).toBe('?authorization=t');
    expect(withoutQueryCredential('?a=1&authorization=t', HEADER, ['Bearer t'])).toBe('?a=1');
  });
});

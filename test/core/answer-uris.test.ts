/** URIs that would lead clients around the gateway name the gateway instead; all others stay (contract 8.1). */
import { describe, expect, it } from 'vitest';
import { namesUris, type UriContext, withClientUris } from '../../src/core/answer-uris.ts';

const context: UriContext = {
  strip: '/npm',
  add: '/registry',
  clientOrigin: 'https://api.test',
  isUpstream: (origin) => origin === 'http://10.0.0.5:4873' || origin === 'https://other.internal',
  sentHost: 'shop.test',
};
const location = (uri: string, more: Partial<UriContext> = {}) =>
  withClientUris(['Location', uri], { ...context, ...more })[1];

describe('Location', () => {
  it.each([
    ['/registry/x', '/npm/x'],
    ['/registry', '/npm'],
    ['/registry?a=1', '/npm?a=1'],
    ['/registry/x?to=http://10.0.0.5:4873/y#z', '/npm/x?to=http://10.0.0.5:4873/y#z'],
    ['http://10.0.0.5:4873/registry/x?a=1', 'https://api.test/npm/x?a=1'],
    ['HTTP://10.0.0.5:4873/registry/x', 'https://api.test/npm/x'],
    ['//10.0.0.5:4873/registry/x', 'https://api.test/npm/x'],
    ['https://OTHER.internal/registry/x', 'https://api.test/npm/x'],
    ['http://shop.test/registry/x', 'https://api.test/npm/x'],
    // Outside of what was added: the path stays, the origin is still the client's.
    ['/login', '/login'],
    ['/registryx', '/registryx'],
    ['http://10.0.0.5:4873/login', 'https://api.test/login'],
    ['http://10.0.0.5:4873', 'https://api.test'],
    // Nobody's of ours.
    ['https://elsewhere.test/registry/x', 'https://elsewhere.test/registry/x'],
    ['https://10.0.0.5:4873/registry/x', 'https://10.0.0.5:4873/registry/x'],
    ['http://10.0.0.5/registry/x', 'http://10.0.0.5/registry/x'],
    ['http://user@10.0.0.5:4873/x', 'http://user@10.0.0.5:4873/x'],
    ['x/y', 'x/y'],
    ['?page=2', '?page=2'],
    ['', ''],
    ['///evil.test', '///evil.test'],
    ['mailto:a@b', 'mailto:a@b'],
    ['/\\evil.test', '/\\evil.test'],
  ])('%s: %s', (uri, expected) => {
    expect(location(uri)).toBe(expected);
  });

  it('without a rewrite only the origin changes', () => {
    const plain = { strip: '', add: '' };
    expect(location('http://10.0.0.5:4873/x', plain)).toBe('https://api.test/x');
    expect(location('/x', plain)).toBe('/x');
  });

  it('what is taken away comes back, also where nothing was added', () => {
    expect(location('/x', { add: '' })).toBe('/npm/x');
    expect(location('/registry/x', { strip: '' })).toBe('/x');
    expect(location('/registry', { strip: '' })).toBe('/');
  });

  it('a Host that was not sent is nobody’s', () => {
    expect(location('http://shop.test/registry/x', { sentHost: '' })).toBe('http://shop.test/registry/x');
  });
});

it('Content-Location and each URI of a Link, and no other header', () => {
  expect(
    withClientUris(
      [
        ...['content-location', '/registry/a'],
        ...[
          'LINK',
          '<http://10.0.0.5:4873/registry/?page=2>; rel="next", </registry/1>; rel=first, <https://x.test/>; rel=help',
        ],
        ...['X-Location', '/registry/a'],
      ],
      context,
    ),
  ).toEqual([
    ...['content-location', '/npm/a'],
    ...['LINK', '<https://api.test/npm/?page=2>; rel="next", </npm/1>; rel=first, <https://x.test/>; rel=help'],
    ...['X-Location', '/registry/a'],
  ]);
  expect(namesUris(['A', 'Location', 'Link', 'x'])).toBe(true);
  expect(namesUris(['A', 'Location'])).toBe(false);
});

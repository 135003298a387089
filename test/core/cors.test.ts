/** Which pages of other origins may read an answer (Fetch section 3.2; contract 8.1). */
import { describe, expect, it } from 'vitest';
import {
  type Cors,
  corsHeaders,
  isNamedOrigin,
  originOf,
  preflightHeaders,
  readPreflight,
} from '../../src/core/cors.ts';

const NAMED: Cors = {
  isOpen: false,
  exact: new Set(['https://app.test']),
  wildcards: [
    { scheme: 'https://', end: '.pages.test' },
    { scheme: 'http://', end: '.dev.test:3000' },
  ],
  allowHeaders: null,
  exposeHeaders: 'X-Total',
  credentials: true,
  maxAgeSeconds: 600,
};
const OPEN: Cors = { ...NAMED, isOpen: true, exact: new Set(), wildcards: [], exposeHeaders: '', credentials: false };

describe('an origin that is named', () => {
  it.each(['https://app.test', 'https://a.pages.test', 'https://a.b-c.pages.test', 'http://x.dev.test:3000'])(
    '%s',
    (origin) => {
      expect(isNamedOrigin(NAMED, origin)).toBe(true);
      expect(corsHeaders(NAMED, origin)).toEqual([
        'Vary',
        'Origin',
        'Access-Control-Allow-Origin',
        origin,
        'Access-Control-Allow-Credentials',
        'true',
        'Access-Control-Expose-Headers',
        'X-Total',
      ]);
    },
  );
});

describe('a look-alike is not', () => {
  it.each([
    'null',
    '',
    'http://app.test',
    'https://app.test:443',
    'https://app.test.evil.test',
    'https://evilapp.test',
    'https://APP.test',
    'https://app.test/',
    'https://pages.test',
    'https://.pages.test',
    'https://evilpages.test',
    'https://a.pages.test.evil.test',
    'https://evil.test/.pages.test',
    'https://evil.test#.pages.test',
    'https://user@x.pages.test',
    'https://evil.test\\.pages.test',
    'https://a.pages.test:8443',
    'http://a.pages.test',
    'ftp://a.pages.test',
    'https://a.dev.test:3000',
  ])('%j', (origin) => {
    expect(isNamedOrigin(NAMED, origin)).toBe(false);
    expect(corsHeaders(NAMED, origin)).toEqual(['Vary', 'Origin']);
  });
});

it('every origin may read what is open to all, and none of them is named', () => {
  expect(corsHeaders(OPEN, 'https://anybody.test')).toEqual(['Vary', 'Origin', 'Access-Control-Allow-Origin', '*']);
  expect(corsHeaders(OPEN, null)).toEqual(['Vary', 'Origin']);
  expect(isNamedOrigin(OPEN, 'https://anybody.test')).toBe(false);
});

describe('a preflight', () => {
  const ask = (...headers: string[]) => readPreflight(headers);

  it('names the method and the headers that a script would like to use', () => {
    expect(
      ask(
        'Origin',
        'https://app.test',
        'access-control-request-method',
        'DELETE',
        'Access-Control-Request-Headers',
        'x-a, x-b',
      ),
    ).toEqual({ origin: 'https://app.test', method: 'DELETE', headers: 'x-a, x-b' });
  });

  it('is none without an origin or a method, or with two of them', () => {
    expect(ask('Access-Control-Request-Method', 'PUT')).toBeNull();
    expect(ask('Origin', 'https://app.test')).toBeNull();
    expect(ask('Origin', 'a', 'Origin', 'a', 'Access-Control-Request-Method', 'PUT')).toBeNull();
    expect(
      ask('Origin', 'a', 'Access-Control-Request-Method', 'PUT', 'access-control-request-method', 'GET'),
    ).toBeNull();
    expect(ask('Origin', 'a', 'Access-Control-Request-Method', 'P\r\nX: y')).toBeNull();
  });

  it('is answered with what the route allows; another origin learns nothing', () => {
    const preflight = { origin: 'https://app.test', method: 'PUT', headers: 'x-a' };
    expect(preflightHeaders(NAMED, preflight)).toEqual([
      'Vary',
      'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      'Access-Control-Allow-Origin',
      'https://app.test',
      'Access-Control-Allow-Methods',
      'PUT',
      'Access-Control-Allow-Headers',
      'x-a',
      'Access-Control-Allow-Credentials',
      'true',
      'Access-Control-Max-Age',
      '600',
    ]);
    expect(preflightHeaders({ ...NAMED, allowHeaders: 'authorization' }, preflight)).toContain('authorization');
    expect(preflightHeaders(NAMED, { ...preflight, origin: 'https://evil.test' })).toHaveLength(2);
  });

  it('does not repeat what cannot be a list of names', () => {
    const asked = ask(
      'Origin',
      'https://app.test',
      'Access-Control-Request-Method',
      'PUT',
      'Access-Control-Request-Headers',
      'a\r\nX: y',
    );
    expect(asked).toMatchObject({ headers: '' });
  });
});

it('two Origins are none', () => {
  expect(originOf(['Origin', 'a', 'origin', 'a'])).toBeNull();
  expect(originOf(['Host', 'h', 'ORIGIN', 'a'])).toBe('a');
});

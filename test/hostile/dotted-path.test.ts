import { describe, expect, test } from 'vitest';
import { rawRequest } from '../support/raw.ts';
import { house } from './house.ts';

const at = house();
const get = (path: string) => rawRequest(`GET ${path}`, [at.reader]);

describe('a path that some parser would resolve is refused, in every spelling', () => {
  test.each([
    '/public/../admin/x',
    '/files/../../admin/x',
    '/files/./x',
    '/files/..',
    '/files/.',
    '/..',
    '/.',
    '/files/%2e%2e/admin',
    '/files/.%2e/admin',
    '/files/%2E./admin',
    '/public/%2e%2E/admin/x',
    '/files/..;/admin',
    '/files/..;x=1/admin',
    '/files/.;/x',
    '/files/%2e%2e;x/admin',
    '/files/..%3b/admin',
    '/files/..%20/admin',
    '/files/%20../admin',
    '/files/..%c2%a0/admin',
    '/files/..%09/admin',
    '/files/..%00/admin',
    '/files/..%0a/admin',
    '/files/%ef%bc%8e%ef%bc%8e/admin',
    '/files/%ef%bc%8e./admin',
    '/files/..%ef%bc%8fadmin',
    '/files/%c0%ae%c0%ae/admin',
    '/files/%e0%80%ae%e0%80%ae/admin',
    '/files/%f0%80%80%ae/admin',
    '/files/../',
    '/files/x/..?y',
  ])('%s', async (path) => {
    await at.refuses(get(path), 400);
  });

  test('raw full-width dots, as bytes', async () => {
    await at.refuses(Buffer.from(get('/files/\xef\xbc\x8e\xef\xbc\x8e/admin'), 'latin1'), 400);
  });
});

describe('a path that no parser resolves passes as it stands', () => {
  test.each([
    '/files/...',
    '/files/..x',
    '/files/.hidden',
    '/files/a..b',
    '/files/x..',
    '/files/a;b=..',
    '/files/a%3b..',
    '/files/%252e%252e/admin',
    '/files/%25252e',
    '/files/',
    '/files/%E4%BD%A0%E5%A5%BD.txt',
    '/files/a%20b',
    '/files/%25',
    "/files/!$&'()*+,=:@-._~",
  ])('%s', async (path) => {
    const { request } = await at.passes(get(path));
    expect(request.target).toBe(path);
  });
});

describe('percent-encoded unreserved characters are decoded once, for matching and on the wire alike', () => {
  test.each([
    ['/fi%6Ces/x', '/files/x'],
    ['/files/%41%7a%30%2D%5F%7E', '/files/Az0-_~'],
    ['/files/%2ehidden', '/files/.hidden'],
    ['/files/%25%32%65', '/files/%252e'],
    ['/files/%2541', '/files/%2541'],
  ])('%s is sent as %s', async (sent, wire) => {
    const { request } = await at.passes(get(sent));
    expect(request.target).toBe(wire);
  });

  test('and a closed path does not open for being encoded', async () => {
    await at.refuses(get('/%61dmin/x'), 403);
    await at.refuses(get('/%61%64%6D%69%6e/x'), 403);
  });
});

describe('what no route names is not reached, however it is decorated', () => {
  test.each(['/admins', '/ADMIN/x', '/Admin/x', '/admin;x/y', '/admin%20/x', '/x/admin', '/', '/items/', '/items/a/b'])(
    '%s',
    async (path) => {
      await at.refuses(get(path), 404);
    },
  );

  test.each(['/admin', '/admin/', '/admin/x', '/admin/%20', '/admin/x?/public/y', '/admin/x?y=/files/'])(
    'closed: %s',
    async (path) => {
      await at.refuses(get(path), 403);
    },
  );
});

describe('an odd path is refused', () => {
  test.each([
    '//admin',
    '//',
    '/files//x',
    '/files/x//',
    '//files/x',
    '//evil.test/files/x',
    '/files/x#',
    '/admin#/public',
    '/files/x?a#b',
  ])('%s', async (path) => {
    await at.refuses(get(path), 400);
  });

  test.each(['*', 'admin', 'files/x', 'api.test:80', '?x', '@api.test/files/x', '\\files\\x'])(
    'no path at all: %s',
    async (path) => {
      await at.refuses(get(path), 400);
    },
  );
});

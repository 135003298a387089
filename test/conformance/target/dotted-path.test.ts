import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const get = (path: string) => rawRequest(`GET ${path}`, [at.reader]);
const refuses = (paths: readonly string[], status: number) =>
  test.each(paths)('%s', async (path) => {
    await at.refuses(get(path), status);
  });

attack({
  name: 'a path that climbs out of its prefix with dots is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 3986 section 6.2.2.3', 'CVE-2019-9901', 'GHSA-p224-6x5r-fjpm'],
})(() => {
  refuses(
    [
      '/public/../admin/x',
      '/files/../../admin/x',
      '/files/./x',
      '/files/..',
      '/files/.',
      '/..',
      '/.',
      '/files/../',
      '/files/x/..?y',
    ],
    400,
  );
});

attack({
  name: 'a path that climbs with percent-encoded dots is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 3986 section 2.3', 'CVE-2019-9901'],
})(() => {
  refuses(
    [
      '/files/%2e%2e/admin',
      '/files/.%2e/admin',
      '/files/%2E./admin',
      '/public/%2e%2E/admin/x',
      '/public/%2e/x',
      '/files/%2e%2e',
    ],
    400,
  );
});

attack({
  name: 'dots beside a path parameter, which some servers cut off before they climb, are refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 3986 section 3.3'],
})(() => {
  refuses(
    [
      '/files/..;/admin',
      '/files/..;x=1/admin',
      '/files/.;/x',
      '/files/%2e%2e;x/admin',
      '/files/..%3b/admin',
      '/a;x=1/..;/admin',
    ],
    400,
  );
});

attack({
  name: 'dots beside blanks or control characters, which some servers cut off, are refused',
  outcome: '400; the upstream sees nothing',
  sources: [],
})(() => {
  refuses(
    [
      '/files/..%20/admin',
      '/files/%20../admin',
      '/files/..%c2%a0/admin',
      '/files/..%09/admin',
      '/files/..%00/admin',
      '/files/.%00./admin',
      '/files/..%0a/admin',
    ],
    400,
  );
});

attack({
  name: 'dots in overlong UTF-8 or in full width are refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 3629 section 10'],
})(() => {
  refuses(
    [
      '/files/%c0%ae%c0%ae/admin',
      '/files/%e0%80%ae%e0%80%ae/admin',
      '/files/%f0%80%80%ae/admin',
      '/files/%ef%bc%8e%ef%bc%8e/admin',
      '/files/%ef%bc%8e./admin',
      '/files/..%ef%bc%8fadmin',
    ],
    400,
  );

  test('raw full-width dots, as bytes', async () => {
    await at.refuses(Buffer.from(get('/files/\xef\xbc\x8e\xef\xbc\x8e/admin'), 'latin1'), 400);
  });
});

attack({
  name: 'a path that is encoded twice is decoded at most once',
  outcome: 'it stays what it is, for the match and on the wire',
  sources: ['RFC 3986 section 2.4', 'GHSA-3x2w-63fp-3qvw'],
})(() => {
  test.each([
    ['/files/%252e%252e/admin', '/files/%252e%252e/admin'],
    ['/files/%25252e', '/files/%25252e'],
    ['/files/%25%32%65', '/files/%252e'],
    ['/files/%2541', '/files/%2541'],
    ['/files/%252fadmin', '/files/%252fadmin'],
  ])('%s is sent as %s', async (sent, wire) => {
    const { request } = await at.passes(get(sent));
    expect(request.target).toBe(wire);
  });

  test('and a closed path does not open for it', async () => {
    await at.refuses(get('/%2561dmin/x'), 404);
    await at.refuses(get('/%61dmin/x'), 403);
    await at.refuses(get('/%61%64%6D%69%6e/x'), 403);
  });
});

attack({
  name: 'percent-encoded letters, digits and marks do not hide a path',
  outcome: 'decoded once, for the match and on the wire alike',
  sources: ['RFC 3986 section 6.2.2.2'],
})(() => {
  test.each([
    ['/fi%6Ces/x', '/files/x'],
    ['/files/%41%7a%30%2D%5F%7E', '/files/Az0-_~'],
    ['/files/%2ehidden', '/files/.hidden'],
  ])('%s is sent as %s', async (sent, wire) => {
    const { request } = await at.passes(get(sent));
    expect(request.target).toBe(wire);
  });
});

attack({
  name: 'a path that only looks odd is not damaged',
  outcome: 'forwarded byte for byte',
  sources: ['RFC 3986 section 3.3'],
})(() => {
  test.each([
    '/files/...',
    '/files/..x',
    '/files/.hidden',
    '/files/a..b',
    '/files/x..',
    '/files/a;b=..',
    '/files/a%3b..',
    '/files/',
    '/files/%E4%BD%A0%E5%A5%BD.txt',
    '/files/a%20b',
    '/files/a+b',
    '/files/%25',
    "/files/!$&'()*+,=:@-._~",
  ])('%s', async (path) => {
    const { request } = await at.passes(get(path));
    expect(request.target).toBe(path);
  });
});

attack({
  name: 'an empty segment, which some servers merge and some take for a host, is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['CVE-2026-26205', 'GHSA-x732-6j76-qmhm'],
})(() => {
  refuses(['//admin', '//', '/files//x', '/files/x//', '//files/x', '//evil.test/files/x', '/public//../admin'], 400);
});

attack({
  name: 'a closed path does not open for a slash, a dot, a blank, a parameter or another case',
  outcome: '404 where no route matches, else the same 403; the upstream sees nothing',
  sources: [],
})(() => {
  refuses(
    ['/admins', '/ADMIN/x', '/Admin/x', '/admin;x/y', '/admin%20/x', '/x/admin', '/', '/items/', '/items/a/b'],
    404,
  );
  refuses(['/admin', '/admin/', '/admin/x', '/admin/%20', '/admin/x.', '/admin/x;a=b'], 403);
  refuses(['/admin/.', '/admin/x/.'], 400);
});

attack({
  name: 'the query has no part in the match',
  outcome: 'the path alone is matched: 403 for a closed one',
  sources: ['GHSA-7rh7-c77v-6434'],
})(() => {
  refuses(['/admin/x?/public/y', '/admin/x?y=/files/', '/admin?/public/', '/admin/x?x=/public/../files/x'], 403);
  refuses(['/?/files/x', '/nowhere?/public/x'], 404);
});

attack({
  name: 'a fragment in a target, behind which a server may not look, is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9112 section 3.2', 'CVE-2026-41059'],
})(() => {
  refuses(['/files/x#', '/admin#/public', '/public/x#/../admin', '/files/x?a#b'], 400);
});

attack({
  name: 'a target that is no path is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9112 section 3.2.1'],
})(() => {
  refuses(['*', 'admin', 'files/x', 'api.test:80', '?x', '@api.test/files/x', '\\files\\x'], 400);
});

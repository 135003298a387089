import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestGateway } from '../../support/gateway.ts';
import { rawRequest } from '../../support/raw.ts';
import { askOnce } from '../ask-once.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const get = (path: string) => rawRequest(`GET ${path}`, [at.reader]);
const refuses = (paths: readonly string[]) =>
  test.each(paths)('%s', async (path) => {
    await at.refuses(get(path), 400);
  });

attack({
  name: 'an encoded slash, which some servers decode into a further segment, is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 3986 section 2.2', 'CVE-2021-29492'],
})(() => {
  refuses(['/files%2fx', '/files/..%2fadmin', '/files/%2F', '/files/x%2f..%2f..%2fadmin', '/public%2f..%2fadmin']);
});

attack({
  name: 'a backslash, raw or encoded, which some parsers turn into a slash, is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['CVE-2021-29492'],
})(() => {
  refuses([
    '/files/x%5c..%5cadmin',
    '/files%5Cx',
    '/files\\x',
    '/files/..\\admin',
    '/public\\..\\admin',
    '/files/x?y=\\',
  ]);
});

attack({
  name: 'a slash or backslash in overlong UTF-8 or in full width is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 3629 section 10'],
})(() => {
  refuses([
    '/files/%c0%af',
    '/files/%c1%9c',
    '/files/%e0%80%af',
    '/files/%ef%bc%8fadmin',
    '/files/%ef%bc%bcadmin',
    '/files/..%c0%afadmin',
  ]);
});

attack({
  name: 'NUL and control characters in a path, raw or encoded, are refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 3986 section 7.3', 'CVE-2019-9900'],
})(() => {
  refuses([
    '/files/%00',
    '/files/x%00.png',
    '/files/%0d%0aX:%20y',
    '/files/%1f',
    '/files/%7f',
    '/files/%c2%85',
    '/files/.%00../admin',
  ]);

  test.each(['\x00', '\x01', '\x09', '\x0b', '\x0c', '\x1f', '\x7f', '\xff', '\xa0', '\x85'])(
    'the raw byte %j in a path',
    async (byte) => {
      await at.refuses(Buffer.from(get(`/files/x${byte}y`), 'latin1'), 400);
    },
  );

  test.each(['\x00', '\x01', '\x0b', '\x7f'])('the raw byte %j in a query', async (byte) => {
    await at.refuses(Buffer.from(get(`/files/x?a=${byte}`), 'latin1'), 400);
  });
});

attack({
  name: 'broken percent encoding and broken UTF-8 in a path are refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 3986 section 2.1', 'RFC 3629 section 3'],
})(() => {
  refuses([
    '/files/%',
    '/files/%2',
    '/files/%zz',
    '/files/%u002e',
    '/files/%%32%65',
    '/files/%ff',
    '/files/%ed%a0%80',
    '/files/%f4%90%80%80',
    '/files/%e4%bd',
  ]);
});

attack({
  name: 'encodings in a query, where they mean nothing to us, are not damaged',
  outcome: 'forwarded byte for byte',
  sources: ['RFC 3986 section 3.4'],
})(() => {
  test.each([
    '/files/x?a=%2F&b=%2e%2e%2f&c=%00',
    '/files/x?a+b=%25&&=&%zz',
    '/files/x??a=/../admin',
    '/files/x?%0d%0aX-Scopegate-Role:%20admin',
    '/files/x?',
    '/files/x?a=1;b=2',
    '/files/x?q=%ff%c0%af',
    '/files/x?{}[]|^`\'"<>',
  ])('%s', async (path) => {
    const { request } = await at.passes(get(path));
    expect(request.target).toBe(path);
  });
});

attack({
  name: 'an encoded question mark does not begin a query',
  outcome: 'it stays a part of the path',
  sources: ['RFC 3986 section 2.2', 'CVE-2026-32811'],
})(() => {
  test('for the match and on the wire', async () => {
    const { request } = await at.passes(get('/files/x%3Fy=1'));
    expect(request.target).toBe('/files/x%3Fy=1');
    await at.refuses(get('/by-query%3FenvironmentId=env_live'), 404);
    await at.refuses(get('/admin/x%3F/public'), 403);
  });
});

describe('where a route keeps encoded slashes', () => {
  const READ = { require: { scopes: ['workflows:read'] } };
  const CLOSED = { require: { scopes: ['knowledge:write'] } };
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await at.start({
      routes: [
        { id: 'project', match: { path: '/projects/{id}' }, encodedSlashes: 'keep', ...READ },
        { id: 'files', match: { path: '/projects/{id}/files/**' }, encodedSlashes: 'keep', ...READ },
        { id: 'secret', match: { path: '/projects/{id}/secret' }, ...CLOSED },
        { id: 'delete', match: { methods: ['DELETE'], path: '/pairs/{group}/{name}' }, ...CLOSED },
        { id: 'pair', match: { path: '/pairs/{id}' }, encodedSlashes: 'keep', ...READ },
        { id: 'all', match: { path: '/all/**' }, encodedSlashes: 'keep', ...READ },
        { id: 'closed', match: { path: '/all/closed/**' }, ...CLOSED },
        { id: 'strict', match: { path: '/strict/**' }, ...READ },
      ],
    });
  });
  afterAll(() => gateway.stop());

  /** The status, and the target that the upstream saw; null: it saw nothing. */
  async function ask(path: string): Promise<[number, string | null]> {
    const reader = `Authorization: Bearer ${gateway.tokens.reader}`;
    const [{ status }, seen] = await askOnce(gateway.url, at.upstream, `GET ${path}`, [reader]);
    return [status, seen?.target ?? null];
  }

  attack({
    name: 'an encoded slash that a route keeps is a part of its segment, for the match and on the wire',
    outcome: 'forwarded byte for byte',
    sources: ['RFC 3986 section 2.2'],
  })(() => {
    test.each([
      '/projects/group%2Fproject',
      '/projects/group%2fsub%2Fproject',
      '/projects/%40scope%2fname',
      '/projects/group%2Fproject/files/a%2Fb/c',
      '/all/x/_design%2Fview',
      '/all/a%252Fb',
      '/all/a%252F..%252Fb%2Fc',
      '/all/closed%252Fx',
    ])('%s', async (path) => {
      expect(await ask(path)).toEqual([200, path]);
    });
  });

  attack({
    name: 'an encoded slash leads no upstream that decodes it to what is another route',
    outcome: '400; the upstream sees nothing',
    sources: ['CVE-2021-29492', 'CVE-2022-24112'],
  })(() => {
    test.each([
      ['as another template', '/projects/1%2fsecret'],
      ['as one of other methods', '/pairs/group%2Fname'],
      ['as a narrower one', '/all/closed%2Fx'],
      ['as a narrower one, at another place', '/all%2Fclosed/x'],
      ['as one that does not keep them', '/strict%2Fx'],
      ['as a narrower one, beside one that stays', '/all/closed%2Fa%2fb'],
      ['as a narrower one, by an encoded letter', '/all/%63losed%2Fx'],
    ])('%s', async (_, path) => {
      expect(await ask(path)).toEqual([400, null]);
    });
  });

  attack({
    name: 'nothing empty and no dot segment stands between encoded slashes',
    outcome: '400; the upstream sees nothing',
    sources: ['RFC 3986 section 5.2.4'],
  })(() => {
    test.each([
      '/all/..%2fx',
      '/all/x%2F..',
      '/all/x%2f%2e%2e%2fy',
      '/all/x%2F.%2Fy',
      '/all/x%2F..;a=b%2Fy',
      '/all/x%2F%20..%20%2Fy',
      '/all/x%2F%2Fy',
      '/all/%2Fx',
      '/all/x%2F',
      '/all/x%2F/y',
      '/all/x%5C..%2Fy',
      '/all/x%c0%afy',
      '/all/x%ef%bc%8fy',
      '/all/x%2',
    ])('%s', async (path) => {
      expect(await ask(path)).toEqual([400, null]);
    });
  });

  test('a path of no route, or of one that refuses them, is 400 as everywhere', async () => {
    expect(await ask('/strict/a%2Fb')).toEqual([400, null]);
    expect(await ask('/nowhere/a%2Fb')).toEqual([400, null]);
    expect(await ask('/projects/a%2Fb/c')).toEqual([400, null]);
  });
});

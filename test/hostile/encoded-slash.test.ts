import { describe, expect, test } from 'vitest';
import { rawRequest } from '../support/raw.ts';
import { house } from './house.ts';

const at = house();
const get = (path: string) => rawRequest(`GET ${path}`, [at.reader]);

describe('a separator that only some parsers see is refused', () => {
  test.each([
    '/files%2fx',
    '/files/..%2fadmin',
    '/files/%2F',
    '/files/x%2f..%2f..%2fadmin',
    '/files/x%5c..%5cadmin',
    '/files%5Cx',
    '/files\\x',
    '/files/..\\admin',
    '/public\\..\\admin',
    '/files/x?y=\\',
    '/files/%c0%af',
    '/files/%c1%9c',
    '/files/%e0%80%af',
    '/files/%ef%bc%8fadmin',
    '/files/%ef%bc%bcadmin',
  ])('%s', async (path) => {
    await at.refuses(get(path), 400);
  });
});

describe('NUL, control characters and broken encoding are refused', () => {
  test.each([
    '/files/%00',
    '/files/x%00.png',
    '/files/%0d%0aX:%20y',
    '/files/%1f',
    '/files/%7f',
    '/files/%c2%85',
    '/files/%',
    '/files/%2',
    '/files/%zz',
    '/files/%u002e',
    '/files/%%32%65',
    '/files/%ff',
    '/files/%ed%a0%80',
    '/files/%f4%90%80%80',
    '/files/%e4%bd',
  ])('%s', async (path) => {
    await at.refuses(get(path), 400);
  });

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

describe('in a query they mean nothing, so it passes byte for byte', () => {
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

  test('an encoded question mark belongs to the path', async () => {
    const { request } = await at.passes(get('/files/x%3Fy=1'));
    expect(request.target).toBe('/files/x%3Fy=1');
    await at.refuses(get('/by-query%3FenvironmentId=env_live'), 404);
  });
});

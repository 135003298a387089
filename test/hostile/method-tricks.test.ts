import { describe, expect, test } from 'vitest';
import { rawRequest } from '../support/raw.ts';
import { house } from './house.ts';

const at = house();

describe('a method is never taken for another one', () => {
  test.each([
    'get',
    'Get',
    'GET\x00',
    'GETT',
    'GE',
    'FOO',
    'G ET',
    'GET,POST',
    '"GET"',
    'GET:',
    'PRI',
    'x'.repeat(5000),
  ])('%j is no GET', async (method) => {
    await at.refuses(`${method} /files/x HTTP/1.1\r\nHost: api.test\r\n${at.reader}\r\n\r\n`, 400, 405, 431, 505);
  });

  test('TRACE never echoes a token, not even where every method is welcome', async () => {
    for (const path of ['/any/x', '/public/x', '/files/x']) {
      const response = await at.refuses(rawRequest(`TRACE ${path}`, [at.reader]), 405);
      expect(response?.body).not.toContain(at.gateway.tokens.reader);
    }
  });

  test.each(['api.test:443', '127.0.0.1:22', '/files/x', 'http://api.test/files/x'])(
    'CONNECT %s opens no tunnel',
    async (target) => {
      await at.refuses(
        `${rawRequest(`CONNECT ${target}`, [at.reader])}\x16\x03\x01${rawRequest('GET /files/x', [at.reader])}`,
        400,
        405,
      );
    },
  );

  test('OPTIONS * asks us, not the upstream', async () => {
    await at.refuses(rawRequest('OPTIONS *', [at.reader]), 400);
  });

  test('a method that the path does not know is 405 and names those it knows', async () => {
    const response = await at.refuses(rawRequest('POST /items/x', [at.reader]), 405);
    expect(response?.header('allow')).toBe('GET, HEAD');
    await at.refuses(rawRequest('POST /items/x'), 405);
  });

  test('HEAD is served by GET, under the rules of GET', async () => {
    const { request, response } = await at.passes(rawRequest('HEAD /files/x', [at.reader]));
    expect(request.method).toBe('HEAD');
    expect(response.body).toBe('');
    await at.refuses(rawRequest('HEAD /admin/x', [at.reader]), 403);
    await at.refuses(rawRequest('HEAD /files/x'), 401);
  });

  test.each(['PROPFIND', 'MKCOL', 'M-SEARCH', 'QUERY', 'PURGE', 'SEARCH'])(
    '%s passes where every method is welcome, as itself',
    async (method) => {
      const { request } = await at.passes(rawRequest(`${method} /any/x`, [at.reader]));
      expect(request.method).toBe(method);
      await at.refuses(rawRequest(`${method} /files/x`, [at.reader]), 405);
    },
  );
});

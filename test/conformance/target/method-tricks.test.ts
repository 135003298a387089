import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();

attack({
  name: 'a method that is not one by the letter, or unknown, is never taken for another',
  outcome: '400, 405, 431 or 505; the upstream sees nothing',
  sources: ['RFC 9110 section 9.1'],
})(() => {
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
});

attack({
  name: 'TRACE does not echo a token',
  outcome: '405 on every route; the upstream sees nothing',
  sources: ['RFC 9110 section 9.3.8'],
})(() => {
  test('TRACE never echoes a token, not even where every method is welcome', async () => {
    for (const path of ['/any/x', '/public/x', '/files/x']) {
      const response = await at.refuses(rawRequest(`TRACE ${path}`, [at.reader]), 405);
      expect(response?.body).not.toContain(at.gateway.tokens.reader);
    }
  });
});

attack({
  name: 'CONNECT opens no tunnel',
  outcome: '405 with an empty Allow, or 400; the upstream sees nothing',
  sources: ['RFC 9110 section 9.3.6', 'RFC 9110 section 15.5.6'],
})(() => {
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

  test('CONNECT is told that it is the method, and that no other would do', async () => {
    const response = await at.refuses(rawRequest('CONNECT api.test:443', [at.reader]), 405);
    expect(response?.header('allow')).toBe('');
    expect(JSON.parse(response!.body)).toMatchObject({ msg: 'This method is not allowed here.' });
  });
});

attack({
  name: 'OPTIONS * is not turned into a path',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9112 section 3.2.4'],
})(() => {
  test('OPTIONS * asks us, not the upstream', async () => {
    await at.refuses(rawRequest('OPTIONS *', [at.reader]), 400);
  });
});

attack({
  name: 'a method that the path does not allow is refused before the credential is looked at',
  outcome: '405 with Allow; the upstream sees nothing',
  sources: ['RFC 9110 section 15.5.6'],
})(() => {
  test('a method that the path does not know is 405 and names those it knows', async () => {
    const response = await at.refuses(rawRequest('POST /items/x', [at.reader]), 405);
    expect(response?.header('allow')).toBe('GET, HEAD');
    await at.refuses(rawRequest('POST /items/x'), 405);
  });
});

attack({
  name: 'HEAD is no way around the rules of GET',
  outcome: 'judged as GET, sent as HEAD',
  sources: ['RFC 9110 section 9.3.2'],
})(() => {
  test('HEAD is served by GET, under the rules of GET', async () => {
    const { request, response } = await at.passes(rawRequest('HEAD /files/x', [at.reader]));
    expect(request.method).toBe('HEAD');
    expect(response.body).toBe('');
    await at.refuses(rawRequest('HEAD /admin/x', [at.reader]), 403);
    await at.refuses(rawRequest('HEAD /files/x'), 401);
  });
});

attack({
  name: 'methods that few servers know reach only routes that take every method',
  outcome: '405 elsewhere',
  sources: ['RFC 9110 section 16.1'],
})(() => {
  test.each(['PROPFIND', 'MKCOL', 'M-SEARCH', 'QUERY', 'PURGE', 'SEARCH'])(
    '%s passes where every method is welcome, as itself',
    async (method) => {
      const { request } = await at.passes(rawRequest(`${method} /any/x`, [at.reader]));
      expect(request.method).toBe(method);
      await at.refuses(rawRequest(`${method} /files/x`, [at.reader]), 405);
    },
  );
});

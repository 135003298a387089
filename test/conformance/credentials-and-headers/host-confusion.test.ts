import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();

attack({
  name: 'a request without exactly one plain Host is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9112 section 3.2'],
})(() => {
  test.each([
    ['none', []],
    ['two that agree', ['Host: api.test', 'Host: api.test']],
    ['two that differ', ['Host: api.test', 'Host: evil.test']],
    ['two spellings', ['Host: api.test', 'HOST: evil.test']],
    ['an empty one', ['Host:']],
    ['a list', ['Host: api.test, evil.test']],
    ['a path', ['Host: api.test/admin']],
    ['a query', ['Host: api.test?x']],
    ['a fragment', ['Host: api.test#x']],
    ['a user', ['Host: user@api.test']],
    ['a space', ['Host: api.test evil.test']],
    ['a tab', ['Host: api\ttest']],
    ['a scheme', ['Host: http://api.test']],
    ['a port that is none', ['Host: api.test:http']],
    ['a long port', ['Host: api.test:123456']],
    ['two ports', ['Host: api.test:80:81']],
    ['a backslash', ['Host: api.test\\evil.test']],
    ['an open bracket', ['Host: [::1']],
    ['bytes above ASCII', ['Host: \xe4pi.test']],
    ['a percent sign', ['Host: api%2etest']],
    ['an underscore', ['Host: a_b.test']],
    ['an empty label', ['Host: api..test']],
    ['two dots at its end', ['Host: api.test..']],
    ['half an address', ['Host: 127.1']],
    ['an address in another base', ['Host: 0x7f.0.0.1']],
    ['a semicolon', ['Host: api.test;evil.test']],
    ['a space before the colon', ['Host : api.test']],
    ['a folded one', ['Host:\r\n api.test']],
    ['a line of its own in front', [' Host: api.test']],
  ])('%s', async (_, hosts) => {
    const lines = [at.reader, ...hosts].map((line) => `${line}\r\n`).join('');
    await at.refuses(Buffer.from(`GET /files/x HTTP/1.1\r\n${lines}\r\n`, 'latin1'), 400);
  });
});

attack({
  name: 'a plain Host, or none in HTTP/1.0, is enough',
  outcome: 'forwarded; the upstream learns it from X-Forwarded-Host',
  sources: ['RFC 9112 section 3.2'],
})(() => {
  test('over HTTP/1.0 none is enough', async () => {
    const { request } = await at.passes(`GET /files/x HTTP/1.0\r\n${at.reader}\r\n\r\n`);
    expect(request.all('x-forwarded-host')).toEqual(['']);
  });

  test.each(['api.test', 'api.test:8080', 'API.test.', '127.0.0.1', '[::1]:80', 'a--b.test'])(
    '%s passes',
    async (host) => {
      const { request } = await at.passes(rawRequest('GET /files/x', [at.reader, `Host: ${host}`]));
      expect(request.header('x-forwarded-host')).toBe(host);
    },
  );
});

attack({
  name: 'a header that only resembles Host is not taken for it',
  outcome: 'one Host reaches the upstream, ours',
  sources: ['RFC 9112 section 3.2'],
})(() => {
  test('names that fold to it never cross', async () => {
    const { request } = await at.passes(
      rawRequest('GET /files/x', [at.reader, 'X-Host: a', 'X-Forwarded-Host: evil.test']),
    );
    expect(request.all('host').length).toBe(1);
    expect(request.all('x-forwarded-host')).toEqual(['api.test']);
  });
});

attack({
  name: 'a request line that is not one by the letter is refused',
  outcome: '400 or 505; the upstream sees nothing',
  sources: ['RFC 9112 section 3', 'RFC 9112 section 2.3'],
})(() => {
  test.each([
    'GET /files/x HTTP/1.1 ',
    'GET\t/files/x HTTP/1.1',
    ' GET /files/x HTTP/1.1',
    'GET /files/x y HTTP/1.1',
    'GET /files/x',
    'GET /files/x HTTP/0.9',
    'GET /files/x HTTP/1.2',
    'GET /files/x HTTP/2.0',
    'GET /files/x HTTP/3.0',
    'GET /files/x HTTP/11',
    'GET /files/x HTTP/1',
    'GET /files/x http/1.1',
    'GET /files/x HTTP/1.1\x00',
    'GET /files/x HTTP/+1.1',
    'GET /files/x ICE/1.0',
    'GET /files/x HTTP/1.1\r',
  ])('%j', async (line) => {
    await at.refuses(`${line}\r\nHost: api.test\r\n${at.reader}\r\n\r\n`, 400, 505);
  });
});

attack({
  name: 'spaces too many and an empty line in front are forgiven, and not passed on',
  outcome: 'forwarded as one plain request line',
  sources: ['RFC 9112 section 2.2', 'RFC 9112 section 3'],
})(() => {
  test('spaces too many are forgiven, and sent as one', async () => {
    for (const line of ['GET /files/x  HTTP/1.1', 'GET  /files/x HTTP/1.1']) {
      const { request } = await at.passes(`${line}\r\nHost: api.test\r\n${at.reader}\r\n\r\n`);
      expect(request.text).toMatch(/^GET \/files\/x HTTP\/1\.1\r\n/);
    }
  });

  test('an empty line in front is forgiven, as RFC 9112 section 2.2 asks', async () => {
    const { request } = await at.passes(`\r\n${rawRequest('GET /files/x', [at.reader])}`);
    expect(request.target).toBe('/files/x');
  });
});

attack({
  name: 'a protocol that only looks like HTTP opens nothing',
  outcome: '400, 403, 405 or 505; the upstream sees nothing',
  sources: ['RFC 9112 section 2.3'],
})(() => {
  test('a protocol that only looks like HTTP opens nothing', async () => {
    for (const line of ['SOURCE /files/x ICE/1.0', 'OPTIONS /files/x RTSP/1.0', 'ANNOUNCE /files/x RTSP/1.0'])
      await at.refuses(`${line}\r\nHost: api.test\r\n${at.reader}\r\n\r\n`, 400, 403, 405, 505);
  });
});

attack({
  name: 'lines that end in a bare line feed or carriage return are refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9112 section 2.2'],
})(() => {
  test('nor may lines end in line feeds alone', async () => {
    await at.refuses(`GET /files/x HTTP/1.1\nHost: api.test\n${at.reader}\n\n`, 400);
    await at.refuses(`GET /files/x HTTP/1.1\r\nHost: api.test\n${at.reader}\r\n\r\n`, 400);
    await at.refuses(`GET /files/x HTTP/1.1\r\nHost: api.test\r\n${at.reader}\r\n\n`, 400);
    await at.refuses(`GET /files/x HTTP/1.1\rHost: api.test\r${at.reader}\r\r`, 400);
    await at.refuses(`GET /files/x HTTP/1.1\r\nHost: api.test\r\n${at.reader}\r\n\rX`, 400);
  });
});

attack({
  name: 'the preface of HTTP/2, a TLS greeting or noise is no request',
  outcome: '400 or 505; the upstream sees nothing',
  sources: ['RFC 9113 section 3.4'],
})(() => {
  test('the preface of HTTP/2 is no request', async () => {
    await at.refuses('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 505);
  });

  test('nor is a TLS greeting, or noise', async () => {
    await at.refuses(Buffer.from('160301020001000001fc0303', 'hex'), 400);
    await at.refuses(Buffer.alloc(64, 0xff), 400);
    await at.refuses('\x00', 400);
  });
});

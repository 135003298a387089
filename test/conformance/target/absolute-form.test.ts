import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const get = (target: string, ...headers: string[]) => rawRequest(`GET ${target}`, [at.reader, ...headers]);

attack({
  name: 'a target in absolute form is no way around the policy',
  outcome: 'read as the path that it holds, under the same rules',
  sources: ['RFC 9112 section 3.2.2'],
})(() => {
  test.each([
    ['http://api.test/files/x', '/files/x'],
    ['HTTP://api.test/files/x?y=1', '/files/x?y=1'],
    ['https://api.test/files/x', '/files/x'],
    ['http://API.TEST/files/x', '/files/x'],
    ['http://api.test/fi%6ces/x', '/files/x'],
  ])('%s', async (target, wire) => {
    const { request } = await at.passes(get(target));
    expect(request.target).toBe(wire);
    expect(request.header('host')).toBe(new URL(at.upstream.url).host);
    expect(request.header('x-forwarded-host')).toBe('api.test');
  });

  test('under the same policy', async () => {
    await at.refuses(get('http://api.test/admin/x'), 403);
    await at.refuses(get('http://api.test/nowhere'), 404);
    await at.refuses(get('http://api.test'), 404);
    await at.refuses(get('http://api.test?/files/x'), 404);
    await at.refuses(get('http://api.test/files/../admin'), 400);
    await at.refuses(get('http://api.test//admin'), 400);
    await at.refuses(get('http://api.test/files/x#y'), 400);
  });
});

attack({
  name: 'a target that names another place than Host is refused, and never dialled',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9112 section 3.2.2', 'RFC 9110 section 7.2'],
})(() => {
  test.each([
    'http://evil.test/files/x',
    'http://api.test:81/files/x',
    'http://api.test.evil.test/files/x',
    'http://evil@api.test/files/x',
    'http://api.test@evil.test/files/x',
    'http://api.test\\@evil.test/files/x',
    'http:///files/x',
    'http:/files/x',
    'http:files/x',
    'http://',
    'ftp://api.test/files/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'urn:x',
    'http://api.test%2ffiles/x',
    'http://api.test#@evil.test/files/x',
    'http://[::1]/files/x',
    'http://127.0.0.1/files/x',
  ])('%s', async (target) => {
    await at.refuses(get(target), 400);
  });
});

attack({
  name: 'a Host that names another server, or our own sidecar, is not dialled',
  outcome: 'the configured upstream gets the request, under its own name',
  sources: ['RFC 9110 section 7.2'],
})(() => {
  test('nor is anything that a Host names', async () => {
    const own = new URL(at.gateway.adminUrl).host;
    const { request } = await at.passes(rawRequest('GET /files/x', [at.reader, `Host: ${own}`]));
    expect(request.header('host')).toBe(new URL(at.upstream.url).host);
    await at.refuses(rawRequest(`GET http://${own}/v1/policy`, [at.reader, `Host: ${own}`]), 404);
  });
});

attack({
  name: 'a target in absolute form without a Host to agree with is refused',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9112 section 3.2.2'],
})(() => {
  test('without a Host there is nothing to agree with', async () => {
    await at.refuses(`GET http://api.test/files/x HTTP/1.0\r\n${at.reader}\r\n\r\n`, 400);
    await at.refuses(`GET http://api.test/files/x HTTP/1.1\r\n${at.reader}\r\n\r\n`, 400);
  });
});

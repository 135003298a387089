import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();

attack({
  name: 'what Connection names goes no further',
  outcome: 'removed, in every spelling and from every Connection header',
  sources: ['RFC 9110 section 7.6.1'],
})(() => {
  test('in every spelling, from every Connection header', async () => {
    const headers = [
      'Connection: x-one, X-TWO ,,x-three',
      'X-One: 1',
      'x-two: 2',
      'X-Three: 3',
      'connection: keep-alive, X-Four',
      'X-Four: 4',
      'X-Five: 5',
    ];
    const { request } = await at.passes(rawRequest('GET /files/x', [at.reader, ...headers]));
    expect(
      request.headers.map(([name]) => name).filter((name) => /^x-(?:one|two|three|four|five)$/i.test(name)),
    ).toEqual(['X-Five']);
    expect(request.all('connection')).toEqual([]);
  });
});

attack({
  name: 'hop-by-hop headers go no further, in any spelling',
  outcome: 'removed',
  sources: ['RFC 9110 section 7.6.1'],
})(() => {
  test('hop-by-hop headers never do', async () => {
    const headers = [
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic eDp5',
      'TE: gzip, trailers',
      'Trailer: X-Sum',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
      'Connection: Upgrade, HTTP2-Settings',
      'Keep_Alive: x',
      'Proxy_Connection: x',
      'T_E: passes',
    ];
    const { request } = await at.passes(rawRequest('GET /files/x', [at.reader, ...headers]));
    expect(request.text).not.toMatch(/^(?:keep|proxy|te|trailer|upgrade|http2|connection)[-_:]/im);
  });
});

attack({
  name: 'Connection cannot take the identity headers away',
  outcome: 'written after it was obeyed, once each',
  sources: ['CVE-2025-48865', 'CVE-2022-31813'],
})(() => {
  test('the headers of the gateway survive being named', async () => {
    const named = [
      'X-Scopegate-Role',
      'X-Scopegate-Token-Id',
      'X-Scopegate-Subject',
      'X-Scopegate-Scopes',
      'X-Scopegate-Workspace',
      'X-Scopegate-Workspaces',
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Forwarded-Proto',
      'X-Request-Id',
      'Via',
      'Host',
    ];
    const { request } = await at.passes(
      rawRequest('GET /by-query?environmentId=env_live', [at.reader, `Connection: close, ${named.join(', ')}`]),
    );
    for (const name of named) expect(request.all(name).length, name).toBe(1);
    expect(request.header('x-scopegate-role')).toBe('member');
  });
});

attack({
  name: 'Connection cannot take the credential away',
  outcome: 'judged before it is dropped',
  sources: ['RFC 9110 section 7.6.1'],
})(() => {
  test('the credential is judged before it is dropped', async () => {
    await at.passes(rawRequest('GET /files/x', [at.reader, 'Connection: Authorization']));
    await at.refuses(rawRequest('GET /files/x', ['Connection: Authorization']), 401);
    const own = await at.passes(rawRequest('GET /own-auth', [at.reader, 'Connection: Authorization']));
    expect(own.request.all('authorization')).toEqual([]);
  });
});

attack({
  name: 'Connection cannot take away the header that chose the workspace',
  outcome: '400; the upstream sees nothing',
  sources: ['RFC 9110 section 7.6.1'],
})(() => {
  test('the header that chose the workspace cannot be taken away from the upstream', async () => {
    const chosen = [at.reader, 'X-Workspace: ws_sales'];
    const { request } = await at.passes(rawRequest('GET /by-header', chosen));
    expect(request.header('x-workspace')).toBe('ws_sales');
    await at.refuses(rawRequest('GET /by-header', [...chosen, 'Connection: X-Workspace']), 400);
    await at.refuses(rawRequest('GET /by-header', ['connection: close , x-workspace', ...chosen]), 400);
  });
});

import { describe, expect, test } from 'vitest';
import { rawRequest } from '../support/raw.ts';
import { house } from './house.ts';

const at = house();

describe('what Connection names goes no further', () => {
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

  test('the credential is judged before it is dropped', async () => {
    await at.passes(rawRequest('GET /files/x', [at.reader, 'Connection: Authorization']));
    await at.refuses(rawRequest('GET /files/x', ['Connection: Authorization']), 401);
    const own = await at.passes(rawRequest('GET /own-auth', [at.reader, 'Connection: Authorization']));
    expect(own.request.all('authorization')).toEqual([]);
  });

  test('the header that chose the workspace cannot be taken away from the upstream', async () => {
    const chosen = [at.reader, 'X-Workspace: ws_sales'];
    const { request } = await at.passes(rawRequest('GET /by-header', chosen));
    expect(request.header('x-workspace')).toBe('ws_sales');
    await at.refuses(rawRequest('GET /by-header', [...chosen, 'Connection: X-Workspace']), 400);
    await at.refuses(rawRequest('GET /by-header', ['connection: close , x-workspace', ...chosen]), 400);
  });
});

describe('an upgrade to what would carry requests unseen is a plain request', () => {
  test.each(['h2c', 'H2C', 'h2', 'TLS/1.0', 'HTTP/2.0', 'http/1.1', 'h2c, tls/1.2', ''])('to %j', async (protocol) => {
    const { request, response } = await at.passes(
      rawRequest('GET /files/x', [at.reader, 'Connection: Upgrade', `Upgrade: ${protocol}`]),
    );
    expect(request.all('upgrade')).toEqual([]);
    expect(response.status).toBe(200);
  });

  test('with a body: the body is a body, and what follows is judged', async () => {
    using client = await at.connect();
    client.send(
      rawRequest('POST /files/x', [at.writer, 'Connection: Upgrade', 'Upgrade: foo', 'Content-Length: 3'], 'abc') +
        rawRequest('GET /admin/x', [at.reader]),
    );
    await client.until(({ responses, ending }) => responses.length === 2 || ending !== 'open');
    expect(at.upstream.requests.map(({ body }) => body)).toEqual(['abc']);
    expect(at.upstream.lines).toEqual(['POST /files/x']);
  });

  test('and is judged like one', async () => {
    await at.refuses(rawRequest('GET /admin/x', [at.reader, 'Connection: Upgrade', 'Upgrade: h2c']), 403);
    await at.refuses(rawRequest('GET /files/x', ['Connection: Upgrade', 'Upgrade: h2c']), 401);
  });
});

import { describe, expect, test } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { house, ROUTES } from './house.ts';

const at = house();
const token = () => at.gateway.tokens.reader;
const get = (...headers: string[]) => rawRequest('GET /files/x', headers);

describe('a credential is one Bearer token by the letter of RFC 6750', () => {
  test.each(['Bearer ', 'bearer ', 'BEARER ', 'bEaReR ', 'Bearer   '])('%j is its scheme', async (scheme) => {
    await at.passes(get(`Authorization: ${scheme}${token()}`));
    await at.passes(get(`authorization:\t${scheme}${token()} \t`));
  });

  test.each([
    ['no token', () => 'Bearer'],
    ['an empty token', () => 'Bearer '],
    ['a tab', () => `Bearer\t${token()}`],
    ['no space', () => `Bearer${token()}`],
    ['two tokens', () => `Bearer ${token()} ${token()}`],
    ['a list', () => `Bearer ${token()}, Bearer ${token()}`],
    ['a list of tokens', () => `Bearer ${token()},${token()}`],
    ['a good one behind a comma', () => `Bearer x, Bearer ${token()}`],
    ['quotes', () => `Bearer "${token()}"`],
    ['a parameter', () => `Bearer token="${token()}"`],
    ['a trailing comma', () => `Bearer ${token()},`],
    ['a trailing equals sign in the wrong place', () => `Bearer =${token()}`],
    ['another scheme', () => `Basic ${Buffer.from(`x:${token()}`).toString('base64')}`],
    ['Token', () => `Token ${token()}`],
    ['Bearer twice', () => `Bearer Bearer ${token()}`],
    ['the bare token', () => token()],
    ['a percent escape', () => `Bearer ${token()}%00`],
    ['bytes above ASCII', () => `Bearer ${token()}\xa0`],
    ['__proto__', () => 'Bearer __proto__'],
    ['constructor', () => 'Bearer constructor'],
    ['toString', () => 'Bearer toString'],
    ['a prefix alone', () => 'Bearer pat_'],
    ['a shorter token', () => `Bearer ${token().slice(0, -1)}`],
    ['a longer token', () => `Bearer ${token()}0`],
    ['padding', () => `Bearer ${token()}=`],
    ['a wrong checksum', () => `Bearer ${token().slice(0, -1)}${token().endsWith('0') ? '1' : '0'}`],
    ['another case', () => `Bearer ${token().toUpperCase()}`],
    ['another prefix', () => `Bearer sat_${token().slice(4)}`],
    ['undefined', () => 'Bearer undefined'],
    ['null', () => 'Bearer null'],
    ['a JWT without signature', () => 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.'],
  ])('%s is refused', async (_, value) => {
    const response = await at.refuses(Buffer.from(get(`Authorization: ${value()}`), 'latin1'), 401);
    expect(response?.header('www-authenticate')).toMatch(/^Bearer /);
    expect(response?.header('cache-control')).toBe('no-store');
    expect(response?.body).not.toContain(token());
  });

  test('NUL or a bare carriage return in it is refused', async () => {
    await at.refuses(get(`Authorization: Bearer ${token()}\x00`), 400);
    await at.refuses(get(`Authorization: Bearer ${token()}\rX: y`), 400);
    await at.refuses(get(`Authorization: Bearer ${token()}\x0b`), 400, 401);
    await at.refuses(get(`Authorization: Bearer\r\n ${token()}`), 400);
  });

  test('none at all is 401 with a bare challenge', async () => {
    const response = await at.refuses(get(), 401);
    expect(response?.header('www-authenticate')).toBe('Bearer realm="scopegate"');
    await at.refuses(get('Authorization:'), 401);
  });

  test('a good token with too small a scope is 403, and the scope is named', async () => {
    const response = await at.refuses(rawRequest('POST /files/x', [at.reader]), 403);
    expect(response?.header('www-authenticate')).toContain('insufficient_scope');
    expect(response?.header('x-accepted-scopes')).toBe('workflows:write');
  });
});

describe('a token that was good', () => {
  test.each(['deactivate', 'revoke'])('is refused from the request after %s on', async (action) => {
    const created = await at.gateway.admin('POST', '/tokens', {
      owner: 'alice',
      name: action,
      scopes: ['workflows:read'],
      workspaces: ['ws_sales'],
      expiresInDays: 1,
    });
    const { id, token: text } = created.body as { id: string; token: string };
    using client = await at.connect();
    client.send(get(`Authorization: Bearer ${text}`));
    expect((await client.response(0)).status).toBe(200);
    expect((await at.gateway.admin('POST', `/tokens/${id}/${action}`)).status).toBe(200);
    client.send(get(`Authorization: Bearer ${text}`));
    expect((await client.response(1)).status).toBe(401);
    expect(at.upstream.requests.length).toBe(1);
  });

  test('is refused at the very millisecond at which it expires, cached or not', async () => {
    let nowMs = Date.now();
    await using gateway = await startTestGateway({
      upstreamUrl: at.upstream.url,
      routes: ROUTES,
      clock: { nowMs: () => nowMs, monotonicMs: () => performance.now() },
    });
    const expiresAt = nowMs + 86_400_000;
    const text = await gateway.mint({ scopes: ['workflows:read'], expiresAt: new Date(expiresAt).toISOString() });
    const bytes = get(`Authorization: Bearer ${text}`);
    nowMs = expiresAt - 1;
    expect((await ask(gateway.url, bytes)).status).toBe(200);
    nowMs = expiresAt;
    expect((await ask(gateway.url, bytes)).status).toBe(401);
    expect(at.upstream.requests.length).toBe(1);
  });
});

describe('a token anywhere else is no credential', () => {
  test.each([
    ['X-Authorization', (value: string) => `X-Authorization: Bearer ${value}`],
    ['Proxy-Authorization', (value: string) => `Proxy-Authorization: Bearer ${value}`],
    ['Authorization_', (value: string) => `Authorization_: Bearer ${value}`],
    ['Cookie', (value: string) => `Cookie: authorization=Bearer ${value}; token=${value}`],
    ['X-Api-Key', (value: string) => `X-Api-Key: ${value}`],
    ['X-Forwarded-Authorization', (value: string) => `X-Forwarded-Authorization: Bearer ${value}`],
  ])('%s', async (_, header) => {
    await at.refuses(get(header(token())), 401);
  });

  test('the query, where the route does not say so', async () => {
    await at.refuses(rawRequest(`GET /files/x?authorization=Bearer%20${token()}`), 401);
    await at.refuses(rawRequest(`GET /files/x?access_token=${token()}`), 401);
  });

  test('a body', async () => {
    const body = `access_token=${token()}`;
    const headers = ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`];
    await at.refuses(rawRequest('POST /files/x', headers, body), 401);
  });
});

describe('a route that also takes the query form', () => {
  const fill = (text: string) => text.replaceAll('TOKEN', token()).replaceAll('OTHER', at.gateway.tokens.writer);

  test.each([
    ['alone', 'authorization=Bearer%20TOKEN', []],
    ['with a plus', 'authorization=Bearer+TOKEN', []],
    ['bare', 'authorization=TOKEN', []],
    ['encoded name', '%61uthorization=Bearer%20TOKEN', []],
    ['beside the same header', 'authorization=Bearer%20TOKEN', ['Authorization: Bearer TOKEN']],
    ['another case', 'Authorization=TOKEN', []],
  ])('takes it %s, and forwards all of the query but it', async (_, pair, lines) => {
    const headers = lines.map(fill);
    const { request } = await at.passes(rawRequest(`GET /socket?a=%2F&${fill(pair)}&b`, headers));
    expect(request.target).toBe('/socket?a=%2F&b');
    const only = await at.passes(rawRequest(`GET /socket?${fill(pair)}`, headers));
    expect(only.request.target).toBe('/socket');
    expect(at.upstream.text).not.toContain(token().slice(4));
  });

  test.each([
    ['twice', 'authorization=TOKEN&authorization=TOKEN', []],
    ['twice in two spellings', 'authorization=TOKEN&Authorization=TOKEN', []],
    ['other than the header', 'authorization=TOKEN', ['Authorization: Bearer OTHER']],
    ['beside a bad header', 'authorization=TOKEN', ['Authorization: Basic eDp5']],
    ['empty', 'authorization=', []],
    ['without value', 'authorization', []],
    ['broken', 'authorization=TOKEN%zz', []],
    ['as a list', 'authorization=TOKEN,TOKEN', []],
  ])('refuses it %s', async (_, query, lines) => {
    await at.refuses(rawRequest(`GET /socket?${fill(query)}`, lines.map(fill)), 401);
  });

  test('keeps it out of the log', async () => {
    await at.refuses(rawRequest(`GET /socket?authorization=${token()}&authorization=${token()}`), 401);
    expect(at.gateway.logLines.join('')).not.toContain(token());
  });
});

describe('a route that also takes the bare token', () => {
  test('takes it', async () => {
    await at.passes(rawRequest('GET /bare', [`Authorization: ${token()}`]));
    await at.passes(rawRequest('GET /bare', [at.reader]));
  });

  test('and nothing odder', async () => {
    await at.refuses(rawRequest('GET /bare', [`Authorization: ${token()} ${token()}`]), 401);
    await at.refuses(rawRequest('GET /bare', [`Authorization: ${token()},x`]), 401);
    await at.refuses(rawRequest('GET /bare', ['Authorization: Bearer']), 401);
  });
});

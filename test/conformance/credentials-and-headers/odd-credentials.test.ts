import { expect, test } from 'vitest';
import { ask, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const token = () => at.gateway.tokens.reader;
const get = (...headers: string[]) => rawRequest('GET /files/x', headers);
const fill = (text: string) => text.replaceAll('TOKEN', token()).replaceAll('OTHER', at.gateway.tokens.writer);

attack({
  name: 'the scheme of a credential is Bearer in any case',
  outcome: 'forwarded without the credential',
  sources: ['RFC 9110 section 11.1'],
})(() => {
  test.each(['Bearer ', 'bearer ', 'BEARER ', 'bEaReR ', 'Bearer   '])('%j is its scheme', async (scheme) => {
    await at.passes(get(`Authorization: ${scheme}${token()}`));
    await at.passes(get(`authorization:\t${scheme}${token()} \t`));
  });
});

attack({
  name: 'a credential that is not exactly one Bearer token by the letter is refused',
  outcome: '401 with a challenge; the upstream sees nothing',
  sources: ['RFC 6750 section 2.1', 'CVE-2026-25748'],
})(() => {
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
});

attack({
  name: 'NUL or a line break in a credential is refused',
  outcome: '400 or 401; the upstream sees nothing',
  sources: ['RFC 9110 section 5.5'],
})(() => {
  test('NUL or a bare carriage return in it is refused', async () => {
    await at.refuses(get(`Authorization: Bearer ${token()}\x00`), 400);
    await at.refuses(get(`Authorization: Bearer ${token()}\rX: y`), 400);
    await at.refuses(get(`Authorization: Bearer ${token()}\x0b`), 400, 401);
    await at.refuses(get(`Authorization: Bearer\r\n ${token()}`), 400);
  });
});

attack({
  name: 'a request without a credential is told how to bring one',
  outcome: '401 with WWW-Authenticate: Bearer; the upstream sees nothing',
  sources: ['RFC 9110 section 15.5.2', 'RFC 6750 section 3'],
})(() => {
  test('none at all is 401 with a bare challenge', async () => {
    const response = await at.refuses(get(), 401);
    expect(response?.header('www-authenticate')).toBe('Bearer realm="scopegate"');
    await at.refuses(get('Authorization:'), 401);
  });
});

attack({
  name: 'a token without the scope is refused and told which one',
  outcome: '403 insufficient_scope; the upstream sees nothing',
  sources: ['RFC 6750 section 3.1'],
})(() => {
  test('a good token with too small a scope is 403, and the scope is named', async () => {
    const response = await at.refuses(rawRequest('POST /files/x', [at.reader]), 403);
    expect(response?.header('www-authenticate')).toContain('insufficient_scope');
    expect(response?.header('x-accepted-scopes')).toBe('workflows:write');
  });
});

attack({
  name: 'a token named like a property that every object has is unknown',
  outcome: '401; the upstream sees nothing',
  sources: ['CWE-1321'],
})(() => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'pat___proto__'])('%s', async (name) => {
    await at.refuses(get(`Authorization: Bearer ${name}`), 401);
  });
});

attack({
  name: 'a token that was revoked or switched off is refused from the next request on',
  outcome: '401; the upstream sees nothing',
  sources: ['RFC 6750 section 3.1', 'RFC 7009 section 2'],
})(() => {
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
});

attack({
  name: 'a token is refused at the very millisecond at which it expires, cached or not',
  outcome: '401; the upstream sees nothing',
  sources: ['RFC 6750 section 3.1', 'RFC 7662 section 4'],
})(() => {
  test('is refused at the very millisecond at which it expires, cached or not', async () => {
    let nowMs = Date.now();
    await using gateway = await at.start({
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

attack({
  name: 'a token in a cookie, a body, the query or any other header is no credential',
  outcome: '401; the upstream sees nothing',
  sources: ['RFC 6750 section 2'],
})(() => {
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

attack({
  name: 'a token in the query, where the route takes it there, does not reach the upstream',
  outcome: 'forwarded; the rest of the query crosses byte for byte',
  sources: ['RFC 6750 section 2.3'],
})(() => {
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
});

attack({
  name: 'a copy of the token in the query, where the route takes none there, does not reach the upstream',
  outcome: 'forwarded without it; any other parameter of that name crosses',
  sources: ['RFC 6750 section 5.3'],
})(() => {
  test.each([
    ['as it is', 'authorization=TOKEN'],
    ['with its scheme', 'Authorization=Bearer%20TOKEN'],
  ])('takes away a copy %s', async (_, pair) => {
    const { request } = await at.passes(rawRequest(`GET /files/x?a=%2F&${fill(pair)}&b`, [at.reader]));
    expect(request.target).toBe('/files/x?a=%2F&b');
  });

  test('leaves what is no copy', async () => {
    const { request } = await at.passes(rawRequest('GET /files/x?authorization=mine&b', [at.reader]));
    expect(request.target).toBe('/files/x?authorization=mine&b');
  });
});

attack({
  name: 'a token in the query beside another one is refused',
  outcome: '401; the upstream sees nothing',
  sources: ['RFC 6750 section 2'],
})(() => {
  test.each([
    ['twice', 'authorization=TOKEN&authorization=TOKEN', []],
    ['twice in two spellings', 'authorization=TOKEN&Authorization=TOKEN', []],
    ['twice as PHP reads it', 'authorization=TOKEN&authorization[%ff]=OTHER', []],
    ['in a spelling of others alone', 'authorization%00=TOKEN', []],
    ['other than the header', 'authorization=TOKEN', ['Authorization: Bearer OTHER']],
    ['beside a bad header', 'authorization=TOKEN', ['Authorization: Basic eDp5']],
    ['empty', 'authorization=', []],
    ['without value', 'authorization', []],
    ['broken', 'authorization=TOKEN%zz', []],
    ['as a list', 'authorization=TOKEN,TOKEN', []],
  ])('refuses it %s', async (_, query, lines) => {
    await at.refuses(rawRequest(`GET /socket?${fill(query)}`, lines.map(fill)), 401);
  });
});

attack({
  name: 'a token in the query stands in no line of the log',
  outcome: 'the path alone is logged',
  sources: ['RFC 6750 section 5.3'],
})(() => {
  test('keeps it out of the log', async () => {
    await at.refuses(rawRequest(`GET /socket?authorization=${token()}&authorization=${token()}`), 401);
    expect(at.gateway.logLines.join('')).not.toContain(token());
  });
});

attack({
  name: 'a route that takes a token without scheme takes nothing odder',
  outcome: '401; the upstream sees nothing',
  sources: ['RFC 9110 section 11.4'],
})(() => {
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

/** Tokens by Basic, in headers and in parameters: one text, whatever its place, and the upstream sees none of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestGateway } from '../../support/gateway.ts';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { askOnce } from '../ask-once.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  const READ = { require: { scopes: ['workflows:read'] } };
  gateway = await at.start({
    routes: [
      {
        id: 'all',
        match: { path: '/all/**' },
        credentials: ['bearer', 'basic', 'header.X-API-Key', 'query.access_token'],
        ...READ,
      },
      { id: 'key', match: { path: '/key' }, credentials: ['header.X-API-Key'], forwardAuthorization: true, ...READ },
      { id: 'open', match: { path: '/open' }, credentials: ['header.X-API-Key'], public: true },
      { id: 'openai', match: { path: '/openai' }, dialect: 'openai', ...READ },
    ],
  });
  token = gateway.tokens.reader;
});
afterAll(() => gateway.stop());

const basic = (text: string) => `Authorization: Basic ${Buffer.from(text, 'latin1').toString('base64')}`;

/** The answer, and what the upstream saw; null: nothing. */
const ask = (line: string, lines: readonly string[], body = '') => askOnce(gateway.url, at.upstream, line, lines, body);

attack({
  name: 'whatever place a token came in, the upstream never sees it',
  outcome: 'forwarded without Authorization, without the header, without the parameter',
  sources: ['RFC 6750 section 5.3', 'RFC 7617'],
})(() => {
  test.each([
    ['Basic, as password', 'GET /all/x', () => [basic(`git:${token}`)], '/all/x'],
    ['Basic, as user name', 'GET /all/x', () => [basic(`${token}:`)], '/all/x'],
    ['Basic, as user name with the usual word', 'GET /all/x', () => [basic(`${token}:x-oauth-basic`)], '/all/x'],
    ['Basic, with a user name in another language', 'GET /all/x', () => [basic(`b\xf6b:${token}`)], '/all/x'],
    ['Basic, without a user name', 'GET /all/x', () => [basic(`:${token}`)], '/all/x'],
    ['Basic, as user name beside what is no token', 'GET /all/x', () => [basic(`pat_other:${token}`)], '/all/x'],
    ['a header behind a tab', 'GET /all/x', () => [`X-API-Key:\t${token}`], '/all/x'],
    ['a parameter whose name is encoded', 'GET /all/x?%61ccess_token=TOKEN', () => [], '/all/x'],
    ['a header', 'GET /all/x?a=1', () => [`X-Api-Key: ${token}`], '/all/x?a=1'],
    ['a parameter', 'GET /all/x?a=1&access_token=TOKEN&b=%20', () => [], '/all/x?a=1&b=%20'],
    [
      'everywhere at once',
      'GET /all/x?access_token=TOKEN',
      () => [`x-api-key: ${token}`, `Authorization: Bearer ${token}`],
      '/all/x',
    ],
  ] as const)('%s', async (_, line, lines, target) => {
    const [answer, seen] = await ask(line.replace('TOKEN', token), lines());
    expect(answer.status).toBe(200);
    expect(seen!.target).toBe(target);
    expect(seen!.text).not.toContain(token);
    expect(seen!.all('authorization')).toEqual([]);
    expect(seen!.all('x-api-key')).toEqual([]);
    expect(seen!.header('x-scopegate-token-id')).not.toBe('');
  });

  test('a header for tokens is taken away on a public route, too, in every spelling', async () => {
    const [, seen] = await ask('GET /open', [
      'X-API-Key: anything',
      'X_API_Key: else',
      'X.Api.Key: more',
      'X-Other: stays',
    ]);
    expect(seen!.text).not.toMatch(/api.key/i);
    expect(seen!.header('x-other')).toBe('stays');
  });

  test('an upgrade takes none of them along', async () => {
    at.upstream.reply = () => 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';
    const client = await RawClient.connect(gateway.url);
    const lines = [`X-API-Key: ${token}`, basic(`git:${token}`), 'Connection: Upgrade, X-API-Key', 'Upgrade: chat'];
    client.send(rawRequest(`GET /all/x?access_token=${token}&b=1`, lines));
    await client.untilText('101 Switching');
    client.close();
    const seen = at.upstream.requests.at(-1)!;
    expect([seen.target, seen.header('upgrade')]).toEqual(['/all/x?b=1', 'chat']);
    expect(seen.text).not.toMatch(/api.key|authorization/i);
    expect(seen.text).not.toContain(token);
  });

  test('trailers take none of them along', async () => {
    const trailers = `X-API-Key: ${token}\r\nx_api_key: ${token}\r\nAuthorization: Bearer ${token}\r\nX-Sum: 7`;
    const [, seen] = await ask(
      'POST /all/x',
      [basic(`git:${token}`), 'Transfer-Encoding: chunked'],
      `0\r\n${trailers}\r\n\r\n`,
    );
    expect(seen!.trailers).toEqual([['X-Sum', '7']]);
    expect(seen!.text).not.toContain(token);
  });

  test('what is passed on of Authorization where the token stands elsewhere is the client’s own', async () => {
    const [answer, seen] = await ask('GET /key', [`X-API-Key: ${token}`, basic('their:own')]);
    expect(answer.status).toBe(200);
    expect(seen!.all('authorization')).toEqual([basic('their:own').slice('Authorization: '.length)]);
    expect(seen!.all('x-api-key')).toEqual([]);
  });
});

attack({
  name: 'two credentials that are not the same text, or one in two spellings, are none',
  outcome: '401; the upstream sees nothing',
  sources: ['CVE-2025-64484'],
})(() => {
  test.each([
    ['header and parameter', 'GET /all/x?access_token=other', () => [`X-API-Key: ${token}`]],
    ['Bearer and header', 'GET /all/x', () => [`Authorization: Bearer ${token}`, 'X-API-Key: other']],
    ['Basic and header', 'GET /all/x', () => [basic('git:other'), `X-API-Key: ${token}`]],
    ['two Authorizations', 'GET /all/x', () => [basic(`git:${token}`), `Authorization: Bearer ${token}`]],
    ['the header twice', 'GET /all/x', () => [`X-API-Key: ${token}`, `X-API-Key: ${token}`]],
    ['the header in another spelling', 'GET /all/x', () => [`X_API_Key: ${token}`]],
    ['the header in two spellings', 'GET /all/x', () => [`X-API-Key: ${token}`, 'X_API_KEY: other']],
    ['the parameter twice', 'GET /all/x?access_token=TOKEN&access_token=TOKEN', () => []],
    ['the parameter in another spelling', 'GET /all/x?access-token=TOKEN', () => []],
    ['a token in both halves of Basic', 'GET /all/x', () => [basic(`${token}:${token}`)]],
    ['Basic that is not canonical', 'GET /all/x', () => [`${basic(`git:${token}`).replace(/=*$/, '')}A`]],
    ['Basic with a line break', 'GET /all/x', () => [basic(`git\r\n:${token}`)]],
    ['Basic with a colon too many', 'GET /all/x', () => [basic(`git:${token}:`)]],
    ['Basic without a colon', 'GET /all/x', () => [basic(token)]],
    ['Basic with a colon in front of the password', 'GET /all/x', () => [basic(`::${token}`)]],
    ['Basic with a colon in the user name', 'GET /all/x', () => [basic(`a:b:${token}`)]],
    ['Basic with the usual word and a colon', 'GET /all/x', () => [basic(`${token}:x-oauth-basic:`)]],
    ['Basic with a byte above ASCII behind the password', 'GET /all/x', () => [basic(`git:${token}\xff`)]],
    ['Basic with a byte above ASCII behind the user name', 'GET /all/x', () => [basic(`${token}\xff:`)]],
    ['Basic with a blank behind the password', 'GET /all/x', () => [basic(`git:${token} `)]],
    ['Basic with NUL', 'GET /all/x', () => [basic(`git:${token}\0`)]],
    ['Basic of nothing', 'GET /all/x', () => [basic(':')]],
    ['Basic behind a tab', 'GET /all/x', () => [basic(`git:${token}`).replace('Basic ', 'Basic\t')]],
    ['Basic and more in one line', 'GET /all/x', () => [`${basic(`git:${token}`)}, Bearer ${token}`]],
    ['the header as a list', 'GET /all/x', () => [`X-API-Key: ${token}, ${token}`]],
    ['the header with a scheme', 'GET /all/x', () => [`X-API-Key: Bearer ${token}`]],
    ['an empty header beside Bearer', 'GET /all/x', () => ['X-API-Key:', `Authorization: Bearer ${token}`]],
    ['an empty parameter beside Bearer', 'GET /all/x?access_token=', () => [`Authorization: Bearer ${token}`]],
    ['the parameter with NUL', 'GET /all/x?access_token=TOKEN%00', () => []],
    ['the parameter as an array', 'GET /all/x?access_token[]=TOKEN', () => [`Authorization: Bearer ${token}`]],
    ['the parameter behind an encoded blank', 'GET /all/x?+access_token=TOKEN', () => [`X-API-Key: ${token}`]],
    ['Basic where it is not taken', 'GET /openai', () => [basic(`git:${token}`)]],
  ] as const)('%s', async (_, line, lines) => {
    const [answer, seen] = await ask(line.replaceAll('TOKEN', token), lines());
    expect([answer.status, seen]).toEqual([401, null]);
  });
});

attack({
  name: 'what a browser remembers of a password does not count for a page of somebody else',
  outcome: '401 as without a token; other credentials still count',
  sources: ['Fetch Metadata section 2.3', 'RFC 6454 section 7'],
})(() => {
  test.each([
    ['Sec-Fetch-Site: cross-site'],
    ['Origin: https://evil.test'],
    ['Origin: null'],
    ['Origin: http://api.test.evil.test'],
  ])('%s', async (line) => {
    expect((await ask('POST /all/x', [basic(`git:${token}`), line, 'Content-Length: 0']))[1]).toBeNull();
    const [answer] = await ask('POST /all/x', [`Authorization: Bearer ${token}`, line, 'Content-Length: 0']);
    expect(answer.status).toBe(200);
  });

  test.each([['Sec-Fetch-Site: same-origin'], ['Sec-Fetch-Site: none'], ['Origin: http://api.test']])(
    '%s',
    async (line) => {
      expect((await ask('GET /all/x', [basic(`git:${token}`), line]))[0].status).toBe(200);
    },
  );
});

describe('a refusal', () => {
  test('asks for a user name and a password where the route takes them, and then for the token', async () => {
    const [answer] = await ask('GET /all/x', []);
    expect(answer.all('www-authenticate')).toEqual([
      'Basic realm="scopegate", charset="UTF-8"',
      'Bearer realm="scopegate"',
    ]);
    expect((await ask('GET /openai', []))[0].all('www-authenticate')).toEqual(['Bearer realm="scopegate"']);
  });

  test('is said in the words that its route names', async () => {
    const [answer] = await ask('GET /openai', []);
    expect(JSON.parse(answer.body.toString())).toEqual({
      error: { message: expect.any(String), type: 'authentication_error', code: 'invalid_api_key', param: null },
    });
    const [elsewhere] = await ask('GET /nowhere', []);
    expect(JSON.parse(elsewhere.body.toString())).toMatchObject({ code: 4200 });
  });
});

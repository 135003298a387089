/** What requests leave in the log: access lines and decision lines. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TestGateway } from '../../support/gateway.ts';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { askOnce } from '../ask-once.ts';
import { attack } from '../attack.ts';
import { harness, ROUTES } from '../harness.ts';

const at = harness();
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await at.start({
    upstream: { timeouts: { headersMs: 100 } },
    routes: [
      ...ROUTES,
      {
        id: 'bot',
        match: { path: '/workspaces/{ws}/bots/{bot}' },
        require: {
          scopes: ['bot:write'],
          workspace: { from: 'path.ws', as: 'workspace', role: 'member' },
          resource: { type: 'bot', from: 'path.bot', relation: 'owner' },
        },
      },
    ],
    settings: {
      gateway: { trustedProxies: ['127.0.0.1'], guesses: { tokenFailures: 1_000_000 } },
      log: { access: 'all', decisions: { refused: 1, allowed: 1 } },
    },
  });
});
let before = 0;
afterEach(() => {
  before = gateway.logLines.length;
});
afterAll(() => gateway.stop());

type Line = Readonly<Record<string, unknown>>;
const lines = (msg: string) =>
  gateway.logLines
    .slice(before)
    .map((text) => JSON.parse(text) as Line)
    .filter((line) => line.msg === msg);
const reader = () => `Authorization: Bearer ${gateway.tokens.reader}`;
const ask = (line: string, headers: readonly string[] = []) => askOnce(gateway.url, at.upstream, line, headers);
const ended = (msg: string) => expect.poll(() => lines(msg).length).toBeGreaterThan(0);

test('an access line says who asked for what, and what became of it', async () => {
  at.upstream.reply = () => 'HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello';
  const client = await RawClient.connect(gateway.url);
  const headers = [
    `Authorization: Bearer ${gateway.tokens.writer}`,
    'X-Request-Id: mine',
    'X-Forwarded-For: 192.0.2.7',
  ];
  const answer = await client
    .send(rawRequest('POST /files/a?secret=1', [...headers, 'Content-Length: 3'], 'abc'))
    .response();
  client.close();
  await ended('forwarded');
  expect(lines('forwarded')).toEqual([
    {
      ...{ level: 30, time: expect.any(Number), msg: 'forwarded', requestId: 'mine' },
      decisionId: answer.header('x-scopegate-decision-id'),
      ...{ method: 'POST', host: 'api.test', path: '/files/a', routeId: 'write', status: 201 },
      ...{ bytesIn: 3, bytesOut: 5, totalMs: expect.any(Number), upstreamMs: expect.any(Number), complete: true },
      ...{ tokenId: expect.stringMatching(/^tok_/), organizationId: 'acme', clientAddress: '192.0.2.7' },
    },
  ]);
  const { totalMs, upstreamMs } = lines('forwarded')[0] as { totalMs: number; upstreamMs: number };
  expect(totalMs).toBeGreaterThan(upstreamMs);
});

test('that of a refusal says why; after the decision, how long the upstream was waited for', async () => {
  await ask('GET /admin/x?secret=1', [reader()]);
  expect(lines('refused')).toMatchObject([
    {
      reason: 'scope_missing',
      status: 403,
      routeId: 'admin',
      path: '/admin/x',
      tokenId: expect.stringMatching(/^tok_/),
    },
  ]);
  at.upstream.replyToHead = () => undefined;
  await ask('GET /files/slow', [reader()]);
  const line = lines('refused')[1] as { upstreamMs: number; totalMs: number };
  expect(line).toMatchObject({ reason: 'upstream_timeout', status: 504, detail: expect.stringContaining('no answer') });
  expect([line.upstreamMs >= 90, line.totalMs > line.upstreamMs]).toEqual([true, true]);
});

test('a decision line holds what explaining and judging it again take, allowed or not', async () => {
  const [answer] = await ask('GET /by-query?environmentId=dev', [reader()]);
  await ended('decision');
  const common = {
    ...{ level: 30, time: expect.any(Number), msg: 'decision', method: 'GET', host: 'api.test', degraded: false },
    ...{ token: expect.stringMatching(/^tok_/), kind: 'personal', organization: 'acme', address: '127.0.0.1' },
    ...{ configuration: expect.stringMatching(/^[0-9a-f]{12}$/), revision: expect.any(Number) },
    ...{
      at: expect.stringMatching(/^20.+Z$/),
      altered: false,
      detail: null,
      owner: expect.any(String),
      state: 'active',
    },
    ...{ scopes: expect.any(String), workspaces: 'ws_sales', expiresAt: expect.stringMatching(/Z$/) },
    ...{ authUs: expect.any(Number), id: expect.stringMatching(/^[0-9A-Z]{26}$/), requestId: expect.any(String) },
  };
  const [decision] = lines('decision');
  expect(decision).toMatchObject({ id: answer.header('x-scopegate-decision-id'), route: 'by-query' });
  expect(decision).toMatchObject({ environment: 'dev', status: answer.status });
  before = gateway.logLines.length;
  await ask('GET /workspaces/ws_sales/bots/b1?x=1', [reader()]);
  expect(lines('decision')).toEqual([
    {
      ...common,
      ...{
        path: '/workspaces/ws_sales/bots/b1',
        route: 'bot',
        outcome: 'refused',
        reason: 'scope_missing',
        status: 403,
      },
      ...{ workspace: 'ws_sales', environment: null, resource: 'bot/b1', role: null, upstreamMs: null },
    },
  ]);
});

test('a path that is longer than what is remembered of a refusal stands in its line as it was', async () => {
  const path = `/nowhere/${'x'.repeat(1000)}`;
  await ask(`GET ${path}`, [reader()]);
  await ended('decision');
  expect(lines('decision')).toMatchObject([{ path, altered: false, reason: 'route_not_found' }]);
  const { body } = await gateway.admin('GET', '/v1/refusals?limit=1');
  expect(body).toMatchObject({ items: [{ altered: true }] });
});

attack({
  name: 'no line of a request has a query, a body or a token, wherever they were put',
  outcome: 'the path ends before its query; what looks like a token is cut out; odd bytes are spelled out',
  sources: ['CWE-532', 'CWE-117'],
})(() => {
  test.each([
    ['GET /files/x?canary=1', '/files/x', null],
    ['GET /files/x#canary', '/files/x', 'the path holds a blank, a control, # or \\'],
    ['GET /files/x?a#canary', '/files/x', 'the query holds a blank, a control, # or \\'],
    ['GET /public/../x', '/public/../x', 'the path has a dot segment, invalid UTF-8'],
    ['GET /public//x', '/public//x', 'the path has an empty segment'],
    ['GET /public/%zz', '/public/%zz', 'the path has a % without two hexadecimal digits'],
    ['GET /files/a%2Fb', '/files/a%2Fb', 'the path has %2F, which its route does not keep'],
    ['GET /files/a%2F%2Fb', '/files/a%2F%2Fb', 'beside %2F the path has an empty piece'],
    ['GET http://evil.test/x?canary', 'http://evil.test/x', 'the target names another authority than Host'],
    ['OPTIONS *', '*', 'the target is no path'],
  ])('%j', async (line, path, detail) => {
    using client = await RawClient.connect(gateway.url);
    await client.send(Buffer.from(rawRequest(line, ['Cookie: canary']), 'latin1')).response();
    await expect.poll(() => lines('refused').length).toBe(1);
    expect(lines('refused')[0]).toMatchObject({
      path,
      detail: detail === null ? null : expect.stringContaining(detail),
    });
    expect(lines('decision')).toMatchObject([{ path, outcome: 'refused' }]);
    expect(gateway.logLines.slice(before).join('')).not.toContain('canary');
  });

  test('a token in the path, in a selector and in the host', async () => {
    const { reader: token } = gateway.tokens;
    await ask(`GET /public/${token}`);
    await ask(`GET /workspaces/${token}/things`, [reader()]);
    await ask(`GET /by-query?environmentId=${token}`, [reader()]);
    await ask('GET /files/x', [`Host: ${token}.test`, reader()]);
    await expect.poll(() => lines('decision').length).toBe(4);
    expect(gateway.logLines.slice(before).join('')).not.toContain(token);
  });
});

attack({
  name: 'a flood of one kind of refusal hides no other from the log',
  outcome:
    '50 lines a second for each class of reasons, and a line that says how many were left out; decision lines have no such limit',
  sources: ['CWE-779'],
})(() => {
  test('401 by the hundred, and one 504 among them', async () => {
    at.upstream.replyToHead = () => undefined;
    using flood = await RawClient.connect(gateway.url);
    const MANY = 400;
    for (let nth = 0; nth < MANY; nth++) flood.send(rawRequest('GET /files/x'));
    await flood.until(({ responses }) => responses.length >= MANY, 'all refusals');
    await ask('GET /files/slow', [reader()]);
    expect(lines('refused').some(({ reason }) => reason === 'upstream_timeout')).toBe(true);
    const shown = lines('refused').filter(({ reason }) => reason === 'token_missing');
    expect(shown.length).toBeLessThan(MANY);
    await expect.poll(() => lines('refusals were left out').length, { timeout: 5000 }).toBeGreaterThan(0);
    const leftOut = [...shown, ...lines('refusals were left out')].map(({ suppressed = 0 }) => Number(suppressed));
    expect(shown.length + leftOut.reduce((sum, count) => sum + count, 0)).toBe(MANY);
    expect(lines('refusals were left out')[0]).toMatchObject({ class: 'credential' });
    expect(lines('decision').filter(({ reason }) => reason === 'token_missing')).toHaveLength(MANY);
  });
});

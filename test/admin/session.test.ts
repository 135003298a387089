/** Sessions of the console: who gets one, from where, for how long, and what it is good for. */
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sessions } from '../../src/admin/sessions.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { Refusals } from './refusals.ts';

const MINUTE = 60_000;
const PAGE = { 'sec-fetch-site': 'same-origin' };
const JSON_TYPE = { 'content-type': 'application/json' };

let gateway: TestGateway;
let described: Refusals;
/** What the sidecar takes for now. */
let passedMs = 0;
let ann: { id: string; token: string };
beforeAll(async () => {
  const clock = { nowMs: () => Date.now() + passedMs, monotonicMs: () => performance.now() + passedMs };
  gateway = await startTestGateway({
    upstreamUrl: 'http://127.0.0.1:9',
    clock,
    settings: { admin: { trustedProxies: ['127.0.0.9'] }, gateway: { guesses: { tokenFailures: 3 } } },
  });
  described = await Refusals.of(gateway.adminUrl);
  ann = await managing('bob');
});
afterAll(() => gateway.stop());

async function managing(owner: string, more: object = {}): Promise<{ id: string; token: string }> {
  const scopes = ['tokens:manage', 'bot:read'];
  const wish = { owner, name: 'console', scopes, workspaces: ['ws_sales'], expiresInDays: 30, ...more };
  const { status, body } = await gateway.admin('POST', '/tokens', wish);
  expect([status, body]).toMatchObject([201, {}]);
  return body as { id: string; token: string };
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly code?: string };
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

async function call(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Answer> {
  const answer = await request(gateway.adminUrl + path, {
    method: method as 'GET',
    headers: { ...(body === undefined ? {} : JSON_TYPE), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const parsed = (await answer.body.json()) as Answer['body'];
  if (answer.statusCode >= 400) described.expectDeclared(method, path, answer.statusCode, parsed);
  return { status: answer.statusCode, body: parsed, headers: answer.headers };
}

const signIn = (credential: string, headers: Record<string, string> = PAGE) =>
  call('POST', '/v1/session', headers, { credential });

/** What a browser sends from then on. */
async function session(credential: string): Promise<Record<string, string>> {
  const { status, headers } = await signIn(credential);
  expect(status).toBe(201);
  return { ...PAGE, cookie: String(headers['set-cookie']).split(';', 1)[0]! };
}

const TOKENS = '/v1/organizations/acme/tokens';
const idsIn = ({ body }: Answer) => (body.items as Array<{ id: string }>).map(({ id }) => id);

describe('signing in', () => {
  it('with the admin key gives a cookie that no script reads, no other site sends and no other port shares', async () => {
    const { status, body, headers } = await signIn(gateway.adminKey);
    const port = new URL(gateway.adminUrl).port;
    expect([status, body]).toMatchObject([201, { caller: { kind: 'operator', organization: null } }]);
    expect(headers['set-cookie']).toMatch(
      new RegExp(`^scopegate_session_${port}=[0-9A-Za-z]{43}; Path=/; HttpOnly; SameSite=Strict$`),
    );
    expect(JSON.stringify(body)).not.toContain(String(headers['set-cookie']).split(/[=;]/)[1]!);
  });

  it('through a trusted proxy with HTTPS gives a cookie for this host alone, over HTTPS alone', async () => {
    const answer = await through('127.0.0.9', { 'x-forwarded-proto': 'https', 'x-forwarded-for': '198.51.100.7' });
    expect(answer.status).toBe(201);
    expect(answer.headers['set-cookie']).toMatch(/^__Host-scopegate_session_\d+=\w+; .*; Secure$/);
  });

  it.each([
    ['an untrusted proxy on this machine', '127.0.0.1', { 'x-forwarded-for': '198.51.100.7' }],
    ['a trusted proxy that was asked over plain HTTP', '127.0.0.9', { 'x-forwarded-proto': 'http' }],
  ])('through %s is refused, before and after it was tried', async (_, from, headers) => {
    expect(await through(from, headers)).toMatchObject({ status: 403, body: { code: 'sign_in_not_private' } });
    const asked = await through(from, headers, 'GET');
    expect(asked).toMatchObject({ status: 200, body: { caller: null, signIn: 'not_private' } });
  });

  it.each(['same-site', 'cross-site', 'none'])('from a page of another origin (%s) is refused', async (site) => {
    const answer = await signIn(gateway.adminKey, { 'sec-fetch-site': site });
    expect(answer).toMatchObject({ status: 403, body: { code: 'not_same_origin' } });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('under a name that is not the sidecar’s is refused', async () => {
    const answer = await signIn(gateway.adminKey, { ...PAGE, host: 'rebound.example' });
    expect(answer).toMatchObject({ status: 421, body: { code: 'host_not_allowed' } });
  });

  it('with a token that manages nothing, or with nonsense, is refused; further guesses are turned away, a right key never', async () => {
    const guesses = [gateway.tokens.owner, 'pat_none', 'nonsense', 'more nonsense'];
    const answers = [];
    for (const guess of guesses) answers.push(await signIn(guess));
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [401, 'credential_unknown'],
      [401, 'credential_unknown'],
      [401, 'credential_unknown'],
      [429, 'too_many_failures'],
    ]);
    expect(Number(answers[3]!.headers['retry-after'])).toBeGreaterThan(0);
    expect(JSON.stringify(answers)).not.toContain(gateway.tokens.owner);
    expect((await signIn(gateway.adminKey)).status).toBe(201);
  });

  it('by a link works once, and 15 minutes long', async () => {
    const link = async () => {
      const { body } = await gateway.admin('POST', '/v1/session-links');
      return /^\/#sign-in=(once_\w+)$/.exec((body as { path: string }).path)![1]!;
    };
    const code = await link();
    expect(await signIn(code)).toMatchObject({ status: 201, body: { caller: { kind: 'operator' } } });
    expect((await signIn(code)).status).toBeGreaterThan(400);
    const late = await link();
    passedMs += 15 * MINUTE;
    expect((await signIn(late)).status).toBe(401);
    expect((await gateway.admin('POST', '/v1/session-links', undefined, { 'scopegate-actor': 'bob' })).status).toBe(
      403,
    );
  });
});

describe('a session', () => {
  it('of a member says who they are, and finds nothing of others', async () => {
    const cookies = await session(ann.token);
    expect(await call('GET', '/v1/session', cookies)).toMatchObject({
      status: 200,
      body: {
        caller: {
          kind: 'member',
          organization: 'acme',
          member: { id: 'bob', name: 'Bob' },
          token: { id: ann.id },
          seesAllTokens: false,
          kinds: ['personal'],
        },
      },
    });
    const all = idsIn((await gateway.admin('GET', '/tokens')) as Answer);
    const own = idsIn((await gateway.admin('GET', '/tokens?owner=bob')) as Answer);
    expect(own.length).toBeLessThan(all.length);
    expect(idsIn(await call('GET', TOKENS, cookies)).sort()).toEqual(own.sort());
    for (const id of all.filter((each) => !own.includes(each)))
      expect(await call('GET', `${TOKENS}/${id}`, cookies)).toMatchObject({ status: 404 });
    expect(await call('GET', '/v1/organizations', cookies)).toMatchObject({ status: 403 });
    expect(await call('GET', '/v1/status', cookies)).toMatchObject({ status: 403 });
  });

  it('ends at once with the token it came from', async () => {
    const { id, token } = await managing('bob');
    const cookies = await session(token);
    expect((await call('GET', TOKENS, cookies)).status).toBe(200);
    await gateway.admin('POST', `/tokens/${id}/revoke`);
    expect(await call('GET', TOKENS, cookies)).toMatchObject({ status: 401, body: { code: 'session_ended' } });
    expect(await call('GET', '/v1/session', cookies)).toMatchObject({ status: 200, body: { caller: null } });
  });

  it('is for pages of the sidecar’s own alone, whatever is asked', async () => {
    const cookies = await session(gateway.adminKey);
    const { cookie } = cookies;
    for (const headers of [{ cookie: cookie! }, { cookie: cookie!, 'sec-fetch-site': 'same-site' }]) {
      for (const method of ['GET', 'POST']) {
        const answer = await call(method, TOKENS, headers, method === 'POST' ? { name: 'planted' } : undefined);
        expect(answer).toMatchObject({ status: 403, body: { code: 'not_same_origin' } });
      }
    }
    const text = await request(`${gateway.adminUrl}${TOKENS}`, {
      method: 'POST',
      headers: { ...cookies, 'content-type': 'text/plain' },
      body: '{"name":"planted"}',
    });
    expect([text.statusCode, ((await text.body.json()) as { code: string }).code]).toEqual([
      415,
      'unsupported_media_type',
    ]);
  });

  it('ends with signing out, and a cookie planted beside the right one makes nobody of both', async () => {
    const cookies = await session(gateway.adminKey);
    const planted = await call('GET', TOKENS, { ...cookies, cookie: `${cookies.cookie}; ${cookies.cookie}x` });
    expect(planted).toMatchObject({ status: 401, body: { code: 'credential_missing' } });
    const out = await call('DELETE', '/v1/session', cookies);
    expect([out.status, out.headers['set-cookie']]).toEqual([200, expect.stringMatching(/=; .*Max-Age=0$/)]);
    expect(await call('GET', TOKENS, cookies)).toMatchObject({ status: 401, body: { code: 'session_ended' } });
  });

  it('lasts 30 minutes without a call, and 12 hours with them', () => {
    let nowMs = 0;
    const sessions = new Sessions({ nowMs: () => nowMs + 5, monotonicMs: () => nowMs });
    const idle = sessions.open(null).id;
    const busy = sessions.open(null).id;
    for (nowMs = 29 * MINUTE; nowMs < 12 * 60 * MINUTE; nowMs += 29 * MINUTE)
      expect(sessions.find(busy), `after ${nowMs / MINUTE} minutes`).toMatchObject({
        endsAtMs: 12 * 60 * MINUTE + 5,
        idleUntilMs: Math.min(nowMs + 30 * MINUTE, 12 * 60 * MINUTE) + 5,
      });
    expect(sessions.find(idle)).toBeNull();
    nowMs = 12 * 60 * MINUTE;
    expect(sessions.find(busy)).toBeNull();
  });
});

/** From another address of this machine. */
async function through(from: string, headers: Record<string, string>, method: 'GET' | 'POST' = 'POST') {
  const { Agent } = await import('undici');
  await using agent = Object.assign(new Agent({ localAddress: from }), {
    [Symbol.asyncDispose]: () => agent.close(),
  });
  const answer = await request(`${gateway.adminUrl}/v1/session`, {
    method,
    dispatcher: agent,
    headers: { ...PAGE, ...headers, ...(method === 'POST' ? JSON_TYPE : {}) },
    body: method === 'POST' ? JSON.stringify({ credential: gateway.adminKey }) : null,
  });
  return { status: answer.statusCode, body: (await answer.body.json()) as Answer['body'], headers: answer.headers };
}

/** The request path step by step, without a socket: which step refuses first, what it costs, and where the rest goes. */

import { beforeEach, describe, expect, it } from 'vitest';
import { AUTHORIZATION_QUERY, BEARER_ONLY } from '../../src/core/credential.ts';
import { hashToken } from '../../src/secret.ts';
import type { Lookup } from '../../src/store/store.ts';
import { networks, PipelineHarness, PlainExchange, perMinute, route } from './harness.ts';

const ROUTES = [
  route('read', '/bots'),
  route('write', '/drafts', { methods: ['POST'] }),
  route('public', '/public', { requirement: null }),
  route('office', '/office', { requirement: null, allowFrom: networks('10.0.0.0/8') }),
  route('office-read', '/office-bots', { allowFrom: networks('10.0.0.0/8') }),
  route('limited', '/limited', { limits: perMinute(2) }),
  route('both', '/both', { credentials: { ...BEARER_ONLY, queries: [AUTHORIZATION_QUERY] }, limits: perMinute(1) }),
  route('ours', '/ours', { endpoint: 'ours', upstream: '' }),
  route('elsewhere', '/elsewhere', { upstream: 'unknown', limits: perMinute(1) }),
];

let path: PipelineHarness;
beforeEach(() => {
  path = new PipelineHarness(ROUTES, (address) => address === '10.9.0.1');
});
const bearer = (token: string) => `Authorization: Bearer ${token}`;

describe('the first step that refuses is the reason', () => {
  it.each([
    ['framing', 'GET /bots', ['Content-Length: 1', 'Content-Length: 1'], 'bad_request'],
    ['framing before the route', 'GET /nowhere', ['Transfer-Encoding: gzip'], 'bad_request'],
    ['target', 'GET /bots/../public', [], 'bad_request'],
    ['route', 'GET /nowhere', ['Authorization: Bearer x'], 'route_not_found'],
    ['method', 'GET /drafts', [], 'method_not_allowed'],
    ['address of a public route', 'GET /office', [], 'address_not_allowed'],
    ['address before credential', 'GET /office-bots', ['Authorization: Bearer x, y'], 'address_not_allowed'],
    ['credential', 'GET /bots', [], 'token_missing'],
    ['credential', 'GET /bots', ['Authorization: Bearer x, y'], 'token_malformed'],
    ['token', 'GET /bots', ['Authorization: Bearer junk'], 'token_unknown'],
    ['upstream, after the token', 'GET /elsewhere', [], 'token_missing'],
  ] as const)('%s: %s %j', async (_, line, lines, reason) => {
    expect(await path.outcome(line, lines)).toBe(reason);
    expect([path.sent, path.used, path.bugs]).toEqual([[], [], []]);
  });

  it('each is told once, with as much as was known by then', async () => {
    await path.outcome('GET /nowhere');
    await path.outcome('GET /drafts?secret=1');
    await path.outcome('GET /bots', ['Host: again']);
    expect(
      path.refused.map(({ request, route }) => [request.reading.target.path, route?.id ?? null, request.token]),
    ).toEqual([
      ['/nowhere', null, null],
      ['/drafts', null, null],
      ['', null, null],
    ]);
  });

  it('what could be read in two ways ends its connection; nothing else does', async () => {
    const ended = (line: string, lines: readonly string[] = []) => path.handle(new PlainExchange(line, lines)).ended;
    expect(ended('GET //bots')).toBe(true);
    expect(ended('GET /nowhere')).toBe(false);
    expect(ended('GET /public', ['Upgrade: websocket']), 'bytes behind it are lost').toBe(true);
  });
});

describe('a token', () => {
  it('that may goes on, and counts as used; what the upstream gets is what was judged', async () => {
    const token = path.grant('tok_1');
    expect(await path.outcome('GET /bots?b=%31', [bearer(token), 'X-Scopegate-Role: admin'])).toBe('sent');
    expect(path.sent[0]).toMatchObject({ method: 'GET', target: '/bots?b=%31', holder: 'tok_1' });
    expect(path.sent[0]!.headerLines).toContain('X-Scopegate-Token-Id: tok_1\r\n');
    expect(path.sent[0]!.headerLines).not.toMatch(/authorization|admin/i);
    expect(path.used).toEqual(['tok_1']);
  });

  it('that lacks a scope counts as used; one that has expired does not', async () => {
    const lacking = path.grant('tok_1', { scopes: ['bot:write'].slice(1) });
    const expired = path.grant('tok_2', { expiresAtMs: 5 });
    expect(await path.outcome('GET /bots', [bearer(lacking)])).toBe('scope_missing');
    expect(await path.outcome('GET /bots', [bearer(expired)])).toBe('token_expired');
    expect(path.used).toEqual(['tok_1']);
    expect(path.refused.map(({ request }) => request.token?.id)).toEqual(['tok_1', 'tok_2']);
  });

  it('is of use at its addresses alone', async () => {
    const lines = [bearer(path.grant('tok_1', { allowedAddresses: ['198.51.100.0/24'] }))];
    const from = async (peerAddress: string, ...more: string[]) => {
      const exchange = new PlainExchange('GET /bots', [...lines, ...more]);
      exchange.peerAddress = peerAddress;
      path.handle(exchange);
      await exchange.done;
      return path.refused.pop()?.reason ?? 'sent';
    };
    expect(await from('198.51.100.7')).toBe('sent');
    expect(await from('::ffff:198.51.100.7')).toBe('sent');
    expect(await from('192.0.2.1', 'X-Forwarded-For: 198.51.100.7')).toBe('address_not_allowed');
    expect(await from('10.9.0.1', 'X-Forwarded-For: 198.51.100.7')).toBe('sent');
    expect(await from('10.9.0.1')).toBe('address_not_allowed');
    expect(await from('')).toBe('address_not_allowed');
  });

  it('that is guessed too often is told no more of, and not that it was that often', async () => {
    const reasons: string[] = [];
    for (let nth = 0; nth < 4; nth++) reasons.push(await path.outcome('GET /bots', ['Authorization: Bearer junk']));
    expect(reasons).toEqual(['token_unknown', 'token_unknown', 'rate_limited', 'rate_limited']);
    expect(await path.outcome('GET /bots', [bearer(path.grant('tok_1'))])).toBe('sent');
  });
});

describe('a limit', () => {
  it('is used once by each request, wherever that goes', async () => {
    const token = bearer(path.grant('tok_1'));
    const outcomes = [];
    for (let nth = 0; nth < 3; nth++) outcomes.push(await path.outcome('GET /limited', [token]));
    expect(outcomes).toEqual(['sent', 'sent', 'rate_limited']);
    expect(path.refused[0]).toMatchObject({ request: { token: { id: 'tok_1' } }, detail: 'limit few' });
  });

  it('is not used by what is refused elsewhere', async () => {
    const token = path.grant('tok_1');
    const handler = path.handler();
    // What the gateway would strip, a proxy that only asks would send on.
    expect(await path.outcome(`GET /both?authorization=${token}`, [bearer(token)], handler)).toBe('bad_request');
    expect(await path.outcome('GET /elsewhere', [bearer(token)])).toBe('route_not_found');
    expect(await path.outcome('GET /elsewhere', [bearer(token)])).toBe('route_not_found');
    expect(await path.outcome('GET /both', [bearer(token)], handler)).toBe('passed');
    expect(await path.outcome('GET /both', [bearer(token)], handler)).toBe('rate_limited');
  });

  it('stands on the answer of whoever gives it', async () => {
    const exchange = new PlainExchange('GET /limited', [bearer(path.grant('tok_1'))]);
    path.handle(exchange, path.handler());
    await expect.poll(() => path.passed.length).toBe(1);
    expect(path.passed[0]!.answerHeaders).toContain('RateLimit');
  });
});

describe('where it goes', () => {
  it("to one of the gateway's own endpoints, but not where those are not served", async () => {
    const token = bearer(path.grant('tok_1'));
    expect(await path.outcome('GET /ours', [token])).toBe('called');
    expect(path.called[0]).toMatchObject({ address: '192.0.2.1', allowed: { token: { id: 'tok_1' } } });
    expect(await path.outcome('GET /ours', [token], path.handler(false))).toBe('route_not_found');
  });

  it('to another program, with who is calling; to nobody on a public route', async () => {
    await path.outcome('GET /public', [], path.handler());
    expect(path.passed[0]).toMatchObject({ allowed: null, identity: [], degraded: false });
    expect(path.sent).toEqual([]);
  });
});

describe('a fact that has to be waited for', () => {
  /** Holds up the look-up of this token's value. */
  function holdUp(token: string) {
    const { promise, resolve, reject } = Promise.withResolvers<Lookup>();
    const quick = path.lookUp;
    path.lookUp = (key) => (key === hashToken(token) ? promise : quick(key));
    return { found: () => resolve(quick(hashToken(token)) as Lookup), reject };
  }

  it('is judged by the rules that are in force when it comes', async () => {
    const token = path.grant('tok_1');
    const { found } = holdUp(token);
    const exchange = path.handle(new PlainExchange('GET /bots', [bearer(token)]));
    path.rules = path.rulesOf([route('read', '/bots', { allowFrom: networks('10.0.0.0/8') })]);
    found();
    await exchange.done;
    expect(path.refused.map(({ reason }) => reason)).toEqual(['address_not_allowed']);
    expect([path.sent, path.used]).toEqual([[], []]);
  });

  it('and by those that replaced them while it was judged anew', async () => {
    const token = path.grant('tok_1');
    const { found } = holdUp(token);
    const exchange = path.handle(new PlainExchange('GET /bots', [bearer(token)]));
    path.rules = path.rulesOf([route('other', '/bots')]);
    const quick = path.lookUp;
    const second = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    path.facts.flushed();
    path.lookUp = async (key) => {
      asked.resolve();
      await second.promise;
      return quick(key);
    };
    found();
    await asked.promise;
    path.rules = path.rulesOf([]);
    second.resolve();
    await exchange.done;
    expect(path.refused.map(({ reason }) => reason)).toEqual(['route_not_found']);
    expect(path.sent).toEqual([]);
  });

  it('is neither a yes nor a no where it cannot be had, and no bug', async () => {
    path.lookUp = () => ({ kind: 'unavailable', cause: new Error('down') });
    expect(await path.outcome('GET /bots', [bearer(path.grant('tok_1'))])).toBe('store_unavailable');
    expect([path.used, path.bugs]).toEqual([[], []]);
  });

  it('and a fault of ours behind it fails closed', async () => {
    const token = path.grant('tok_1');
    const { found } = holdUp(token);
    const exchange = path.handle(new PlainExchange('GET /ours', [bearer(token)]));
    path.rules.endpoints.get('ours');
    (path.rules.endpoints as Map<string, () => void>).set('ours', () => {
      throw new Error('a fault of ours');
    });
    found();
    await exchange.done;
    expect(exchange.result?.status).toBe(503);
    expect(path.bugs.map(String)).toEqual(['Error: a fault of ours']);
  });
});

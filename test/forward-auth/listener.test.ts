/** The decision listener itself, asked the way each proxy asks, and the ways in which none should be able to. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REASON_NAMES } from '../../src/core/reason.ts';
import { attack } from '../conformance/attack.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { ask, RawClient, rawRequest } from '../support/raw.ts';
import { scraped } from '../support/scrape.ts';

const ROUTES = [
  { id: 'public', match: { path: '/public/**' }, public: true },
  { id: 'read', match: { methods: ['GET'], path: '/files/**' }, require: { scopes: ['workflows:read'] } },
  { id: 'admin', match: { path: '/admin/**' }, require: { scopes: ['knowledge:write'] } },
];
const NOBODY = 'http://127.0.0.1:9';
const running: TestGateway[] = [];
afterAll(() => Promise.all(running.map((gateway) => gateway.stop())));

async function deciding(decision: object, policy?: string, more: Settings = {}) {
  const settings: Settings = { decision: { port: 0, ...decision }, ...more };
  const other = policy === undefined ? {} : { policy, seed: false, routes: ROUTES.slice(0, 2) };
  const gateway = await startTestGateway({ upstreamUrl: NOBODY, routes: ROUTES, settings, ...other });
  running.push(gateway);
  const url = gateway.running.decisionUrl!;
  return { gateway, url, reader: `Authorization: Bearer ${gateway.tokens.reader}` };
}

type Deciding = Awaited<ReturnType<typeof deciding>>;

const nginx = (method: string, target: string) => [`X-Original-Method: ${method}`, `X-Original-URI: ${target}`];
const forwarded = (method: string, target: string) => [
  `X-Forwarded-Method: ${method}`,
  `X-Forwarded-Uri: ${target}`,
  'X-Forwarded-Host: api.test',
];

describe.each([
  ['nginx', nginx],
  ['caddy', forwarded],
  ['traefik', forwarded],
] as const)('for %s', (proxy, describing) => {
  let at: Deciding;
  beforeAll(async () => {
    at = await deciding({ for: proxy });
  });
  const status = async (headers: readonly string[]) => (await ask(at.url, rawRequest('GET /', headers))).status;
  const refused = proxy === 'nginx' ? 403 : 400;

  it('an allowed request is 200 without a body, with who is calling; what is not known is empty', async () => {
    const answer = await ask(at.url, rawRequest('GET /', [at.reader, ...describing('GET', '/files/x?y')]));
    expect([answer.status, answer.body, answer.framing]).toEqual([200, '', 'length']);
    expect(Object.fromEntries(answer.headers.filter(([name]) => name.startsWith('X-')))).toEqual({
      'X-Scopegate-Token-Id': expect.stringMatching(/^tok_/),
      'X-Scopegate-Kind': 'personal',
      'X-Scopegate-Organization': 'acme',
      'X-Scopegate-Subject': 'bob',
      'X-Scopegate-Client-Id': '',
      'X-Scopegate-Scopes': 'workflows:read',
      'X-Scopegate-Workspaces': 'ws_sales',
      'X-Scopegate-Workspace': '',
      'X-Scopegate-Environment': '',
      'X-Scopegate-Environments': '',
      'X-Scopegate-Role': '',
      'X-Scopegate-Api-Version': '',
      'X-Request-Id': expect.stringMatching(/^[0-9A-Z]{26}$/),
      'X-Scopegate-Decision-Id': answer.header('x-request-id'),
    });
  });

  attack({
    name: 'a proxy that asks is believed what it describes, and nobody else',
    outcome:
      '400, or 403 to nginx: for a description missing, empty or there twice, a target of two readings, a forged identity',
    sources: ['CVE-2026-40575', 'CVE-2025-64484'],
  })(() => {
    it('a method that is none, or one in lower case, is not taken for "the rest"', async () => {
      for (const method of ['put', 'Delete', 'FOO'])
        expect(await status([at.reader, ...describing(method, '/public/x')]), method).toBe(refused);
    });

    it("the question's own method and path say nothing", async () => {
      const headers = [at.reader, ...describing('GET', '/admin/x')];
      expect((await ask(at.url, rawRequest('GET /public/x', headers))).status).toBe(403);
      expect(
        (await ask(at.url, rawRequest('DELETE /admin/x', [at.reader, ...describing('GET', '/files/x')]))).status,
      ).toBe(200);
    });

    it('a description that is missing, empty or there twice is refused', async () => {
      const whole = describing('GET', '/public/x');
      expect(await status(whole)).toBe(200);
      expect(await status([])).toBe(refused);
      for (const [index, line] of whole.entries()) {
        const others = whole.filter((_, other) => other !== index);
        expect(await status(others), `without ${line}`).toBe(refused);
        expect(await status([...others, `${line.split(':')[0]}:`]), `empty ${line}`).toBe(refused);
        expect(await status([...whole, line]), `twice ${line}`).toBe(refused);
        expect(await status([...whole, line.toLowerCase()]), `twice ${line}`).toBe(refused);
      }
      expect(await status(describing('GET,POST', '/public/x'))).toBe(refused);
    });

    it.each(['http://api.test/public/x', 'public/x', '*', '/public/../x', '/public/x#y', '/public/%2e%2e', ''])(
      'the target %s is refused',
      async (target) => {
        expect(await status(describing('GET', target))).toBe(refused);
      },
    );

    it.each([
      'X-Scopegate-Role: admin',
      'x_scopegate_role: admin',
      'X.Scopegate.Anything: x',
      'X!Scopegate!Role: admin',
      'X~Scopegate+Subject: root',
      'X-HTTP*Method|Override: PUT',
      'X-Method-Override: PUT',
    ])('%s from the client is refused, since the proxy would send it on', async (header) => {
      expect(await status([...describing('GET', '/public/x'), header])).toBe(refused);
    });
  });

  it('the body that a proxy announces and does not send keeps nobody waiting', async () => {
    expect(await status([...describing('POST', '/public/x'), 'Content-Length: 5'])).toBe(200);
  });
});

describe('for envoy', () => {
  let at: Deciding;
  beforeAll(async () => {
    at = await deciding({ for: 'envoy' });
  });

  it('the question is the request itself', async () => {
    expect((await ask(at.url, rawRequest('GET /files/x?y', [at.reader]))).status).toBe(200);
    const refusal = await ask(at.url, rawRequest('POST /admin/x', [at.reader, ...nginx('GET', '/public/x')]));
    expect([refusal.status, JSON.parse(refusal.body)]).toEqual([403, expect.objectContaining({ code: 4101 })]);
    expect((await ask(at.url, rawRequest('GET /nowhere'))).status).toBe(404);
  });

  it('CONNECT is no question: its method is refused, and no other named', async () => {
    const answer = await ask(at.url, rawRequest('CONNECT api.test:443', [at.reader]));
    expect([answer.status, answer.header('allow')]).toEqual([405, '']);
  });
});

attack({
  name: 'a question from elsewhere than the configured proxies is not judged',
  outcome: 'refused; the log says who asked',
  sources: ['GHSA-vhr5-ggp3-qq85'],
})(() => {
  it('only decision.trustedProxies: from elsewhere a question is refused, and the log says why', async () => {
    const { url, reader, gateway } = await deciding({ for: 'nginx', trustedProxies: ['10.0.0.0/8'] });
    const answer = await ask(url, rawRequest('GET /', [reader, ...nginx('GET', '/public/x')]));
    expect([answer.status, answer.header('x-scopegate-reason')]).toEqual([403, 'bad_request']);
    expect(gateway.logLines.join('')).toContain('127.0.0.1 is not in decision.trustedProxies');
  });

  it('the log names the client that the proxy names', async () => {
    const { url, gateway } = await deciding({ for: 'nginx' });
    await ask(url, rawRequest('GET /', [...nginx('PUT', '/files/x'), 'X-Forwarded-For: 203.0.113.7']));
    const line = JSON.parse(gateway.logLines.findLast((text) => text.includes('"refused"'))!);
    expect(line).toMatchObject({
      reason: 'method_not_allowed',
      method: 'PUT',
      path: '/files/x',
      clientAddress: '203.0.113.7',
    });
  });
});

attack({
  name: 'a client behind a forward-auth proxy comes from where that proxy says, not from where the proxy stands',
  outcome: '403; so is a client that the proxy does not name',
  sources: ['CWE-348', 'RFC 7239 section 6.2'],
})(() => {
  it.each([
    ['nginx', nginx],
    ['caddy', forwarded],
    ['traefik', forwarded],
    ['envoy', () => []],
  ] as const)('for %s', async (proxy, describing) => {
    const { url, gateway } = await deciding({ for: proxy });
    const token = await gateway.mint({ scopes: ['workflows:read'], allowedAddresses: ['10.0.0.0/8', '127.0.0.1'] });
    const path = '/files/x';
    const lines = [`Authorization: Bearer ${token}`, ...describing('GET', path)];
    const status = async (...more: string[]) =>
      (await ask(url, rawRequest(`GET ${proxy === 'envoy' ? path : '/'}`, [...lines, ...more]))).status;
    expect(await status('X-Forwarded-For: 10.1.2.3')).toBe(200);
    expect(await status('X-Forwarded-For: ::ffff:10.1.2.3')).toBe(200);
    expect(await status('X-Forwarded-For: 10.1.2.3, 203.0.113.9')).toBe(403);
    expect(await status('X-Forwarded-For: unknown')).toBe(403);
    expect(await status()).toBe(403);
    await gateway.logged('address_not_allowed');
  });
});

describe('a refusal for nginx', () => {
  it('is 401 or 403, and its headers say what is meant', async () => {
    const { url } = await deciding({ for: 'nginx' });
    const told = async (headers: string[]) => {
      const { status, header } = await ask(url, rawRequest('GET /', headers));
      return [status, ...['status', 'code', 'reason'].map((name) => header(`x-scopegate-${name}`))];
    };
    expect(await told(nginx('GET', '/files/x'))).toEqual([401, '401', '4100', 'token_missing']);
    expect(await told(nginx('GET', '/nowhere'))).toEqual([403, '404', '4200', 'route_not_found']);
    expect(await told(nginx('PUT', '/files/x'))).toEqual([403, '405', '4000', 'method_not_allowed']);
    expect((await ask(url, 'nonsense\r\n\r\n')).status).toBe(403);
  });
});

attack({
  name: 'a refusal in a dialect that says 200 is never a yes',
  outcome: '403 to the proxy, whatever the client is to be told',
  sources: [],
})(() => {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-policy-'));
  const policy = join(folder, 'lax.yaml');
  const reasons = Object.fromEntries(
    REASON_NAMES.map((reason) => [reason, { status: 200, code: 'nö', message: 'Nö „nein“' }]),
  );
  const body = JSON.stringify({ code: '{code}', message: '{message}' });
  writeFileSync(
    policy,
    readFileSync(join(ROOT, 'policies/default.yaml'), 'utf8').replace(
      /^dialect:.*$/m,
      `dialect: { body: ${body}, reasons: ${JSON.stringify(reasons)} }`,
    ),
  );
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['nginx', nginx],
    ['caddy', forwarded],
    ['traefik', forwarded],
  ] as const)('is never a yes for %s', async (proxy, describing) => {
    const { url } = await deciding({ for: proxy }, policy);
    const answer = await ask(url, rawRequest('GET /', describing('GET', '/files/x')));
    expect(answer.status).toBe(403);
    if (proxy !== 'nginx') return;
    expect([answer.header('x-scopegate-status'), answer.header('x-scopegate-code')]).toEqual(['200', 'n?']);
    expect(JSON.parse(answer.header('x-scopegate-body')!)).toEqual({ code: 'nö', message: 'Nö „nein“' });
  });
});

it('whoever has left holds no place among those that wait for a look-up of a token of another system', async () => {
  const { gateway, url } = await deciding({ for: 'envoy' }, undefined, {
    gateway: { guesses: { tokenFailures: 0 } },
    import: { patterns: [{ prefix: 'key-', minLength: 20, maxLength: 40 }], missesPerMinute: 1 },
  });
  const come = async () => {
    const client = await RawClient.connect(url);
    return client.send(rawRequest('GET /files/x', [`Authorization: Bearer key-${randomBytes(12).toString('hex')}`]));
  };
  const crowd = (count: number) => Promise.all(Array.from({ length: count }, come));
  const waiting = async () => {
    const text = await scraped(gateway.running.metrics);
    return Number(/^scopegate_import_lookups_waiting (\d+)$/m.exec(text)![1]);
  };
  const first = await crowd(1200);
  await expect.poll(waiting).toBeGreaterThan(600);
  for (const client of first) client.close();
  const next: RawClient[] = [];
  // Those who have left are looked for when the line is full.
  await expect
    .poll(
      async () => {
        next.push(...(await crowd(100)));
        return waiting();
      },
      { timeout: 5000 },
    )
    .toBeLessThan(500);
  for (const client of next) client.close();
});

attack({
  name: 'the endpoints of the gateway itself are not behind the decision listener',
  outcome: '404',
  sources: [],
})(() => {
  it('the endpoints that the gateway answers itself are not here', async () => {
    const policy = join(ROOT, 'policies/scrydon.yaml');
    const { url } = await deciding({ for: 'envoy' }, policy);
    expect((await ask(url, rawRequest('POST /api/auth/oauth2/token'))).status).toBe(404);
    expect((await ask(url, rawRequest('GET /.well-known/oauth-authorization-server'))).status).toBe(404);
  });
});

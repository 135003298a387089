/** Rules that are tried out beside those in force: they say exactly what they would decide, and decide nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkGateway } from '../../src/config/load/check-gateway.ts';
import { mintToken } from '../../src/secret.ts';
import { assertForSeeds } from '../support/chance.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-shadow-'));
const NEXT = join(folder, 'next.yaml');
const COZE = join(ROOT, 'policies/coze.yaml');
/** Members may read workflows and no more, and being an administrator opens no workspace. */
const STRICT = join(folder, 'strict.yaml');
const strict = parse(readFileSync(COZE, 'utf8')) as { organizationRoles: Record<string, Record<string, unknown>> };
strict.organizationRoles.member!.scopes = ['workflows:read'];
delete strict.organizationRoles.admin!.workspaceRole;
writeFileSync(STRICT, JSON.stringify(strict));

interface Rules {
  readonly routes: readonly object[];
  readonly policy: string;
}

let upstream: Recorder;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await Recorder.start();
  // Whatever got there says by which id it was decided.
  upstream.reply = (received) => {
    const id = received.header('x-request-id')!;
    return `HTTP/1.1 200 OK\r\nContent-Length: ${id.length}\r\n\r\n${id}`;
  };
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    routes: [{ id: 'first', match: { path: '/first' }, public: true }],
    settings: { log: { decisions: { refused: 1, allowed: 1 } }, gateway: { guesses: { tokenFailures: 0 } } },
  });
});
afterAll(async () => {
  expect(gateway.errorLines.filter((line) => !line.includes('reload refused'))).toEqual([]);
  await gateway.stop();
  await upstream.stop();
  rmSync(folder, { recursive: true });
});

const file = () => join(gateway.folder, 'gateway.yaml');
const whole = ({ routes, policy }: Rules): Settings => {
  const { shadow: _, ...settings } = JSON.parse(readFileSync(file(), 'utf8')) as Settings;
  const named = routes.map((route, at) => ({ id: `r${at}`, upstream: 'platform', ...route }));
  return { ...settings, policy, routes: named };
};
/** `tried`: beside those in force; null: none. */
async function putInForce(rules: Rules, tried: Rules | null, perSecond = 1_000_000): Promise<void> {
  if (tried !== null) writeFileSync(NEXT, JSON.stringify(whole(tried)));
  const shadow = tried === null ? {} : { shadow: { rules: NEXT, perSecond } };
  writeFileSync(file(), JSON.stringify({ ...whole(rules), ...shadow }));
  const { status, body } = await gateway.admin('POST', '/v1/reload');
  expect([status, body]).toMatchObject([200, {}]);
}

interface Line {
  readonly msg: string;
  readonly id: string;
  readonly reason: string | null;
  readonly shadow?: { readonly change: string; readonly route: string | null; readonly reason: string | null };
}
const known: Line[] = [];
function lines(): readonly Line[] {
  for (const line of gateway.logLines.slice(known.length)) known.push(JSON.parse(line) as Line);
  return known;
}

async function counted(): Promise<Record<string, number>> {
  const text = await (await request(`${gateway.adminUrl}/metrics`)).body.text();
  const found = text.matchAll(/^scopegate_shadow_decisions_total\{route="([^"]+)",change="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries(Array.from(found, ([, route, change, count]) => [`${route} ${change}`, Number(count)]));
}
const total = async () => Object.values(await counted()).reduce((sum, each) => sum + each, 0);

/** The id of its decision. */
async function decided(line: string, headers: readonly string[] = [], body = ''): Promise<string> {
  const length = body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${body.length}`];
  const answer = await ask(gateway.url, rawRequest(line, [...headers, ...length], body));
  return answer.status === 200 ? answer.body : answer.header('x-request-id')!;
}

const SCOPES = ['workflows:read', 'workflows:write', 'bot:write', 'chat:write'];
const PATHS = ['/a', '/a/{ws}', '/b/**', '/c'];
const scopes = fc.subarray(SCOPES, { minLength: 1, maxLength: 2 });
const route = (path: string) =>
  fc
    .record({
      isPublic: fc.boolean(),
      asks: fc.option(fc.record({ scopes, any: fc.boolean() }), { nil: null, freq: 4 }),
      role: fc.option(fc.constantFrom('member', 'admin'), { nil: null }),
      methods: fc.option(fc.constantFrom(['GET'], ['POST'], ['DELETE', 'GET']), { nil: null, freq: 2 }),
      isNear: fc.boolean(),
      isHere: fc.boolean(),
    })
    .map(({ isPublic, asks, role, methods, isNear, isHere }) => {
      const from = path === '/a/{ws}' && isNear ? 'path.ws' : 'query.ws';
      const require = {
        ...(asks === null ? {} : { [asks.any ? 'anyOf' : 'scopes']: asks.scopes }),
        ...(role === null ? {} : { workspace: { from, as: 'workspace', role } }),
      };
      return {
        match: { path, ...(methods === null ? {} : { methods }) },
        ...(isHere || !isNear ? {} : { allowFrom: ['10.0.0.0/8'] }),
        ...(isPublic && !isNear ? { public: true } : { require }),
      };
    });
const rules: fc.Arbitrary<Rules> = fc
  .subarray(PATHS, { minLength: 1 })
  .chain((paths) => fc.record({ routes: fc.tuple(...paths.map(route)), policy: fc.constantFrom(COZE, COZE, STRICT) }));

describe('what they would decide', () => {
  it('is what a gateway decides that has them in force, whoever asks for whatever', { timeout: 120_000 }, async () => {
    const { tokens } = gateway;
    const off = await gateway.admin('POST', '/tokens', {
      ...{ owner: 'alice', name: 'off', scopes: SCOPES, workspaces: ['ws_sales'], expiresInDays: 9 },
    });
    const { id, token: offToken } = off.body as { id: string; token: string };
    await gateway.admin('POST', `/tokens/${id}/deactivate`);
    const texts = [...Object.values(tokens), offToken, 'junk', mintToken('pat_').reveal()];
    const question = fc.record({
      method: fc.constantFrom('GET', 'GET', 'POST', 'DELETE'),
      path: fc.constantFrom('/a', '/a/ws_sales', '/a/ws_legal', '/b', '/b/x/y', '/c', '/d', '/a/../c'),
      query: fc.constantFrom('', '?ws=ws_sales', '?ws=ws_sales', '?ws=ws_legal', '?ws=none', '?ws=1&ws=2'),
      token: fc.option(fc.constantFrom(...texts), { nil: null, freq: 8 }),
    });
    const seen = new Set<string>();
    await assertForSeeds(
      fc.asyncProperty(
        rules,
        rules,
        fc.array(question, { minLength: 40, maxLength: 40 }),
        async (one, other, asked) => {
          const put = () =>
            Promise.all(
              asked.map(({ method, path, query, token }) =>
                decided(`${method} ${path}${query}`, token === null ? [] : [`Authorization: Bearer ${token}`]),
              ),
            );
          const reasons = (ids: readonly string[]) => {
            const found = new Map(lines().flatMap((line) => (line.msg === 'decision' ? [[line.id, line.reason]] : [])));
            return ids.map((each) => found.get(each));
          };
          await putInForce(one, other);
          const before = await total();
          const first = await put();
          await expect.poll(total).toBe(before + asked.length);
          await expect.poll(() => reasons(first)).not.toContain(undefined);
          const inForce = reasons(first);
          const differing = new Map(
            lines().flatMap((line) => (line.shadow === undefined ? [] : [[line.id, line.shadow]])),
          );
          await putInForce(other, null);
          const second = await put();
          await expect.poll(() => reasons(second)).not.toContain(undefined);
          const tried = first.map((each, at) => {
            const shadow = differing.get(each);
            seen.add(shadow?.change ?? 'same');
            return shadow === undefined ? inForce[at] : shadow.reason;
          });
          expect(tried).toEqual(reasons(second));
          expect(await total()).toBe(before + asked.length);
        },
      ),
      { numRuns: 5 },
    );
    expect([...seen].sort()).toEqual(['narrower', 'other_reason', 'same', 'wider']);
    expect(Object.keys(await counted()).filter((key) => key.endsWith('unclear'))).toEqual([]);
  });

  const bearer = () => `Authorization: Bearer ${gateway.tokens.reader}`;
  const READ = { match: { path: '/a' }, require: { scopes: ['workflows:read'] } };
  const WRITE = { match: { path: '/a' }, require: { scopes: ['workflows:write'] } };
  const before = { routes: [READ], policy: COZE };

  it('is counted by route, told in a line where it differs, and never what becomes of the request', async () => {
    await putInForce(before, { routes: [WRITE, { match: { path: '/new' }, public: true }], policy: COZE });
    const had = await counted();
    const answer = await ask(gateway.url, rawRequest('GET /a?secret=1', [bearer()]));
    expect(answer.status).toBe(200);
    const refused = await decided('GET /a');
    const opened = await decided('GET /new');
    const has = await counted();
    const more = Object.entries(has).filter(([key, count]) => count !== (had[key] ?? 0));
    expect(more.map(([key]) => key).sort()).toEqual(['r0 narrower', 'r0 same', 'r1 wider']);
    const line = lines().findLast(({ msg, id }) => msg === 'shadow decision' && id === answer.body)!;
    expect(line).toMatchObject({ route: 'r0', reason: null, path: '/a', method: 'GET', organization: 'acme' });
    expect(line.shadow).toMatchObject({ change: 'narrower', route: 'r0', reason: 'scope_missing' });
    expect(JSON.stringify(line)).not.toContain('secret');
    const other = lines().filter(({ msg }) => msg === 'shadow decision');
    expect(other.find(({ id }) => id === opened)).toMatchObject({
      reason: 'route_not_found',
      shadow: { reason: null },
    });
    expect(other.find(({ id }) => id === refused)).toBeUndefined();
  });

  it('is judged of so many requests a second, and of none where it is not asked for', async () => {
    await putInForce(before, { routes: [WRITE], policy: COZE }, 1);
    const had = await total();
    const startedMs = performance.now();
    for (let nth = 0; nth < 20; nth++) await decided('GET /a', [bearer()]);
    const seconds = Math.ceil((performance.now() - startedMs) / 1000) + 1;
    expect((await total()) - had).toBeGreaterThan(0);
    expect((await total()) - had).toBeLessThanOrEqual(seconds);
    await putInForce(before, null);
    const then = await total();
    await decided('GET /a', [bearer()]);
    expect(await total()).toBe(then);
  });

  it('is unclear where it rests on a body that nobody has read, and clear where both ask for the same of it', async () => {
    const byBody = (role: string) => ({
      match: { path: '/a' },
      require: { scopes: ['workflows:read'], workspace: { from: 'body.ws', as: 'workspace', role } },
    });
    const post = () => decided('POST /a', [bearer()], '{"ws":"ws_sales"}');
    await putInForce(before, { routes: [byBody('member')], policy: COZE });
    const had = await counted();
    await post();
    expect((await counted())['r0 unclear']).toBe((had['r0 unclear'] ?? 0) + 1);
    await putInForce({ routes: [byBody('member')], policy: COZE }, { routes: [byBody('admin')], policy: COZE });
    const id = await post();
    await expect
      .poll(() => lines().find((line) => line.msg === 'shadow decision' && line.id === id)?.shadow)
      .toMatchObject({ change: 'narrower', reason: 'role_insufficient' });
  });

  it('comes from its files as they are: a change is in force after a reload, and a mistake refuses one, by its place', async () => {
    await putInForce(before, { routes: [WRITE], policy: COZE });
    writeFileSync(NEXT, JSON.stringify(whole({ routes: [{ match: { path: 'a' }, require: {} }], policy: COZE })));
    const { status, body } = await gateway.admin('POST', '/v1/reload');
    expect([status, body]).toMatchObject([422, { code: 'configuration_invalid', problems: [{ file: NEXT }] }]);
    const id = await decided('GET /a', [bearer()]);
    expect(lines().find((line) => line.shadow !== undefined && line.id === id)?.shadow?.reason).toBe('scope_missing');
    writeFileSync(NEXT, JSON.stringify({ ...whole({ routes: [READ], policy: COZE }), shadow: { rules: NEXT } }));
    await gateway.admin('POST', '/v1/reload');
    const had = (await counted())['r0 same'] ?? 0;
    await decided('GET /a', [bearer()]);
    expect((await counted())['r0 same']).toBe(had + 1);
    rmSync(NEXT);
    const gone = await gateway.admin('POST', '/v1/reload');
    expect(gone.body).toMatchObject({ problems: [{ file: NEXT, message: expect.stringContaining('no such file') }] });
    await putInForce(before, null);
  });
});

it('a file that tries out itself is judged once', () => {
  const settings = {
    ...whole({ routes: [{ match: { path: '/a' }, public: true }], policy: COZE }),
    shadow: { rules: NEXT },
  };
  writeFileSync(NEXT, JSON.stringify(settings));
  const { shadow, plain } = checkGateway(NEXT, {});
  expect(plain.files.filter((each) => each === NEXT)).toHaveLength(2);
  expect(shadow?.shadow).toBeNull();
});

/** The routes in force as the sidecar lists them: in the order tried, with their lines, what lint finds, and who asked for them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shapes } from '../../src/console/page/api/client.ts';
import { configuredName } from '../../src/core/configured-name.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { ROUTE_HOUR_MS, RouteRing } from '../../src/observe/route-ring.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

type Listing = Shapes['RouteList'];

const policy = 'policies/default.yaml';
const YAML = `
gateway: { port: 0 }
admin: { port: 0 }
policy: ${join(import.meta.dirname, '../..', policy)}
store: { driver: sqlite, path: data/scopegate.db }
upstreams: { api: { targets: ["http://127.0.0.1:9"] } }
limits:
  burst: { requests: 20, window: second, per: token }
  nobody: { requests: 1, window: day, per: organization }
routes:
  - { id: rest, match: { path: /** }, require: { scopes: ["content:read"] }, upstream: api } # scopegate-ignore SG104: a proxy
  - id: page
    match: { methods: [GET], path: "/workspaces/{workspace}/pages/{page}" }
    require:
      scopes: ["content:read"]
      workspace: { from: [path.workspace, header.X-Workspace], as: workspace, role: member }
    credentials: [bearer, header.X-Key]
    limits: [burst]
    upstream: api
  - id: write-page
    match: { methods: [PUT], path: "/workspaces/{workspace}/pages/{page}" }
    require: { scopes: ["content:read"] }
    upstream: api
  - { id: other-host, match: { path: /status, hosts: ["*.example.com"] }, public: true, upstream: api }
  - { id: status, match: { methods: [GET], path: /status }, public: true, upstream: api }
`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ yaml: YAML, seed: false });
});
afterAll(() => gateway.stop());

async function listing(query = ''): Promise<Listing> {
  const { status, body } = await gateway.admin('GET', `/v1/routes${query}`);
  expect([status, body]).toEqual([200, expect.anything()]);
  return body as Listing;
}
/** Without those that the gateway answers itself. */
const ids = ({ items }: Listing) => items.filter(({ upstream }) => upstream !== null).map(({ id }) => id);

it('stand in the order in which they are tried, whatever that of the file', async () => {
  const all = await listing();
  expect(ids(all)).toEqual(['other-host', 'status', 'page', 'write-page', 'rest']);
  expect(all.items.map(({ order }) => order)).toEqual(all.items.map((_, index) => index + 1));
  expect(all).toMatchObject({ files: 'inForce', total: all.items.length, nextCursor: null, unanswered: [] });
});

it('say what they ask for as gateway.yaml does, with its lines and what lint finds there', async () => {
  const all = await listing();
  const byId = Object.fromEntries(all.items.map((route) => [route.id, route]));
  expect(byId.page).toMatchObject({
    methods: ['GET'],
    hosts: null,
    asks: {
      scopes: { names: ['content:read'], match: 'all' },
      workspace: { from: ['path.workspace', 'header.X-Workspace'], as: 'workspace', type: null, role: 'member' },
    },
    credentials: ['bearer', 'header.x-key'],
    limits: [{ name: 'burst', requests: 20, windowSeconds: 1, per: ['token'] }],
    upstream: 'api',
    place: { file: 'gateway.yaml', line: 12 },
    findings: [],
  });
  expect(byId['write-page']!.findings.map(({ code, line }) => [code, line])).toEqual([
    ['SG111', 21],
    ['SG104', 22],
  ]);
  expect(byId.rest!.findings).toEqual([]);
  expect(byId['other-host']).toMatchObject({ asks: null, credentials: [], hosts: ['*.example.com'] });
  expect(all.otherFindings.map(({ code }) => code)).toContain('SG112');
  expect(all.otherFindings.every(({ code }) => !['SG104', 'SG111'].includes(code))).toBe(true);
});

it('say how often they were asked for, and refused', async () => {
  const before = await listing('?path=/workspaces');
  expect(before.items.map(({ requests, refused }) => [requests, refused])).toEqual([
    [0, 0],
    [0, 0],
  ]);
  for (const path of ['/status', '/workspaces/w/pages/1', '/workspaces/w/pages/2'])
    await (await fetch(gateway.url + path)).text();
  const counts = Object.fromEntries(
    (await listing()).items.map((route) => [route.id, [route.requests, route.refused]]),
  );
  // Behind /status there is nobody, which is no refusal of ours.
  expect(counts).toMatchObject({ page: [2, 2], 'write-page': [0, 0], status: [1, 0] });
  expect(Date.parse((await listing()).countedSince!)).toBeLessThanOrEqual(Date.now());
  expect(ids(await listing('?only=unused'))).toEqual(['other-host', 'write-page', 'rest']);
});

it.each([
  ['?path=PAGES', ['page', 'write-page']],
  ['?path=example.com', ['other-host']],
  ['?path=write-', ['write-page']],
  ['?method=put', ['other-host', 'write-page', 'rest']],
  ['?scope=content:read', ['page', 'write-page', 'rest']],
  ['?only=public', ['other-host', 'status']],
  ['?only=found', ['other-host', 'write-page']],
])('%s', async (query, expected) => {
  expect(ids(await listing(query))).toEqual(expected);
});

it('come page by page', async () => {
  const first = await listing('?limit=2&scope=content:read');
  expect([ids(first), first.nextCursor, first.total]).toEqual([
    ['page', 'write-page'],
    String(first.items[1]!.order),
    3,
  ]);
  const rest = await listing(`?limit=2&scope=content:read&cursor=${first.nextCursor}`);
  expect([ids(rest), rest.nextCursor]).toEqual([['rest'], null]);
});

it('are for the operator alone', async () => {
  const { status, body } = await gateway.admin('GET', '/v1/routes', undefined, { 'scopegate-actor': 'ann' });
  expect([status, body]).toMatchObject([403, { code: 'forbidden' }]);
});

describe('where the files are not what is in force', () => {
  it('they say so, and what stands in them', async () => {
    const fresh = await startTestGateway({ yaml: YAML, seed: false });
    writeFileSync(join(fresh.folder, 'gateway.yaml'), `# one line more\n${YAML}`);
    const { body } = await fresh.admin('GET', '/v1/routes?path=write-');
    expect(body).toMatchObject({ files: 'changed', items: [{ place: { line: 21 } }] });
    await fresh.stop();
  });

  it('they say so where they are broken, and the routes in force stay listed', async () => {
    const fresh = await startTestGateway({ yaml: YAML, seed: false });
    writeFileSync(join(fresh.folder, 'gateway.yaml'), 'routes: [');
    const { body } = await fresh.admin('GET', '/v1/routes?path=write-');
    expect(body).toMatchObject({ files: 'unreadable', items: [{ id: 'write-page', place: null, findings: [] }] });
    await fresh.stop();
  });
});

it('counts are kept for a day, hour by hour', () => {
  const metrics = new Metrics();
  const ring = new RouteRing(metrics, 0);
  const [page, other] = [configuredName('page'), configuredName('other')];
  const add = (hour: number) => {
    metrics.requests.add(page, hour % 2 === 0 ? 'forwarded' : 'scope_missing');
    if (hour === 1) metrics.requests.add(other, 'forwarded');
  };
  for (let hour = 1; hour <= 24; hour++) {
    add(hour);
    ring.sample(hour * ROUTE_HOUR_MS);
  }
  expect(ring.lately(24 * ROUTE_HOUR_MS)).toEqual({ sinceMs: 0, counts: { page: [24, 12], other: [1, 0] } });
  add(25);
  expect(ring.lately(25 * ROUTE_HOUR_MS)).toEqual({ sinceMs: ROUTE_HOUR_MS, counts: { page: [24, 12] } });
});

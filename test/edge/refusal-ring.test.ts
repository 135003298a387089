/** The ring of refusals: what is remembered, for how long, in how much room, and what never is. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RefusalQuery, RefusalRing } from '../../src/edge/refusal-ring.ts';
import { mintToken } from '../../src/secret.ts';
import { PipelineHarness, route } from './harness.ts';

const ALL: RefusalQuery = {
  ...{ id: null, reason: null, route: null, token: null, organization: null, owner: null, address: null },
  ...{ sinceMs: null, before: null, limit: 1000 },
};
const MINUTE_MS = 60_000;
const START_MS = 1_900_000_000_000;

let nowMs = START_MS;
let ring: RefusalRing;
let at: PipelineHarness;
beforeEach(() => {
  nowMs = START_MS;
  ring = new RefusalRing(() => nowMs);
  ring.resize(3, 10 * MINUTE_MS);
  at = new PipelineHarness([
    route('bots', '/bots/{bot}', {
      requirement: {
        ...{ scopes: null, apiVersions: null, bodyFields: null, environment: null, resource: null },
        workspace: { as: 'workspace', selector: { from: 'query', name: 'space' }, role: 'admin' },
      },
    }),
  ]);
});
afterEach(() => vi.restoreAllMocks());

async function refuse(line: string, lines: readonly string[] = []): Promise<void> {
  await at.outcome(line, lines);
  const refused = at.refused.at(-1)!;
  ring.add({ ...refused, request: { ...refused.request, nowMs } }, 7);
}

const paths = () => ring.newest(ALL).map(({ path }) => path);

it('keeps the newest so many, and shows the newest first', async () => {
  for (const nth of [1, 2, 3, 4, 5]) await refuse(`GET /bots/${nth}`);
  expect(paths()).toEqual(['/bots/5', '/bots/4', '/bots/3']);
  expect(ring.size).toBe(3);
});

it('keeps the newest of many more than it has room for at once, and forgets the rest', async () => {
  ring.resize(600, 10 * MINUTE_MS);
  await refuse('GET /bots/1');
  const refused = at.refused.at(-1)!;
  const early = { ...refused, request: { ...refused.request, decisionId: '0'.repeat(26), nowMs } };
  for (let nth = 0; nth < 1300; nth++) {
    const decisionId = String(nth).padStart(26, '0');
    ring.add({ ...early, request: { ...early.request, decisionId, requestId: `named-${nth}` } }, nth);
  }
  const kept = ring.newest(ALL);
  expect(ring.size).toBe(600);
  expect(kept.map(({ id }) => Number(id))).toEqual(Array.from({ length: 600 }, (_, nth) => 1299 - nth));
  expect(kept.map(({ requestId }) => requestId)).toEqual(
    Array.from({ length: 600 }, (_, nth) => `named-${1299 - nth}`),
  );
  expect([kept[0]!.revision, kept[599]!.revision]).toEqual([1299, 700]);
});

it('keeps a text that is long, or of any letters, as it came', async () => {
  const token = at.grant('tok_1');
  const long = `/bots/${'l'.repeat(380)}`;
  await refuse(`GET ${long}?space=${encodeURIComponent('räume/🚪')}`, [`Authorization: Bearer ${token}`]);
  await refuse(`GET /bots/1?space=${encodeURIComponent('室'.repeat(90))}`, [`Authorization: Bearer ${token}`]);
  expect(ring.newest(ALL)).toMatchObject([
    { path: '/bots/1', workspace: '室'.repeat(90), address: expect.stringMatching(/./), method: 'GET' },
    { path: long, workspace: 'räume/🚪', altered: false, token: 'tok_1', reason: 'workspace_not_granted' },
  ]);
});

it('keeps what there is when it is made larger, the newest when it is made smaller, and nothing at 0', async () => {
  for (const nth of [1, 2, 3, 4]) await refuse(`GET /bots/${nth}`);
  ring.resize(5, 10 * MINUTE_MS);
  await refuse('GET /bots/5');
  expect(paths()).toEqual(['/bots/5', '/bots/4', '/bots/3', '/bots/2']);
  ring.resize(2, 10 * MINUTE_MS);
  await refuse('GET /bots/6');
  expect(paths()).toEqual(['/bots/6', '/bots/5']);
  ring.resize(0, 10 * MINUTE_MS);
  await refuse('GET /bots/7');
  expect(paths()).toEqual([]);
});

it('forgets what came too long ago, whoever looks', async () => {
  await refuse('GET /bots/1');
  nowMs += 6 * MINUTE_MS;
  await refuse('GET /bots/2');
  nowMs += 5 * MINUTE_MS;
  expect(paths()).toEqual(['/bots/2']);
  nowMs += 10 * MINUTE_MS;
  ring.forgetOld();
  expect(ring.size).toBe(0);
});

it('pages by id, and filters by everything that a record says of whose it is', async () => {
  const token = at.grant('tok_1');
  await refuse('GET /bots/1?space=w1', [`Authorization: Bearer ${token}`]);
  await refuse('GET /bots/2');
  await refuse('GET /elsewhere');
  const [newest, middle, oldest] = ring.newest(ALL);
  expect(ring.newest({ ...ALL, limit: 2 })).toEqual([newest, middle]);
  expect(ring.newest({ ...ALL, before: middle!.id })).toEqual([oldest]);
  for (const filter of [
    { token: 'tok_1' },
    { organization: 'acme' },
    { reason: 'workspace_not_granted' },
    { id: oldest!.id },
  ])
    expect(ring.newest({ ...ALL, ...filter }), JSON.stringify(filter)).toEqual([oldest]);
  expect(ring.newest({ ...ALL, route: 'bots' })).toEqual([middle, oldest]);
  expect(ring.newest({ ...ALL, owner: { id: 'sa_1', generation: 1 } })).toEqual([]);
  expect(ring.newest({ ...ALL, address: '192.0.2.9' })).toEqual([]);
  expect(ring.newest({ ...ALL, sinceMs: nowMs + 1 })).toEqual([]);
  expect(oldest).toMatchObject({ ...{ workspace: 'w1', owner: 'sa_1', scopes: 'bot:read', revision: 7 } });
});

describe('never keeps', () => {
  it('a query, a token, or what a cut has left of one', async () => {
    const token = at.grant('tok_1');
    const secret = mintToken('pat_').reveal();
    const padding = 'p'.repeat(400 - '/bots/'.length - 20);
    await refuse('GET /bots/1?space=w1&canary=1', [`Authorization: Bearer ${token}`]);
    await refuse(`GET /bots/${secret}?space=${secret}`, [`Authorization: Bearer ${token}`]);
    await refuse(`GET /bots/${padding}${secret}`, [`Authorization: Bearer ${token}`]);
    const kept = JSON.stringify(ring.newest(ALL));
    for (const hidden of ['canary', token, secret, secret.slice(0, 12)]) expect(kept).not.toContain(hidden);
    expect(ring.newest(ALL).map(({ altered }) => altered)).toEqual([true, true, false]);
  });

  it('more than 1 KiB of what a request brings, whatever it brings', async () => {
    ring.resize(2000, 10 * MINUTE_MS);
    const token = at.grant('tok_1');
    const long = 'x'.repeat(6000);
    await refuse(`GET /bots/${long}?space=${long}`, [`Authorization: Bearer ${token}`, `Cookie: ${long}`]);
    const [record] = ring.newest(ALL);
    expect(Buffer.byteLength(record!.path + record!.host + record!.workspace)).toBeLessThan(1024);
  });
});

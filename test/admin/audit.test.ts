/** The audit trail as people look for something in it: newest first, by who, what, when; and whole, to be kept elsewhere. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { type Json, type Sidecar, settle, startSidecar } from './sidecar.ts';

interface Event extends Json {
  readonly id: string;
  readonly at: string;
  readonly action: string;
  readonly outcome: string;
  readonly actor: { readonly kind: string; readonly id: string | null; readonly tokenId: string | null };
  readonly target: { readonly type: string; readonly id: string } | null;
}

const MINUTE = 60_000;

let sidecar: Sidecar;
let store: FaultyStore;
let managing: { id: string; token: string };
const all = async (query = '', headers = {}): Promise<Event[]> => {
  const { status, body } = await sidecar.call('GET', `/audit-events?limit=1000${query}`, undefined, headers);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.items as Event[];
};
const asBob = () => ({ authorization: `Bearer ${managing.token}` });
const lineOf = async (text: string) => JSON.parse(text) as Event;
const exported = async (query = '', headers: Record<string, string> = {}) => {
  const url = `${sidecar.url}/v1/organizations/acme/audit-events/export${query}`;
  return fetch(url, { headers: { authorization: `Bearer ${sidecar.key}`, ...headers } });
};

beforeAll(async () => {
  const aroundStore = (opened: Store) => (store = new FaultyStore(opened));
  sidecar = await startSidecar({}, { aroundStore });
  await settle(sidecar);
  sidecar.nowMs += MINUTE;
  const input = {
    name: 'mine',
    owner: 'bob',
    scopes: ['tokens:manage', 'bot:read'],
    workspaces: ['w2'],
    expiresInDays: 1,
  };
  managing = (await sidecar.ok('POST', '/tokens', input)) as never;
  sidecar.nowMs += MINUTE;
  await sidecar.call('PATCH', `/tokens/${managing.id}`, { name: 'renamed' }, asBob());
  await sidecar.call('PUT', '/members/ann', { name: 'Taken', role: 'admin' }, asBob());
  sidecar.nowMs += MINUTE;
  await sidecar.ok('PUT', '/workspaces/late', { name: 'Late', owner: 'ann' });
  await sidecar.ok('DELETE', '/workspaces/late');
});
afterAll(() => sidecar.stop());

it('newest first is the same, the other way round, page by page', async () => {
  const oldest = await all();
  expect(oldest.length).toBeGreaterThan(15);
  expect(await all('&order=newest')).toEqual(oldest.toReversed());
  const seen: Event[] = [];
  for (let cursor: unknown = null; ; ) {
    const page = await sidecar.ok(
      'GET',
      `/audit-events?limit=4&order=newest${cursor === null ? '' : `&cursor=${cursor}`}`,
    );
    seen.push(...(page.items as Event[]));
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  expect(seen).toEqual(oldest.toReversed());
});

describe.each(['oldest', 'newest'])('%s first', (order) => {
  const found = (query: string) => all(`&order=${order}${query}`);

  it('by who did it: a member, by their kind, by the token, and by the admin key', async () => {
    for (const actor of ['bob', 'token/bob', managing.id]) {
      const events = await found(`&actor=${actor}`);
      expect(events.map(({ action }) => action).toSorted()).toEqual([
        'PUT /v1/organizations/:org/members/:id',
        'token.updated',
      ]);
    }
    expect(await found('&actor=member/bob')).toEqual([]);
    const byKey = await found('&actor=admin-key');
    expect(byKey.length).toBeGreaterThan(10);
    expect(byKey.every(({ actor }) => actor.kind === 'admin-key')).toBe(true);
  });

  it('by what it was done to, and by the kind of act', async () => {
    for (const object of ['late', 'workspace/late'])
      expect((await found(`&object=${object}`)).map(({ action }) => action).toSorted()).toEqual([
        'workspace.created',
        'workspace.deleted',
      ]);
    expect(await found('&object=member/late')).toEqual([]);
    const created = await found('&kind=workspace.created');
    expect(created).toHaveLength(7);
    const workspaces = await found('&kind=workspace');
    expect(workspaces).toHaveLength(8);
    expect((await found('&kind=member&outcome=refused')).map(({ target }) => target)).toEqual([
      { type: 'member', id: 'ann' },
    ]);
    expect((await found('&outcome=refused')).every(({ code }) => code === 'not_allowed')).toBe(true);
  });

  it('by when, both ends included, and with others together', async () => {
    const events = await all();
    const at = events.at(-3)!.at;
    const within = await found(`&since=${at}&until=${at}`);
    expect(within.map(({ id }) => id).toSorted()).toEqual(
      events.flatMap((each) => (each.at === at ? [each.id] : [])).toSorted(),
    );
    expect(within.length).toBeGreaterThan(0);
    const since = await found(`&since=${at}`);
    expect(since.map(({ id }) => id).toSorted()).toEqual(
      events.flatMap((each) => (each.at >= at ? [each.id] : [])).toSorted(),
    );
    expect(await found(`&since=${at}&kind=workspace.deleted&actor=admin-key`)).toHaveLength(1);
    expect(await found('&since=2031-01-01T00:00:00.000Z')).toEqual([]);
    expect(await found('&until=2029-01-01T00:00:00.000Z')).toEqual([]);
  });
});

it.each(['since=yesterday', 'until=2030-01-01', 'order=random', 'outcome=maybe'])('%s is refused', async (query) => {
  expect((await sidecar.call('GET', `/audit-events?${query}`)).status).toBe(400);
  const { status, body } = await sidecar.call('GET', `/audit-events/export?${query}`);
  expect([status, body.code]).toEqual([400, expect.stringMatching(/^invalid_/)]);
});

it('a member finds what they did themselves, whatever they ask for', async () => {
  for (const headers of [asBob(), { 'scopegate-actor': 'bob' }]) {
    for (const query of ['', '&actor=admin-key', '&kind=workspace', '&object=late', '&order=newest'])
      for (const { actor } of await all(query, headers)) expect(actor).toMatchObject({ kind: 'token', id: 'bob' });
    expect(await all('', headers)).toHaveLength(2);
  }
  expect((await sidecar.call('GET', '/audit-events?ended=true', undefined, asBob())).status).toBe(403);
  const lines = (await (await exported('', asBob())).text()).trim().split('\n');
  for (const line of lines) expect((await lineOf(line)).actor.id).toBe('bob');
});

it('the token of an administrator is no key to the trail of others', async () => {
  const input = {
    name: 'hers',
    owner: 'ada',
    scopes: ['tokens:manage', 'bot:read'],
    workspaces: ['a1'],
    expiresInDays: 1,
  };
  const { token } = await sidecar.ok('POST', '/tokens', input);
  expect(await all('', { authorization: `Bearer ${token}` })).toEqual([]);
  expect((await all('', { 'scopegate-actor': 'ada' })).length).toBeGreaterThan(15);
});

it('whoever joins under the id of somebody who left does not find what that one did', async () => {
  await sidecar.ok('PUT', '/members/tmp', { name: 'One', role: 'member' });
  await sidecar.call('PUT', '/workspaces/own', { name: 'Own', owner: 'tmp' }, { 'scopegate-actor': 'tmp' });
  expect(await all('', { 'scopegate-actor': 'tmp' })).toHaveLength(1);
  await sidecar.ok('DELETE', '/members/tmp');
  sidecar.nowMs += MINUTE;
  await sidecar.ok('PUT', '/members/tmp', { name: 'Two', role: 'member' });
  expect(await all('', { 'scopegate-actor': 'tmp' })).toEqual([]);
});

it('the export has every event, a line each, in the order and with the filters that are asked for', async () => {
  const answer = await exported();
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="audit-acme.jsonl"');
  const lines = (await answer.text()).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as Event)).toEqual(await all());
  const some = await (await exported('?order=newest&kind=workspace')).text();
  expect(
    some
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Event),
  ).toEqual(await all('&order=newest&kind=workspace'));
  expect(await (await exported('?object=nothing')).text()).toBe('');
  expect((await exported('', { authorization: 'Bearer wrong' })).status).toBe(401);
});

it('an export without the store is refused, and one that loses it on the way is cut off, so that nobody takes it for whole', async () => {
  for (let nth = 0; nth < 700; nth += 7)
    await Promise.all(
      Array.from({ length: 7 }, (_, more) =>
        sidecar.ok('PUT', `/members/m${nth + more}`, { name: 'x'.repeat(100), role: 'member' }),
      ),
    );
  store.fail();
  const refused = await exported();
  expect([refused.status, ((await refused.json()) as Json).code]).toEqual([503, 'store_unavailable']);
  store.recover();
  const scan = store.scan.bind(store);
  let scans = 0;
  store.scan = async (index, options) => {
    if (index.startsWith('audit/') && ++scans > 6) store.fail();
    return scan(index, options);
  };
  const answer = await exported();
  expect(answer.status).toBe(200);
  await expect(answer.text()).rejects.toThrow();
  store.recover();
});

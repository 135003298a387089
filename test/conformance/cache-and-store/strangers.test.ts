/**
 * A stranger at the sidecar: of another organization, or of none. What they try stands in no trail but their own, and the
 * work of refusing them does not tell whether what they named exists. Counted by what the store is asked, not by time.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Clock } from '../../../src/observe/clock.ts';
import type { Store } from '../../../src/store/store.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { attack } from '../attack.ts';

/** Every method of the store that was called, with what it was asked for. */
const asked: string[] = [];

function noting(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (typeof name === 'string' && ['get', 'read', 'scan', 'count', 'touched'].includes(name))
          asked.push(`${name} ${args[0]}`);
        if (name === 'commit')
          asked.push(`commit ${(args[0] as { writes: Array<{ key: string }> }).writes.map(({ key }) => key)}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

let gateway: TestGateway;
let managing: string;
let victim: { readonly id: string; readonly token: string };
const time = { aheadMs: 0 };
const clock: Clock = { nowMs: Date.now, monotonicMs: () => performance.now() + time.aheadMs };

beforeAll(async () => {
  gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', seed: false, clock, aroundStore: noting });
  for (const [path, body] of [
    ['home', { name: 'Home', edition: 'team' }],
    ['home/members/mallory', { name: 'Mallory', role: 'super_admin' }],
    ['home/workspaces/own', { name: 'Own', owner: 'mallory' }],
    ['there', { name: 'There', edition: 'team' }],
    ['there/members/ann', { name: 'Ann', role: 'admin' }],
    ['there/workspaces/w', { name: 'W', owner: 'ann' }],
  ] as const)
    expect((await gateway.admin('PUT', `/v1/organizations/${path}`, body)).status, path).toBe(201);
  const token = { name: 't', workspaces: 'all', expiresInDays: 1 };
  const manage = { ...token, owner: 'mallory', scopes: ['tokens:manage'] };
  managing = ((await gateway.admin('POST', '/v1/organizations/home/tokens', manage)).body as { token: string }).token;
  const leaked = { ...token, owner: 'ann', scopes: ['bot:read'] };
  victim = (await gateway.admin('POST', '/v1/organizations/there/tokens', leaked)).body as typeof victim;
});
afterAll(() => gateway.stop());
beforeEach(() => {
  time.aheadMs += 60_000;
});

interface Line {
  readonly action: string;
  readonly target: { readonly type: string; readonly id: string };
  readonly detail: string | null;
}

async function trail(org: string): Promise<readonly Line[]> {
  const { body } = await gateway.admin('GET', `/v1/organizations/${org}/audit-events?limit=1000`);
  return (body as { items: Line[] }).items;
}

type Caller = Readonly<Record<string, string>>;
const byToken = (): Caller => ({ authorization: `Bearer ${managing}` });
/** The admin key speaks for somebody who is no member there. */
const byActor = (): Caller => ({ 'Scopegate-Actor': 'mallory' });
const CALLERS = [
  ['a member of another organization, by a token', byToken],
  ['a member of another organization, by the admin key', byActor],
] as const;

const CALLS = [
  ['DELETE', '', undefined],
  ['PUT', '', { name: 'x', edition: 'team' }],
  ['PUT', '/members/ann', { name: 'x', role: 'admin' }],
  ['DELETE', '/members/ann', undefined],
  ['PATCH', '/workspaces/w', { name: 'x' }],
  ['POST', '/workspaces/w/transfer', { owner: 'mallory' }],
  ['PUT', '/workspaces/w/assignments/members/mallory', { role: 'admin' }],
  ['POST', '/tokens', { name: 't', scopes: ['bot:read'], workspaces: 'all', expiresInDays: 1 }],
  ['POST', '/tokens/ID/revoke', undefined],
  ['DELETE', '/tokens/ID', undefined],
  ['POST', '/service-accounts', { name: 'x', scopes: ['bot:read'] }],
] as const;

/** What is asked of the store, and what is answered, with the organization's name put aside. */
async function refuse(org: string, [method, path, body]: (typeof CALLS)[number], caller: Caller) {
  asked.length = 0;
  const answer = await gateway.admin(method, `/v1/organizations/${org}${path.replace('ID', victim.id)}`, body, caller);
  const nameless = (text: string) => text.replaceAll(org, 'ORG').replace(/evt_\w+/, 'EVENT');
  // After a stall of the machine a process asks, for itself, whether the store is there.
  const askedFor = asked.filter((line) => line !== 'read probe/store');
  return { status: answer.status, body: nameless(JSON.stringify(answer.body)), asked: askedFor.map(nameless) };
}

attack({
  name: "refused attempts of a stranger neither fill another organization's trail nor tell what exists in it",
  outcome:
    'they stand in the trail of their own organization, so many in a minute; the store is asked the same for what is there and what is not',
  sources: ['CWE-203', 'CWE-778'],
})(() => {
  it.each(CALLERS)('%s: the same work, whether the organization exists or not', async (_who, caller) => {
    const before = await trail('there');
    for (const call of CALLS) {
      const [there, nowhere] = [await refuse('there', call, caller()), await refuse('nowhere', call, caller())];
      expect(there, call.join(' ')).toEqual(nowhere);
      expect(there.status).toBe(403);
      expect(there.asked.length).toBeGreaterThan(0);
    }
    expect(await trail('there')).toEqual(before);
  });

  it('what they tried stands in their own trail, without a word of what is there', async () => {
    const before = (await trail('home')).length;
    await refuse('there', CALLS[9], byToken());
    const lines = (await trail('home')).slice(before);
    expect(lines).toMatchObject([
      { action: 'DELETE /v1/organizations/:org/tokens/:id', target: { type: 'organization', id: 'there' } },
    ]);
    expect(JSON.stringify(lines)).not.toContain(victim.id);
  });

  it('so many in a minute leave a line; the next one says how many were left out', async () => {
    const before = (await trail('home')).length;
    for (let attempt = 0; attempt < 201; attempt++) await refuse('there', CALLS[8], byToken());
    expect((await trail('home')).length - before).toBe(60);
    time.aheadMs += 60_000;
    await refuse('there', CALLS[8], byToken());
    expect((await trail('home')).at(-1)!.detail).toContain('(141 refused attempts before this one were left out.)');
  });

  it.each(CALLERS)(
    'a token of another organization is found by its value no more than one that is none: %s',
    async (_who, caller) => {
      const before = await trail('there');
      const find = (token: string) => gateway.admin('POST', '/v1/tokens/find', { token }, caller());
      const [known, unknown] = [await find(victim.token), await find(`pat_${'0'.repeat(49)}`)];
      expect([known.status, known.body]).toEqual([unknown.status, unknown.body]);
      expect(await trail('there')).toEqual(before);
    },
  );
});

/** What an organization has, in numbers: exact, of whom the caller may see, and at once however many there are. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY, type Json, NOW, PERSONAL, SERVICE, type Sidecar, settle, startSidecar } from './sidecar.ts';

interface Overview {
  readonly of: string;
  readonly tokens: {
    readonly total: number;
    readonly live: ReadonlyArray<{ readonly kind: string; readonly count: number }>;
    readonly counted: {
      readonly at: string;
      readonly kinds: readonly Json[];
      readonly expiring: number;
      readonly findings: Json;
    } | null;
  };
  readonly refusals: { readonly since: string; readonly refused: number; readonly reasons: readonly Json[] } | null;
}

let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await startSidecar();
  await settle(sidecar);
});
afterAll(() => sidecar.stop());

/** Once it has been counted since whatever the test has done. */
async function overview(headers: Record<string, string> = {}, org = 'acme'): Promise<Overview> {
  const read = async () =>
    (await sidecar.call('GET', `/v1/organizations/${org}/overview`, undefined, headers)).body as unknown as Overview;
  const first = await read();
  if (first.tokens.counted === null) await expect.poll(async () => (await read()).tokens.counted).not.toBeNull();
  // A count rests for twenty times as long as it took.
  const atOnce = first.tokens.counted?.at;
  sidecar.nowMs += 1;
  await expect.poll(async () => (await read()).tokens.counted!.at, { timeout: 5000 }).not.toBe(atOnce);
  return read();
}

it('an organization without tokens has none', async () => {
  expect(await overview({}, 'solo')).toEqual({
    of: 'everybody',
    tokens: {
      total: 0,
      live: [
        { kind: 'personal', count: 0 },
        { kind: 'service', count: 0 },
      ],
      counted: {
        at: expect.any(String),
        kinds: [],
        expiring: 0,
        findings: expect.objectContaining({ never_used: 0, dormant: 0, expires_soon_in_use: 0 }),
      },
    },
    refusals: { since: expect.any(String), refused: 0, reasons: [], unanswered: [] },
  });
});

describe('with tokens', () => {
  beforeAll(async () => {
    const made = async (more: Json = {}) =>
      (await sidecar.ok('POST', '/tokens', { ...PERSONAL, ...more })).id as string;
    await made({ expiresInDays: 30 });
    await made({ owner: 'bob', workspaces: ['w2'], expiresInDays: 30 });
    await sidecar.ok('POST', `/tokens/${await made()}/revoke`);
    await sidecar.ok('POST', `/tokens/${await made({ expiresInDays: 30 })}/deactivate`);
    await made({ expiresInDays: 6 });
    const { expiresInDays: _, ...forever } = SERVICE;
    await sidecar.ok('POST', '/tokens', { ...forever, neverExpires: true });
    await made({ expiresInDays: 1 });
    sidecar.nowMs = NOW + 2 * DAY;
  });

  it('each is counted by its kind and state, as the list has it', async () => {
    const { tokens } = await overview();
    expect(tokens.total).toBe(7);
    expect(tokens.live).toEqual([
      { kind: 'personal', count: 4 },
      { kind: 'service', count: 1 },
    ]);
    const kinds = new Map(tokens.counted!.kinds.map(({ kind, ...states }) => [kind, states]));
    expect(kinds.get('personal')).toEqual({ active: 3, inactive: 1, expired: 1, revoked: 1 });
    expect(kinds.get('service')).toEqual({ active: 1, inactive: 0, expired: 0, revoked: 0 });
    for (const [kind, states] of kinds)
      for (const [state, count] of Object.entries(states)) {
        const { items } = await sidecar.ok('GET', `/tokens?kind=${kind as string}&state=${state}`);
        expect(items, `${kind as string} ${state}`).toHaveLength(count as number);
      }
    expect(tokens.counted).toMatchObject({ expiring: 1, findings: { never_expires: 1 } });
  });

  it('a member is told of their own alone, and a stranger nothing', async () => {
    const of = (id: string) => overview({ 'scopegate-actor': id });
    expect(await of('bob')).toMatchObject({ of: 'oneself', tokens: { total: 1, counted: { kinds: [{ active: 1 }] } } });
    expect(await of('ann')).toMatchObject({ of: 'oneself', tokens: { total: 5, counted: { expiring: 1 } } });
    expect(await of('ada')).toMatchObject({ of: 'everybody', tokens: { total: 7 } });
    const stranger = await sidecar.call('GET', '/overview', undefined, { 'scopegate-actor': 'tom' });
    expect([stranger.status, stranger.body.code]).toEqual([403, 'not_allowed']);
  });

  it('who comes back under the same id is told nothing of the former', async () => {
    await sidecar.ok('DELETE', '/members/bob');
    await sidecar.ok('PUT', '/members/bob', { name: 'Bob', role: 'member' });
    const { tokens } = await overview({ 'scopegate-actor': 'bob' });
    expect(tokens.counted!.kinds).toEqual([{ kind: 'personal', active: 0, inactive: 1, expired: 0, revoked: 0 }]);
  });

  it('what was never used for so long, or used before it, is found', async () => {
    sidecar.nowMs = NOW + 100 * DAY;
    const { tokens } = await overview();
    // The personal ones have ended by then, all.
    expect(tokens.counted!.findings).toMatchObject({
      ...{ never_used: 1, dormant: 0, unused_scopes: 0, never_expires: 1, expires_soon_in_use: 0 },
    });
    sidecar.nowMs = NOW + 2 * DAY;
  });
});

it('refusals of the last hour are counted by reason, for members those of their own tokens', async () => {
  const make = async (owner: string) => {
    const { token } = await sidecar.ok('POST', '/tokens', { ...PERSONAL, owner, expiresInDays: 30 });
    return token as string;
  };
  const [ann, ada] = [
    await make('ann'),
    (await sidecar.ok('POST', '/tokens', { ...SERVICE, expiresInDays: 30 })).token,
  ];
  const ask = (token: string) =>
    fetch(`${sidecar.gateway.url}/v3/chat`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  for (const token of [ann, ann, ada as string]) expect((await ask(token)).status).toBe(403);
  sidecar.nowMs += 1000;
  const everybody = await overview();
  expect(everybody.refusals).toMatchObject({ refused: 3 });
  const own = await overview({ 'scopegate-actor': 'ann' });
  expect(own.refusals).toMatchObject({ refused: 2 });
  expect(own.refusals!.reasons.length).toBeGreaterThan(0);
  sidecar.nowMs += 2 * 3_600_000;
  const later = await overview();
  expect(later.refusals).toMatchObject({ refused: 0 });
});

/** `allowedAddresses` over HTTP: given, shown, kept in bounds, edited where the policy lets it, and held to at the sidecar, too. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';

type Json = Record<string, unknown>;
const LISTS = ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'];
const running: TestGateway[] = [];

async function sidecar(policy: string, scope: string) {
  const path = join(ROOT, `policies/${policy}.yaml`);
  const gateway = await startTestGateway({
    upstreamUrl: 'http://127.0.0.1:9',
    seed: false,
    policy: path,
    routes: [PUBLIC],
  });
  running.push(gateway);
  const call = async (method: string, below: string, body?: unknown, headers = {}) => {
    const answer = await gateway.admin(method, `/v1/organizations/acme${below}`, body, headers);
    return { status: answer.status, body: answer.body as Json };
  };
  await call('PUT', '', { name: 'Acme', edition: 'team' });
  const role = policy === 'coze' ? 'super_admin' : 'owner';
  await call('PUT', '/members/ann', { name: 'Ann', role });
  const grant = { name: 't', owner: 'ann', scopes: [scope], workspaces: 'all-organization', expiresInDays: 1 };
  const create = (more: Json, headers = {}) => call('POST', '/tokens', { ...grant, ...more }, headers);
  return { call, create };
}

const PUBLIC = { id: 'public', match: { path: '/**' }, public: true };
let at: Awaited<ReturnType<typeof sidecar>>;
beforeAll(async () => {
  at = await sidecar('default', 'tokens:manage');
});
afterAll(() => Promise.all(running.map((gateway) => gateway.stop())));

describe('the addresses of a token', () => {
  it('are shown as they were given, once each; without any it may be used from anywhere', async () => {
    const made = await at.create({ allowedAddresses: [...LISTS, LISTS[0]] });
    expect([made.status, made.body.allowedAddresses]).toEqual([201, LISTS]);
    expect((await at.call('GET', `/tokens/${made.body.id}`)).body.allowedAddresses).toEqual(LISTS);
    for (const more of [{}, { allowedAddresses: null }])
      expect((await at.create(more)).body).toMatchObject({ allowedAddresses: null });
  });

  it.each(['10.0.0.1/8', '10.0.0.0/33', 'office.example.com', '10.0.0.010', 'fe80::1%eth0', ' 10.0.0.1', '*'])(
    'cannot be %s',
    async (wrong) => {
      const { status, body } = await at.create({ allowedAddresses: ['192.0.2.7', wrong] });
      expect([status, body.code, body.field]).toEqual([422, 'address_invalid', 'allowedAddresses']);
      expect(body.detail).toContain(JSON.stringify(wrong));
    },
  );

  it('are at least one and at most a hundred', async () => {
    for (const list of [[], Array.from({ length: 101 }, (_, nth) => `10.0.0.${nth}`)])
      expect((await at.create({ allowedAddresses: list })).status).toBe(400);
  });

  it('are edited under default.yaml, with a line in the trail, and taken away with null', async () => {
    const { body } = await at.create({ allowedAddresses: ['192.0.2.7'] });
    const patched = await at.call('PATCH', `/tokens/${body.id}`, { allowedAddresses: ['10.0.0.0/8'] });
    expect([patched.status, patched.body.allowedAddresses]).toEqual([200, ['10.0.0.0/8']]);
    const { items } = (await at.call('GET', '/audit-events?limit=50')).body as { items: Json[] };
    expect(items.find(({ action }) => action === 'token.updated')).toMatchObject({
      target: { type: 'token', id: body.id },
      before: { allowedAddresses: ['192.0.2.7'] },
      after: { allowedAddresses: ['10.0.0.0/8'] },
    });
    expect(
      items.find(({ action, target }) => action === 'token.created' && (target as Json).id === body.id),
    ).toMatchObject({
      after: { allowedAddresses: ['192.0.2.7'] },
    });
    expect((await at.call('PATCH', `/tokens/${body.id}`, { allowedAddresses: ['x'] })).status).toBe(422);
    const cleared = await at.call('PATCH', `/tokens/${body.id}`, { allowedAddresses: null });
    expect(cleared.body.allowedAddresses).toBeNull();
  });

  it('stay as they were given where the policy lets nobody edit them', async () => {
    const { create, call } = await sidecar('coze', 'bot:read');
    const { body } = await create({ allowedAddresses: LISTS });
    const { status, body: refused } = await call('PATCH', `/tokens/${body.id}`, { allowedAddresses: null });
    expect([status, refused.code, refused.field]).toEqual([422, 'field_fixed', 'allowedAddresses']);
  });
});

describe('a token that manages tokens', () => {
  const as = (token: unknown) => ({ authorization: `Bearer ${token}` });

  it('is heard only from its addresses', async () => {
    const elsewhere = await at.create({ allowedAddresses: ['10.0.0.0/8'] });
    const here = await at.create({ allowedAddresses: ['127.0.0.0/8'] });
    const { status, body } = await at.call('GET', '/tokens', undefined, as(elsewhere.body.token));
    expect([status, body.code]).toEqual([403, 'address_not_allowed']);
    const named = { ...as(elsewhere.body.token), 'x-forwarded-for': '10.1.2.3' };
    expect((await at.call('GET', '/tokens', undefined, named)).status).toBe(403);
    expect((await at.call('GET', '/tokens', undefined, as(here.body.token))).status).toBe(200);
  });

  it('makes and keeps none that may be used where it may not', async () => {
    const { body } = await at.create({ allowedAddresses: ['127.0.0.0/8', '10.0.0.0/16'], expiresInDays: 30 });
    const make = (allowedAddresses: readonly string[] | null) =>
      at.create({ owner: undefined, allowedAddresses }, as(body.token));
    for (const wide of [null, ['10.0.0.0/8'], ['127.0.0.1', '10.1.0.0/16'], ['2001:db8::1']]) {
      const { status, body: refused } = await make(wide);
      expect([status, refused.detail], String(wide)).toEqual([
        403,
        'A token never manages one beyond its own addresses.',
      ]);
    }
    for (const within of [['127.0.0.1'], ['10.0.0.0/16'], ['10.0.7.0/24', '::ffff:127.0.0.1']])
      expect((await make(within)).status, String(within)).toBe(201);
    const widened = await at.call('PATCH', `/tokens/${body.id}`, { allowedAddresses: null }, as(body.token));
    expect(widened.status).toBe(403);
    const narrowed = await at.call('PATCH', `/tokens/${body.id}`, { allowedAddresses: ['127.0.0.1'] }, as(body.token));
    expect([narrowed.status, narrowed.body.allowedAddresses]).toEqual([200, ['127.0.0.1']]);
  });
});

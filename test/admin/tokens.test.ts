/** Tokens over HTTP, under the policy coze.yaml: made, read, listed, changed and ended. */
import { setMaxListeners } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashToken } from '../../src/secret.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { DAY, type Json, NOW, PERSONAL, SERVICE, type Sidecar, settle, startSidecar } from './sidecar.ts';

setMaxListeners(50);
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await startSidecar();
  await settle(sidecar);
});
afterAll(() => sidecar.stop());
beforeEach(async () => {
  sidecar.nowMs = NOW;
  // Limits are not what these tests are about.
  const { items } = await ok('GET', '/tokens?limit=1000');
  await Promise.all((items as Json[]).map(({ id }) => ok('DELETE', `/tokens/${id}`)));
});

const call: Sidecar['call'] = (...args) => sidecar.call(...args);
const ok: Sidecar['ok'] = (...args) => sidecar.ok(...args);
/** A personal token of ann, or, with that kind, a service token of ada. */
const create = (input: Json = {}) =>
  call('POST', '/tokens', { ...(input.kind === 'service' ? SERVICE : PERSONAL), ...input });
const at = (ms: number) => new Date(ms).toISOString();
const revision = expect.any(Number) as number;

describe('a new token', () => {
  it('is answered whole, its text this once', async () => {
    const { status, body, headers } = await create({ description: 'for tests' });
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    const { token, id, hint } = body as { token: string; id: string; hint: string };
    expect(token).toMatch(/^pat_[0-9A-Za-z]{49}$/);
    expect(id).toMatch(/^tok_[0-9a-z]+$/);
    expect(hint).toBe(`${token.slice(0, 8)}…`);
    const shown = {
      ...{ id, kind: 'personal', name: 'p', description: 'for tests', ownerId: 'ann', createdBy: null },
      ...{ scopes: ['bot:read'], workspaces: ['w1'], state: 'active', stateReason: null },
      ...{ createdAt: at(NOW), expiresAt: at(NOW + DAY), lastUsedAt: null, hint },
    };
    expect(body).toMatchObject({ ...shown, revision });
    const { token: _token, revision: _revision, ...rest } = body;
    expect((await call('GET', `/tokens/${id}`)).body).toEqual(rest);
  });

  it('is personal unless told otherwise', async () => {
    expect((await create()).body.kind).toBe('personal');
    expect((await create({ kind: 'service' })).body).toMatchObject({
      kind: 'service',
      token: expect.stringMatching(/^sat_/),
    });
  });

  it('lists each scope and workspace once', async () => {
    const { body } = await call('POST', '/tokens', { ...SERVICE, workspaces: ['a1', 'a2', 'a1'] });
    expect(body.workspaces).toEqual(['a1', 'a2']);
  });

  it('100 at the same moment all come into being, each with an id and a text of its own', async () => {
    const crowd = Array.from({ length: 10 }, (_, index) => `m${index}`);
    for (const id of crowd) await ok('PUT', `/members/${id}`, { name: id, role: 'admin' });
    const made = await Promise.all(
      Array.from({ length: 100 }, (_, index) => create({ name: `n${index}`, owner: crowd[index % 10] })),
    );
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201]));
    for (const field of ['id', 'token', 'revision'])
      expect(new Set(made.map(({ body }) => body[field])).size, field).toBe(100);
    for (const { body } of made) expect((await call('GET', `/tokens/${body.id}`)).body.name).toBe(body.name);
  });
});

describe('the text of a token', () => {
  it('is in no answer but that of its creation, and neither is its hash', async () => {
    const { body } = await create();
    const token = body.token as string;
    const answers = [
      await call('GET', `/tokens/${body.id}`),
      await call('GET', '/tokens?limit=1000'),
      await call('PATCH', `/tokens/${body.id}`, { name: 'renamed' }),
      await call('POST', `/tokens/${body.id}/deactivate`),
      await call('POST', `/tokens/${body.id}/activate`),
      await call('GET', '/members/ann'),
      await call('GET', '/v1/policy'),
      await call('GET', '/metrics'),
      await call('POST', `/tokens/${body.id}/revoke`),
      await call('DELETE', `/tokens/${body.id}`),
    ];
    for (const answer of answers) {
      const text = JSON.stringify(answer);
      expect(text).not.toContain(token.slice(8));
      expect(text).not.toContain(hashToken(token));
      // A token's own roles are pairs; those that a policy speaks of are names.
      expect(text).not.toMatch(/"hash"|ownerGeneration|"roles":\[[[\]]/);
    }
  });

  it('is neither in the data folder nor in the log', async () => {
    const { body } = await create();
    const token = body.token as string;
    await create({ name: token.slice(0, 20), expiresInDays: 99 });
    const data = join(sidecar.gateway.folder, 'data');
    for (const { parentPath, name } of readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    ))
      expect(readFileSync(join(parentPath, name), 'latin1'), name).not.toContain(token.slice(8));
    expect(sidecar.gateway.logLines.join('\n')).not.toContain(token.slice(8));
  });
});

describe('expiry of a personal token: 1 to 30 days from creation, to the millisecond, never for ever', () => {
  it.each([
    [{ expiresInDays: 1 }, DAY],
    [{ expiresInDays: 30 }, 30 * DAY],
    [{ expiresInDays: 1.5 }, 1.5 * DAY],
    [{ expiresInDays: undefined, expiresAt: at(NOW + DAY) }, DAY],
    [{ expiresInDays: undefined, expiresAt: at(NOW + 30 * DAY) }, 30 * DAY],
    [{ expiresInDays: undefined, expiresAt: at(NOW + 2 * DAY + 1) }, 2 * DAY + 1],
  ])('%j is %d ms', async (input, life) => {
    const { status, body } = await create(input);
    expect([status, body.expiresAt]).toEqual([201, at(NOW + life)]);
  });

  it.each([
    ['a millisecond too short', { expiresInDays: undefined, expiresAt: at(NOW + DAY - 1) }, 'expiresAt'],
    ['a millisecond too long', { expiresInDays: undefined, expiresAt: at(NOW + 30 * DAY + 1) }, 'expiresAt'],
    ['a moment that has passed', { expiresInDays: undefined, expiresAt: at(NOW - 1) }, 'expiresAt'],
    ['less than a day', { expiresInDays: 0.999 }, 'expiresInDays'],
    ['31 days', { expiresInDays: 31 }, 'expiresInDays'],
    ['no days', { expiresInDays: 0 }, 'expiresInDays'],
    ['days gone by', { expiresInDays: -1 }, 'expiresInDays'],
    ['more days than time has', { expiresInDays: 1e300 }, 'expiresInDays'],
    ['for ever', { expiresInDays: undefined, neverExpires: true }, 'neverExpires'],
  ])('%s is refused', async (_name, input, field) => {
    const { status, body } = await create(input);
    expect([status, body.code, body.field]).toEqual([422, 'expiry_out_of_range', field]);
    expect(body.detail).toContain('1 to 30 days from creation');
  });

  it('none at all is refused', async () => {
    const { status, body } = await create({ expiresInDays: undefined });
    expect([status, body.code]).toEqual([422, 'expiry_required']);
  });

  it('two at once are refused', async () => {
    const { status, body } = await create({ expiresAt: at(NOW + DAY) });
    expect([status, body.code, body.field]).toEqual([422, 'expiry_ambiguous', 'expiresAt']);
    expect((await create({ neverExpires: true })).body.code).toBe('expiry_ambiguous');
  });

  it.each(['PATCH of its expiry', 'PATCH to for ever'])('cannot be changed: %s', async (name) => {
    const { body } = await create();
    const expiresAt = name.endsWith('ever') ? null : at(NOW + 2 * DAY);
    const patched = await call('PATCH', `/tokens/${body.id}`, { expiresAt });
    expect([patched.status, patched.body.code, patched.body.field]).toEqual([422, 'field_fixed', 'expiresAt']);
    expect((await ok('GET', `/tokens/${body.id}`)).expiresAt).toBe(body.expiresAt);
  });
});

describe('expiry of a service token: any future instant, or never', () => {
  const service = (input: Json) => create({ kind: 'service', expiresInDays: undefined, ...input });

  it.each([
    [{ neverExpires: true }, null],
    [{ expiresAt: at(NOW + 1) }, at(NOW + 1)],
    [{ expiresAt: '9999-12-31T23:59:59.999Z' }, '9999-12-31T23:59:59.999Z'],
    [{ expiresInDays: 0.5 }, at(NOW + DAY / 2)],
    [{ expiresInDays: 400 }, at(NOW + 400 * DAY)],
    [{ expiresAt: '2031-01-01T02:00:00+02:00' }, '2031-01-01T00:00:00.000Z'],
    [{ expiresAt: '2031-01-01T00:00:00Z' }, '2031-01-01T00:00:00.000Z'],
    [{ expiresAt: '2032-02-29T00:00:00Z' }, '2032-02-29T00:00:00.000Z'],
  ])('%j ends at %s', async (input, expiresAt) => {
    const { status, body } = await service(input);
    expect([status, body.expiresAt]).toEqual([201, expiresAt]);
  });

  it.each([{ expiresAt: at(NOW) }, { expiresAt: at(NOW - 1) }, { expiresInDays: 0 }, { expiresInDays: 1e-12 }])(
    '%j is no future instant',
    async (input) => {
      const { status, body } = await service(input);
      expect([status, body.code]).toEqual([422, 'expiry_out_of_range']);
    },
  );

  it.each([
    'tomorrow',
    '2031-01-01',
    '2031-01-01T00:00:00',
    '2031-13-01T00:00:00Z',
    '2031-02-30T00:00:00Z',
    '2031-02-29T00:00:00Z',
    '2031-04-31T00:00:00Z',
    '2031-01-01T24:00:00Z',
    '2031-01-01T00:60:00Z',
    '2031-01-01T00:00:00+25:00',
    '1893456000000',
    '',
    ' 2031-01-01T00:00:00Z',
    '+012031-01-01T00:00:00Z',
  ])('%j is no instant', async (expiresAt) => {
    const { status, body } = await service({ expiresAt });
    expect([status, body.code, body.field]).toEqual([400, 'invalid_instant', 'expiresAt']);
  });

  it('can be changed: later, sooner, never, and back', async () => {
    const { body } = await service({ expiresAt: at(NOW + DAY) });
    for (const expiresAt of [at(NOW + 9 * DAY), at(NOW + 1), null, at(NOW + DAY)])
      expect((await ok('PATCH', `/tokens/${body.id}`, { expiresAt })).expiresAt).toBe(expiresAt);
    for (const expiresAt of [at(NOW), at(NOW - DAY)])
      expect((await call('PATCH', `/tokens/${body.id}`, { expiresAt })).body).toMatchObject({
        code: 'expiry_out_of_range',
        field: 'expiresAt',
      });
    expect((await call('PATCH', `/tokens/${body.id}`, { expiresAt: 'soon' })).status).toBe(400);
    expect((await ok('GET', `/tokens/${body.id}`)).expiresAt).toBe(at(NOW + DAY));
  });

  it('that has passed can be moved on: expired is not for ever', async () => {
    const { body } = await service({ expiresAt: at(NOW + 1) });
    sidecar.nowMs = NOW + 1;
    expect((await ok('GET', `/tokens/${body.id}`)).state).toBe('expired');
    expect(await ok('PATCH', `/tokens/${body.id}`, { expiresAt: at(NOW + DAY) })).toMatchObject({ state: 'active' });
  });
});

describe('scopes and owner', () => {
  it.each([
    ['a scope that the policy does not know', { scopes: ['bot:fly'] }, 'scope_unknown', 'scopes'],
    ['a scope that every object has', { scopes: ['constructor'] }, 'scope_unknown', 'scopes'],
    ['no scopes at all', { scopes: undefined }, 'scopes_required', 'scopes'],
    ['an empty list of scopes', { scopes: [] }, 'scopes_required', 'scopes'],
    ['no owner', { owner: undefined }, 'owner_required', 'owner'],
    ['an owner that nobody is', { owner: 'nobody' }, 'owner_unknown', 'owner'],
    ['a kind that does not exist', { kind: 'magic' }, 'kind_unknown', 'kind'],
    ['a kind that every object has', { kind: 'toString' }, 'kind_unknown', 'kind'],
  ])('%s is refused', async (_name, input, code, field) => {
    const { status, body } = await create(input);
    expect([status, body.code, body.field]).toEqual([422, code, field]);
  });

  it('a token never exceeds its owner', async () => {
    await ok('PUT', '/members/few', { name: 'Few', role: 'member', scopes: ['bot:write'] });
    await ok('PUT', '/workspaces/w1/assignments/members/few', { role: 'member' });
    const of = (scopes: string[]) => create({ owner: 'few', scopes });
    expect((await of(['bot:write', 'bot:read'])).status).toBe(201);
    expect((await of(['bot:read', 'chat:read'])).body).toMatchObject({ code: 'scope_exceeds_owner', field: 'scopes' });
  });
});

describe('workspaces that an owner may select', () => {
  const solo = '/v1/organizations/solo/tokens';
  const personalOf = (owner: string, workspaces: unknown) => create({ owner, workspaces });
  const serviceOf = (owner: string, workspaces: unknown) => create({ kind: 'service', owner, workspaces });

  it.each([
    ['one that they own', 'ann', ['w1'], ['w1']],
    ['one that they joined', 'ann', ['w2'], ['w2']],
    ['all, which is all that they join', 'ann', 'all', 'all-joined'],
    ['all that they join', 'ann', 'all-joined', 'all-joined'],
    ['less than the widest', 'ann', 'all-owned', 'all-owned'],
    ['any of the organization, for an administrator', 'root', ['w1', 'w4'], ['w1', 'w4']],
    ['all of the organization, for an administrator', 'root', 'all', 'all-organization'],
  ])('personal: %s', async (_name, owner, workspaces, granted) => {
    const { status, body } = await personalOf(owner, workspaces);
    expect([status, body.workspaces]).toEqual([201, granted]);
  });

  it.each([
    ['one that they did not join', 'ann', ['w4'], 'workspace_not_selectable'],
    ['two', 'ann', ['w1', 'w2'], 'workspaces_count'],
    ['all of the organization', 'ann', 'all-organization', 'workspaces_too_wide'],
    ['one that does not exist', 'ann', ['w99'], 'workspace_unknown'],
    ['one of another organization', 'ann', ['s1'], 'workspace_unknown'],
    ['a text that can be no id', 'ann', ['../w1'], 'workspace_unknown'],
    ['none', 'ann', undefined, 'workspaces_required'],
  ])('personal: %s is refused', async (_name, owner, workspaces, code) => {
    const { status, body } = await personalOf(owner, workspaces);
    expect([status, body.code, body.field]).toEqual([422, code, 'workspaces']);
  });

  it.each([
    ['several that they own or joined', 'ada', ['a1', 'w2', 'a2'], ['a1', 'w2', 'a2']],
    ['all, which is all of the organization', 'ada', 'all', 'all-organization'],
    ['all that they own', 'ada', 'all-owned', 'all-owned'],
  ])('service: %s', async (_name, owner, workspaces, granted) => {
    const { status, body } = await serviceOf(owner, workspaces);
    expect([status, body.workspaces]).toEqual([201, granted]);
  });

  it.each([
    ['one that they did not join, even for an administrator', 'root', ['w4'], 'workspace_not_selectable'],
    ['one that does not exist', 'ada', ['w99'], 'workspace_unknown'],
  ])('service: %s is refused', async (_name, owner, workspaces, code) => {
    const { status, body } = await serviceOf(owner, workspaces);
    expect([status, body.code, body.field]).toEqual([422, code, 'workspaces']);
  });

  it('one joined through a team counts as joined', async () => {
    await ok('PUT', '/teams/pair', { name: 'Pair', members: ['ann'] });
    await ok('PUT', '/workspaces/w4/assignments/teams/pair', { role: 'member' });
    expect((await personalOf('ann', ['w4'])).status).toBe(201);
    await ok('DELETE', '/teams/pair');
    expect((await personalOf('ann', ['w4'])).status).toBe(422);
  });

  it.each(['personal', 'service'])(
    'edition personal, %s: only what one owns, whatever one joined or is',
    async (kind) => {
      const of = (workspaces: unknown) => call('POST', solo, { ...PERSONAL, kind, owner: 'sam', workspaces });
      expect((await of(['s1'])).status).toBe(201);
      expect((await of('all')).body.workspaces).toBe('all-owned');
      expect((await of(['s2'])).body).toMatchObject({ code: 'workspace_not_selectable' });
      expect((await of('all-joined')).body).toMatchObject({ code: 'workspaces_too_wide' });
      expect((await of('all-organization')).body).toMatchObject({ code: 'workspaces_too_wide' });
    },
  );
});

describe('PATCH', () => {
  it('changes name and description, and nothing else', async () => {
    const { body } = await create();
    const before = await ok('GET', `/tokens/${body.id}`);
    const changed = await ok('PATCH', `/tokens/${body.id}`, { name: 'new', description: 'why' });
    expect(changed).toEqual({ ...before, name: 'new', description: 'why', revision });
    expect((await ok('PATCH', `/tokens/${body.id}`, { description: null })).description).toBeNull();
    expect((await ok('PATCH', `/tokens/${body.id}`, {})).name).toBe('new');
  });

  it.each(['personal', 'service'])('does not change what the policy has fixed: %s', async (kind) => {
    const { body } = await create({ kind });
    for (const [field, value] of [
      ['scopes', ['bot:read']],
      ['workspaces', 'all'],
    ] as const) {
      const patched = await call('PATCH', `/tokens/${body.id}`, { name: 'not this either', [field]: value });
      expect([patched.status, patched.body.code, patched.body.field]).toEqual([422, 'field_fixed', field]);
    }
    expect((await ok('GET', `/tokens/${body.id}`)).name).toBe(body.name);
  });

  it.each(['owner', 'kind', 'state', 'token', 'ownerId', 'createdAt', 'hint', 'id', 'expiresInDays', 'neverExpires'])(
    'knows no field %s',
    async (field) => {
      const { body } = await create();
      const patched = await call('PATCH', `/tokens/${body.id}`, { [field]: 'x' });
      expect([patched.status, patched.body.code, patched.body.field]).toEqual([400, 'unknown_field', field]);
    },
  );
});

it('who lacks the right to a kind is told which rule took it: the role, or their own actions', async () => {
  const asked = { ...SERVICE, workspaces: 'all' };
  const ask = async (id: string) => {
    const { status, body } = await call('POST', '/tokens', { ...asked, owner: id }, { 'Scopegate-Actor': id });
    return [status, body.detail];
  };
  await ok('PUT', '/members/bare', { name: 'B', role: 'admin', actions: [] });
  expect(await ask('bare')).toEqual([403, expect.stringMatching(/their own list of actions, which replaces/)]);
  expect(await ask('ann')).toEqual([403, expect.stringMatching(/the role member does not give it/)]);
});

describe('contacts', () => {
  it('are patched by what is named alone: the rest stays (RFC 7396)', async () => {
    const { body } = await create({ contacts: { primary: 'ann', emails: ['a@a.example'] } });
    const patch = async (contacts: unknown) => (await ok('PATCH', `/tokens/${body.id}`, { contacts })).contacts;
    expect(await patch({ emails: ['n@n.example'] })).toEqual({ primary: 'ann', emails: ['n@n.example'] });
    expect(await patch({ primary: null })).toEqual({ primary: null, emails: ['n@n.example'] });
    expect(await patch({ primary: 'bob' })).toEqual({ primary: 'bob', emails: ['n@n.example'] });
    expect(await patch({ emails: null })).toEqual({ primary: 'bob', emails: [] });
    expect(await patch({})).toEqual({ primary: 'bob', emails: [] });
    expect(await patch(null)).toBeNull();
    expect(await patch({ emails: ['m@m.example'] })).toEqual({ primary: null, emails: ['m@m.example'] });
  });

  it('who has left is named no more, also when something else is patched, and is not named anew', async () => {
    await ok('PUT', '/members/gone', { name: 'G', role: 'member' });
    const { body } = await create({ contacts: { primary: 'gone', emails: [] } });
    await ok('DELETE', '/members/gone');
    const patch = (contacts: unknown) => call('PATCH', `/tokens/${body.id}`, { contacts });
    expect((await patch({ emails: ['n@n.example'] })).body.contacts).toMatchObject({ primary: null });
    expect(await patch({ primary: 'gone' })).toMatchObject({ status: 422, body: { field: 'contacts.primary' } });
  });
});

describe('states', () => {
  const change = (id: unknown, asked: string) => call('POST', `/tokens/${id}/${asked}`);

  it('inactive and active follow each other as often as one likes', async () => {
    const { body } = await create();
    for (const [asked, state, stateReason] of [
      ['deactivate', 'inactive', 'deactivated'],
      ['deactivate', 'inactive', 'deactivated'],
      ['activate', 'active', null],
      ['activate', 'active', null],
    ] as const)
      expect(await change(body.id, asked)).toMatchObject({
        status: 200,
        body: { state, stateReason, revision },
      });
  });

  it('revoked is for ever', async () => {
    const { body } = await create();
    expect(await change(body.id, 'revoke')).toMatchObject({ status: 200, body: { state: 'revoked' } });
    expect(await change(body.id, 'revoke')).toMatchObject({ status: 200, body: { state: 'revoked' } });
    for (const asked of ['activate', 'deactivate'])
      expect(await change(body.id, asked)).toMatchObject({ status: 409, body: { code: 'token_revoked' } });
    expect(await call('PATCH', `/tokens/${body.id}`, { name: 'x' })).toMatchObject({ status: 409 });
    expect((await ok('GET', `/tokens/${body.id}`)).state).toBe('revoked');
  });

  it('revoked wins whatever races with it', async () => {
    const { body } = await create({ kind: 'service' });
    const racing = Array.from({ length: 10 }, (_, index) => [
      change(body.id, 'activate'),
      change(body.id, 'deactivate'),
      call('PATCH', `/tokens/${body.id}`, { name: `n${index}` }),
      ...(index === 5 ? [change(body.id, 'revoke')] : []),
    ]).flat();
    await Promise.all(racing);
    expect((await ok('GET', `/tokens/${body.id}`)).state).toBe('revoked');
  });

  it.each(['active', 'inactive', 'revoked', 'expired'])(
    'a token that is %s can be deleted, and is gone then',
    async (state) => {
      const { body } = await create();
      if (state === 'inactive') await change(body.id, 'deactivate');
      if (state === 'revoked') await change(body.id, 'revoke');
      if (state === 'expired') sidecar.nowMs = NOW + DAY;
      expect((await ok('GET', `/tokens/${body.id}`)).state).toBe(state);
      expect(await call('DELETE', `/tokens/${body.id}`)).toMatchObject({ status: 200, body: { revision } });
      for (const [method, below] of [
        ['GET', ''],
        ['DELETE', ''],
        ['POST', '/activate'],
        ['POST', '/revoke'],
      ])
        expect((await call(method!, `/tokens/${body.id}${below}`)).status, method).toBe(404);
      expect((await call('PATCH', `/tokens/${body.id}`, { name: 'x' })).status).toBe(404);
    },
  );

  it('a deleted token is not brought back by what races with its deletion', async () => {
    const { body } = await create();
    await Promise.all([
      change(body.id, 'deactivate'),
      call('DELETE', `/tokens/${body.id}`),
      ...Array.from({ length: 10 }, (_, index) => call('PATCH', `/tokens/${body.id}`, { name: `n${index}` })),
      change(body.id, 'activate'),
    ]);
    expect((await call('GET', `/tokens/${body.id}`)).status).toBe(404);
  });

  it('every token that does not work is listed with the reason', async () => {
    const [active, expired, revoked, deactivated] = await Promise.all(
      [{}, {}, {}, { expiresInDays: 2 }].map(async (input) => (await create({ ...input })).body.id as string),
    );
    await change(revoked, 'revoke');
    await change(deactivated, 'deactivate');
    const reasons = async () => {
      const { items } = await ok('GET', '/tokens');
      return Object.fromEntries((items as Json[]).map(({ id, stateReason }) => [id, stateReason]));
    };
    expect(await reasons()).toEqual({
      [active!]: null,
      [expired!]: null,
      [revoked!]: 'revoked',
      [deactivated!]: 'deactivated',
    });
    sidecar.nowMs = NOW + DAY;
    expect(await reasons()).toMatchObject({
      [expired!]: 'expired',
      [revoked!]: 'revoked',
      [deactivated!]: 'deactivated',
    });
    sidecar.nowMs = NOW + 2 * DAY;
    expect(await reasons()).toMatchObject({ [deactivated!]: 'expired' });
  });

  it('expired shows in the very millisecond, and gives way to revoked', async () => {
    const { body } = await create();
    sidecar.nowMs = NOW + DAY - 1;
    expect((await ok('GET', `/tokens/${body.id}`)).state).toBe('active');
    sidecar.nowMs = NOW + DAY;
    expect((await ok('GET', `/tokens/${body.id}`)).state).toBe('expired');
    expect((await change(body.id, 'revoke')).body.state).toBe('revoked');
  });

  it('a state change takes an empty body, an empty object or none, and nothing else', async () => {
    const { body } = await create();
    const path = `/v1/organizations/acme/tokens/${body.id}/deactivate`;
    const json = { 'content-type': 'application/json' };
    expect((await sidecar.send('POST', path, {})).status).toBe(200);
    expect((await sidecar.send('POST', path, { body: '', headers: json })).status).toBe(200);
    expect((await sidecar.send('POST', path, { body: '{}', headers: json })).status).toBe(200);
    expect((await sidecar.send('POST', path, { body: '{"force":true}', headers: json })).status).toBe(400);
  });
});

describe('removing a member', () => {
  it('ends their personal tokens for good, even when the id returns, and leaves service tokens alone', async () => {
    await ok('PUT', '/members/leaver', { name: 'L', role: 'admin' });
    await ok('PUT', '/workspaces/wl', { name: 'wl', owner: 'leaver' });
    const mine = { owner: 'leaver', workspaces: ['wl'] };
    const personal = (await create(mine)).body.id;
    const paused = (await create(mine)).body.id;
    const revoked = (await create(mine)).body.id;
    const service = (await create({ ...mine, kind: 'service' })).body.id;
    await ok('POST', `/tokens/${paused}/deactivate`);
    await ok('POST', `/tokens/${revoked}/revoke`);
    await ok('DELETE', '/members/leaver');
    const ended = { state: 'inactive', stateReason: 'owner_removed' };
    const stateOf = (id: unknown) => ok('GET', `/tokens/${id}`);
    for (const id of [personal, paused]) expect(await stateOf(id)).toMatchObject(ended);
    expect(await stateOf(revoked)).toMatchObject({ state: 'revoked' });
    expect(await stateOf(service)).toMatchObject({ state: 'active' });
    const refused = { status: 409, body: { code: 'owner_removed' } };
    expect(await call('POST', `/tokens/${personal}/activate`)).toMatchObject(refused);
    await ok('PUT', '/members/leaver', { name: 'Somebody else', role: 'super_admin' });
    for (const id of [personal, paused]) {
      expect(await call('POST', `/tokens/${id}/activate`)).toMatchObject(refused);
      await ok('POST', `/tokens/${id}/deactivate`);
      expect(await call('POST', `/tokens/${id}/activate`)).toMatchObject(refused);
      expect(await stateOf(id)).toMatchObject(ended);
    }
    expect((await create(mine)).status).toBe(201);
  });

  it('while tokens are being made for them leaves none that works', async () => {
    await ok('PUT', '/members/racer', { name: 'R', role: 'super_admin' });
    const made = Array.from({ length: 20 }, () => create({ owner: 'racer', workspaces: 'all' }));
    const removed = call('DELETE', '/members/racer');
    const more = Array.from({ length: 20 }, () => create({ owner: 'racer', workspaces: 'all' }));
    expect((await removed).status).toBe(200);
    await Promise.all([...made, ...more]);
    const { items } = await ok('GET', '/tokens?owner=racer&limit=1000');
    expect((items as Json[]).filter(({ state }) => state === 'active')).toEqual([]);
  });
});

describe('the list of tokens', () => {
  const org = '/v1/organizations/listed';
  const ids = async (query: string) =>
    ((await ok('GET', `${org}/tokens${query}`)).items as Json[]).map(({ name }) => name);

  beforeAll(async () => {
    await ok('PUT', org, { name: 'Listed', edition: 'team' });
    for (const id of ['ann', 'bob']) await ok('PUT', `${org}/members/${id}`, { name: id, role: 'super_admin' });
    await ok('PUT', `${org}/workspaces/w1`, { name: 'w1', owner: 'ann' });
    for (let index = 0; index < 12; index++) {
      sidecar.nowMs = NOW + Math.floor(index / 3);
      const owner = index % 2 === 0 ? 'ann' : 'bob';
      const kind = index % 3 === 0 && owner === 'ann' ? 'service' : 'personal';
      const { id } = await ok('POST', `${org}/tokens`, {
        ...PERSONAL,
        ...{ name: `n${index}`, owner, kind, expiresInDays: 1 + index },
      });
      if (index === 3) await ok('POST', `${org}/tokens/${id}/deactivate`);
      if (index === 4) await ok('POST', `${org}/tokens/${id}/revoke`);
    }
  });

  it('is oldest first, and complete', async () => {
    const answer = await ok('GET', `${org}/tokens`);
    expect(answer.nextCursor).toBeNull();
    const items = answer.items as Array<{ name: string; createdAt: string }>;
    expect(items).toHaveLength(12);
    expect(items.map(({ createdAt }) => createdAt)).toEqual(items.map(({ createdAt }) => createdAt).sort());
  });

  it.each([1, 5, 6, 11, 12, 13])('comes in pages of %d, each token once', async (limit) => {
    const seen: unknown[] = [];
    let cursor: unknown = null;
    do {
      const query = cursor === null ? '' : `&cursor=${cursor as string}`;
      const page = await ok('GET', `${org}/tokens?limit=${limit}${query}`);
      const items = page.items as Json[];
      expect(items.length).toBeLessThanOrEqual(limit);
      if (page.nextCursor !== null) expect(items).toHaveLength(limit);
      seen.push(...items.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toHaveLength(12);
    expect(new Set(seen).size).toBe(12);
  });

  it('is filtered by kind, owner and state, alone and together', async () => {
    expect((await ids('?kind=service')).sort()).toEqual(['n0', 'n6']);
    expect(await ids('?owner=bob')).toHaveLength(6);
    expect(await ids('?state=inactive')).toEqual(['n3']);
    expect(await ids('?state=revoked')).toEqual(['n4']);
    expect(await ids('?owner=ann&state=active&kind=personal')).toHaveLength(3);
    expect(await ids('?owner=nobody')).toEqual([]);
    expect(await ids('?kind=magic')).toEqual([]);
  });

  it('is filtered by how the name begins, in any case, with others', async () => {
    expect((await ids('?name=N1')).sort()).toEqual(['n1', 'n10', 'n11']);
    expect(await ids('?name=n1&owner=bob&state=active')).toEqual(['n1', 'n11']);
    expect(await ids('?name=1')).toEqual([]);
    expect(await ids('?name=%EF%BD%8E7')).toEqual(['n7']);
    expect(await ids('?name=')).toHaveLength(12);
  });

  it('is filtered by a scope that they list, and by a workspace that they may reach', async () => {
    const { items } = (await ok('GET', `${org}/tokens`)) as { items: Json[] };
    const fitting = (fits: (item: Json) => boolean) => items.filter(fits).map(({ name }) => name);
    const [scope] = items[0]!.scopes as string[];
    expect(await ids(`?scope=${scope}`)).toEqual(fitting(({ scopes }) => (scopes as string[]).includes(scope!)));
    expect(await ids('?scope=none:read')).toEqual([]);
    const workspaces = items.flatMap((item) => (Array.isArray(item.workspaces) ? (item.workspaces as string[]) : []));
    for (const id of [...new Set(workspaces), 'nowhere']) {
      const reaching = fitting(
        ({ workspaces: granted }) => typeof granted === 'string' || (granted as []).includes(id as never),
      );
      expect(await ids(`?workspace=${id}`)).toEqual(reaching);
    }
  });

  it('is filtered by when they were used last', async () => {
    const { items } = (await ok('GET', `${org}/tokens`)) as { items: Json[] };
    const idOf = (name: string) => items.find((item) => item.name === name)!.id as string;
    const store = new SqliteStore(join(sidecar.gateway.folder, 'data/scopegate.db'));
    await store.touch([
      { key: `token/listed/${idOf('n5')}`, atMs: NOW + DAY },
      { key: `token/listed/${idOf('n6')}`, atMs: NOW + 9 * DAY },
    ]);
    await store.close();
    sidecar.nowMs = NOW + 10 * DAY;
    expect(await ids('?neverUsed=false')).toEqual(['n5', 'n6']);
    expect(await ids('?neverUsed=true')).toHaveLength(10);
    expect(await ids('?unusedForDays=5&neverUsed=false')).toEqual(['n5']);
    expect(await ids('?unusedForDays=5&name=n6')).toEqual([]);
    expect(await ids('?unusedForDays=5')).toHaveLength(11);
    // None is so old.
    expect(await ids('?unusedForDays=11')).toEqual([]);
  });

  it('is filtered by what ends soon', async () => {
    sidecar.nowMs = NOW;
    expect((await ids('?expiringWithinDays=2')).sort()).toEqual(['n0', 'n1']);
    sidecar.nowMs = NOW + 2 * DAY;
    expect((await ids('?state=expired')).sort()).toEqual(['n0', 'n1']);
    expect(await ids('?expiringWithinDays=0')).toEqual([]);
  });

  it('in filtered pages is still complete', async () => {
    const seen: unknown[] = [];
    let cursor: unknown = null;
    do {
      const page = await ok(
        'GET',
        `${org}/tokens?owner=ann&limit=2${cursor === null ? '' : `&cursor=${cursor as string}`}`,
      );
      seen.push(...(page.items as Json[]).map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen.sort()).toEqual(['n0', 'n10', 'n2', 'n4', 'n6', 'n8']);
  });

  it.each([
    ['?limit=0', 'limit'],
    ['?limit=1001', 'limit'],
    ['?limit=-1', 'limit'],
    ['?limit=ten', 'limit'],
    ['?limit=1.5', 'limit'],
    ['?limit=', 'limit'],
    ['?limit=1&limit=2', 'limit'],
    ['?cursor=', 'cursor'],
    ['?cursor=nonsense', 'cursor'],
    ['?cursor=bnVsbA', 'cursor'],
    ['?cursor=WzEsMl0', 'cursor'],
    ['?state=happy', 'state'],
    ['?expiringWithinDays=soon', 'expiringWithinDays'],
    ['?unusedForDays=-1', 'unusedForDays'],
    ['?neverUsed=perhaps', 'neverUsed'],
    [`?name=${'n'.repeat(129)}`, 'name'],
    ['?sort=name', 'sort'],
    ['?__proto__=x', '__proto__'],
  ])('with %s is refused, naming it', async (query, field) => {
    const { status, body } = await call('GET', `${org}/tokens${query}`);
    expect([status, body.field]).toEqual([400, field]);
    expect(body.code).toMatch(/^(invalid_field|unknown_field)$/);
  });

  it('takes 1000 at most, and 50 without being told', async () => {
    const crowd = '/v1/organizations/crowd';
    await ok('PUT', crowd, { name: 'Crowd', edition: 'team' });
    const owners = ['ann', 'bob', 'cid', 'dan'];
    for (const id of owners) await ok('PUT', `${crowd}/members/${id}`, { name: id, role: 'admin' });
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        ok('POST', `${crowd}/tokens`, { ...PERSONAL, owner: owners[index % 4], workspaces: 'all' }),
      ),
    );
    const first = await ok('GET', `${crowd}/tokens`);
    expect([(first.items as Json[]).length, typeof first.nextCursor]).toEqual([50, 'string']);
    expect(((await ok('GET', `${crowd}/tokens?limit=1000`)).items as Json[]).length).toBe(60);
  });
});

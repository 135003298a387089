/** Tokens of another system, imported by their hash: they work as they did, with the rights given here, and no longer. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashToken } from '../../src/secret.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, RawClient, rawRequest } from '../support/raw.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/recorder.ts';

const PATTERN = { prefix: 'key-', minLength: 20, maxLength: 40 };

let upstream: HttpUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    response.end(JSON.stringify(request.headers));
  });
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    settings: { import: { patterns: [PATTERN] }, cache: { absentTtlMs: 60_000 } },
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

const imported = () => `key-${randomBytes(12).toString('hex')}`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const item = (token: string, more: Settings = {}) => ({
  ...{ sha256: sha256(token), name: 'CI', owner: 'alice', scopes: ['workspace:read'], workspaces: ['ws_sales'] },
  ...{ expiresInDays: 30, ...more },
});
interface Result {
  readonly outcome: string;
  readonly id?: string;
  readonly code?: string;
  readonly field?: string;
  readonly differs?: string[];
}
const send = async (tokens: Settings[], query = '', headers: Record<string, string> = {}, at = gateway) => {
  const { status, body } = await at.admin('POST', `/tokens/import${query}`, { tokens }, headers);
  return { status, body: body as { tokens: Result[]; imported: number; revision?: number; code?: string } };
};
const one = async (token: string, more: Settings = {}) => (await send([item(token, more)])).body.tokens[0]!;
const call = (token: string, path = '/v1/workspaces', method = 'GET', at = gateway) =>
  ask(at.url, rawRequest(`${method} ${path}`, [`Authorization: Bearer ${token}`]));
describe('an imported token', () => {
  it('works with the scopes it was given, for those alone, and is refused once revoked', async () => {
    const token = imported();
    expect((await call(token)).status, 'before').toBe(401);
    const { outcome, id } = await one(token, { hint: 'key-a1b2' });
    expect(outcome).toBe('imported');
    const allowed = await call(token);
    expect(allowed.status).toBe(200);
    expect(JSON.parse(allowed.body)).toMatchObject({
      'x-scopegate-token-id': id,
      'x-scopegate-subject': 'alice',
      'x-scopegate-scopes': 'workspace:read',
    });
    expect(JSON.parse(allowed.body)).not.toHaveProperty('authorization');
    expect((await call(token, '/v1/bots/bot_sales', 'PUT')).status, 'another scope').toBe(403);
    expect((await gateway.admin('POST', `/tokens/${id}/revoke`)).status).toBe(200);
    expect((await call(token)).status, 'revoked').toBe(401);
  });

  it('is shown and found like any other', async () => {
    const token = imported();
    const { id } = await one(token, {
      hint: 'key-a1',
      createdAt: '2026-01-02T03:04:05.678Z',
      expiresInDays: undefined,
      kind: 'service',
      neverExpires: true,
    });
    const { body } = await gateway.admin('GET', `/tokens/${id}`);
    expect(body).toMatchObject({
      hint: 'key-a1…',
      createdAt: '2026-01-02T03:04:05.678Z',
      expiresAt: null,
      createdBy: null,
    });
    expect((await gateway.admin('POST', '/v1/tokens/find', { token })).body).toMatchObject({ id });
    const { id: unnamed } = await one(imported());
    expect((await gateway.admin('GET', `/tokens/${unnamed}`)).body).toMatchObject({ hint: null });
  });

  it('leaves one short line in the audit trail, without its hash', async () => {
    const token = imported();
    const { id } = await one(token);
    const { body } = await gateway.admin('GET', '/audit-events?limit=1000');
    const { items } = body as { items: Array<{ action: string; target: { id: string } | null }> };
    expect(items.filter(({ target }) => target?.id === id).map(({ action }) => action)).toEqual(['token.imported']);
    expect(JSON.stringify(items)).not.toContain(hashToken(token));
    expect(JSON.stringify(items)).not.toContain(sha256(token));
  });

  it('rotates to one of ours, and its old value ends, for ever', async () => {
    const token = imported();
    const { id } = await one(token);
    const rotated = (await gateway.admin('POST', `/tokens/${id}/rotate`, {})).body as { token: string };
    expect(rotated.token).toMatch(/^pat_/);
    expect((await call(rotated.token)).status).toBe(200);
    expect((await call(token)).status).toBe(401);
    expect(await one(token), 'nor by another import').toMatchObject({ outcome: 'refused', code: 'value_ended' });
    const graceful = imported();
    const { id: other } = await one(graceful);
    await gateway.admin('POST', `/tokens/${other}/rotate`, { graceSeconds: 3600 });
    expect((await call(graceful)).status, 'within its grace').toBe(200);
    await gateway.admin('DELETE', `/tokens/${other}`);
    expect(await one(graceful)).toMatchObject({ outcome: 'refused', code: 'value_ended' });
  });
});

describe('an import', () => {
  it('finds what an earlier one did, says where it differs, and changes nothing', async () => {
    const token = imported();
    const { id } = await one(token);
    expect(await one(token)).toEqual({ outcome: 'existing', id, differs: [] });
    const other = { scopes: ['bot:read'], name: 'other', neverExpires: true, expiresInDays: undefined };
    expect(await one(token, other)).toEqual({ outcome: 'existing', id, differs: ['name', 'scopes', 'neverExpires'] });
    expect((await gateway.admin('GET', `/tokens/${id}`)).body).toMatchObject({ name: 'CI' });
    const { body } = await send([item(token), item(token)]);
    expect(body, 'twice in one call').toMatchObject({ imported: 0, existing: 2 });
  });

  it('refuses the values of our own tokens', async () => {
    expect(await one(gateway.tokens.reader)).toMatchObject({ outcome: 'refused', code: 'value_taken' });
  });

  it.each([
    [{ scopes: ['no:such'] }, 'scope_unknown', 'scopes'],
    [{ scopes: ['tokens:manage'] }, 'scope_not_importable', 'scopes'],
    [{ owner: 'nobody' }, 'owner_unknown', 'owner'],
    [{ workspaces: ['ws_none'] }, 'workspace_unknown', 'workspaces'],
    [{ expiresInDays: 31 }, 'expiry_out_of_range', 'expiresInDays'],
    [{ createdAt: '2020-01-01T00:00:00Z' }, 'expiry_out_of_range', 'expiresInDays'],
    [{ createdAt: '2999-01-01T00:00:00Z' }, 'created_in_future', 'createdAt'],
    [{ hint: 'abc' }, 'hint_unmatched', 'hint'],
    [{ hint: 'key-01234' }, 'hint_too_long', 'hint'],
    [{ sha256: sha256('') }, 'value_empty', 'sha256'],
    [{ sha256: sha256('\n') }, 'value_empty', 'sha256'],
  ])('judges each token by the rules of a new one: %j', async (more, code, field) => {
    const { body } = await send([item(imported(), more), item(imported())]);
    expect(body.tokens[0]).toMatchObject({ outcome: 'refused', code, field });
    expect(body.tokens[1], 'the others are taken').toMatchObject({ outcome: 'imported' });
  });

  it('IMPACT-2 a name that says nothing is refused', async () => {
    const { body } = await send([item(imported(), { name: ' ' })]);
    expect(body.tokens).toEqual([expect.objectContaining({ outcome: 'refused', code: 'text_invalid', field: 'name' })]);
  });

  it('keeps to the limits within one call', async () => {
    await gateway.admin('PUT', '/members/carol', { name: 'Carol', role: 'member' });
    await gateway.admin('PUT', '/workspaces/ws_sales/assignments/members/carol', { role: 'member' });
    const tokens = Array.from({ length: 150 }, () => item(imported(), { owner: 'carol' }));
    const { body } = await send(tokens);
    const outcomes = body.tokens.map(({ outcome, code }) => code ?? outcome);
    expect(outcomes).toEqual([...Array<string>(20).fill('imported'), ...Array<string>(130).fill('limit_reached')]);
  });

  it('changes nothing in a dry run', async () => {
    const token = imported();
    const { status, body } = await send([item(token), item(imported(), { owner: 'nobody' })], '?dryRun=true');
    expect([status, body]).toEqual([
      200,
      {
        ...{ imported: 1, existing: 0, refused: 1, dryRun: true },
        tokens: [{ outcome: 'imported' }, expect.objectContaining({ code: 'owner_unknown' }) as unknown],
      },
    ]);
    expect((await call(token)).status).toBe(401);
    expect((await one(token)).outcome).toBe('imported');
  });

  it('is for the operator: a managing token never does it, an administrator for themselves alone', async () => {
    const managing = await gateway.mint({ scopes: ['tokens:manage', 'workspace:read'] });
    const before = await send([item(imported())], '', { authorization: `Bearer ${managing}` });
    expect(before).toMatchObject({ status: 403, body: { code: 'not_allowed' } });
    const token = imported();
    const other = await send([item(token, { owner: 'bob', workspaces: ['ws_sales'] })], '', {
      'Scopegate-Actor': 'alice',
    });
    expect(other.status).toBe(403);
    expect((await send([item(token)], '', { 'Scopegate-Actor': 'alice' })).body).toMatchObject({ imported: 1 });
  });

  it('is for administrators with the action ImportTokens: nobody else makes the bearer of a value act as them', async () => {
    const as = (id: string) => ({ 'Scopegate-Actor': id });
    await gateway.admin('PUT', '/members/planter', { name: 'Planter', role: 'member' });
    await gateway.admin('PUT', '/members/narrow', { name: 'Narrow', role: 'admin', actions: ['ManagePersonalTokens'] });
    await gateway.admin('PUT', '/workspaces/ws_sales/assignments/members/planter', { role: 'member' });
    const theirs = imported();
    for (const id of ['planter', 'narrow']) {
      const planted = await send([item(theirs, { owner: id })], '', as(id));
      expect([planted.status, planted.body.code], id).toEqual([403, 'not_allowed']);
    }
    expect((await call(theirs)).status, 'nothing was planted').toBe(401);
    await gateway.admin('PATCH', '/members/narrow', { actions: ['ManagePersonalTokens', 'ImportTokens'] });
    expect((await send([item(theirs, { owner: 'narrow' })], '', as('narrow'))).body).toMatchObject({ imported: 1 });
  });

  it('tells nobody but the operator more of a value that is known than that it conflicts', async () => {
    const [mine, ended, twice] = [imported(), imported(), imported()];
    const { id: known } = await one(mine, { owner: 'bob' });
    const { id: gone } = await one(ended, { owner: 'bob' });
    await gateway.admin('DELETE', `/tokens/${gone}`);
    const values = [mine, ended, gateway.tokens.reader, twice, twice];
    const { body } = await send(
      values.map((value) => item(value)),
      '',
      { 'Scopegate-Actor': 'alice' },
    );
    const conflict = { outcome: 'refused', code: 'conflict', detail: 'This value is known already.' };
    expect(body.tokens).toEqual([
      ...[conflict, conflict, conflict],
      { outcome: 'imported', id: expect.any(String) as unknown },
      conflict,
    ]);
    expect(JSON.stringify(body)).not.toContain(known);
  });

  it.each([
    [{ sha256: 'ABC' }, 'tokens.0.sha256'],
    [{ token: 'key-0123456789abcdef0123' }, 'tokens.0.token'],
    [{ name: undefined }, 'tokens.0.name'],
  ])('refuses a malformed one whole: %j', async (more, field) => {
    const { status, body } = await send([item(imported(), more)]);
    expect({ status, body }).toMatchObject({ status: 400, body: { field } });
  });

  it('takes a thousand at once, and says that no form is configured where none is', async () => {
    const many = Array.from({ length: 1000 }, () =>
      item(imported(), { kind: 'service', neverExpires: true, expiresInDays: undefined }),
    );
    const { body } = await send(many, '?dryRun=true');
    expect(body.tokens.length).toBe(1000);
    await using bare = await startTestGateway({ upstreamUrl: upstream.url });
    expect((await send([item(imported())], '', {}, bare)).body).toMatchObject({ code: 'import_not_configured' });
  });
});

it('a form that is configured while running counts from then on, and no longer than it stands there', async () => {
  await using live = await startTestGateway({
    upstreamUrl: upstream.url,
    settings: { import: { patterns: [PATTERN] } },
  });
  const path = join(live.folder, 'gateway.yaml');
  const text = readFileSync(path, 'utf8');
  const token = imported();
  await send([item(token)], '', {}, live);
  expect((await call(token, '/v1/workspaces', 'GET', live)).status).toBe(200);
  writeFileSync(path, text.replace('"key-"', '"yek-"'));
  expect((await live.admin('POST', '/v1/reload')).status).toBe(200);
  expect((await call(token, '/v1/workspaces', 'GET', live)).status).toBe(401);
  writeFileSync(path, text);
  expect((await live.admin('POST', '/v1/reload')).status).toBe(200);
  expect((await call(token, '/v1/workspaces', 'GET', live)).status).toBe(200);
});

it('a stream ends when the form of its token is no longer configured, as a new request would be refused', async () => {
  await using events = await startHttpUpstream((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
  });
  await using live = await startTestGateway({ upstreamUrl: events.url, settings: { import: { patterns: [PATTERN] } } });
  const path = join(live.folder, 'gateway.yaml');
  const token = imported();
  await send([item(token)], '', {}, live);
  using client = await RawClient.connect(live.url);
  client.send(rawRequest('GET /v1/workspaces', [`Authorization: Bearer ${token}`]));
  await client.untilText('data: one');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"key-"', '"yek-"'));
  expect((await live.admin('POST', '/v1/reload')).status).toBe(200);
  await client.untilText('event: error');
  expect((await call(token, '/v1/workspaces', 'GET', live)).status).toBe(401);
});

it.each([
  ['{ prefix: "key-", minLength: 40, maxLength: 20 }', 'maxLength is less than minLength'],
  ['{ prefix: "a-long-prefix", minLength: 20, maxLength: 40 }', 'minLength counts the prefix, too: at least 25'],
  ['{ prefix: "", minLength: 8, maxLength: 40 }', 'must be at least 16'],
  ['{ prefix: "kéy", minLength: 20, maxLength: 40 }', 'of the characters that a bearer token may have'],
  ['{ prefix: "key-", minLength: 20 }', 'missing key "maxLength"'],
])('a form that cannot be meant is refused with its place: %s', async (pattern, message) => {
  const yaml = [
    `policy: ${join(import.meta.dirname, '../../policies/coze.yaml')}`,
    'import:',
    `  patterns: [${pattern}]`,
    'upstreams: { platform: { targets: [http://127.0.0.1:9] } }',
    'routes: [{ id: all, match: { path: /** }, public: true, upstream: platform }]',
  ].join('\n');
  await expect(startTestGateway({ upstreamUrl: '', yaml })).rejects.toThrow(
    new RegExp(`gateway\\.yaml:3:\\d+: .*${message}`),
  );
});

it('a value ended with its organization stays ended, also where the organization is made anew', async () => {
  const house = '/v1/organizations/house';
  const found = async () => {
    expect((await gateway.admin('PUT', house, { name: 'House', edition: 'team' })).status).toBe(201);
    await gateway.admin('PUT', `${house}/members/alice`, { name: 'Alice', role: 'admin' });
    await gateway.admin('PUT', `${house}/workspaces/ws_sales`, { name: 'Sales', owner: 'alice' });
  };
  const bring = async (text: string) => {
    const { body } = await gateway.admin('POST', `${house}/tokens/import`, { tokens: [item(text)] });
    return (body as { tokens: Result[] }).tokens[0]!;
  };
  const [live, deleted, fresh] = [imported(), imported(), imported()];
  await found();
  await bring(live);
  const { id } = await bring(deleted);
  expect((await call(live)).status).toBe(200);
  await gateway.admin('DELETE', `${house}/tokens/${id}`);
  for (let round = 0; round < 2; round++) {
    expect((await gateway.admin('DELETE', house)).status).toBe(200);
    expect((await call(live)).status).toBe(401);
    await found();
    for (const text of [live, deleted]) {
      expect(await bring(text)).toMatchObject({ outcome: 'refused', code: 'value_ended' });
      expect((await call(text)).status).toBe(401);
    }
  }
  expect(await bring(fresh)).toMatchObject({ outcome: 'imported' });
});

/** Every rule of impact.com's API access tokens, under policies/impact.yaml, from outside. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../directory/harness.ts';
import { startTestGateway } from '../support/gateway.ts';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;
const token = { name: 'Partner sync', scopes: ['campaigns:read'], contacts: { primary: 'ana' } };

beforeAll(async () => {
  harness = await startHarness('impact', [
    { id: 'campaigns', match: { path: '/v1/workspaces' }, require: { scopes: ['campaigns:read'] } },
    {
      id: 'newer',
      match: { path: '/api/v1/workflows' },
      require: { scopes: ['campaigns:read'], apiVersion: ['v14', 'v15'] },
    },
  ]);
  await harness.organization('agency', 'team', { ana: 'admin', uwe: 'user' });
});
afterAll(() => harness.stop());
const make = (more: object = {}) => harness.must('agency', 'POST', '/tokens', { ...token, ...more }, 'ana');

describe('under policies/impact.yaml', () => {
  it('IMPACT-2 a name is entered', async () => {
    expect((await make()).name).toBe('Partner sync');
    const { name: _, ...nameless } = token;
    expect(await harness.call('agency', 'POST', '/tokens', nameless, 'ana')).toMatchObject({
      status: 400,
      body: { field: 'name' },
    });
  });

  it('IMPACT-3 X-17 a description can be stored for later reference', async () => {
    const { id } = await make({ description: 'Pulls campaigns every night' });
    expect(await harness.must('agency', 'GET', `/tokens/${id}`)).toMatchObject({
      description: 'Pulls campaigns every night',
    });
  });

  it('IMPACT-4 an API version is chosen, the latest by default', async () => {
    const { apiVersions } = (await harness.gateway.admin('GET', '/v1/policy')).body as { apiVersions: string[] };
    expect(apiVersions).toContain('v12');
    expect((await make()).apiVersion).toBe(apiVersions.at(-1));
    expect((await make()).apiVersion).toBe('v15');
    expect((await make({ apiVersion: 'v12' })).apiVersion).toBe('v12');
    expect(await harness.ask('agency', 'ana', { ...token, apiVersion: 'v99' })).toMatchObject({
      status: 422,
      body: { field: 'apiVersion', detail: expect.stringContaining('v15') },
    });
  });

  it('IMPACT-4 the version reaches the upstream, and a route may ask for it', async () => {
    const newest = await make();
    const older = await make({ apiVersion: 'v12' });
    const seen = async ({ token: text }: { token: string }) => {
      const answer = await harness.request(text, '/v1/workspaces');
      return ((await answer.json()) as { caller: Record<string, string> }).caller['api-version'];
    };
    expect([await seen(newest), await seen(older)]).toEqual(['v15', 'v12']);
    expect(await harness.status(newest.token, '/api/v1/workflows')).toBe(200);
    const refused = await harness.request(older.token, '/api/v1/workflows');
    expect({ status: refused.status, body: await refused.json() }).toMatchObject({
      status: 403,
      body: { code: 'version_not_supported' },
    });
  });

  it('IMPACT-4 a token whose version the policy has no longer says so, and such tokens are listed', async () => {
    const policy = join(mkdtempSync(join(tmpdir(), 'scopegate-policy-')), 'policy.yaml');
    const shipped = readFileSync(fileURLToPath(new URL('../../policies/impact.yaml', import.meta.url)), 'utf8');
    writeFileSync(policy, shipped);
    const upstream = { upstreamUrl: 'http://127.0.0.1:9', seed: false, policy };
    await using gateway = await startTestGateway({
      ...upstream,
      routes: [{ id: 'all', match: { path: '/**' }, public: true }],
    });
    const admin = async (method: string, path: string, body?: unknown) =>
      (await gateway.admin(method, `/v1/organizations/a${path}`, body)).body as never as Record<string, never>;
    await admin('PUT', '', { name: 'A', edition: 'team' });
    await admin('PUT', '/members/ana', { name: 'Ana', role: 'admin' });
    const ids: string[] = [];
    for (const apiVersion of ['v11', 'v12']) {
      const asked = { ...token, owner: 'ana', apiVersion, contacts: { primary: 'ana' } };
      ids.push((await admin('POST', '/tokens', asked)).id as never);
    }
    const listed = async (query: string) =>
      ((await admin('GET', `/tokens?${query}`)).items as unknown as Array<{ id: string }>).map(({ id }) => id);
    expect(await listed('apiVersionWithdrawn=true')).toEqual([]);
    writeFileSync(policy, shipped.replace('"v11", ', ''));
    expect((await gateway.admin('POST', '/v1/reload')).status).toBe(200);
    expect(await listed('apiVersionWithdrawn=true')).toEqual([ids[0]]);
    expect(await listed('apiVersion=v12')).toEqual([ids[1]]);
    const check = (...more: string[]) =>
      run(['check', join(gateway.folder, 'gateway.yaml'), '--store', ...more], { SCOPEGATE_ADMIN_KEY: '' });
    const { code, stderr } = await check();
    expect(code).toBe(0);
    expect(stderr).toBe(
      `warning: the token ${ids[0]} "Partner sync" of a is for v11, which the policy no longer has\n`,
    );
    expect(JSON.parse((await check('--json')).stdout)).toMatchObject({
      withdrawnVersions: [{ organization: 'a', id: ids[0], name: 'Partner sync', apiVersion: 'v11' }],
    });
    expect(await admin('GET', `/tokens/${ids[0]}`)).toMatchObject({ apiVersion: 'v11', apiVersionWithdrawn: true });
    expect(await admin('GET', `/tokens/${ids[1]}`)).toMatchObject({ apiVersion: 'v12', apiVersionWithdrawn: false });
  });

  it('IMPACT-5 a primary contact is chosen among the members', async () => {
    expect((await make({ contacts: { primary: 'uwe' } })).contacts).toEqual({ primary: 'uwe', emails: [] });
    expect(await harness.ask('agency', 'ana', { ...token, contacts: { primary: 'nobody' } })).toMatchObject({
      status: 422,
      body: { field: 'contacts.primary' },
    });
  });

  it('IMPACT-5 a primary contact is required, e-mail addresses are not', async () => {
    const missing = { status: 422, body: { code: 'contact_required', field: 'contacts.primary' } };
    for (const contacts of [undefined, null, {}, { primary: null }, { emails: ['dev@partner.example'] }])
      expect(await harness.ask('agency', 'ana', { ...token, contacts })).toMatchObject(missing);
    const { id } = await make();
    for (const contacts of [null, { primary: null }])
      expect(await harness.call('agency', 'PATCH', `/tokens/${id}`, { contacts }, 'ana')).toMatchObject(missing);
  });

  it("IMPACT-5 a removed member is nobody's primary contact, and neither is the next one of that id", async () => {
    await harness.must('agency', 'PUT', '/members/con', { name: 'Con', role: 'user' });
    const contacts = { primary: 'con', emails: ['dev@partner.example'] };
    const { id } = await make({ contacts });
    const gone = async () =>
      (await harness.must('agency', 'GET', '/tokens?contactGone=true')).items.map((found: { id: string }) => found.id);
    expect(await gone()).toEqual([]);
    const preview = await harness.must('agency', 'DELETE', '/members/con?dryRun=true');
    expect(preview.cascade.contactlessTokens).toEqual([id]);
    expect((await harness.must('agency', 'DELETE', '/members/con')).cascade).toEqual(preview.cascade);
    await harness.must('agency', 'PUT', '/members/con', { name: 'Another', role: 'user' });
    expect(await gone()).toEqual([id]);
    expect((await harness.must('agency', 'GET', `/tokens/${id}`)).contacts).toEqual({ ...contacts, primary: null });
    await harness.must('agency', 'PATCH', `/tokens/${id}`, { contacts: { primary: 'uwe' } }, 'ana');
    expect(await gone()).toEqual([]);
  });

  it('IMPACT-6 developers who are no members can be named by e-mail address', async () => {
    const contacts = { primary: 'ana', emails: ['dev@partner.example', 'ops@partner.example'] };
    const { id } = await make({ contacts });
    expect(await harness.must('agency', 'GET', `/tokens/${id}`)).toMatchObject({ contacts });
    expect((await harness.ask('agency', 'ana', { ...token, contacts: { emails: ['not an address'] } })).status).toBe(
      422,
    );
    expect(await harness.must('agency', 'PATCH', `/tokens/${id}`, { contacts: { emails: null } }, 'ana')).toMatchObject(
      {
        contacts: { primary: 'ana', emails: [] },
      },
    );
  });

  it('IMPACT-7 scopes are organised in categories', async () => {
    const { scopes } = (await harness.gateway.admin('GET', '/v1/policy')).body as {
      scopes: Array<{ name: string; category: string }>;
    };
    expect(scopes.every((scope) => scope.category !== '')).toBe(true);
    expect(scopes.find((scope) => scope.name === 'campaigns:read')!.category).toBe('Campaigns');
  });

  it('IMPACT-8 all scopes can be cleared and chosen anew', async () => {
    const { id, token: text } = await make();
    expect(await harness.status(text, '/v1/workspaces')).toBe(200);
    await harness.must('agency', 'PATCH', `/tokens/${id}`, { scopes: [] }, 'ana');
    expect(await harness.status(text, '/v1/workspaces')).toBe(403);
    await harness.must('agency', 'PATCH', `/tokens/${id}`, { scopes: ['campaigns:write'] }, 'ana');
    expect(await harness.status(text, '/v1/workspaces')).toBe(200);
  });

  it('IMPACT-8 IMPACT-3 a token whose creator has left can still be narrowed, described and ended, and is given nothing more', async () => {
    await harness.must('agency', 'PUT', '/members/guest', { name: 'Guest', role: 'admin' });
    const asked = { ...token, scopes: ['campaigns:write', 'reports:read'] };
    const { id, token: text } = await harness.mint('agency', 'guest', asked);
    await harness.must('agency', 'DELETE', '/members/guest');
    for (const by of [undefined, 'ana']) {
      const patch = (change: object) => harness.call('agency', 'PATCH', `/tokens/${id}`, change, by);
      expect(await patch({ description: 'whose is it?' })).toMatchObject({ status: 200 });
      expect(await patch({ scopes: ['campaigns:read'] })).toMatchObject({
        status: 200,
        body: { scopes: ['campaigns:read'] },
      });
      expect(await patch({ scopes: ['campaigns:write'] })).toMatchObject({
        status: 409,
        body: { code: 'owner_removed' },
      });
    }
    expect(await harness.status(text, '/v1/workspaces')).toBe(200);
    expect((await harness.call('agency', 'PATCH', `/tokens/${id}`, { scopes: [] })).status).toBe(200);
    expect(await harness.status(text, '/v1/workspaces')).toBe(403);
    await harness.must('agency', 'POST', `/tokens/${id}/revoke`, undefined, 'ana');
    expect(await harness.status(text, '/v1/workspaces')).toBe(401);
  });
});

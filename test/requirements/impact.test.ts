/** Every rule of impact.com's API access tokens, under policies/impact.yaml, from outside. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;
const token = { name: 'Partner sync', scopes: ['campaigns:read'] };

beforeAll(async () => {
  harness = await startHarness('impact', [
    { id: 'campaigns', match: { path: '/v1/workspaces' }, require: { scopes: ['campaigns:read'] } },
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

  it('IMPACT-5 a primary contact is chosen among the members', async () => {
    expect((await make({ contacts: { primary: 'uwe' } })).contacts).toEqual({ primary: 'uwe', emails: [] });
    expect(await harness.ask('agency', 'ana', { ...token, contacts: { primary: 'nobody' } })).toMatchObject({
      status: 422,
      body: { field: 'contacts.primary' },
    });
  });

  it('IMPACT-6 developers who are no members can be named by e-mail address', async () => {
    const contacts = { primary: 'ana', emails: ['dev@partner.example', 'ops@partner.example'] };
    const { id } = await make({ contacts });
    expect(await harness.must('agency', 'GET', `/tokens/${id}`)).toMatchObject({ contacts });
    expect((await harness.ask('agency', 'ana', { ...token, contacts: { emails: ['not an address'] } })).status).toBe(
      422,
    );
    expect(await harness.must('agency', 'PATCH', `/tokens/${id}`, { contacts: null }, 'ana')).toMatchObject({
      contacts: null,
    });
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

/** Who manages Scrydon's service accounts; everything else about them is in test/oauth. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;

beforeAll(async () => {
  harness = await startHarness('scrydon', [
    { id: 'chat', match: { path: '/v1/workspaces' }, require: { scopes: ['chat:read'] } },
  ]);
  await harness.organization('acme', 'team', { ada: 'admin', ben: 'member', cat: 'member' });
  await harness.workspace('acme', 'ws', 'cat');
});
afterAll(() => harness.stop());

const account = { name: 'robot', scopes: ['chat:read'] };

describe('under policies/scrydon.yaml', () => {
  it('SCRYDON-4 X-8 organization admins create accounts with a name and the scopes it may request; members do not', async () => {
    const made = await harness.must('acme', 'POST', '/service-accounts', account, 'ada');
    expect(made).toMatchObject({
      name: 'robot',
      scopes: ['chat:read'],
      state: 'active',
      createdBy: 'ada',
      clientId: expect.stringMatching(/^sa_/),
    });
    for (const [method, path] of [
      ['POST', '/service-accounts'],
      ['GET', '/service-accounts'],
      ['POST', `/service-accounts/${made.clientId}/rotate-secret`],
      ['DELETE', `/service-accounts/${made.clientId}`],
    ] as const) {
      expect(
        (
          await harness.call(
            'acme',
            method,
            path,
            method === 'POST' && path === '/service-accounts' ? account : undefined,
            'ben',
          )
        ).status,
        path,
      ).toBe(403);
    }
  });

  it('SCRYDON-18 an organization or workspace admin assigns it to a workspace, as member or admin', async () => {
    const { clientId } = await harness.must('acme', 'POST', '/service-accounts', account);
    const path = `/workspaces/ws/assignments/service-accounts/${clientId}`;
    expect((await harness.call('acme', 'PUT', path, { role: 'member' }, 'ben')).status).toBe(403);
    expect((await harness.call('acme', 'PUT', path, { role: 'member' }, 'ada')).status).toBe(201);
    // Cat owns the workspace, and is a plain member of the organization.
    expect((await harness.call('acme', 'PUT', path, { role: 'admin' }, 'cat')).status).toBe(200);
    expect((await harness.call('acme', 'PUT', path, { role: 'owner' })).status).toBe(400);
  });

  it('under a policy without service accounts there are none, and no OAuth endpoints', async () => {
    const coze = await startHarness('coze');
    await coze.organization('acme', 'team', {});
    expect(await coze.call('acme', 'POST', '/service-accounts', { name: 'x', scopes: [] })).toMatchObject({
      status: 409,
    });
    expect((await fetch(`${coze.gateway.url}/api/auth/oauth2/token`, { method: 'POST' })).status).toBe(404);
    await coze.stop();
  });
});

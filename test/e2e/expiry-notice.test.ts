/** A client is told of the end of its token while there is time to make another, where the policy says so. */
import { expect, it } from 'vitest';
import { DAY_MS, startHarness } from '../requirements/harness.ts';

const ROUTES = [{ id: 'read', match: { path: '/api/v1/workflows' }, require: { scopes: ['workflows:read'] } }];
const asked = { scopes: ['workflows:read'], workspaces: 'all' };

it('default.yaml: in the last seven days, and not before', async () => {
  const harness = await startHarness('default', ROUTES);
  try {
    await harness.organization('acme', 'team', { olga: 'owner' });
    await harness.workspace('acme', 'ws', 'olga');
    const { id, token } = await harness.mint('acme', 'olga', { ...asked, expiresInDays: 30 });
    const forEver = await harness.mint('acme', 'olga', { ...asked, kind: 'service', neverExpires: true });
    const told = async (value: string, path = '/api/v1/workflows') =>
      (await harness.request(value, path)).headers.get('x-token-expires-at');
    expect(await told(token)).toBeNull();
    harness.ahead(22.9 * DAY_MS);
    expect(await told(token)).toBeNull();
    harness.ahead(23.1 * DAY_MS);
    const { expiresAt } = await harness.must('acme', 'GET', `/tokens/${id}`);
    expect(Date.parse((await told(token))!)).toBe(Date.parse(expiresAt));
    expect(await told(forEver.token)).toBeNull();
    expect(await told('pat_unknown'), 'of a token that is none nothing is told').toBeNull();
    harness.ahead(31 * DAY_MS);
    expect(await told(token), 'it has ended').toBeNull();
  } finally {
    await harness.stop();
  }
});

it('coze.yaml, whose source knows no such thing: never', async () => {
  const harness = await startHarness('coze', ROUTES);
  try {
    await harness.organization('acme', 'team', { olga: 'super_admin' });
    await harness.workspace('acme', 'ws', 'olga');
    const { token } = await harness.mint('acme', 'olga', { ...asked, expiresInDays: 1 });
    const answer = await harness.request(token, '/api/v1/workflows');
    expect([answer.status, answer.headers.get('x-token-expires-at')]).toEqual([200, null]);
  } finally {
    await harness.stop();
  }
});

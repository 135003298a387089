/** What policies/default.yaml, the blend that we recommend, does where no source says anything. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;

beforeAll(async () => {
  const workspace = { from: 'query.ws', as: 'workspace', role: 'admin' };
  harness = await startHarness('default', [
    { id: 'in', match: { path: '/v1/workspaces' }, require: { scopes: ['content:read'], workspace } },
  ]);
  await harness.organization('acme', 'team', { ann: 'admin', bob: 'member' });
  for (const owner of ['ann', 'bob']) await harness.workspace('acme', `${owner}1`, owner);
});
afterAll(() => harness.stop());

it("an administrator's service token for all workspaces reaches those that the administrator's role reached when it was made", async () => {
  const asked = { kind: 'service', scopes: ['content:read'], workspaces: 'all', neverExpires: true };
  const { token } = await harness.mint('acme', 'ann', asked);
  await harness.workspace('acme', 'later', 'ann');
  const opened = (ws: string) => harness.status(token, `/v1/workspaces?ws=${ws}`);
  expect([await opened('ann1'), await opened('bob1'), await opened('later')]).toEqual([200, 200, 403]);
  await harness.must('acme', 'PATCH', '/members/ann', { role: 'member' });
  expect(await opened('bob1'), 'it keeps them').toBe(200);
});

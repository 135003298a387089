/** A frozen token for all workspaces is narrowed to some of them by whoever keeps the organization, its maker there or not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Harness, startHarness, workflowsOf } from '../requirements/harness.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-fewer-'));
let harness: Harness;
beforeAll(async () => {
  const text = readFileSync(join(ROOT, 'policies/default.yaml'), 'utf8');
  const path = join(folder, 'policy.yaml');
  writeFileSync(path, text.replaceAll('allowedAddresses]', 'allowedAddresses, workspaces]'));
  const workspace = { from: 'query.environmentId', as: 'environment', role: 'member' };
  const route = { id: 'read', match: { path: '/api/v1/workflows' } };
  harness = await startHarness(path, [{ ...route, require: { scopes: ['workflows:read'], workspace } }]);
  await harness.organization('acme', 'enterprise', { olga: 'owner', ada: 'admin', ben: 'member' });
  for (const id of ['sales', 'legal']) await harness.workspace('acme', id, 'olga');
});
afterAll(async () => {
  await harness.stop();
  rmSync(folder, { recursive: true, force: true });
});

const asked = { kind: 'service', scopes: ['workflows:read'], workspaces: 'all', expiresInDays: 30 };
const reaches = async (token: string) => {
  const found = [];
  for (const id of ['sales', 'legal', 'later'])
    if ((await harness.status(token, workflowsOf(id))) === 200) found.push(id);
  return found;
};
const narrow = async (id: string, workspaces: unknown, actor = 'olga') => {
  const { status, body } = await harness.call('acme', 'PATCH', `/tokens/${id}`, { workspaces }, actor);
  return status === 200 ? body.workspaces : body.code;
};

it('to those that it reaches, with the roles that it has there; it is given none, and no later one', async () => {
  const { id, token } = await harness.mint('acme', 'ada', asked);
  await harness.workspace('acme', 'later', 'olga');
  expect(await reaches(token)).toEqual(['sales', 'legal']);
  expect(await narrow(id, ['sales', 'later'])).toBe('not_allowed');
  expect(await narrow(id, ['sales', 'nowhere'])).toBe('not_allowed');
  expect(await narrow(id, 'all')).toBe('not_allowed');
  await harness.must('acme', 'DELETE', '/members/ada');
  expect(await narrow(id, ['sales', 'later'])).toBe('owner_removed');
  expect(await narrow(id, ['sales'], 'ben')).toBe('not_found');
  expect(await reaches(token)).toEqual(['sales', 'legal']);
  expect(await narrow(id, ['sales'])).toEqual(['sales']);
  expect(await reaches(token)).toEqual(['sales']);
  expect(await narrow(id, ['legal'])).toBe('owner_removed');
});

it('its owner lists what they may by now, with the roles that they have by now', async () => {
  const { id, token } = await harness.mint('acme', 'olga', asked);
  await harness.workspace('acme', 'afterwards', 'olga');
  expect(await narrow(id, ['sales', 'afterwards'])).toEqual(['sales', 'afterwards']);
  expect(await harness.status(token, workflowsOf('afterwards'))).toBe(200);
});

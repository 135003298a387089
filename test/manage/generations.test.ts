/** An organization under an id that another one had before is another one: it reads nothing and revives nothing of it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Harness, startHarness } from '../requirements/harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness('coze');
});
afterAll(() => harness.stop());

const actions = (body: { items: Array<{ action: string }> }) => body.items.map(({ action }) => action);

it('a new organization under an old id does not read the old trail; the operator does, also when there is none now', async () => {
  await harness.organization('again', 'team', { max: 'admin' });
  await harness.must('again', 'DELETE', '/members/max');
  const old = ['organization.created', 'member.created', 'member.deleted', 'organization.deleted'];
  await harness.must('again', 'DELETE', '');
  expect((await harness.call('again', 'GET', '/audit-events')).status).toBe(404);
  expect(actions(await harness.must('again', 'GET', '/audit-events?ended=true'))).toEqual(old);
  await harness.organization('again', 'team', { eve: 'super_admin' });
  await harness.call('again', 'PUT', '/members/x', { name: 'x', role: 'nonsense' }, 'eve');
  const read = await harness.must('again', 'GET', '/audit-events', undefined, 'eve');
  expect(actions(read)).toEqual(['organization.created', 'member.created', 'PUT /v1/organizations/:org/members/:id']);
  expect((await harness.call('again', 'GET', '/audit-events?ended=true', undefined, 'eve')).status).toBe(403);
  expect(actions(await harness.must('again', 'GET', '/audit-events?ended=true'))).toEqual(old);
  // A change of its name makes no other organization of it.
  await harness.must('again', 'PUT', '', { name: 'Renamed', edition: 'team' });
  expect(actions(await harness.must('again', 'GET', '/audit-events'))).toHaveLength(4);
});

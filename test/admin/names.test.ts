/** Ids are told by their names to whoever may see what they name, and to nobody else. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PERSONAL, type Sidecar, settle, startSidecar } from './sidecar.ts';

let sidecar: Sidecar;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  sidecar = await startSidecar();
  await settle(sidecar);
  const { ok } = sidecar;
  await ok('PUT', '/teams/crew', { name: 'Crew', members: ['ann'] });
  await ok('PUT', '/teams/others', { name: 'Others', members: ['bob'] });
  await ok('PUT', '/workspaces/w1', { name: 'First', owner: 'ann' });
  await ok('PUT', '/workspaces/wb', { name: 'Of Bob', owner: 'bob' });
  await ok('PUT', '/workspaces/w1/environments/prod', { name: 'Production' });
  for (const owner of ['ann', 'bob']) {
    const { id } = await ok('POST', '/tokens', {
      ...PERSONAL,
      name: `of ${owner}`,
      owner,
      workspaces: [owner === 'ann' ? 'w1' : 'wb'],
    });
    tokens[owner] = id as string;
  }
});
afterAll(() => sidecar.stop());

const namesFor = async (ids: readonly string[], headers = {}) => {
  const query = `/names?ids=${encodeURIComponent(ids.join(','))}`;
  const { body } = await sidecar.call('GET', query, undefined, headers);
  return (body.items as Array<{ type: string; id: string; name: string }>).map(
    ({ type, id, name }) => `${type}/${id} ${name}`,
  );
};
const everything = () => [
  ...['member/ann', 'member/bob', 'member/nobody', 'team/crew', 'team/others', 'workspace/w1', 'workspace/wb'],
  ...['environment/prod', `token/${tokens.ann}`, `token/${tokens.bob}`],
];

it('the operator is told of all that there is, in the order asked for', async () => {
  expect(await namesFor(everything())).toEqual([
    ...['member/ann Ann', 'member/bob Bob', 'team/crew Crew', 'team/others Others', 'workspace/w1 First'],
    ...['workspace/wb Of Bob', 'environment/prod Production'],
    ...[`token/${tokens.ann} of ann`, `token/${tokens.bob} of bob`],
  ]);
});

it.each(['as a member', 'by their token'])(
  '%s, only themselves, their teams and workspaces, and their tokens',
  async (how) => {
    const made = await sidecar.ok('POST', '/tokens', { ...PERSONAL, scopes: ['tokens:manage', 'bot:read'] });
    const headers =
      how === 'as a member' ? { 'scopegate-actor': 'ann' } : { authorization: `Bearer ${made.token as string}` };
    expect(await namesFor(everything(), headers)).toEqual([
      ...['member/ann Ann', 'team/crew Crew', 'workspace/w1 First', `token/${tokens.ann} of ann`],
    ]);
  },
);

it('a stranger is told nothing, and what is no list of ids is refused', async () => {
  const strange = await sidecar.call('GET', '/names?ids=member/ann', undefined, { 'scopegate-actor': 'nobody' });
  expect([strange.status, strange.body]).toMatchObject([403, { code: 'not_allowed' }]);
  const many = Array.from({ length: 101 }, () => 'member/ann').join(',');
  for (const ids of ['', 'ann', 'token/', 'secret/x', 'member/ann,', many])
    expect([ids.slice(0, 20), (await sidecar.call('GET', `/names?ids=${ids}`)).status]).toEqual([
      ids.slice(0, 20),
      400,
    ]);
});

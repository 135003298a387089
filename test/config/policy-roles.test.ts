/** What a policy says about roles and actions is refused where it could not be meant. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadPolicy } from '../../src/config/load/load-policy.ts';

const coze = parse(readFileSync('policies/coze.yaml', 'utf8'));

function problems(change: object): string[] {
  const text = JSON.stringify({ ...coze, ...change });
  return loadPolicy('policy.yaml', {}, () => Buffer.from(text)).file.problems.map(({ message }) => message);
}

it('joining any workspace is for administrators', () => {
  const { admin, member } = coze.organizationRoles;
  const roles = (more: object) => ({ organizationRoles: { ...coze.organizationRoles, ...more } });
  expect(problems(roles({ admin: { ...admin, joinsAs: 'admin' } }))).toEqual([]);
  expect(problems(roles({ member: { ...member, joinsAs: 'admin' } }))).toEqual([
    'joinsAs is for roles with "administrator: true"',
  ]);
});

it('an importAction must stand in the actions', () => {
  expect(problems({ importAction: 'Import' })).toEqual(['unknown action "Import"; it must stand in "actions"']);
});

it('a role may have all scopes but some, which must stand in the catalogue', () => {
  const roles = (scopes: object) => ({
    organizationRoles: { ...coze.organizationRoles, member: { ...coze.organizationRoles.member, scopes } },
  });
  const held = (scopes: object) => {
    const text = JSON.stringify({ ...coze, ...roles(scopes) });
    return loadPolicy('policy.yaml', {}, () => Buffer.from(text)).policy?.organizationRoles.get('member')?.scopes;
  };
  const names = coze.scopes.map((scope: { name: string }) => scope.name);
  const rest = names.filter((name: string) => name !== 'Bot.edit' && name !== 'createVoice');
  expect(held({ allBut: ['Bot.edit', 'createVoice'] })).toEqual(new Set(rest));
  expect(problems(roles({ allBut: ['Bot.edit', 'Bot.eat'] }))).toEqual([
    'unknown scope "Bot.eat"; it must stand in "scopes"',
  ]);
});

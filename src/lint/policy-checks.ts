/** Scopes and limits that the routes and the rest do not agree on: SG107, SG108, SG112. */
import type { KindPolicy, OrganizationRole } from '../core/policy.ts';
import { compileScopes, MANAGE, satisfies } from '../core/scope.ts';
import type { Remark, Subject } from './finding.ts';
import { scopesOfRoute } from './route-checks.ts';

export function remarksOnScopes({ found }: Subject): Remark[] {
  const { plain, policy, notes, policyNotes } = found;
  const asked = new Set<string>();
  const remarks: Remark[] = [];
  const roles = [...policy.organizationRoles.values()].filter((role) =>
    [...policy.kinds.values()].some((kind) => mayHave(role, kind)),
  );
  for (const [index, route] of plain.file.routes.entries()) {
    const scopes = scopesOfRoute(route);
    if (scopes === null) continue;
    for (const scope of scopes.names) asked.add(scope);
    const requirement = compileScopes(
      scopes.names.filter((name) => name !== MANAGE),
      scopes.key === 'scopes',
    );
    if (scopes.names.includes(MANAGE) && scopes.key === 'anyOf') continue;
    if (!roles.some((role) => satisfies(requirement, role.scopes, 'all')))
      remarks.push({
        code: 'SG108',
        at: notes.at(['routes', index, 'require', scopes.key]),
        message: `no role of the policy has ${scopes.names.join(scopes.key === 'scopes' ? ' and ' : ' or ')}, so the route "${route.id}" stays shut`,
        route: route.id,
      });
  }
  for (const [index, { name }] of plain.policyFile.scopes.entries())
    if (!asked.has(name))
      remarks.push({
        code: 'SG107',
        at: policyNotes.at(['scopes', index, 'name']),
        message: `no route asks for the scope "${name}"`,
      });
  return remarks;
}

/** Can a member of this role have a token of this kind that reaches anything? */
function mayHave({ name }: OrganizationRole, { holders, everyoneInEditions, selectable }: KindPolicy): boolean {
  if (holders !== null && !holders.has(name) && everyoneInEditions.size === 0) return false;
  return selectable.some(({ roles }) => roles === null || roles.has(name));
}

export function remarksOnLimits({ found }: Subject): Remark[] {
  const { file } = found.plain;
  const used = new Set(
    [...file.routes.map(({ limits }) => limits), file.oauth.limits].flatMap((limits) => limits ?? []),
  );
  return Object.entries(file.limits)
    .filter(([name, { everywhere }]) => !everywhere && !used.has(name))
    .map(([name]) => ({
      code: 'SG112',
      at: found.notes.at(['limits', name]),
      message: `no route counts for the limit "${name}"`,
    }));
}

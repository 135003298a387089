/**
 * A member as named policies leave them: with the scopes and actions that they have after every statement of their own and
 * their teams' policies (FEATBIT-19, FEATBIT-20). The same judge as the decision's. For what is asked, never to be written.
 */
import { iamPolicyKey, type Reference, teamKey } from '../core/facts.ts';
import { type CompiledStatement, compileStatement, IamJudge, LOST } from '../core/iam.ts';
import type { Policy } from '../core/policy.ts';
import { acceptedScopes } from '../core/scope.ts';
import type { DocReader, MemberDoc } from './unit-of-work/records.ts';

/**
 * `somewhere`: scopes that they have for anything at all, as a token that follows them may list; `everywhere`: those that no
 * pattern limits, as they may be handed on.
 */
export async function permitted(
  unit: DocReader,
  policy: Policy,
  member: MemberDoc,
  where: 'somewhere' | 'everywhere',
): Promise<MemberDoc> {
  if (policy.iam === null) return member;
  const statements = await statementsOf(unit, member);
  if (statements.length === 0) return member;
  const role = policy.organizationRoles.get(member.role);
  const scopes = member.scopes === null ? (role?.scopes ?? new Set<string>()) : new Set(member.scopes);
  const actions = member.actions === null ? (role?.actions ?? new Set<string>()) : new Set(member.actions);
  const ofScopes = new IamJudge(statements, scopes, policy.iam, where === 'somewhere' ? where : {});
  const ofActions = new IamJudge(statements, actions, policy.iam, { token: true });
  return {
    ...member,
    scopes: [...policy.scopes.keys()].filter((scope) => ofScopes.meets(acceptedScopes(scope))),
    actions: [...policy.actions.keys()].filter((action) => ofActions.meets([action])),
  };
}

async function statementsOf(unit: DocReader, member: MemberDoc): Promise<readonly CompiledStatement[]> {
  const { organizationId } = member;
  const attached: Reference[] = [...(member.policies ?? [])];
  for (const [id, generation] of member.teams) {
    const team = await unit.get('team', teamKey(organizationId, id));
    if (team?.generation === generation) attached.push(...(team.policies ?? []));
  }
  const found: CompiledStatement[] = [];
  for (const [id, generation] of attached) {
    const stored = await unit.get('iam-policy', iamPolicyKey(organizationId, id));
    if (stored?.generation !== generation) return LOST;
    found.push(...stored.statements.map(compileStatement));
  }
  return found;
}

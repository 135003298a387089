/**
 * Named policies of an organization: allow and deny statements, attached to members and teams (FEATBIT-20). Every decision
 * reads them, so a change is in force with the next request. Nobody gives by one what they do not have everywhere
 * themselves, and nobody changes what holds for themselves.
 */
import { type Generation, iamPolicyKey, memberKey, type Reference, teamKey } from '../../core/facts.ts';
import { type IamStatement, RESOURCE_PATTERN } from '../../core/iam.ts';
import type { Policy } from '../../core/policy.ts';
import { forbidden, type Rights, requireAdministrator } from '../actor.ts';
import { checkId, enter, type ManageContext, type Put, reader } from '../context.ts';
import { list, type Page, type PageRequest } from '../listing.ts';
import { conflict, notFound, unacceptable } from '../rejection.ts';
import { lists } from '../unit-of-work/places.ts';
import type { DocReader, IamPolicyDoc, MemberDoc, TeamDoc } from '../unit-of-work/records.ts';
import { change, type UnitOfWork, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { requireName } from '../written-text.ts';

const RESOURCE = new RegExp(RESOURCE_PATTERN);

export interface IamPolicyInput {
  readonly name: string;
  readonly statements: readonly IamStatement[];
}

export type HolderKind = 'members' | 'teams';

export async function putIamPolicy(
  context: ManageContext,
  org: string,
  id: string,
  input: IamPolicyInput,
): Promise<WorkResult<Put<IamPolicyDoc>>> {
  checkId(id, 'id');
  return change(context, org, async (unit) => {
    const rights = await enterForPolicies(context, unit, org);
    requireName(input.name);
    for (const [index, statement] of input.statements.entries()) checkStatement(context.policy(), statement, index);
    const before = await unit.get('iam-policy', iamPolicyKey(org, id));
    requireMayHandle(context.policy(), rights, [...(before?.statements ?? []), ...input.statements]);
    if (before !== null) await requireNotOwn(unit, rights, org, id);
    const { name, statements } = input;
    const item = { organizationId: org, id, generation: before?.generation ?? unit.generation, name, statements };
    unit.put('iam-policy', item);
    return { created: before === null, item };
  });
}

export async function getIamPolicy(context: ManageContext, org: string, id: string): Promise<IamPolicyDoc> {
  const unit = reader(context.store);
  await enterForPolicies(context, unit, org);
  return requireIamPolicy(unit, org, id);
}

export async function listIamPolicies(
  context: ManageContext,
  org: string,
  page: PageRequest,
): Promise<Page<IamPolicyDoc>> {
  await enterForPolicies(context, reader(context.store), org);
  return list(context.store, 'iam-policy', lists.iamPolicies(org), page);
}

/** Only one that is attached to nobody: a policy that is missing is taken for one that denies everything. */
export async function deleteIamPolicy(context: ManageContext, org: string, id: string): Promise<WorkResult<void>> {
  return change(context, org, async (unit) => {
    await enterForPolicies(context, unit, org);
    await requireIamPolicy(unit, org, id);
    if ((await unit.page(lists.attached(org, id), 1, null)).length > 0)
      throw conflict('policy_attached', `${id} is attached to members or teams; detach it first.`);
    unit.delete(iamPolicyKey(org, id));
  });
}

export interface Attachment {
  readonly kind: HolderKind;
  readonly id: string;
}

export async function listAttachments(
  context: ManageContext,
  org: string,
  policyId: string,
  page: PageRequest,
): Promise<Page<Attachment>> {
  await getIamPolicy(context, org, policyId);
  const pick = (doc: MemberDoc | TeamDoc): Attachment => ({ kind: 'role' in doc ? 'members' : 'teams', id: doc.id });
  return list(context.store, ['member', 'team'], lists.attached(org, policyId), { ...page, pick });
}

export async function setAttachment(
  context: ManageContext,
  org: string,
  policyId: string,
  { kind, id }: Attachment,
  isAttached: boolean,
): Promise<WorkResult<{ readonly created: boolean }>> {
  return change(context, org, async (unit) => {
    const rights = await enterForPolicies(context, unit, org);
    const { generation, statements } = await requireIamPolicy(unit, org, policyId);
    requireMayHandle(context.policy(), rights, statements);
    const holder = await requireHolderDoc(unit, org, kind, id);
    requireOthers(rights, kind, holder);
    const had = (holder.policies ?? []).some(([other]) => other === policyId);
    if (!isAttached && !had) throw notFound('attachment', id);
    const policies = policiesOf(holder, policyId, isAttached ? generation : null);
    if (kind === 'members') unit.put('member', { ...(holder as MemberDoc), policies });
    else unit.put('team', { ...(holder as TeamDoc), policies });
    return { created: !had };
  });
}

/** Before members come to a team or leave it: its policies come and go with them. */
export async function requireMayRegroup(
  unit: UnitOfWork,
  policy: Policy,
  rights: Rights,
  team: TeamDoc,
  changed: readonly string[],
): Promise<void> {
  if (rights.member === null || (team.policies ?? []).length === 0 || changed.length === 0) return;
  if (changed.includes(rights.member.id)) throw forbidden(OWN);
  for (const [id] of team.policies!) {
    const attached = await unit.get('iam-policy', iamPolicyKey(team.organizationId, id));
    requireMayHandle(policy, rights, attached?.statements ?? []);
  }
}

const OWN = 'Nobody changes the policies that hold for themselves.';

function policiesOf(holder: MemberDoc | TeamDoc, policyId: string, generation: Generation | null): Reference[] {
  const others = (holder.policies ?? []).filter(([id]) => id !== policyId);
  return generation === null ? others : [...others, [policyId, generation]];
}

async function requireHolderDoc(
  unit: DocReader,
  org: string,
  kind: HolderKind,
  id: string,
): Promise<MemberDoc | TeamDoc> {
  const found =
    kind === 'members' ? await unit.get('member', memberKey(org, id)) : await unit.get('team', teamKey(org, id));
  if (found === null) throw notFound(kind === 'members' ? 'member' : 'team', id);
  return found;
}

/** For administrators, where the policy file has named policies at all. */
async function enterForPolicies(
  context: ManageContext,
  unit: Parameters<typeof enter>[1],
  org: string,
): Promise<Rights> {
  const { rights } = await enter(context, unit, org);
  requireAdministrator(rights, 'manage named policies');
  if (context.policy().iam === null)
    throw conflict('no_iam_policies', 'The policy file in force has no named policies (`iam`), and looks at none.');
  return rights;
}

async function requireIamPolicy(unit: DocReader, org: string, id: string): Promise<IamPolicyDoc> {
  const found = await unit.get('iam-policy', iamPolicyKey(org, id));
  if (found === null) throw notFound('iam-policy', id);
  return found;
}

function checkStatement(policy: Policy, { actions, resources }: IamStatement, index: number): void {
  const isKnown = (action: string) =>
    action === '*' || policy.scopes.has(action) || policy.actions.has(action) || policy.iam!.actions.has(action);
  const unknown = actions.find((action) => !isKnown(action));
  if (unknown !== undefined)
    throw unacceptable(
      'action_unknown',
      `statements.${index}.actions`,
      `The policy knows no action or scope ${JSON.stringify(unknown)}.`,
    );
  const odd = resources.find((pattern) => !RESOURCE.test(pattern));
  if (odd !== undefined)
    throw unacceptable(
      'resource_invalid',
      `statements.${index}.resources`,
      `${JSON.stringify(odd)} is no pattern: *, or ${policy.iam!.workspace}/ID:${policy.iam!.environment}/ID:TYPE/ID, where an ID may end with *.`,
    );
}

/** Whatever the statements give, or take away from somebody else to be given back. */
function requireMayHandle(policy: Policy, rights: Rights, statements: readonly IamStatement[]): void {
  const { member } = rights;
  if (member === null) return;
  const role = policy.organizationRoles.get(member.role);
  const scopes = member.scopes === null ? role?.scopes : new Set(member.scopes);
  const holds = (name: string) =>
    policy.scopes.has(name) ? scopes === 'all' || scopes?.has(name) === true : rights.actions.has(name);
  for (const named of statements.flatMap(({ actions }) => actions)) {
    const meant =
      named === '*' ? [...policy.scopes.keys(), ...policy.actions.keys()] : (policy.iam!.actions.get(named) ?? [named]);
    const missing = meant.find((name) => !holds(name));
    if (missing !== undefined)
      throw forbidden(`${member.id} does not have ${missing} everywhere, and nobody gives what they do not have.`);
  }
}

async function requireNotOwn(unit: DocReader, { member }: Rights, org: string, policyId: string): Promise<void> {
  if (member === null) return;
  const held = [...(member.policies ?? [])];
  for (const [id, generation] of member.teams) {
    const team = await unit.get('team', teamKey(org, id));
    if (team?.generation === generation) held.push(...(team.policies ?? []));
  }
  if (held.some(([id]) => id === policyId)) throw forbidden(OWN);
}

function requireOthers({ member }: Rights, kind: HolderKind, holder: MemberDoc | TeamDoc): void {
  if (member === null) return;
  const isOwn = kind === 'members' ? holder.id === member.id : (holder as TeamDoc).members.includes(member.id);
  if (isOwn) throw forbidden(OWN);
}

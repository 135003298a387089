/**
 * Names of what is known by its id: what lists, trees and the trail show beside ids. Of what the caller may not see, or is
 * not there, none, and nobody is told which of the two. Reads only.
 */
import {
  accountKey,
  environmentKey,
  iamPolicyKey,
  memberKey,
  teamKey,
  tokenKey,
  workspaceKey,
} from '../../core/facts.ts';
import type { Policy } from '../../core/policy.ts';
import { joinedRole, maySeeTokenOf, type Rights } from '../actor.ts';
import { enter, type ManageContext, reader } from '../context.ts';
import type { DocReader } from '../unit-of-work/records.ts';

export const NAMED_TYPES = [
  ...(['member', 'team', 'workspace', 'environment', 'token', 'service-account', 'iam-policy'] as const),
];
export type NamedType = (typeof NAMED_TYPES)[number];

interface TypedId {
  readonly type: NamedType;
  readonly id: string;
}

interface NamedThing extends TypedId {
  readonly name: string;
}

/** In the order in which they were asked for. */
export async function namesOf(context: ManageContext, org: string, asked: readonly TypedId[]): Promise<NamedThing[]> {
  const unit = reader(context.store);
  const { rights } = await enter(context, unit, org);
  const policy = context.policy();
  const all = rights.actor.kind !== 'token' && (rights.member === null || rights.administrator);
  const found = await Promise.all(
    asked.map(async ({ type, id }) => {
      const name = await (all ? nameOf(unit, org, type, id) : nameForMember(unit, policy, rights, org, type, id));
      return name === null ? [] : [{ type, id, name }];
    }),
  );
  return found.flat();
}

const KEYS = {
  member: ['member', memberKey],
  team: ['team', teamKey],
  workspace: ['workspace', workspaceKey],
  environment: ['environment', environmentKey],
  token: ['token', tokenKey],
  'service-account': ['account', accountKey],
  'iam-policy': ['iam-policy', iamPolicyKey],
} as const;

async function nameOf(unit: DocReader, org: string, type: NamedType, id: string): Promise<string | null> {
  const [kind, key] = KEYS[type];
  return (await unit.get(kind, key(org, id)))?.name ?? null;
}

/** What they are shown elsewhere: themselves, their teams and workspaces, and the tokens that they may see. */
async function nameForMember(
  unit: DocReader,
  policy: Policy,
  rights: Rights,
  org: string,
  type: NamedType,
  id: string,
): Promise<string | null> {
  const member = rights.member!;
  if (type === 'member') return id === member.id ? member.name : null;
  if (type === 'token') {
    const token = await unit.get('token', tokenKey(org, id));
    return token !== null && maySeeTokenOf(rights, policy, token.ownerId) ? token.name : null;
  }
  if (type === 'team') {
    const team = await unit.get('team', teamKey(org, id));
    const isIn = member.teams.some(([each, generation]) => each === id && generation === team?.generation);
    return isIn ? team!.name : null;
  }
  if (type === 'workspace') {
    const workspace = await unit.get('workspace', workspaceKey(org, id));
    return workspace !== null && (await joinedRole(unit, member, workspace)) !== null ? workspace.name : null;
  }
  return null;
}

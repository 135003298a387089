/**
 * Why a request may go on, or may not: every check of steps 4 to 10 with what it saw, not only the first that fails. Pure,
 * beside decide() and made of its parts; a test holds the two to the same verdict. Never on the path of a request.
 */
import {
  type DecisionRules,
  environmentOf,
  type FactReader,
  findWorkspace,
  heldScopes,
  inactiveReason,
  isCurrent,
  isEnded,
  isGranted,
  isRelated,
  judgeInPlace,
  type Need,
  type Question,
  roleIn,
  scopesOf,
} from './decide.ts';
import {
  credentialKey,
  isId,
  type MemberFacts,
  memberKey,
  type Role,
  resourceKey,
  type TokenFacts,
  teamKey,
  tokenKey,
  type WorkspaceRecord,
  workspaceKey,
} from './facts.ts';
import type { Reason } from './reason.ts';
import { checkToken } from './request-checks.ts';
import type { WorkspaceRequirement } from './requirement.ts';
import { covers, type ScopeJudge, type ScopeSet, satisfies } from './scope.ts';
import { select } from './selector.ts';

export const CHECK_NAMES = [
  'known',
  'active',
  'unexpired',
  'address',
  'scopes',
  'version',
  'workspace',
  'environment',
  'role',
  'relation',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

/** What a check rests on: a field of a record, by the record's key. */
export interface FactField {
  readonly key: string;
  readonly field: string;
}

/** `open`: nothing to judge it by, since what it needs was not found. `notAsked`: the route does not ask for it. */
export type CheckState = 'passes' | 'fails' | 'open' | 'notAsked';

export interface CheckReport {
  readonly name: CheckName;
  readonly state: CheckState;
  /** Of one that fails. */
  readonly reason: Reason | null;
  /** What it saw, by name; texts and lists for people. */
  readonly values: Readonly<Record<string, string | readonly string[] | number | null>>;
  readonly from: readonly FactField[];
}

export interface Explanation {
  readonly kind: 'explained';
  /** null: nothing speaks against it. */
  readonly reason: Reason | null;
  /** In the order of the checks. */
  readonly checks: readonly CheckReport[];
  /** null: no such token. */
  readonly token: TokenFacts | null;
  readonly workspace: WorkspaceRecord | null;
}

type Values = CheckReport['values'];

/** The same question, rules and facts as decide(). `need`: as there. */
export function explain(
  question: Question,
  rules: DecisionRules,
  facts: FactReader,
  nowMs: number,
): Explanation | Need {
  const known = knownToken(question, facts, nowMs);
  if ('kind' in known && known.kind === 'need') return known;
  const { token } = known as Known;
  if (token === null)
    return explanation([failed('known', 'token_unknown', {}, []), ...CHECK_NAMES.slice(1).map(open)], null, null);
  const standing = standingOf(token, rules, facts, nowMs);
  if (!Array.isArray(standing)) return standing as Need;
  const owner = liveOwner(token, facts);
  if (owner !== null && 'kind' in owner) return owner as Need;
  const inside = placeChecks(question, token, owner as MemberFacts | null, rules, facts);
  if ('kind' in inside) return inside;
  const scopes = scopesReport(question, token, owner as MemberFacts | null, inside.judge, rules, facts);
  if ('kind' in scopes) return scopes;
  const checks = [
    passed('known', { id: token.id }, [{ key: tokenKey(token.organizationId, token.id), field: 'hash' }]),
    ...(standing as CheckReport[]),
    addressReport(token, question),
    scopes,
    versionReport(token, question),
    ...inside.checks,
  ];
  return explanation(checks, token, inside.workspace);
}

function explanation(
  checks: readonly CheckReport[],
  token: TokenFacts | null,
  workspace: WorkspaceRecord | null,
): Explanation {
  return {
    kind: 'explained',
    reason: checks.find(({ state }) => state === 'fails')?.reason ?? null,
    checks,
    token,
    workspace,
  };
}

interface Known {
  readonly token: TokenFacts | null;
}

function knownToken({ hash }: Question, facts: FactReader, nowMs: number): Known | Need {
  const key = credentialKey(hash);
  const credential = facts.peek('credential', key);
  if (credential === undefined) return { kind: 'need', key };
  if (credential === null) return { token: null };
  const token = facts.follow(credential.token);
  if (token === undefined) return { kind: 'need', key: credential.token.key };
  if (token === null || !isCurrent(token, hash, nowMs)) return { token: null };
  const organization = facts.follow(token.organization);
  if (organization === undefined) return { kind: 'need', key: token.organization.key };
  const gone = organization === null || organization.deletedAtMs !== null || token.generation < organization.generation;
  return { token: gone ? null : token };
}

/** A live token's, as long as that membership lasts. */
function liveOwner(token: TokenFacts, facts: FactReader): MemberFacts | Need | null {
  if (token.authority !== 'live') return null;
  const owner = facts.follow(token.owner!);
  if (owner === undefined) return { kind: 'need', key: token.owner!.key };
  return owner !== null && owner.generation === token.ownerGeneration ? owner : null;
}

function standingOf(token: TokenFacts, rules: DecisionRules, facts: FactReader, nowMs: number): CheckReport[] | Need {
  const ended = isEnded(token, rules, facts);
  if (ended !== null && typeof ended === 'object') return ended;
  const owner = liveOwner(token, facts);
  if (owner !== null && 'kind' in owner) return owner as Need;
  const gone = token.authority === 'live' && owner === null ? 'owner_removed' : null;
  const inactive = token.state !== 'active' ? inactiveReason(token) : (ended ?? gone);
  const self = tokenKey(token.organizationId, token.id);
  const values = { state: token.state, because: token.stateReason, ended, owner: token.ownerId };
  const from = [
    { key: self, field: 'state' },
    ...(token.ownerId === null ? [] : [{ key: memberKey(token.organizationId, token.ownerId), field: 'generation' }]),
  ];
  const expired = nowMs >= token.expiresAtMs;
  const end = { expiresAtMs: Number.isFinite(token.expiresAtMs) ? token.expiresAtMs : null };
  return [
    report('active', inactive, values, from),
    report('unexpired', expired ? 'token_expired' : null, end, [{ key: self, field: 'expiresAtMs' }]),
  ];
}

function addressReport(token: TokenFacts, { source }: Question): CheckReport {
  if (token.allowedAddresses === null) return notAsked('address');
  const from = [{ key: tokenKey(token.organizationId, token.id), field: 'allowedAddresses' }];
  return report('address', checkToken(token, source), { address: source.address }, from);
}

function scopesReport(
  { requirement }: Question,
  token: TokenFacts,
  owner: MemberFacts | null,
  judge: ScopeJudge | null,
  rules: DecisionRules,
  facts: FactReader,
): CheckReport | Need {
  const { scopes } = requirement;
  if (scopes === null) return notAsked('scopes');
  const held =
    owner === null ? null : heldScopes(owner, rules, facts, requirement.workspace === null ? {} : 'somewhere');
  if (held !== null && typeof held === 'object' && 'kind' in held) return held;
  const byPolicies = judge ?? (held !== null && typeof held === 'object' && 'meets' in held ? held : null);
  const ofOwner: ScopeSet = token.authority !== 'live' ? 'all' : owner === null ? new Set() : scopesOf(owner, rules);
  const values = {
    needs: scopes.named,
    match: scopes.all ? 'all' : 'any',
    has: token.scopes === 'all' ? 'those of its owner' : [...token.scopes],
    ...(token.authority === 'live' ? { ownerHas: ofOwner === 'all' ? 'all' : [...ofOwner] } : {}),
    ...(byPolicies === null ? {} : { policiesAllow: scopes.named.filter((scope) => covers(byPolicies, scope)) }),
  };
  const from = [
    { key: tokenKey(token.organizationId, token.id), field: 'scopes' },
    ...(owner === null
      ? []
      : [{ key: memberKey(token.organizationId, owner.id), field: owner.scopes === null ? 'role' : 'scopes' }]),
    ...(byPolicies === null || owner === null
      ? []
      : [{ key: memberKey(token.organizationId, owner.id), field: 'policies' }]),
  ];
  const isMet = satisfies(scopes, token.scopes, byPolicies ?? ofOwner);
  return report('scopes', isMet ? null : 'scope_missing', values, from);
}

function versionReport(token: TokenFacts, { requirement: { apiVersions } }: Question): CheckReport {
  if (apiVersions === null) return notAsked('version');
  const { apiVersion } = token;
  const from = [{ key: tokenKey(token.organizationId, token.id), field: 'apiVersion' }];
  const fits = apiVersion !== null && apiVersions.has(apiVersion);
  return report('version', fits ? null : 'version_not_supported', { needs: [...apiVersions], has: apiVersion }, from);
}

interface Inside {
  readonly checks: readonly CheckReport[];
  readonly workspace: WorkspaceRecord | null;
  /** Of the owner's scopes for what was found; null: as they are. */
  readonly judge: ScopeJudge | null;
}

function placeChecks(
  question: Question,
  token: TokenFacts,
  owner: MemberFacts | null,
  rules: DecisionRules,
  facts: FactReader,
): Inside | Need {
  const { workspace: asked, resource } = question.requirement;
  const whole = wholeReport(question, token);
  if (asked === null)
    return {
      checks: [notAsked('workspace'), whole, notAsked('role'), notAsked('relation')],
      workspace: null,
      judge: null,
    };
  const isNamed = asked.as === 'environment' || question.requirement.environment !== null;
  const environment = isNamed ? open('environment') : whole;
  const later = [environment, open('role'), resource === null ? notAsked('relation') : open('relation')];
  // Nobody has read it: what it names cannot be said.
  if (question.requirement.bodyFields !== null && question.source.body === undefined)
    return { checks: [open('workspace'), ...later], workspace: null, judge: null };
  const selected = select(asked.selector, question.source) ?? null;
  if (selected === null)
    return {
      checks: [failed('workspace', 'workspace_ambiguous', { as: asked.as, selected }, []), ...later],
      workspace: null,
      judge: null,
    };
  const found = findWorkspace(asked, selected, token.organizationId, facts);
  if (found !== null && 'kind' in found) return found;
  const kind = asked.as === 'resource' ? { type: asked.type } : {};
  const seen = { as: asked.as, ...kind, selected, grant: grantText(token) };
  if (found === null)
    return {
      checks: [failed('workspace', 'workspace_not_granted', { ...seen, workspace: null }, []), ...later],
      workspace: null,
      judge: null,
    };
  const granted = isGranted(token, owner, found, rules, facts);
  if (typeof granted === 'object') return granted;
  const touched = isNamed ? environmentReport(question, selected, token, found, facts) : whole;
  if ('kind' in touched) return touched;
  const role = roleReport(asked, token, owner, found, rules, facts);
  if ('kind' in role) return role;
  const relation = relationReport(question, token, found, facts);
  if ('kind' in relation) return relation;
  const environmentId = touched.state === 'passes' ? (touched.values.selected as string | undefined) : undefined;
  const there = { workspaceId: found.id, environmentId: environmentId ?? null };
  const judge = granted ? judgeInPlace(question, asked, selected, owner, there, rules, facts) : null;
  if (judge !== null && 'kind' in judge) return judge;
  const from = [{ key: tokenKey(token.organizationId, token.id), field: 'workspaces' }];
  const place = report('workspace', granted ? null : 'workspace_not_granted', { ...seen, workspace: found.id }, from);
  const isIn = granted && touched.state !== 'fails';
  return { checks: [place, touched, role, relation], workspace: found, judge: isIn ? judge : null };
}

/** Of a route that may touch any environment. */
function wholeReport({ requirement }: Question, token: TokenFacts): CheckReport {
  if (requirement.environment !== 'all') return notAsked('environment');
  const values = { needs: 'every environment', grant: environmentsText(token) };
  const reason = token.environments === null ? null : 'environment_not_granted';
  return report('environment', reason, values, environmentsField(token));
}

function environmentReport(
  question: Question,
  selected: string,
  token: TokenFacts,
  workspace: WorkspaceRecord,
  facts: FactReader,
): CheckReport | Need {
  const { workspace: asked, environment } = question.requirement;
  const id = environmentOf(question, asked!, selected, token, workspace, facts);
  if (id !== null && typeof id === 'object' && id.kind === 'need') return id;
  const seen =
    environment === 'all'
      ? { needs: 'every environment' }
      : { selected: environment === null ? selected : (select(environment.selector, question.source) ?? null) };
  const values = { ...seen, grant: environmentsText(token) };
  const reason = id !== null && typeof id === 'object' ? id.reason : null;
  return report('environment', reason, values, environmentsField(token));
}

function environmentsText({ environments }: TokenFacts): string | readonly string[] {
  return environments === null ? 'every one' : [...environments.keys()];
}

function environmentsField(token: TokenFacts): FactField[] {
  return [{ key: tokenKey(token.organizationId, token.id), field: 'environments' }];
}

function grantText({ workspaces }: TokenFacts): string | readonly string[] {
  return typeof workspaces === 'string' ? workspaces : [...workspaces.keys()];
}

function roleReport(
  asked: WorkspaceRequirement,
  token: TokenFacts,
  owner: MemberFacts | null,
  workspace: WorkspaceRecord,
  rules: DecisionRules,
  facts: FactReader,
): CheckReport | Need {
  const role = roleIn(token, owner, workspace, rules, facts);
  if (role !== null && typeof role === 'object') return role;
  const lacks = role === null || (asked.role === 'admin' && role !== 'admin');
  const through = roleSource(token, owner, workspace, role, rules, facts);
  const values = { needs: asked.role, has: role, through: through.text };
  return report('role', lacks ? 'role_insufficient' : null, values, through.from);
}

/** Where the role comes from, for people: every fact is at hand, since roleIn() has looked at all of them. */
function roleSource(
  token: TokenFacts,
  owner: MemberFacts | null,
  workspace: WorkspaceRecord,
  role: Role | null,
  rules: DecisionRules,
  facts: FactReader,
): { readonly text: string | null; readonly from: readonly FactField[] } {
  const { organizationId } = token;
  const at = (key: string, field: string) => [{ key, field }];
  if (role === null) return { text: null, from: [] };
  if (token.authority === 'frozen')
    return { text: 'kept from its creation', from: at(tokenKey(organizationId, token.id), 'roles') };
  if (token.authority === 'client') return { text: 'assigned', from: at(token.account!.key, 'assignments') };
  if (owner === null) return { text: null, from: [] };
  if (workspace.ownerId === owner.id && workspace.ownerGeneration === owner.generation)
    return { text: 'owner of the workspace', from: at(workspaceKey(organizationId, workspace.id), 'ownerId') };
  const own = owner.assignments.get(workspace.id);
  if (own?.role === role && own.generation === workspace.generation)
    return { text: 'assigned', from: at(memberKey(organizationId, owner.id), 'assignments') };
  // An administrator's teams were not looked at.
  const ofRole = owner.edition === 'personal' ? null : rules.organizationRoles.get(owner.role)?.workspaceRole;
  for (const { team: link, generation } of ofRole === 'admin' ? [] : owner.teams) {
    const team = facts.follow(link);
    const assigned = team?.generation === generation ? team.assignments.get(workspace.id) : undefined;
    if (assigned?.role === role && assigned.generation === workspace.generation)
      return { text: `team ${link.key.slice(teamKey(organizationId, '').length)}`, from: at(link.key, 'assignments') };
  }
  return { text: `organization role ${owner.role}`, from: at(memberKey(organizationId, owner.id), 'role') };
}

function relationReport(
  question: Question,
  token: TokenFacts,
  workspace: WorkspaceRecord,
  facts: FactReader,
): CheckReport | Need {
  const { resource: asked } = question.requirement;
  if (asked === null) return notAsked('relation');
  const related = isRelated(asked, question.source, token, workspace, facts);
  if (typeof related === 'object') return related;
  const id = select(asked.selector, question.source) ?? null;
  const resource =
    id === null || !isId(id) || asked.relation === 'named'
      ? null
      : (facts.peek('resource', resourceKey(token.organizationId, asked.type, id)) ?? null);
  const values = {
    ...{ type: asked.type, id, needs: asked.relation, subject: token.ownerId ?? token.clientId },
    owner: resource === null ? null : resource.owner[0],
    collaborators: resource === null ? [] : [...resource.collaborators.keys()],
  };
  const from =
    id === null
      ? []
      : [
          {
            key: resourceKey(token.organizationId, asked.type, id),
            field: asked.relation === 'owner' ? 'owner' : 'collaborators',
          },
        ];
  const reason = related === 'ambiguous' ? 'workspace_ambiguous' : related ? null : 'not_a_collaborator';
  return report('relation', reason, values, from);
}

function report(name: CheckName, reason: Reason | null, values: Values, from: readonly FactField[]): CheckReport {
  return { name, state: reason === null ? 'passes' : 'fails', reason, values, from };
}
const passed = (name: CheckName, values: Values, from: readonly FactField[]) => report(name, null, values, from);
const failed = (name: CheckName, reason: Reason, values: Values, from: readonly FactField[]) =>
  report(name, reason, values, from);
const open = (name: CheckName): CheckReport => ({ name, state: 'open', reason: null, values: {}, from: [] });
const notAsked = (name: CheckName): CheckReport => ({ name, state: 'notAsked', reason: null, values: {}, from: [] });

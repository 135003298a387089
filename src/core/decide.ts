/**
 * Steps 4 to 10 of a request, in the contract's order: the token is known, active, unexpired, fit for this request
 * (request-checks.ts), holds the scopes, reaches the workspace, its principal's role and relation there suffice. Pure and
 * synchronous. Where a fact is not at hand it answers `need` with the fact's key; the caller fetches it and asks again
 * from the start, so that no verdict ever mixes what was true at two moments. Silence is a no: every path that is not
 * spelled out ends in a denial.
 */

import type { FieldValue } from './bodies/inspected-body.ts';
import {
  type AssignedRoles,
  credentialKey,
  environmentKey,
  type FactByKind,
  type FactKind,
  type Generation,
  isId,
  type Link,
  type MemberFacts,
  type PlaceKind,
  type Role,
  resourceKey,
  type SnapshotFacts,
  type TokenFacts,
  type TokenHash,
  type WorkspaceRecord,
  workspaceKey,
} from './facts.ts';
import { type CompiledStatement, IamJudge, type IamRules, LOST, type NamedResource } from './iam.ts';
import type { Reason } from './reason.ts';
import { checkToken } from './request-checks.ts';
import type { RequestSource } from './request-source.ts';
import type { Requirement, ResourceRequirement, WorkspaceRequirement } from './requirement.ts';
import { type ScopeJudge, type ScopeSet, satisfies } from './scope.ts';
import { bodyFieldsOf, type SelectorSource, select } from './selector.ts';

/** What the policy says about organization roles; everything else it says is applied when tokens are made. */
export interface DecisionRules {
  readonly organizationRoles: ReadonlyMap<string, { readonly scopes: ScopeSet; readonly workspaceRole: Role | null }>;
  /** null: named policies are not looked at. */
  readonly iam: IamRules | null;
  /** Kinds of tokens that may end with the transfer of a workspace that they list. */
  readonly endedByTransfer: ReadonlySet<string>;
}

/** What is known right now. undefined: not at hand. null: known not to exist. */
export interface FactReader {
  peek<K extends FactKind>(kind: K, key: string): FactByKind[K] | null | undefined;
  /** The same, without making a key: joining texts and hashing the result costs more than everything around it. */
  peekIn<K extends PlaceKind>(kind: K, organizationId: string, id: string): FactByKind[K] | null | undefined;
  /** The same, by the way that another fact knows. */
  follow<K extends FactKind>(link: Link<K>): FactByKind[K] | null | undefined;
}

/** Proof that a request may go on, and as whom. */
export interface Allowed {
  readonly kind: 'allowed';
  readonly token: TokenFacts;
  /** Live tokens: whose rights it has now. */
  readonly owner: MemberFacts | null;
  /** By whom the owner's scopes were judged for what the request names; null: they are those of the owner. */
  readonly judge: ScopeJudge | null;
  readonly workspaceId: string | null;
  readonly environmentId: string | null;
  readonly role: Role | null;
}
export interface Denied {
  readonly kind: 'denied';
  readonly reason: Reason;
  /** The token, once it is known: for logs. Never for the client. */
  readonly token: TokenFacts | null;
  /** What it named where the route looks for its workspace, for logs; undefined: nobody has looked. */
  readonly selected: FieldValue;
}
export interface Need {
  readonly kind: 'need';
  readonly key: string;
  /** More keys of facts that will be needed, whatever the first one says. */
  readonly also?: readonly string[];
}
/** Checks 1 to 7 have passed, and the route names fields of the body, which has not been read. */
export interface BodyWanted {
  readonly kind: 'body';
  readonly token: TokenFacts;
}
export type DecisionOutcome = Allowed | Denied | Need | BodyWanted;

export interface Question {
  readonly hash: TokenHash;
  readonly requirement: Requirement;
  readonly source: RequestSource;
}

/** `now` in milliseconds since 1970. Does NOT check the request's form, its route or its rate: steps 1 to 3 and 11. */
export function decide(question: Question, rules: DecisionRules, facts: FactReader, nowMs: number): DecisionOutcome {
  const asked = credentialKey(question.hash);
  const credential = facts.peek('credential', asked);
  if (credential === undefined) return need(asked);
  if (credential === null) return deny('token_unknown', null);

  const token = facts.follow(credential.token);
  if (token === undefined) return need(credential.token.key);
  if (token === null || !isCurrent(token, question.hash, nowMs)) return deny('token_unknown', null);
  const organization = facts.follow(token.organization);
  if (organization === undefined) return need(token.organization.key);
  if (organization === null || organization.deletedAtMs !== null || token.generation < organization.generation)
    return deny('token_unknown', null);
  if (token.state !== 'active') return deny(inactiveReason(token), token);
  const ended = isEnded(token, rules, facts);
  if (ended !== null) return typeof ended === 'string' ? deny(ended, token) : ended;

  let owner: MemberFacts | null = null;
  if (token.authority === 'live') {
    const found = facts.follow(token.owner!);
    if (found === undefined) return need(token.owner!.key);
    if (found === null || found.generation !== token.ownerGeneration) return deny('owner_removed', token);
    owner = found;
  }
  if (nowMs >= token.expiresAtMs) return deny('token_expired', token);
  const unfit = checkToken(token, question.source);
  if (unfit !== null) return deny(unfit, token);

  const { scopes, apiVersions, workspace, environment, resource, bodyFields } = question.requirement;
  const held =
    owner === null ? 'all' : heldScopes(owner, rules, facts, workspace === null ? NOTHING_NAMED : 'somewhere');
  if (typeof held === 'object' && 'kind' in held) return held;
  if (scopes !== null && !satisfies(scopes, token.scopes, held)) return deny('scope_missing', token);
  if (apiVersions !== null && (token.apiVersion === null || !apiVersions.has(token.apiVersion)))
    return deny('version_not_supported', token);
  if (bodyFields !== null && question.source.body === undefined) return { kind: 'body', token };
  if (workspace === null) {
    if (environment === 'all' && token.environments !== null) return deny('environment_not_granted', token);
    return { kind: 'allowed', token, owner, judge: judgeOf(held), workspaceId: null, environmentId: null, role: null };
  }
  return inWorkspace(question, workspace, resource, token, owner, rules, facts);
}

/** Is this the token's value, or the one before within its grace? What a rotation replaced ends by itself, wherever it stands. */
export function isCurrent(token: Pick<TokenFacts, 'hash' | 'replaced'>, hash: TokenHash, nowMs: number): boolean {
  if (token.hash === hash) return true;
  const { replaced } = token;
  return replaced !== null && replaced.hash === hash && nowMs < replaced.endsAtMs;
}

/**
 * What ended all tokens of its account, or of its kind with the transfer of a workspace, up to a generation. null: nothing.
 * An account is there as long as its tokens may live, and a workspace as long as a token lists it: where one is not, the
 * store has lost what would say whether the token has ended.
 */
export function isEnded(token: TokenFacts, rules: DecisionRules, facts: FactReader): Reason | Need | null {
  if (token.authority === 'client') {
    const account = facts.follow(token.account!);
    if (account === undefined) return need(token.account!.key);
    return account === null || token.generation < account.tokensFrom ? 'token_inactive' : null;
  }
  if (token.listed.length === 0 || !rules.endedByTransfer.has(token.kind)) return null;
  let missing: string[] | null = null;
  let ended: Reason | null = null;
  for (const { workspace: link, generation } of token.listed) {
    const workspace = facts.follow(link);
    if (workspace === undefined) {
      missing ??= [];
      missing.push(link.key);
    } else if (workspace === null) ended = 'token_inactive';
    else if (workspace.generation === generation && token.generation < tokensFrom(workspace, token.kind))
      ended ??= 'ownership_transferred';
  }
  if (missing === null) return ended;
  const [key, ...also] = missing;
  return also.length === 0 ? need(key!) : { kind: 'need', key: key!, also };
}

/** From which change on tokens of that kind may list the workspace. */
export function tokensFrom(workspace: WorkspaceRecord, kind: string): Generation {
  for (const [ended, generation] of workspace.tokensFrom) if (ended === kind) return generation;
  return 0;
}

function inWorkspace(
  question: Question,
  asked: WorkspaceRequirement,
  relation: ResourceRequirement | null,
  token: TokenFacts,
  owner: MemberFacts | null,
  rules: DecisionRules,
  facts: FactReader,
): DecisionOutcome {
  const selected = select(asked.selector, question.source);
  if (selected == null) return deny('workspace_ambiguous', token, null);
  const outcome = inSelected(question, asked, selected, relation, token, owner, rules, facts);
  return outcome.kind === 'denied' ? deny(outcome.reason, token, selected) : outcome;
}

function inSelected(
  question: Question,
  asked: WorkspaceRequirement,
  selected: string,
  relation: ResourceRequirement | null,
  token: TokenFacts,
  owner: MemberFacts | null,
  rules: DecisionRules,
  facts: FactReader,
): DecisionOutcome {
  const workspace = findWorkspace(asked, selected, token.organizationId, facts);
  if (workspace === null) return deny('workspace_not_granted', token);
  if ('kind' in workspace) return workspace;

  const granted = isGranted(token, owner, workspace, rules, facts);
  if (typeof granted === 'object') return granted;
  if (!granted) return deny('workspace_not_granted', token);
  const environmentId = environmentOf(question, asked, selected, token, workspace, facts);
  if (environmentId !== null && typeof environmentId === 'object') return environmentId;

  const judge = judgeInPlace(
    question,
    asked,
    selected,
    owner,
    { workspaceId: workspace.id, environmentId },
    rules,
    facts,
  );
  if (judge !== null && 'kind' in judge) return judge;
  const { scopes } = question.requirement;
  if (judge !== null && scopes !== null && !satisfies(scopes, token.scopes, judge)) return deny('scope_missing', token);

  const role = roleIn(token, owner, workspace, rules, facts);
  if (role !== null && typeof role === 'object') return role;
  if (role === null || (asked.role === 'admin' && role !== 'admin')) return deny('role_insufficient', token);

  if (relation !== null) {
    const related = isRelated(relation, question.source, token, workspace, facts);
    if (typeof related === 'object') return related;
    if (related === 'ambiguous') return deny('workspace_ambiguous', token);
    if (!related) return deny('not_a_collaborator', token);
  }
  return { kind: 'allowed', token, owner, judge, workspaceId: workspace.id, environmentId, role };
}

/** null: no such workspace in this organization; another organization's is answered exactly so. */
export function findWorkspace(
  asked: WorkspaceRequirement,
  selected: string,
  organizationId: string,
  facts: FactReader,
): WorkspaceRecord | Need | null {
  if (!isId(selected)) return null;
  if (asked.as === 'workspace') {
    const workspace = facts.peekIn('workspace', organizationId, selected);
    if (workspace === undefined) return need(keyOf(asked, organizationId, selected));
    return workspace === null || workspace.deletedAtMs !== null ? null : workspace;
  }
  const inside =
    asked.as === 'environment'
      ? facts.peekIn('environment', organizationId, selected)
      : facts.peek('resource', keyOf(asked, organizationId, selected));
  if (inside === undefined) return need(keyOf(asked, organizationId, selected));
  if (inside === null) return null;
  const workspace = facts.follow(inside.workspace);
  if (workspace === undefined) return need(inside.workspace.key);
  const isThere = workspace !== null && workspace.deletedAtMs === null;
  return isThere && workspace.generation === inside.workspaceGeneration ? workspace : null;
}

const NOTHING_NAMED: NamedResource = {};

/** What the owner may do now, for what is named. */
export function heldScopes(
  owner: MemberFacts,
  rules: DecisionRules,
  facts: FactReader,
  named: NamedResource | 'somewhere',
): ScopeSet | IamJudge | Need {
  const base = scopesOf(owner, rules);
  if (rules.iam === null) return base;
  const statements = statementsOf(owner, facts);
  if ('kind' in statements) return statements;
  return statements.length === 0 ? base : new IamJudge(statements, base, rules.iam, named);
}

const NO_STATEMENTS: readonly CompiledStatement[] = [];

/** Of the policies that are attached to the owner and to their teams. */
function statementsOf(owner: MemberFacts, facts: FactReader): readonly CompiledStatement[] | Need {
  let found: CompiledStatement[] | null = null;
  const gather = (attached: MemberFacts['policies']): Need | 'lost' | null => {
    for (const { policy: link, generation } of attached) {
      const policy = facts.follow(link);
      if (policy === undefined) return need(link.key);
      if (policy === null || policy.generation !== generation) return 'lost';
      found = [...(found ?? []), ...policy.statements];
    }
    return null;
  };
  const own = gather(owner.policies);
  if (own !== null) return own === 'lost' ? LOST : own;
  for (const { team: link, generation } of owner.teams) {
    const team = facts.follow(link);
    if (team === undefined) return need(link.key);
    if (team === null || team.generation !== generation) continue;
    const ofTeam = gather(team.policies);
    if (ofTeam !== null) return ofTeam === 'lost' ? LOST : ofTeam;
  }
  return found ?? NO_STATEMENTS;
}

function judgeOf(held: ScopeSet | IamJudge): IamJudge | null {
  return held instanceof IamJudge ? held : null;
}

/** null: nothing but the owner's scopes counts, which have been judged. */
export function judgeInPlace(
  { requirement: { resource }, source }: Question,
  asked: WorkspaceRequirement,
  selected: string,
  owner: MemberFacts | null,
  place: { readonly workspaceId: string; readonly environmentId: string | null },
  rules: DecisionRules,
  facts: FactReader,
): IamJudge | Need | null {
  if (owner === null || rules.iam === null) return null;
  const id = resource === null ? undefined : (select(resource.selector, source) ?? undefined);
  const ofRelation = resource === null || id === undefined ? undefined : { type: resource.type, id };
  const named = {
    workspace: place.workspaceId,
    environment: place.environmentId ?? undefined,
    resource: ofRelation ?? (asked.as === 'resource' ? { type: asked.type, id: selected } : undefined),
  };
  const held = heldScopes(owner, rules, facts, named);
  return typeof held === 'object' && 'kind' in held ? held : judgeOf(held);
}

/**
 * The environment that the request is about, where it stands in the workspace that was judged and the token may touch it. An
 * unknown one is answered as one that was not granted. null: the route names none.
 */
export function environmentOf(
  { requirement: { environment: required }, source }: Question,
  asked: WorkspaceRequirement,
  selected: string,
  token: TokenFacts,
  workspace: WorkspaceRecord,
  facts: FactReader,
): string | Denied | Need | null {
  let id: string;
  if (required === null || required === 'all') {
    if (required === 'all' && token.environments !== null) return deny('environment_not_granted', token);
    if (asked.as !== 'environment') return null;
    // It stands there, or the workspace would not have been found.
    if (token.environments === null) return selected;
    id = selected;
  } else {
    const named = select(required.selector, source);
    if (named == null) return deny('workspace_ambiguous', token);
    if (!isId(named)) return deny('environment_not_granted', token);
    id = named;
  }
  const found = facts.peekIn('environment', token.organizationId, id);
  if (found === undefined) return need(environmentKey(token.organizationId, id));
  const isInside =
    found !== null && found.workspaceId === workspace.id && found.workspaceGeneration === workspace.generation;
  if (!isInside || (token.environments !== null && token.environments.get(id) !== found.generation))
    return deny('environment_not_granted', token);
  return id;
}

function keyOf(asked: WorkspaceRequirement, organizationId: string, id: string): string {
  if (asked.as === 'resource') return resourceKey(organizationId, asked.type, id);
  return (asked.as === 'workspace' ? workspaceKey : environmentKey)(organizationId, id);
}

export function isGranted(
  token: TokenFacts,
  owner: MemberFacts | null,
  workspace: WorkspaceRecord,
  rules: DecisionRules,
  facts: FactReader,
): boolean | Need {
  if (typeof token.workspaces === 'string' && wasHandedOver(token, workspace, rules)) return false;
  switch (token.workspaces) {
    case 'all-organization':
      return true;
    case 'all-owned':
      // A workspace that was handed over is reached by tokens applied for afterwards (COZE-SAT-25, COZE-PAT-18).
      if (workspace.transferredIn !== null && token.generation < workspace.transferredIn) return false;
      return isOwner(workspace, token.ownerId, token.ownerGeneration);
    case 'all-joined': {
      const member = owner ?? currentOwner(token, facts);
      if (member === null) return false;
      if ('kind' in member) return member;
      const joined = joinedRole(member, workspace, facts);
      return typeof joined === 'object' && joined !== null ? joined : joined !== null;
    }
    default:
      return token.workspaces.get(workspace.id) === workspace.generation;
  }
}

/**
 * Was the workspace handed over after an all-grant was given, so that it needs to be applied for anew (COZE-PAT-7)? A token
 * that lists it has ended.
 */
export function wasHandedOver(
  token: Pick<TokenFacts, 'generation' | 'kind'>,
  workspace: WorkspaceRecord,
  rules: Pick<DecisionRules, 'endedByTransfer'>,
): boolean {
  return (
    workspace.tokensFrom.length > 0 &&
    rules.endedByTransfer.has(token.kind) &&
    token.generation < tokensFrom(workspace, token.kind)
  );
}

/** By membership: what somebody left behind is not the next bearer's of their id. */
function isOwner(workspace: WorkspaceRecord, id: string | null, generation: number | null): boolean {
  return workspace.ownerId === id && workspace.ownerGeneration === generation;
}

/** A frozen token's owner, where its grant is a rule about the owner. null once that membership has ended. */
function currentOwner(token: TokenFacts, facts: FactReader): MemberFacts | Need | null {
  const owner = facts.follow(token.owner!);
  if (owner === undefined) return need(token.owner!.key);
  return owner !== null && owner.generation === token.ownerGeneration ? owner : null;
}

/** The role that was assigned there; not in a workspace that had the same id. */
function assignedRole(assignments: AssignedRoles, workspace: WorkspaceRecord): Role | null {
  const assigned = assignments.get(workspace.id);
  return assigned !== undefined && assigned.generation === workspace.generation ? assigned.role : null;
}

export function roleIn(
  token: TokenFacts,
  owner: MemberFacts | null,
  workspace: WorkspaceRecord,
  rules: DecisionRules,
  facts: FactReader,
): Role | Need | null {
  switch (token.authority) {
    case 'live': {
      if (owner === null) return null;
      // In edition personal an organization is a crowd of strangers: its roles grant nothing.
      const everywhere =
        owner.edition === 'personal' ? null : (rules.organizationRoles.get(owner.role)?.workspaceRole ?? null);
      return everywhere === 'admin' ? everywhere : (joinedRole(owner, workspace, facts) ?? everywhere);
    }
    case 'frozen':
      return typeof token.workspaces === 'string'
        ? keptRole(token, workspace, facts)
        : (token.roles.get(workspace.id) ?? null);
    case 'client': {
      const account = facts.follow(token.account!);
      if (account === undefined) return need(token.account!.key);
      return account === null ? null : assignedRole(account.assignments, workspace);
    }
  }
}

function keptRole(token: TokenFacts, workspace: WorkspaceRecord, facts: FactReader): Role | Need | null {
  // Made before snapshots were kept.
  if (token.snapshot === null) return 'member';
  const snapshot = facts.follow(token.snapshot);
  if (snapshot === undefined) return need(token.snapshot.key);
  if (snapshot === null) return null;
  return keptRoleIn(token, snapshot, workspace);
}

/** Of a frozen all-grant: what its owner had there when it was made; in what came later, as the policy read "all". */
export function keptRoleIn(
  token: Pick<TokenFacts, 'generation' | 'workspaces'>,
  { everywhere, later, roles }: SnapshotFacts,
  workspace: WorkspaceRecord,
): Role | null {
  if (workspace.generation <= token.generation) {
    const kept = everywhere === 'admin' ? everywhere : (assignedRole(roles, workspace) ?? everywhere);
    if (kept !== null) return kept;
  }
  if (!later) return null;
  return token.workspaces === 'all-owned' ? 'admin' : (everywhere ?? 'member');
}

/** The highest of owner, direct assignment and team assignments. */
function joinedRole(member: MemberFacts, workspace: WorkspaceRecord, facts: FactReader): Role | Need | null {
  if (isOwner(workspace, member.id, member.generation)) return 'admin';
  let best = assignedRole(member.assignments, workspace);
  for (const { team: link, generation } of member.teams) {
    if (best === 'admin') return best;
    const team = facts.follow(link);
    if (team === undefined) return need(link.key);
    if (team !== null && team.generation === generation) best = assignedRole(team.assignments, workspace) ?? best;
  }
  return best;
}

export function isRelated(
  asked: ResourceRequirement,
  source: SelectorSource,
  token: TokenFacts,
  workspace: WorkspaceRecord,
  facts: FactReader,
): boolean | 'ambiguous' | Need {
  const selected = select(asked.selector, source);
  if (selected == null) return (asked.relation === 'named' || bodyFieldsOf(asked.selector).length > 0) && 'ambiguous';
  if (asked.relation === 'named') return true;
  if (!isId(selected)) return false;
  const key = resourceKey(token.organizationId, asked.type, selected);
  const resource = facts.peek('resource', key);
  if (resource === undefined) return need(key);
  if (resource === null || resource.workspaceId !== workspace.id) return false;
  if (resource.workspaceGeneration !== workspace.generation) return false;
  const { ownerId, ownerGeneration } = token;
  const subject = ownerId ?? token.clientId!;
  if (resource.owner[0] === subject && resource.owner[1] === ownerGeneration) return true;
  if (token.edition === 'personal' && isOwner(workspace, ownerId, ownerGeneration)) return true;
  return asked.relation === 'collaborator' && resource.collaborators.get(subject) === ownerGeneration;
}

/** What the owner may do now. A role the policy no longer knows allows nothing. */
export function scopesOf(owner: MemberFacts, rules: DecisionRules): ScopeSet {
  return owner.scopes ?? rules.organizationRoles.get(owner.role)?.scopes ?? new Set();
}

/** What a token may do besides its own scopes saying so: what its owner may, for what was judged; `all`: it follows nobody. */
export function ownersScopes(
  { owner, judge }: Pick<Allowed, 'owner' | 'judge'>,
  rules: DecisionRules,
): ScopeSet | ScopeJudge {
  return judge ?? (owner === null ? 'all' : scopesOf(owner, rules));
}

export function inactiveReason(token: TokenFacts): Reason {
  const why = token.stateReason;
  return why === 'owner_removed' || why === 'ownership_transferred' ? why : 'token_inactive';
}

function need(key: string): Need {
  return { kind: 'need', key };
}

function deny(reason: Reason, token: TokenFacts | null, selected?: FieldValue): Denied {
  return { kind: 'denied', reason, token, selected };
}

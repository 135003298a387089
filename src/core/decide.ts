/**
 * Steps 4 to 10 of a request, in the contract's order: the token is known, active, unexpired, holds the scopes, reaches
 * the workspace, its principal's role and relation there suffice. Pure and synchronous. Where a fact is not at hand it
 * answers `need` with the fact's key; the caller fetches it and asks again from the start, so that no verdict ever
 * mixes what was true at two moments. Silence is a no: every path that is not spelled out ends in a denial.
 */
import {
  credentialKey,
  environmentKey,
  type FactByKind,
  type FactKind,
  isId,
  type Link,
  type MemberFacts,
  type PlaceKind,
  type Role,
  resourceKey,
  type TokenFacts,
  type TokenHash,
  type WorkspaceRecord,
  workspaceKey,
} from './facts.ts';
import type { Reason } from './reason.ts';
import type { Requirement, ResourceRequirement, WorkspaceRequirement } from './requirement.ts';
import { type ScopeSet, satisfies } from './scope.ts';
import { type SelectorSource, select } from './selector.ts';

/** What the policy says about organization roles; everything else it says is applied when tokens are made. */
export interface DecisionRules {
  readonly organizationRoles: ReadonlyMap<string, { readonly scopes: ScopeSet; readonly workspaceRole: Role | null }>;
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
  readonly workspaceId: string | null;
  readonly environmentId: string | null;
  readonly role: Role | null;
}
export interface Denied {
  readonly kind: 'denied';
  readonly reason: Reason;
  /** The token, once it is known: for logs. Never for the client. */
  readonly token: TokenFacts | null;
}
export interface Need {
  readonly kind: 'need';
  readonly key: string;
}
export type Outcome = Allowed | Denied | Need;

export interface Question {
  readonly hash: TokenHash;
  readonly requirement: Requirement;
  readonly source: SelectorSource;
}

/** `now` in milliseconds since 1970. Does NOT check the request's form, its route or its rate: steps 1 to 3 and 11. */
export function decide(question: Question, rules: DecisionRules, facts: FactReader, nowMs: number): Outcome {
  const asked = credentialKey(question.hash);
  const credential = facts.peek('credential', asked);
  if (credential === undefined) return need(asked);
  if (credential === null || (credential.endsAtMs !== null && nowMs >= credential.endsAtMs))
    return deny('token_unknown', null);

  const token = facts.follow(credential.token);
  if (token === undefined) return need(credential.token.key);
  if (token === null) return deny('token_unknown', null);
  if (token.state !== 'active') return deny(inactiveReason(token), token);

  let owner: MemberFacts | null = null;
  if (token.authority === 'live') {
    const found = facts.follow(token.owner!);
    if (found === undefined) return need(token.owner!.key);
    if (found === null || found.generation !== token.ownerGeneration) return deny('owner_removed', token);
    owner = found;
  }
  if (nowMs >= token.expiresAtMs) return deny('token_expired', token);

  const { scopes, workspace, resource } = question.requirement;
  if (scopes !== null && !satisfies(scopes, token.scopes, owner === null ? 'all' : scopesOf(owner, rules))) {
    return deny('scope_missing', token);
  }
  if (workspace === null) return { kind: 'allowed', token, owner, workspaceId: null, environmentId: null, role: null };
  return inWorkspace(question, workspace, resource, token, owner, rules, facts);
}

function inWorkspace(
  question: Question,
  asked: WorkspaceRequirement,
  relation: ResourceRequirement | null,
  token: TokenFacts,
  owner: MemberFacts | null,
  rules: DecisionRules,
  facts: FactReader,
): Outcome {
  const selected = select(asked.selector, question.source);
  if (selected === null) return deny('workspace_ambiguous', token);
  const workspace = findWorkspace(asked, selected, token.organizationId, facts);
  if (workspace === null) return deny('workspace_not_granted', token);
  if ('kind' in workspace) return workspace;

  const granted = isGranted(token, owner, workspace, facts);
  if (typeof granted === 'object') return granted;
  if (!granted) return deny('workspace_not_granted', token);

  const role = roleIn(token, owner, workspace, rules, facts);
  if (role !== null && typeof role === 'object') return role;
  if (role === null || (asked.role === 'admin' && role !== 'admin')) return deny('role_insufficient', token);

  if (relation !== null) {
    const related = isRelated(relation, question.source, token, workspace, facts);
    if (typeof related === 'object') return related;
    if (!related) return deny('not_a_collaborator', token);
  }
  const environmentId = asked.as === 'environment' ? selected : null;
  return { kind: 'allowed', token, owner, workspaceId: workspace.id, environmentId, role };
}

/** null: no such workspace in this organization; another organization's is answered exactly so. */
function findWorkspace(
  asked: WorkspaceRequirement,
  selected: string,
  organizationId: string,
  facts: FactReader,
): WorkspaceRecord | Need | null {
  if (!isId(selected)) return null;
  if (asked.as === 'workspace') {
    const workspace = facts.peekIn('workspace', organizationId, selected);
    return workspace === undefined ? need(keyOf(asked, organizationId, selected)) : workspace;
  }
  const inside =
    asked.as === 'environment'
      ? facts.peekIn('environment', organizationId, selected)
      : facts.peek('resource', keyOf(asked, organizationId, selected));
  if (inside === undefined) return need(keyOf(asked, organizationId, selected));
  if (inside === null) return null;
  const workspace = facts.follow(inside.workspace);
  return workspace === undefined ? need(inside.workspace.key) : workspace;
}

function keyOf(asked: WorkspaceRequirement, organizationId: string, id: string): string {
  if (asked.as === 'resource') return resourceKey(organizationId, asked.type, id);
  return (asked.as === 'workspace' ? workspaceKey : environmentKey)(organizationId, id);
}

function isGranted(
  token: TokenFacts,
  owner: MemberFacts | null,
  workspace: WorkspaceRecord,
  facts: FactReader,
): boolean | Need {
  switch (token.workspaces) {
    case 'all-organization':
      return true;
    case 'all-owned':
      // A workspace that was handed over is reached by tokens applied for afterwards (COZE-SAT-25, COZE-PAT-18).
      if (isOlderThanTransfer(token, workspace)) return false;
      return workspace.ownerId === token.ownerId && (owner !== null || isNobodyElse(token, facts));
    case 'all-joined': {
      const member = owner ?? currentOwner(token, facts);
      if (member === null) return false;
      if ('kind' in member) return member;
      const joined = joinedRole(member, workspace, facts);
      return typeof joined === 'object' && joined !== null ? joined : joined !== null;
    }
    default:
      return token.workspaces.has(workspace.id);
  }
}

/** A frozen token outlives its owner's membership, but what the next bearer of the id has is not its own. */
function isNobodyElse(token: TokenFacts, facts: FactReader): boolean | Need {
  const bearer = facts.follow(token.owner!);
  if (bearer === undefined) return need(token.owner!.key);
  return bearer === null || bearer.generation === token.ownerGeneration;
}

function isOlderThanTransfer(token: TokenFacts, workspace: WorkspaceRecord): boolean {
  return workspace.transferredAtMs !== null && token.createdAtMs < workspace.transferredAtMs;
}

/** A frozen token's owner, where its grant is a rule about the owner. null once that membership has ended. */
function currentOwner(token: TokenFacts, facts: FactReader): MemberFacts | Need | null {
  const owner = facts.follow(token.owner!);
  if (owner === undefined) return need(token.owner!.key);
  return owner !== null && owner.generation === token.ownerGeneration ? owner : null;
}

function roleIn(
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
      return typeof token.workspaces === 'string' ? 'member' : (token.roles.get(workspace.id) ?? null);
    case 'client': {
      const account = facts.follow(token.account!);
      if (account === undefined) return need(token.account!.key);
      return account?.assignments.get(workspace.id) ?? null;
    }
  }
}

/** The highest of owner, direct assignment and team assignments. */
function joinedRole(member: MemberFacts, workspace: WorkspaceRecord, facts: FactReader): Role | Need | null {
  if (workspace.ownerId === member.id) return 'admin';
  let best = member.assignments.get(workspace.id) ?? null;
  for (const link of member.teams) {
    if (best === 'admin') return best;
    const team = facts.follow(link);
    if (team === undefined) return need(link.key);
    best = team?.assignments.get(workspace.id) ?? best;
  }
  return best;
}

function isRelated(
  asked: ResourceRequirement,
  source: SelectorSource,
  token: TokenFacts,
  workspace: WorkspaceRecord,
  facts: FactReader,
): boolean | Need {
  const selected = select(asked.selector, source);
  if (selected === null || !isId(selected)) return false;
  const key = resourceKey(token.organizationId, asked.type, selected);
  const resource = facts.peek('resource', key);
  if (resource === undefined) return need(key);
  if (resource === null || resource.workspaceId !== workspace.id) return false;
  if (token.authority === 'frozen') {
    const own = isNobodyElse(token, facts);
    if (own !== true) return own;
  }
  const subject = token.ownerId ?? token.clientId!;
  if (resource.ownerId === subject) return true;
  if (token.edition === 'personal' && workspace.ownerId === subject) return true;
  return asked.relation === 'collaborator' && resource.collaborators.has(subject);
}

/** What the owner may do now. A role the policy no longer knows allows nothing. */
export function scopesOf(owner: MemberFacts, rules: DecisionRules): ScopeSet {
  return owner.scopes ?? rules.organizationRoles.get(owner.role)?.scopes ?? new Set();
}

function inactiveReason(token: TokenFacts): Reason {
  const why = token.stateReason;
  return why === 'owner_removed' || why === 'ownership_transferred' ? why : 'token_inactive';
}

function need(key: string): Need {
  return { kind: 'need', key };
}

function deny(reason: Reason, token: TokenFacts | null): Denied {
  return { kind: 'denied', reason, token };
}

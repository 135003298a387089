/** Where records stand: their keys, and the lists that each kind of record is found in. Nothing is read or written here. */
import type { CredentialRecord, MemberRecord, SnapshotRecord, TokenHash } from '../../core/facts.ts';
import {
  accountKey,
  credentialKey,
  environmentKey,
  iamPolicyKey,
  memberKey,
  organizationKey,
  resourceKey,
  snapshotKey,
  teamKey,
  tokenKey,
  workspaceKey,
} from '../../core/facts.ts';
import { type IndexEntry, usesList } from '../../store/store.ts';
import { folded } from '../names.ts';
import type {
  AccountDoc,
  AuditDoc,
  CleanupDoc,
  ClientDoc,
  DocByKind,
  DocKind,
  EnterpriseDoc,
  EnvironmentDoc,
  IamPolicyDoc,
  IssuanceDoc,
  MemberDoc,
  OrganizationDoc,
  ResourceDoc,
  TeamDoc,
  TokenDoc,
  WorkspaceDoc,
} from './records.ts';

/** Also in whose name an enterprise has its turn, its lock and its trail: no organization has such an id. */
export const enterpriseKey = (id: string): string => `enterprise/${id}`;
export const cleanupKey = ({ organizationId, what, id, generation }: CleanupDoc): string =>
  `cleanup/${organizationId}/${what}/${generation}/${id}`;
export const auditKey = (organizationId: string, id: string): string => `audit/${organizationId}/${id}`;
export const clientKey = (clientId: string): string => `client/${clientId}`;
export const issuanceKey = (organizationId: string, clientId: string): string =>
  `issuance/${organizationId}/${clientId}`;

/**
 * Lists. Every record of an organization stands in `everything`, so that deleting it leaves nothing behind; but tokens and
 * their credentials, of which there are many: those are found by `tokens` and `tokensOfClient`, and by their tokens.
 */
export const lists = {
  everything: (organizationId: string) => `everything/${organizationId}`,
  /** Members, teams and service accounts: whom a role can be given to. */
  principals: (organizationId: string) => `principals/${organizationId}`,
  members: (organizationId: string) => `members/${organizationId}`,
  teams: (organizationId: string) => `teams/${organizationId}`,
  iamPolicies: (organizationId: string) => `iam-policies/${organizationId}`,
  /** Members and teams that a policy is attached to. */
  attached: (organizationId: string, policyId: string) => `attached/${organizationId}/${policyId}`,
  workspaces: (organizationId: string) => `workspaces/${organizationId}`,
  workspacesOwnedBy: (organizationId: string, memberId: string) => `workspaces/${organizationId}/owner/${memberId}`,
  environments: (organizationId: string, workspaceId: string) => `environments/${organizationId}/${workspaceId}`,
  resources: (organizationId: string, workspaceId: string) => `resources/${organizationId}/${workspaceId}`,
  /** Members, teams and accounts with a role in the workspace. */
  assigned: (organizationId: string, workspaceId: string) => `assigned/${organizationId}/${workspaceId}`,
  /** Tokens, oldest first. */
  tokens: (organizationId: string) => `tokens/${organizationId}`,
  tokensOwnedBy: (organizationId: string, memberId: string) => `tokens/${organizationId}/owner/${memberId}`,
  audit: (organizationId: string) => `audit/${organizationId}`,
  /** The events of every organization, also of those that are no more: what the purge walks. */
  allAudit: () => 'audit',
  enterprises: () => 'enterprises',
  organizations: () => 'organizations',
  organizationsOf: (enterpriseId: string) => `organizations/enterprise/${enterpriseId}`,
  accounts: (organizationId: string) => `accounts/${organizationId}`,
  /** Deleted accounts of every organization, by the time of deletion: what the purge walks. */
  deletedAccounts: () => 'deleted-accounts',
  /** Access tokens issued to one service account, by expiry. */
  tokensOfClient: (organizationId: string, clientId: string) => `tokens/${organizationId}/client/${clientId}`,
  /** Access tokens of every organization, by expiry: what the purge walks. */
  accessTokens: () => 'access-tokens',
  /** Tokens that count against limits, by expiry: neither revoked nor deleted, nor ended with their owner's removal. */
  counted: (organizationId: string, kind: string) => `counted/${organizationId}/${kind}`,
  countedOwnedBy: (organizationId: string, kind: string, memberId: string) =>
    `counted/${organizationId}/${kind}/owner/${memberId}`,
  /** The others, which count against no limit. */
  uncounted: (organizationId: string, kind: string) => `uncounted/${organizationId}/${kind}`,
  uncountedOwnedBy: (organizationId: string, kind: string, memberId: string) =>
    `uncounted/${organizationId}/${kind}/owner/${memberId}`,
  /** Tokens by what their record says, which may be late (cleanup.ts), by expiry. */
  tokensInState: (organizationId: string, state: TokenDoc['state']) => `tokens/${organizationId}/state/${state}`,
  /** Tokens by how their names begin. */
  tokensByName: (organizationId: string) => `tokens/${organizationId}/name`,
  /** Tokens that were used, access tokens among them, by the day of the last time: put there by the store. */
  tokensUsed: (organizationId: string) => usesList(tokenKey(organizationId, '')),
  /** Tokens that list the workspace by id. */
  tokensListing: (organizationId: string, workspaceId: string) => `tokens/${organizationId}/workspace/${workspaceId}`,
  /** Tokens that list the environment by id. */
  tokensOfEnvironment: (organizationId: string, id: string) => `tokens/${organizationId}/environment/${id}`,
  /** Tokens whose primary contact is this member. */
  tokensContacting: (organizationId: string, memberId: string) => `tokens/${organizationId}/contact/${memberId}`,
  /** Tokens that keep the roles of one snapshot. */
  tokensOfSnapshot: (organizationId: string, id: string) => `tokens/${organizationId}/snapshot/${id}`,
  /** Workspaces that were ever handed over, by the change that did it last. */
  transferred: (organizationId: string) => `transferred/${organizationId}`,
  /** What is left to do after something ended, in every organization, oldest first. */
  cleanups: () => 'cleanups',
} as const;

/** Key and lists of a record, from its contents alone: whoever writes one cannot forget a list. */
export function place<K extends DocKind>(
  kind: K,
  doc: DocByKind[K],
  extra?: { readonly hash: TokenHash },
): { key: string; indexes: IndexEntry[] } {
  const placed = PLACES[kind](doc as never, extra);
  return { key: placed.key, indexes: placed.indexes.map(entryOf) };
}

/** A list, and the score or the text that it is ordered by. */
type InList = readonly [string, number | string];
type Placed = { key: string; indexes: InList[] };

function entryOf([index, order]: InList): IndexEntry {
  return typeof order === 'string' ? { index, score: 0, text: order } : { index, score: order };
}

const PLACES: { readonly [K in DocKind]: (doc: never, extra?: { readonly hash: TokenHash }) => Placed } = {
  enterprise: (doc: EnterpriseDoc) => ({ key: enterpriseKey(doc.id), indexes: [[lists.enterprises(), 0]] }),
  organization: (doc: OrganizationDoc) => ({
    key: organizationKey(doc.id),
    indexes:
      doc.deletedAtMs !== null
        ? []
        : [
            [lists.everything(doc.id), 0],
            [lists.organizations(), 0],
            ...(doc.enterpriseId ? ([[lists.organizationsOf(doc.enterpriseId), 0]] as const) : []),
          ],
  }),
  member: (doc: MemberDoc) => ({
    key: memberKey(doc.organizationId, doc.id),
    indexes: [
      [lists.members(doc.organizationId), 0],
      [lists.principals(doc.organizationId), 0],
      ...assigned(doc.organizationId, doc.assignments),
      ...attached(doc.organizationId, doc.policies),
      [lists.everything(doc.organizationId), 0],
    ],
  }),
  'iam-policy': (doc: IamPolicyDoc) => ({
    key: iamPolicyKey(doc.organizationId, doc.id),
    indexes: [
      [lists.iamPolicies(doc.organizationId), 0],
      [lists.everything(doc.organizationId), 0],
    ],
  }),
  team: (doc: TeamDoc) => ({
    key: teamKey(doc.organizationId, doc.id),
    indexes: [
      [lists.teams(doc.organizationId), 0],
      [lists.principals(doc.organizationId), 0],
      ...assigned(doc.organizationId, doc.assignments),
      ...attached(doc.organizationId, doc.policies),
      [lists.everything(doc.organizationId), 0],
    ],
  }),
  account: (doc: AccountDoc) => ({
    key: accountKey(doc.organizationId, doc.clientId),
    indexes: [
      ...(doc.deletedAtMs === null
        ? ([
            [lists.accounts(doc.organizationId), doc.createdAtMs],
            [lists.principals(doc.organizationId), 0],
          ] as const)
        : ([[lists.deletedAccounts(), doc.deletedAtMs]] as const)),
      ...assigned(doc.organizationId, doc.assignments),
      [lists.everything(doc.organizationId), 0],
    ],
  }),
  // Not in `everything`: the trail outlives what it tells of.
  audit: (doc: AuditDoc) => ({
    key: auditKey(doc.organizationId, doc.id),
    indexes: [
      [lists.audit(doc.organizationId), doc.atMs],
      [lists.allAudit(), doc.atMs],
    ],
  }),
  client: (doc: ClientDoc) => ({
    key: clientKey(doc.clientId),
    indexes: [[lists.everything(doc.organizationId), 0]],
  }),
  issuance: (doc: IssuanceDoc) => ({
    key: issuanceKey(doc.organizationId, doc.clientId),
    indexes: [[lists.everything(doc.organizationId), 0]],
  }),
  workspace: (doc: WorkspaceDoc) => ({
    key: workspaceKey(doc.organizationId, doc.id),
    indexes: [
      ...(doc.deletedAtMs !== null
        ? []
        : ([
            [lists.workspaces(doc.organizationId), 0],
            [lists.workspacesOwnedBy(doc.organizationId, doc.ownerId), 0],
            ...(doc.transferredIn === null
              ? []
              : ([[lists.transferred(doc.organizationId), doc.transferredIn]] as const)),
          ] as const)),
      [lists.everything(doc.organizationId), 0],
    ],
  }),
  environment: (doc: EnvironmentDoc) => ({
    key: environmentKey(doc.organizationId, doc.id),
    indexes: [
      [lists.environments(doc.organizationId, doc.workspaceId), 0],
      [lists.everything(doc.organizationId), 0],
    ],
  }),
  resource: (doc: ResourceDoc) => ({
    key: resourceKey(doc.organizationId, doc.type, doc.id),
    indexes: [
      [lists.resources(doc.organizationId, doc.workspaceId), 0],
      [lists.everything(doc.organizationId), 0],
    ],
  }),
  token: (doc: TokenDoc) => ({ key: tokenKey(doc.organizationId, doc.id), indexes: tokenLists(doc) }),
  snapshot: (doc: SnapshotRecord) => ({
    key: snapshotKey(doc.organizationId, doc.id),
    indexes: [[lists.everything(doc.organizationId), 0]],
  }),
  credential: (_doc: CredentialRecord, extra?: { readonly hash: TokenHash }) => ({
    key: credentialKey(extra!.hash),
    indexes: [],
  }),
  cleanup: (doc: CleanupDoc) => ({ key: cleanupKey(doc), indexes: [[lists.cleanups(), doc.generation]] }),
};

function assigned(organizationId: string, assignments: MemberRecord['assignments']): Array<readonly [string, number]> {
  return assignments.map(([workspaceId]) => [lists.assigned(organizationId, workspaceId), 0] as const);
}

function attached(organizationId: string, policies: MemberRecord['policies']): Array<readonly [string, number]> {
  return (policies ?? []).map(([id]) => [lists.attached(organizationId, id), 0] as const);
}

/** As much of a name as people look for, in any case; what follows has no order. */
const NAME_SOUGHT_MAX = 32;

/** What a name begins with in the list of names, as a part of one is looked for. */
export function nameSought(name: string): string {
  const characters = [...folded(name).toWellFormed().replace(CONTROLS, ' ')];
  return characters.slice(0, NAME_SOUGHT_MAX).join('');
}

/** They stand for nothing in a list. */
const CONTROLS = /[\u0000-\u001f]/g;

/** What ended with its owner's removal counts against nobody: it can never be activated again (COZE-PAT-9). */
export function countsInLimits({ state, stateReason }: Pick<TokenDoc, 'state' | 'stateReason'>): boolean {
  return state !== 'revoked' && stateReason !== 'owner_removed';
}

function tokenLists(doc: TokenDoc): InList[] {
  const { organizationId: org, ownerId, clientId, workspaces, kind } = doc;
  const endsAtMs = doc.expiresAtMs ?? Number.MAX_SAFE_INTEGER;
  if (clientId !== null)
    return [
      [lists.tokensOfClient(org, clientId), endsAtMs],
      [lists.accessTokens(), endsAtMs],
    ];
  const counts = countsInLimits(doc);
  const found: InList[] = [
    [lists.tokens(org), doc.createdAtMs],
    [lists.tokensByName(org), nameSought(doc.name)],
    [lists.tokensInState(org, doc.state), endsAtMs],
    [(counts ? lists.counted : lists.uncounted)(org, kind), endsAtMs],
  ];
  if (ownerId !== null) {
    const ofOwner = counts ? lists.countedOwnedBy : lists.uncountedOwnedBy;
    found.push([lists.tokensOwnedBy(org, ownerId), doc.createdAtMs], [ofOwner(org, kind, ownerId), endsAtMs]);
  }
  const primary = doc.contacts?.primary ?? null;
  if (primary !== null) found.push([lists.tokensContacting(org, primary), 0]);
  if (doc.snapshotId) found.push([lists.tokensOfSnapshot(org, doc.snapshotId), 0]);
  if (typeof workspaces !== 'string') for (const [id] of workspaces) found.push([lists.tokensListing(org, id), 0]);
  for (const [id] of doc.environments ?? []) found.push([lists.tokensOfEnvironment(org, id), 0]);
  return found;
}

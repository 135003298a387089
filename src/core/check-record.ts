/**
 * What the decision relies on in a stored record, checked field by field: the shape of each kind, and that it stands under
 * its own key. What only people read is none of its business. Changes nothing, and makes nothing of it.
 */
import { readRange } from './address-range.ts';
import {
  type AccountRecord,
  API_VERSION_PATTERN,
  type Assignments,
  accountKey,
  type CredentialRecord,
  type EnvironmentRecord,
  type FactKind,
  type IamPolicyRecord,
  iamPolicyKey,
  kindOf,
  type MemberRecord,
  memberKey,
  type OrganizationRecord,
  organizationKey,
  type Party,
  type Reference,
  type ReplacedValue,
  type ResourceRecord,
  type Role,
  type SnapshotRecord,
  snapshotKey,
  type TeamRecord,
  type TokenRecord,
  tokenKey,
  type WorkspaceRecord,
  workspaceKey,
} from './facts.ts';
import { RESOURCE_PATTERN } from './iam.ts';

const ROLES = new Set<unknown>(['member', 'admin']);
const ALL_GRANTS = new Set<unknown>(['all-owned', 'all-joined', 'all-organization']);
const STATES = new Set<unknown>(['active', 'inactive', 'revoked']);
export const EDITIONS = new Set<unknown>(['personal', 'team', 'enterprise']);
const API_VERSION = new RegExp(API_VERSION_PATTERN);
const EFFECTS = new Set<unknown>(['allow', 'deny']);
const RESOURCE = new RegExp(RESOURCE_PATTERN);
const AUTHORITIES = new Set<unknown>(['live', 'frozen', 'client']);

/** The kind of the record. Throws TypeError, with the key and the field, when it is not what its key says. */
export function checkRecord(key: string, record: unknown): FactKind {
  if (typeof record !== 'object' || record === null) throw new TypeError(`${key}: not a record`);
  const kind = kindOf(key);
  if (!Object.hasOwn(CHECKS, kind)) throw new TypeError(`${key}: no such kind of fact`);
  CHECKS[kind as FactKind](record as never, key);
  return kind as FactKind;
}

const CHECKS: { readonly [K in FactKind]: (record: never, key: string) => void } = {
  organization: (record: OrganizationRecord, key) => {
    same(key, organizationKey(record.id));
    integer(record.generation, 'generation');
    integerOrNull(record.deletedAtMs, 'deletedAtMs');
  },
  credential: (record: CredentialRecord) => {
    text(record.organizationId, 'organizationId');
    text(record.tokenId, 'tokenId');
  },
  token: checkToken,
  snapshot: (record: SnapshotRecord, key) => {
    same(key, snapshotKey(record.organizationId, record.id));
    if (record.everywhere !== null) oneOf(ROLES, record.everywhere, 'everywhere');
    if (typeof record.later !== 'boolean') throw new TypeError('later: not true or false');
    assignments(record.roles);
  },
  member: (record: MemberRecord, key) => {
    same(key, memberKey(record.organizationId, record.id));
    oneOf(EDITIONS, record.edition, 'edition');
    integer(record.generation, 'generation');
    text(record.role, 'role');
    references(record.teams, 'teams');
    if (record.policies !== undefined) references(record.policies, 'policies');
    if (record.scopes !== null) texts(record.scopes, 'scopes');
    assignments(record.assignments);
  },
  team: (record: TeamRecord) => {
    integer(record.generation, 'generation');
    if (record.policies !== undefined) references(record.policies, 'policies');
    assignments(record.assignments);
  },
  'iam-policy': (record: IamPolicyRecord, key) => {
    same(key, iamPolicyKey(record.organizationId, record.id));
    integer(record.generation, 'generation');
    if (!Array.isArray(record.statements)) throw new TypeError('statements: not a list');
    for (const { effect, actions, resources } of record.statements) {
      oneOf(EFFECTS, effect, 'effect');
      texts(actions, 'actions');
      texts(resources, 'resources');
      // One that cannot be read might have denied something.
      if (resources.some((pattern: string) => !RESOURCE.test(pattern))) throw new TypeError('resources: not a pattern');
    }
  },
  account: (record: AccountRecord, key) => {
    same(key, accountKey(record.organizationId, record.clientId));
    integer(record.tokensFrom, 'tokensFrom');
    assignments(record.assignments);
  },
  workspace: (record: WorkspaceRecord, key) => {
    same(key, workspaceKey(record.organizationId, record.id));
    text(record.ownerId, 'ownerId');
    integer(record.generation, 'generation');
    integer(record.ownerGeneration, 'ownerGeneration');
    integerOrNull(record.transferredIn, 'transferredIn');
    references(record.tokensFrom, 'tokensFrom');
    integerOrNull(record.deletedAtMs, 'deletedAtMs');
  },
  environment: (record: EnvironmentRecord) => {
    if (record.generation !== undefined) integer(record.generation, 'generation');
    text(record.workspaceId, 'workspaceId');
    integer(record.workspaceGeneration, 'workspaceGeneration');
  },
  resource: (record: ResourceRecord) => {
    text(record.workspaceId, 'workspaceId');
    integer(record.workspaceGeneration, 'workspaceGeneration');
    parties([record.owner], 'owner');
    parties(record.collaborators, 'collaborators');
  },
};

function checkToken(record: TokenRecord, key: string): void {
  same(key, tokenKey(record.organizationId, record.id));
  oneOf(STATES, record.state, 'state');
  oneOf(AUTHORITIES, record.authority, 'authority');
  oneOf(EDITIONS, record.edition, 'edition');
  text(record.kind, 'kind');
  text(record.hash, 'hash');
  if (record.replaced !== null) replacedValue(record.replaced);
  integer(record.generation, 'generation');
  if (record.authority === 'client') text(record.clientId, 'clientId');
  else {
    text(record.ownerId, 'ownerId');
    integer(record.ownerGeneration, 'ownerGeneration');
  }
  integer(record.createdAtMs, 'createdAtMs');
  integerOrNull(record.expiresAtMs, 'expiresAtMs');
  if (typeof record.workspaces === 'string') oneOf(ALL_GRANTS, record.workspaces, 'workspaces');
  else references(record.workspaces, 'workspaces');
  if (record.environments !== undefined && record.environments !== null)
    references(record.environments, 'environments');
  roles(record.roles, 'roles');
  if (record.snapshotId !== undefined && record.snapshotId !== null) text(record.snapshotId, 'snapshotId');
  // It stands in a header.
  if (record.apiVersion && !API_VERSION.test(record.apiVersion)) throw new TypeError('apiVersion: no version');
  // A list that cannot be read opens nothing: the whole record is damaged.
  if (record.allowedAddresses !== undefined && record.allowedAddresses !== null) {
    texts(record.allowedAddresses, 'allowedAddresses');
    if (record.allowedAddresses.some((range) => readRange(range) === null))
      throw new TypeError('allowedAddresses: not an address or network');
  }
  // "Whatever the owner may do" means something only where the owner is asked.
  if (record.scopes !== null || record.authority !== 'live') texts(record.scopes, 'scopes');
}

function assignments(triples: Assignments): void {
  roles(triples, 'assignments');
  for (const [, , generation] of triples) integer(generation, 'assignment');
}

/** A record under another's key would lend that one its rights. */
export function same(key: string, own: string): void {
  if (key !== own) throw new TypeError(`${key}: this is the record of ${own}`);
}

export function text(value: unknown, name: string): void {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name}: not a text`);
}

export function texts(value: unknown, name: string): void {
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string'))
    throw new TypeError(`${name}: not a list of texts`);
}

export function integer(value: unknown, name: string): void {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name}: not an integer`);
}

export function integerOrNull(value: unknown, name: string): void {
  if (value !== null) integer(value, name);
}

function references(pairs: readonly Reference[], name: string): void {
  parties(pairs, name);
  for (const [, generation] of pairs) integer(generation, name);
}

function parties(pairs: readonly Party[], name: string): void {
  if (!Array.isArray(pairs)) throw new TypeError(`${name}: not a list`);
  for (const pair of pairs) {
    if (!Array.isArray(pair)) throw new TypeError(`${name}: not a list of pairs`);
    text(pair[0], name);
    integerOrNull(pair[1], name);
  }
}

function roles(pairs: ReadonlyArray<readonly [string, Role, ...unknown[]]>, name: string): void {
  if (!Array.isArray(pairs)) throw new TypeError(`${name}: not a list`);
  for (const [id, role] of pairs) {
    text(id, name);
    oneOf(ROLES, role, name);
  }
}

function replacedValue(value: ReplacedValue): void {
  text(value.hash, 'replaced');
  integer(value.endsAtMs, 'replaced');
}

export function oneOf(allowed: ReadonlySet<unknown>, value: unknown, name: string): void {
  if (!allowed.has(value)) throw new TypeError(`${name}: unknown value`);
}

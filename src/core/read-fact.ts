/**
 * Turns a stored record into the fact the hot path reads, checking its shape on the way: a damaged record must never
 * become a yes. Runs once per record and cache fill, never per request.
 */
import type {
  AccountRecord,
  Assignments,
  CredentialRecord,
  EnvironmentRecord,
  Fact,
  FactKind,
  MemberRecord,
  ResourceRecord,
  Role,
  TeamRecord,
  TokenRecord,
  WorkspaceRecord,
} from './facts.ts';
import { accountKey, memberKey, tokenKey, workspaceKey } from './facts.ts';

const ROLES = new Set<unknown>(['member', 'admin']);
const ALL_GRANTS = new Set<unknown>(['all-owned', 'all-joined', 'all-organization']);
const STATES = new Set<unknown>(['active', 'inactive', 'revoked']);
const EDITIONS = new Set<unknown>(['personal', 'team', 'enterprise']);
const AUTHORITIES = new Set<unknown>(['live', 'frozen', 'client']);

/** The first part of a fact's key. */
export function kindOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/** The second part of a key that has one. */
function organizationOf(key: string): string {
  return key.split('/', 2)[1]!;
}

/** Throws TypeError when the record is not what its key says; the caller answers as for an outage, never as a no. */
export function readFact(key: string, record: unknown): Fact {
  if (typeof record !== 'object' || record === null) throw new TypeError(`${key}: not a record`);
  const kind = kindOf(key);
  if (!Object.hasOwn(READERS, kind)) throw new TypeError(`${key}: no such kind of fact`);
  return READERS[kind as FactKind](record as never, key);
}

const READERS: { readonly [K in FactKind]: (record: never, key: string) => Fact } = {
  credential: (record: CredentialRecord) => {
    text(record.organizationId, 'organizationId');
    text(record.tokenId, 'tokenId');
    if (record.endsAtMs !== null) integer(record.endsAtMs, 'endsAtMs');
    return { ...record, tokenKey: tokenKey(record.organizationId, record.tokenId) };
  },
  token: (record: TokenRecord, key) => {
    same(key, tokenKey(record.organizationId, record.id));
    oneOf(STATES, record.state, 'state');
    oneOf(AUTHORITIES, record.authority, 'authority');
    oneOf(EDITIONS, record.edition, 'edition');
    text(record.kind, 'kind');
    if (record.authority === 'client') text(record.clientId, 'clientId');
    else {
      text(record.ownerId, 'ownerId');
      text(record.ownerGeneration, 'ownerGeneration');
    }
    integer(record.createdAtMs, 'createdAtMs');
    if (record.expiresAtMs !== null) integer(record.expiresAtMs, 'expiresAtMs');
    if (typeof record.workspaces === 'string') oneOf(ALL_GRANTS, record.workspaces, 'workspaces');
    else texts(record.workspaces, 'workspaces');
    // "Whatever the owner may do" means something only where the owner is asked.
    if (record.scopes !== null || record.authority !== 'live') texts(record.scopes, 'scopes');
    return {
      ...record,
      ownerKey: record.ownerId === null ? null : memberKey(record.organizationId, record.ownerId),
      scopes: record.scopes === null ? 'all' : new Set(record.scopes),
      scopesText: record.scopes === null ? '' : record.scopes.join(' '),
      workspaces: typeof record.workspaces === 'string' ? record.workspaces : new Set(record.workspaces),
      workspacesText: typeof record.workspaces === 'string' ? '*' : record.workspaces.join(','),
      roles: assignments(record.roles),
      expiresAtMs: record.expiresAtMs ?? Number.POSITIVE_INFINITY,
    };
  },
  member: (record: MemberRecord, key) => {
    same(key, memberKey(record.organizationId, record.id));
    oneOf(EDITIONS, record.edition, 'edition');
    text(record.generation, 'generation');
    text(record.role, 'role');
    texts(record.teams, 'teams');
    if (record.scopes !== null) texts(record.scopes, 'scopes');
    return {
      ...record,
      scopes: record.scopes === null ? null : new Set(record.scopes),
      assignments: assignments(record.assignments),
    };
  },
  team: (record: TeamRecord) => ({ assignments: assignments(record.assignments) }),
  account: (record: AccountRecord, key) => {
    same(key, accountKey(record.organizationId, record.clientId));
    return { ...record, assignments: assignments(record.assignments) };
  },
  workspace: (record: WorkspaceRecord, key) => {
    same(key, workspaceKey(record.organizationId, record.id));
    text(record.ownerId, 'ownerId');
    if (record.transferredAtMs !== null) integer(record.transferredAtMs, 'transferredAtMs');
    return record;
  },
  environment: (record: EnvironmentRecord, key) => {
    text(record.workspaceId, 'workspaceId');
    return { ...record, workspaceKey: workspaceKey(organizationOf(key), record.workspaceId) };
  },
  resource: (record: ResourceRecord, key) => {
    text(record.workspaceId, 'workspaceId');
    text(record.ownerId, 'ownerId');
    texts(record.collaborators, 'collaborators');
    return {
      workspaceId: record.workspaceId,
      workspaceKey: workspaceKey(organizationOf(key), record.workspaceId),
      ownerId: record.ownerId,
      collaborators: new Set(record.collaborators),
    };
  },
};

function assignments(pairs: Assignments): ReadonlyMap<string, Role> {
  if (!Array.isArray(pairs)) throw new TypeError('assignments: not a list');
  for (const [id, role] of pairs) {
    text(id, 'assignment');
    oneOf(ROLES, role, 'role');
  }
  return new Map(pairs);
}

/** A record under another's key would lend that one its rights. */
function same(key: string, own: string): void {
  if (key !== own) throw new TypeError(`${key}: this is the record of ${own}`);
}

function text(value: unknown, name: string): void {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name}: not a text`);
}

function texts(value: unknown, name: string): void {
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string'))
    throw new TypeError(`${name}: not a list of texts`);
}

function integer(value: unknown, name: string): void {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name}: not an integer`);
}

function oneOf(allowed: ReadonlySet<unknown>, value: unknown, name: string): void {
  if (!allowed.has(value)) throw new TypeError(`${name}: unknown value`);
}

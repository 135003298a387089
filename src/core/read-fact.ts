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
import { accountKey, linkTo, memberKey, teamKey, tokenKey, workspaceKey } from './facts.ts';

const ROLES = new Set<unknown>(['member', 'admin']);
const ALL_GRANTS = new Set<unknown>(['all-owned', 'all-joined', 'all-organization']);
const STATES = new Set<unknown>(['active', 'inactive', 'revoked']);
const EDITIONS = new Set<unknown>(['personal', 'team', 'enterprise']);
const AUTHORITIES = new Set<unknown>(['live', 'frozen', 'client']);

/** The first part of a fact's key. */
export function kindOf(key: string): string {
  const slash = key.indexOf('/');
  return slash === -1 ? 'credential' : key.slice(0, slash);
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
    const { organizationId, tokenId, endsAtMs } = record;
    return { endsAtMs, token: linkTo('token', tokenKey(organizationId, tokenId)), organizationId, tokenId };
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
    const { organizationId, ownerId, clientId } = record;
    // What every request reads stands first and together, and what many tokens have alike is one object for all.
    return {
      state: record.state,
      authority: record.authority,
      owner: ownerId === null ? null : linkTo('member', memberKey(organizationId, ownerId)),
      ownerGeneration: record.ownerGeneration === null ? null : one(record.ownerGeneration),
      expiresAtMs: record.expiresAtMs ?? Number.POSITIVE_INFINITY,
      scopes: record.scopes === null ? 'all' : setOf(record.scopes),
      workspaces: typeof record.workspaces === 'string' ? record.workspaces : setOf(record.workspaces),
      organizationId: one(organizationId),
      roles: assignments(record.roles),
      account: clientId === null ? null : linkTo('account', accountKey(organizationId, clientId)),
      id: record.id,
      ownerId,
      scopesText: record.scopes === null ? '' : one(record.scopes.join(' ')),
      workspacesText: typeof record.workspaces === 'string' ? '*' : one(record.workspaces.join(',')),
      clientId,
      edition: record.edition,
      kind: one(record.kind),
      stateReason: record.stateReason,
      createdAtMs: record.createdAtMs,
      use: null,
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
      generation: one(record.generation),
      edition: record.edition,
      role: one(record.role),
      scopes: record.scopes === null ? null : setOf(record.scopes),
      teams: record.teams.map((id) => linkTo('team', teamKey(record.organizationId, id))),
      assignments: assignments(record.assignments),
      organizationId: one(record.organizationId),
      id: record.id,
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
    return { ...record, workspace: linkTo('workspace', workspaceKey(organizationOf(key), record.workspaceId)) };
  },
  resource: (record: ResourceRecord, key) => {
    text(record.workspaceId, 'workspaceId');
    text(record.ownerId, 'ownerId');
    texts(record.collaborators, 'collaborators');
    return {
      workspaceId: record.workspaceId,
      workspace: linkTo('workspace', workspaceKey(organizationOf(key), record.workspaceId)),
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
  return shared(MAPS, JSON.stringify(pairs), () => new Map(pairs));
}

/**
 * Texts, sets and maps that many facts have alike, kept once: less memory, and what a request reads is more often in the
 * processor's cache already (with a thousand tokens in use a decision costs a third less). Dropped whole when full.
 */
const SHARED_MAX = 10_000;
const TEXTS = new Map<string, string>();
const SETS = new Map<string, ReadonlySet<string>>();
const MAPS = new Map<string, ReadonlyMap<string, Role>>();

function shared<T>(table: Map<string, T>, text: string, make: () => T): T {
  let made = table.get(text);
  if (made === undefined) {
    if (table.size >= SHARED_MAX) table.clear();
    made = make();
    table.set(text, made);
  }
  return made;
}

function one(text: string): string {
  return shared(TEXTS, text, () => text);
}

function setOf(texts: readonly string[]): ReadonlySet<string> {
  return shared(SETS, JSON.stringify(texts), () => new Set(texts.map(one)));
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

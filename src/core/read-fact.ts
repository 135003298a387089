/**
 * Turns a stored record into the fact the hot path reads, checking its shape on the way: a damaged record must never
 * become a yes. Runs once per record and cache fill, never per request.
 */
import { type AddressRange, readRange } from './address-range.ts';
import type {
  AccountRecord,
  AssignedRoles,
  Assignments,
  CredentialRecord,
  EnvironmentRecord,
  Fact,
  FactKind,
  Generation,
  MemberRecord,
  OrganizationRecord,
  Party,
  Reference,
  ReplacedValue,
  ResourceRecord,
  Role,
  TeamRecord,
  TokenRecord,
  WorkspaceRecord,
} from './facts.ts';
import { accountKey, linkTo, memberKey, organizationKey, teamKey, tokenKey, workspaceKey } from './facts.ts';

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
  organization: (record: OrganizationRecord, key) => {
    same(key, organizationKey(record.id));
    integer(record.generation, 'generation');
    integerOrNull(record.deletedAtMs, 'deletedAtMs');
    return { id: record.id, generation: record.generation, deletedAtMs: record.deletedAtMs };
  },
  credential: (record: CredentialRecord) => {
    text(record.organizationId, 'organizationId');
    text(record.tokenId, 'tokenId');
    const { organizationId, tokenId } = record;
    return { token: linkTo('token', tokenKey(organizationId, tokenId)), organizationId, tokenId };
  },
  token: (record: TokenRecord, key) => {
    checkToken(record, key);
    const { organizationId, ownerId, clientId, workspaces } = record;
    const isRule = typeof workspaces === 'string';
    // What every request reads stands first and together, and what many tokens have alike is one object for all.
    return {
      hash: record.hash,
      state: record.state,
      authority: record.authority,
      generation: record.generation,
      organization: linkTo('organization', organizationKey(organizationId)),
      owner: ownerId === null ? null : linkTo('member', memberKey(organizationId, ownerId)),
      ownerGeneration: record.ownerGeneration,
      expiresAtMs: record.expiresAtMs ?? Number.POSITIVE_INFINITY,
      allowedAddresses: ranges(record.allowedAddresses),
      scopes: record.scopes === null ? 'all' : setOf(record.scopes),
      workspaces: isRule ? workspaces : generations(workspaces),
      listed: isRule ? [] : workspaces.map(([id, generation]) => listed(organizationId, id, generation)),
      organizationId: one(organizationId),
      roles: shared(ROLE_MAPS, JSON.stringify(record.roles), () => new Map(record.roles)),
      account: clientId === null ? null : linkTo('account', accountKey(organizationId, clientId)),
      id: record.id,
      replaced: record.replaced,
      ownerId,
      scopesText: record.scopes === null ? '' : one(record.scopes.join(' ')),
      workspacesText: isRule ? '*' : one(workspaces.map(([id]) => id).join(',')),
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
    integer(record.generation, 'generation');
    text(record.role, 'role');
    references(record.teams, 'teams');
    if (record.scopes !== null) texts(record.scopes, 'scopes');
    return {
      generation: record.generation,
      edition: record.edition,
      role: one(record.role),
      scopes: record.scopes === null ? null : setOf(record.scopes),
      teams: record.teams.map(([id, generation]) => ({
        team: linkTo('team', teamKey(record.organizationId, id)),
        generation,
      })),
      assignments: assignments(record.assignments),
      organizationId: one(record.organizationId),
      id: record.id,
    };
  },
  team: (record: TeamRecord) => {
    integer(record.generation, 'generation');
    return { generation: record.generation, assignments: assignments(record.assignments) };
  },
  account: (record: AccountRecord, key) => {
    same(key, accountKey(record.organizationId, record.clientId));
    integer(record.tokensFrom, 'tokensFrom');
    const { organizationId, clientId, tokensFrom } = record;
    return { organizationId, clientId, tokensFrom, assignments: assignments(record.assignments) };
  },
  workspace: (record: WorkspaceRecord, key) => {
    same(key, workspaceKey(record.organizationId, record.id));
    text(record.ownerId, 'ownerId');
    integer(record.generation, 'generation');
    integer(record.ownerGeneration, 'ownerGeneration');
    integerOrNull(record.transferredIn, 'transferredIn');
    references(record.tokensFrom, 'tokensFrom');
    integerOrNull(record.deletedAtMs, 'deletedAtMs');
    return record;
  },
  environment: (record: EnvironmentRecord, key) => {
    text(record.workspaceId, 'workspaceId');
    integer(record.workspaceGeneration, 'workspaceGeneration');
    const { workspaceId, workspaceGeneration } = record;
    const workspace = linkTo('workspace', workspaceKey(organizationOf(key), workspaceId));
    return { workspaceId, workspaceGeneration, workspace };
  },
  resource: (record: ResourceRecord, key) => {
    text(record.workspaceId, 'workspaceId');
    integer(record.workspaceGeneration, 'workspaceGeneration');
    parties([record.owner], 'owner');
    parties(record.collaborators, 'collaborators');
    return {
      workspaceId: record.workspaceId,
      workspaceGeneration: record.workspaceGeneration,
      workspace: linkTo('workspace', workspaceKey(organizationOf(key), record.workspaceId)),
      owner: record.owner,
      collaborators: new Map(record.collaborators),
    };
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
  roles(record.roles, 'roles');
  // "Whatever the owner may do" means something only where the owner is asked.
  if (record.scopes !== null || record.authority !== 'live') texts(record.scopes, 'scopes');
}

function listed(organizationId: string, id: string, generation: Generation) {
  return { workspace: linkTo('workspace', workspaceKey(organizationId, id)), generation };
}

function assignments(triples: Assignments): AssignedRoles {
  roles(triples, 'assignments');
  for (const [, , generation] of triples) integer(generation, 'assignment');
  return shared(
    ASSIGNED,
    JSON.stringify(triples),
    () => new Map(triples.map(([id, role, generation]) => [id, { role, generation }])),
  );
}

function generations(pairs: readonly Reference[]): ReadonlyMap<string, Generation> {
  return shared(GENERATIONS, JSON.stringify(pairs), () => new Map(pairs));
}

/** A list that cannot be read opens nothing: the whole record is damaged. */
function ranges(list: TokenRecord['allowedAddresses']): readonly AddressRange[] | null {
  if (list === undefined || list === null) return null;
  texts(list, 'allowedAddresses');
  return shared(RANGES, JSON.stringify(list), () =>
    list.map((text) => {
      const range = readRange(text);
      if (range === null) throw new TypeError('allowedAddresses: not an address or network');
      return range;
    }),
  );
}

/**
 * Texts, sets and maps that many facts have alike, kept once: less memory, and what a request reads is more often in the
 * processor's cache already (with a thousand tokens in use a decision costs a third less). Dropped whole when full.
 */
const SHARED_MAX = 10_000;
const TEXTS = new Map<string, string>();
const SETS = new Map<string, ReadonlySet<string>>();
const ROLE_MAPS = new Map<string, ReadonlyMap<string, Role>>();
const ASSIGNED = new Map<string, AssignedRoles>();
const GENERATIONS = new Map<string, ReadonlyMap<string, Generation>>();
const RANGES = new Map<string, readonly AddressRange[]>();

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

function integerOrNull(value: unknown, name: string): void {
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

function oneOf(allowed: ReadonlySet<unknown>, value: unknown, name: string): void {
  if (!allowed.has(value)) throw new TypeError(`${name}: unknown value`);
}

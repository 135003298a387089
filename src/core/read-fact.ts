/**
 * Turns a stored record into the fact the hot path reads, once it has passed its check: a damaged record must never
 * become a yes. Runs once per record and cache fill, never per request.
 */
import { type AddressRange, readRange } from './address-range.ts';
import { checkRecord } from './check-record.ts';
import type {
  AccountRecord,
  AssignedRoles,
  Assignments,
  CredentialRecord,
  EnvironmentRecord,
  Fact,
  FactKind,
  Generation,
  IamPolicyRecord,
  MemberRecord,
  OrganizationRecord,
  Reference,
  ResourceRecord,
  Role,
  SnapshotRecord,
  TeamRecord,
  TokenRecord,
  WorkspaceRecord,
} from './facts.ts';
import {
  accountKey,
  iamPolicyKey,
  linkTo,
  memberKey,
  organizationKey,
  snapshotKey,
  teamKey,
  tokenKey,
  workspaceKey,
} from './facts.ts';
import { compileStatement } from './iam.ts';

/** The second part of a key that has one. */
function organizationOf(key: string): string {
  return key.split('/', 2)[1]!;
}

/** Throws TypeError when the record is not what its key says; the caller answers as for an outage, never as a no. */
export function readFact(key: string, record: unknown): Fact {
  return READERS[checkRecord(key, record)](record as never, key);
}

const READERS: { readonly [K in FactKind]: (record: never, key: string) => Fact } = {
  organization: ({ id, generation, deletedAtMs }: OrganizationRecord) => ({ id, generation, deletedAtMs }),
  credential: (record: CredentialRecord) => {
    const { organizationId, tokenId } = record;
    return { token: linkTo('token', tokenKey(organizationId, tokenId)), organizationId, tokenId };
  },
  token: (record: TokenRecord) => {
    const { organizationId, ownerId, clientId, workspaces, environments, snapshotId } = record;
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
      apiVersion: record.apiVersion ? one(record.apiVersion) : null,
      scopes: record.scopes === null ? 'all' : setOf(record.scopes),
      workspaces: isRule ? workspaces : generations(workspaces),
      listed: isRule ? [] : workspaces.map(([id, generation]) => listed(organizationId, id, generation)),
      organizationId: one(organizationId),
      roles: shared(ROLE_MAPS, JSON.stringify(record.roles), () => new Map(record.roles)),
      snapshot: snapshotId ? linkTo('snapshot', snapshotKey(organizationId, snapshotId)) : null,
      account: clientId === null ? null : linkTo('account', accountKey(organizationId, clientId)),
      id: record.id,
      replaced: record.replaced,
      ownerId,
      scopesText: record.scopes === null ? '' : one(record.scopes.join(' ')),
      environments: environments ? generations(environments) : null,
      environmentsText: environments ? one(environments.map(([id]) => id).join(',')) : '',
      workspacesText: isRule ? '*' : one(workspaces.map(([id]) => id).join(',')),
      clientId,
      edition: record.edition,
      kind: one(record.kind),
      stateReason: record.stateReason,
      createdAtMs: record.createdAtMs,
      use: null,
      scopesNoted: null,
    };
  },
  snapshot: ({ roles, ...rest }: SnapshotRecord) => ({ ...rest, roles: assignments(roles) }),
  member: (record: MemberRecord) => {
    return {
      generation: record.generation,
      edition: record.edition,
      role: one(record.role),
      scopes: record.scopes === null ? null : setOf(record.scopes),
      teams: record.teams.map(([id, generation]) => ({
        team: linkTo('team', teamKey(record.organizationId, id)),
        generation,
      })),
      policies: attached(record.organizationId, record.policies),
      assignments: assignments(record.assignments),
      organizationId: one(record.organizationId),
      id: record.id,
    };
  },
  team: (record: TeamRecord, key) => {
    const policies = attached(organizationOf(key), record.policies);
    return { generation: record.generation, policies, assignments: assignments(record.assignments) };
  },
  'iam-policy': ({ generation, statements }: IamPolicyRecord) => ({
    generation,
    statements: statements.map(compileStatement),
  }),
  account: (record: AccountRecord) => {
    const { organizationId, clientId, tokensFrom } = record;
    return { organizationId, clientId, tokensFrom, assignments: assignments(record.assignments) };
  },
  workspace: (record: WorkspaceRecord) => record,
  environment: (record: EnvironmentRecord, key) => {
    const { generation = 0, workspaceId, workspaceGeneration } = record;
    const workspace = linkTo('workspace', workspaceKey(organizationOf(key), workspaceId));
    return { generation, workspaceId, workspaceGeneration, workspace };
  },
  resource: (record: ResourceRecord, key) => {
    return {
      workspaceId: record.workspaceId,
      workspaceGeneration: record.workspaceGeneration,
      workspace: linkTo('workspace', workspaceKey(organizationOf(key), record.workspaceId)),
      owner: record.owner,
      collaborators: new Map(record.collaborators),
    };
  },
};

function listed(organizationId: string, id: string, generation: Generation) {
  return { workspace: linkTo('workspace', workspaceKey(organizationId, id)), generation };
}

const UNATTACHED: readonly never[] = [];

function attached(organizationId: string, policies: readonly Reference[] | undefined) {
  if (policies === undefined || policies.length === 0) return UNATTACHED;
  return policies.map(([id, generation]) => ({
    policy: linkTo('iam-policy', iamPolicyKey(organizationId, id)),
    generation,
  }));
}

function assignments(triples: Assignments): AssignedRoles {
  return shared(
    ASSIGNED,
    JSON.stringify(triples),
    () => new Map(triples.map(([id, role, generation]) => [id, { role, generation }])),
  );
}

function generations(pairs: readonly Reference[]): ReadonlyMap<string, Generation> {
  return shared(GENERATIONS, JSON.stringify(pairs), () => new Map(pairs));
}

function ranges(list: TokenRecord['allowedAddresses']): readonly AddressRange[] | null {
  if (list === undefined || list === null) return null;
  return shared(RANGES, JSON.stringify(list), () => list.map((text) => readRange(text)!));
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

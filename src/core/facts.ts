/**
 * The vocabulary of what is known: the records that the store keeps, and the facts the hot path reads from them
 * (lists parsed into sets once, when cached). Every fact has a key; a change names the keys it touched.
 */
import type { AddressRange } from './address-range.ts';
import type { CompiledStatement, IamStatement } from './iam.ts';
import type { ScopeRequirement, ScopeSet } from './scope.ts';

export type Role = 'member' | 'admin';
export type Edition = 'personal' | 'team' | 'enterprise';
type TokenState = 'active' | 'inactive' | 'revoked';
export type StateReason = 'owner_removed' | 'ownership_transferred' | 'rotated' | null;
/** `live` follows its owner, `frozen` keeps what it was created with, `client` is a service account's (contract: policy). */
export type Authority = 'live' | 'frozen' | 'client';
export type AllGrant = 'all-owned' | 'all-joined' | 'all-organization';
/**
 * The number of the change of an organization that made something; each change takes a higher one. An id that is used
 * again has another generation, so whatever names something by its id names its generation, too.
 */
export type Generation = number;
/** An id and the generation that is meant. Lists of pairs: ids are the user's, so never object keys (`constructor` is one). */
export type Reference = readonly [id: string, generation: Generation];
/** Which workspaces a token was granted: a list, or a rule evaluated on every request. */
export type WorkspaceGrant = readonly Reference[] | AllGrant;
/** Roles in workspaces. */
export type Assignments = ReadonlyArray<readonly [workspaceId: string, role: Role, generation: Generation]>;

export const ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._@|-]{0,127}$';
/** Printable ASCII, as blanks inside may be: it is sent on as a header's value. */
export const API_VERSION_PATTERN = '^[!-~](?:[ -~]{0,48}[!-~])?$';
const ID_LENGTH_MAX = 128;
/** By character: 2 may start an id, 1 may stand further on. A loop takes a fifth of the regular expression's time. */
const ID_CODES = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  return /[A-Za-z0-9]/.test(char) ? 2 : Number(/[._@|-]/.test(char));
});

/** May this text be an id at all (ID_PATTERN)? Anything else is answered as one that does not exist, without a look-up. */
export function isId(text: string): boolean {
  if (text.length > ID_LENGTH_MAX || ID_CODES[text.charCodeAt(0)] !== 2) return false;
  for (let index = 1; index < text.length; index++) if (!(ID_CODES[text.charCodeAt(index)]! > 0)) return false;
  return true;
}

/** The 256-bit SHA-256 of a token, base64url. The only form in which a token is kept, looked up or logged. */
export type TokenHash = string & { readonly __brand: 'TokenHash' };

export interface CredentialRecord {
  readonly organizationId: string;
  readonly tokenId: string;
  /** Of another system, known by its hash. Once ended it stays for ever, so that it cannot be imported again. */
  readonly imported?: true;
}

/** A value that a rotation replaced, and until when it still works. */
export interface ReplacedValue {
  readonly hash: TokenHash;
  /** Milliseconds since 1970. */
  readonly endsAtMs: number;
}

/**
 * The wall between tenants. A deleted organization stays, unseen, until nothing of it is left; a token of an earlier
 * generation belongs to an organization that had the same id.
 */
export interface OrganizationRecord {
  readonly id: string;
  readonly generation: Generation;
  readonly deletedAtMs: number | null;
}

export interface TokenRecord {
  readonly organizationId: string;
  readonly edition: Edition;
  readonly id: string;
  readonly kind: string;
  readonly authority: Authority;
  /** The change that granted it what it has: what ended all tokens of some kind before ended this one, unless it is newer. */
  readonly generation: Generation;
  /** Its value. No other works, whatever leads to this token. */
  readonly hash: TokenHash;
  /** The value before, in the grace of a rotation. */
  readonly replaced: ReplacedValue | null;
  readonly ownerId: string | null;
  /** The owner's membership at creation: a member who was removed and came back is somebody else. */
  readonly ownerGeneration: Generation | null;
  readonly clientId: string | null;
  /** null: whatever the owner may do (FEATBIT-14). */
  readonly scopes: readonly string[] | null;
  readonly workspaces: WorkspaceGrant;
  /** Environments that it may touch, within those workspaces; null, or absent in older records: every one. */
  readonly environments?: readonly Reference[] | null;
  /** Frozen tokens: the owner's role in each listed workspace at creation. */
  readonly roles: ReadonlyArray<readonly [workspaceId: string, role: Role]>;
  /**
   * Frozen all-grants: the snapshot of its owner's roles at creation; null or absent: it has none. An older record without
   * one is a member wherever its grant reaches.
   */
  readonly snapshotId?: string | null;
  readonly state: TokenState;
  readonly stateReason: StateReason;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  /** The version of the API behind us that it was made for; null, or absent: none. */
  readonly apiVersion?: string | null;
  /** Addresses and networks that it may be used from; null, or absent in older records: anywhere. */
  readonly allowedAddresses?: readonly string[] | null;
}

/** The roles that a member had at one moment: what frozen all-grants keep. Tokens with the same roles share it. */
export interface SnapshotRecord {
  readonly organizationId: string;
  /** A hash of the rest. */
  readonly id: string;
  /** In every workspace that there was, by the member's organization role; null: none. */
  readonly everywhere: Role | null;
  /** Whether the grant also reaches what came later, as the policy read it. */
  readonly later: boolean;
  /** Where they had more than that. */
  readonly roles: Assignments;
}

export interface MemberRecord {
  readonly organizationId: string;
  readonly edition: Edition;
  readonly id: string;
  readonly generation: Generation;
  readonly role: string;
  /** null: what the role gives. */
  readonly scopes: readonly string[] | null;
  readonly teams: readonly Reference[];
  /** Attached to them; absent: none. */
  readonly policies?: readonly Reference[];
  readonly assignments: Assignments;
}

/** A named list of statements, attached to members and teams. */
export interface IamPolicyRecord {
  readonly organizationId: string;
  readonly id: string;
  readonly generation: Generation;
  readonly statements: readonly IamStatement[];
}

export interface TeamRecord {
  readonly generation: Generation;
  /** Attached to it; absent: none. */
  readonly policies?: readonly Reference[];
  readonly assignments: Assignments;
}

export interface AccountRecord {
  readonly organizationId: string;
  readonly clientId: string;
  readonly assignments: Assignments;
  /** Its tokens of an earlier generation have ended. */
  readonly tokensFrom: Generation;
}

/** A deleted workspace stays, unseen, until nothing names it any more. */
export interface WorkspaceRecord {
  readonly organizationId: string;
  readonly id: string;
  readonly generation: Generation;
  readonly ownerId: string;
  readonly ownerGeneration: Generation;
  /** The change that last handed it over; null: it is still with whom it was created for. */
  readonly transferredIn: Generation | null;
  /** By kind of token: those that list this workspace and are of an earlier generation ended with a transfer. */
  readonly tokensFrom: ReadonlyArray<readonly [kind: string, generation: Generation]>;
  readonly deletedAtMs: number | null;
}

export interface EnvironmentRecord {
  /** Absent in older records, whose id was used once: 0. */
  readonly generation?: Generation;
  readonly workspaceId: string;
  readonly workspaceGeneration: Generation;
}

/** A member, with the generation of the membership; or a service account, whose ids are never used again. */
export type Party = readonly [id: string, generation: Generation | null];

export interface ResourceRecord {
  readonly workspaceId: string;
  readonly workspaceGeneration: Generation;
  readonly owner: Party;
  readonly collaborators: readonly Party[];
}

/**
 * The way from a fact to another one: its key, made once, and where it led last, so that the next request need not look
 * it up. Only the cache that made the fact writes `fact`, and believes it only in the `epoch` in which it was written.
 */
export interface Link<K extends FactKind> {
  readonly kind: K;
  readonly key: string;
  fact: FactByKind[K] | null;
  epoch: number;
}

export function linkTo<K extends FactKind>(kind: K, key: string): Link<K> {
  return { kind, key, fact: null, epoch: -1 };
}

export interface CredentialFacts extends CredentialRecord {
  readonly token: Link<'token'>;
}

export interface EnvironmentFacts extends EnvironmentRecord {
  readonly generation: Generation;
  readonly workspace: Link<'workspace'>;
}

/** A workspace that a token lists. */
interface ListedWorkspace {
  readonly workspace: Link<'workspace'>;
  readonly generation: Generation;
}

export interface TokenFacts
  extends Omit<
    TokenRecord,
    | 'scopes'
    | 'workspaces'
    | 'environments'
    | 'roles'
    | 'snapshotId'
    | 'apiVersion'
    | 'expiresAtMs'
    | 'allowedAddresses'
  > {
  readonly organization: Link<'organization'>;
  /** null: nobody owns it. */
  readonly owner: Link<'member'> | null;
  /** null: it is no service account's. */
  readonly account: Link<'account'> | null;
  readonly scopes: ScopeSet;
  /** For the identity header: space-separated, empty when the owner's scopes decide. */
  readonly scopesText: string;
  readonly workspaces: ReadonlyMap<string, Generation> | AllGrant;
  /** The same, where it is a list, for what asks about every one. */
  readonly listed: readonly ListedWorkspace[];
  /** For the identity header: comma-separated ids, or `*`. */
  readonly workspacesText: string;
  /** null: every one. */
  readonly environments: ReadonlyMap<string, Generation> | null;
  /** For the identity header: comma-separated ids. */
  readonly environmentsText: string;
  readonly roles: ReadonlyMap<string, Role>;
  /** null: it keeps no roles but these. */
  readonly snapshot: Link<'snapshot'> | null;
  /** null: it was made for none. */
  readonly apiVersion: string | null;
  /** Infinity: never. */
  readonly expiresAtMs: number;
  /** null: anywhere. */
  readonly allowedAddresses: readonly AddressRange[] | null;
  /** Its last use, until that is written down; null: not used since. Only who counts uses touches this. */
  use: { atMs: number } | null;
  /** What it was let through for, as far as that is noted already, and until when that says enough; null: for nothing yet. */
  scopesNoted: { readonly for: Set<ScopeRequirement>; readonly untilMs: number } | null;
}

/** By workspace. */
export type AssignedRoles = ReadonlyMap<string, { readonly role: Role; readonly generation: Generation }>;

type AttachedPolicies = ReadonlyArray<{ readonly policy: Link<'iam-policy'>; readonly generation: Generation }>;

export interface MemberFacts extends Omit<MemberRecord, 'scopes' | 'teams' | 'policies' | 'assignments'> {
  readonly policies: AttachedPolicies;
  readonly teams: ReadonlyArray<{ readonly team: Link<'team'>; readonly generation: Generation }>;
  readonly scopes: ScopeSet | null;
  readonly assignments: AssignedRoles;
}

export interface SnapshotFacts extends Omit<SnapshotRecord, 'roles'> {
  readonly roles: AssignedRoles;
}

interface IamPolicyFacts {
  readonly generation: Generation;
  readonly statements: readonly CompiledStatement[];
}

interface TeamFacts {
  readonly generation: Generation;
  readonly policies: AttachedPolicies;
  readonly assignments: AssignedRoles;
}

interface AccountFacts extends Omit<AccountRecord, 'assignments'> {
  readonly assignments: AssignedRoles;
}

interface ResourceFacts {
  readonly workspace: Link<'workspace'>;
  readonly workspaceId: string;
  readonly workspaceGeneration: Generation;
  readonly owner: Party;
  readonly collaborators: ReadonlyMap<string, Generation | null>;
}

/** Every kind of fact the decision may ask for, by the first part of its key. */
export interface FactByKind {
  readonly organization: OrganizationRecord;
  readonly credential: CredentialFacts;
  readonly token: TokenFacts;
  readonly snapshot: SnapshotFacts;
  readonly member: MemberFacts;
  readonly team: TeamFacts;
  readonly 'iam-policy': IamPolicyFacts;
  readonly account: AccountFacts;
  readonly workspace: WorkspaceRecord;
  readonly environment: EnvironmentFacts;
  readonly resource: ResourceFacts;
}
export type FactKind = keyof FactByKind;
export type Fact = FactByKind[FactKind];
/** What requests name by its bare id, within the token's organization. */
export type PlaceKind = 'workspace' | 'environment';

/** The one key without a slash: it is asked for on every request, and joining it would cost more than finding it. */
export const credentialKey = (hash: TokenHash): string => hash;
export const organizationKey = (id: string): string => `organization/${id}`;
export const tokenKey = (organizationId: string, id: string): string => `token/${organizationId}/${id}`;
export const snapshotKey = (organizationId: string, id: string): string => `snapshot/${organizationId}/${id}`;
export const memberKey = (organizationId: string, id: string): string => `member/${organizationId}/${id}`;
export const teamKey = (organizationId: string, id: string): string => `team/${organizationId}/${id}`;
export const iamPolicyKey = (organizationId: string, id: string): string => `iam-policy/${organizationId}/${id}`;
export const accountKey = (organizationId: string, clientId: string): string => `account/${organizationId}/${clientId}`;
export const workspaceKey = (organizationId: string, id: string): string => `workspace/${organizationId}/${id}`;
export const environmentKey = (organizationId: string, id: string): string => `environment/${organizationId}/${id}`;
export const resourceKey = (organizationId: string, type: string, id: string): string =>
  `resource/${organizationId}/${type}/${id}`;

/** What stands under a key: its first part. */
export function kindOf(key: string): string {
  const slash = key.indexOf('/');
  return slash === -1 ? 'credential' : key.slice(0, slash);
}

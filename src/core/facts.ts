/**
 * The vocabulary of what is known: the records that the store keeps, and the facts the hot path reads from them
 * (lists parsed into sets once, when cached). Every fact has a key; a change names the keys it touched.
 */
import type { ScopeSet } from './scope.ts';

export type Role = 'member' | 'admin';
export type Edition = 'personal' | 'team' | 'enterprise';
export type TokenState = 'active' | 'inactive' | 'revoked';
export type StateReason = 'owner_removed' | 'ownership_transferred' | 'rotated' | null;
/** `live` follows its owner, `frozen` keeps what it was created with, `client` is a service account's (contract: policy). */
export type Authority = 'live' | 'frozen' | 'client';
export type AllGrant = 'all-owned' | 'all-joined' | 'all-organization';
/** Which workspaces a token was granted: a list, or a rule evaluated on every request. */
export type WorkspaceGrant = readonly string[] | AllGrant;
/** [id, role] pairs: ids are the user's, so never object keys (`constructor` is a valid id). */
export type Assignments = ReadonlyArray<readonly [string, Role]>;

export const ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._@|-]{0,127}$';
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
  /** A rotated-out value works until here; null: as long as its token. Milliseconds since 1970. */
  readonly endsAtMs: number | null;
  /** Of another system, known by its hash. Once ended it stays for ever, so that it cannot be imported again. */
  readonly imported?: true;
}

export interface TokenRecord {
  readonly organizationId: string;
  readonly edition: Edition;
  readonly id: string;
  readonly kind: string;
  readonly authority: Authority;
  readonly ownerId: string | null;
  /** The owner's membership at creation: a member who was removed and came back is somebody else. */
  readonly ownerGeneration: string | null;
  readonly clientId: string | null;
  /** null: whatever the owner may do (FEATBIT-14). */
  readonly scopes: readonly string[] | null;
  readonly workspaces: WorkspaceGrant;
  /** Frozen tokens: the owner's role in each listed workspace at creation. */
  readonly roles: Assignments;
  readonly state: TokenState;
  readonly stateReason: StateReason;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
}

export interface MemberRecord {
  readonly organizationId: string;
  readonly edition: Edition;
  readonly id: string;
  readonly generation: string;
  readonly role: string;
  /** null: what the role gives. */
  readonly scopes: readonly string[] | null;
  readonly teams: readonly string[];
  readonly assignments: Assignments;
}

export interface TeamRecord {
  readonly assignments: Assignments;
}

export interface AccountRecord {
  readonly organizationId: string;
  readonly clientId: string;
  readonly assignments: Assignments;
}

export interface WorkspaceRecord {
  readonly organizationId: string;
  readonly id: string;
  readonly ownerId: string;
  /** When it last changed hands; null: it is still with whom it was created for. Milliseconds since 1970. */
  readonly transferredAtMs: number | null;
}

export interface EnvironmentRecord {
  readonly workspaceId: string;
}

export interface ResourceRecord {
  readonly workspaceId: string;
  readonly ownerId: string;
  readonly collaborators: readonly string[];
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
  readonly workspace: Link<'workspace'>;
}

export interface TokenFacts extends Omit<TokenRecord, 'scopes' | 'workspaces' | 'roles' | 'expiresAtMs'> {
  /** null: nobody owns it. */
  readonly owner: Link<'member'> | null;
  /** null: it is no service account's. */
  readonly account: Link<'account'> | null;
  readonly scopes: ScopeSet;
  /** For the identity header: space-separated, empty when the owner's scopes decide. */
  readonly scopesText: string;
  readonly workspaces: ReadonlySet<string> | AllGrant;
  /** For the identity header: comma-separated ids, or `*`. */
  readonly workspacesText: string;
  readonly roles: ReadonlyMap<string, Role>;
  /** Infinity: never. */
  readonly expiresAtMs: number;
  /** Its last use, until that is written down; null: not used since. Only who counts uses touches this. */
  use: { atMs: number } | null;
}

export interface MemberFacts extends Omit<MemberRecord, 'scopes' | 'teams' | 'assignments'> {
  readonly teams: ReadonlyArray<Link<'team'>>;
  readonly scopes: ScopeSet | null;
  readonly assignments: ReadonlyMap<string, Role>;
}

export interface TeamFacts {
  readonly assignments: ReadonlyMap<string, Role>;
}

export interface AccountFacts {
  readonly organizationId: string;
  readonly clientId: string;
  readonly assignments: ReadonlyMap<string, Role>;
}

export interface ResourceFacts {
  readonly workspace: Link<'workspace'>;
  readonly workspaceId: string;
  readonly ownerId: string;
  readonly collaborators: ReadonlySet<string>;
}

/** Every kind of fact the decision may ask for, by the first part of its key. */
export interface FactByKind {
  readonly credential: CredentialFacts;
  readonly token: TokenFacts;
  readonly member: MemberFacts;
  readonly team: TeamFacts;
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
export const tokenKey = (organizationId: string, id: string): string => `token/${organizationId}/${id}`;
export const memberKey = (organizationId: string, id: string): string => `member/${organizationId}/${id}`;
export const teamKey = (organizationId: string, id: string): string => `team/${organizationId}/${id}`;
export const accountKey = (organizationId: string, clientId: string): string => `account/${organizationId}/${clientId}`;
export const workspaceKey = (organizationId: string, id: string): string => `workspace/${organizationId}/${id}`;
export const environmentKey = (organizationId: string, id: string): string => `environment/${organizationId}/${id}`;
export const resourceKey = (organizationId: string, type: string, id: string): string =>
  `resource/${organizationId}/${type}/${id}`;

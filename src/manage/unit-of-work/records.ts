/**
 * The records as stored: the facts that the hot path reads, and beside them what only people need. Types, and
 * how a deleted one is told.
 */
import type {
  AccountRecord,
  CredentialRecord,
  Edition,
  EnvironmentRecord,
  Generation,
  IamPolicyRecord,
  MemberRecord,
  OrganizationRecord,
  ResourceRecord,
  SnapshotRecord,
  TeamRecord,
  TokenHash,
  TokenRecord,
  WorkspaceRecord,
} from '../../core/facts.ts';

/** Holds organizations, and what they may have together. */
export interface EnterpriseDoc {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
}

export interface OrganizationDoc extends OrganizationRecord {
  readonly name: string;
  readonly edition: Edition;
  /** Whose it is; null, or absent in older records: nobody's. */
  readonly enterpriseId?: string | null;
  readonly createdAtMs: number;
}

export interface MemberDoc extends MemberRecord {
  readonly name: string;
  readonly email: string | null;
  /** IAM actions; null: what the role gives. */
  readonly actions: readonly string[] | null;
  readonly createdAtMs: number;
}

export interface IamPolicyDoc extends IamPolicyRecord {
  readonly name: string;
}

export interface TeamDoc extends TeamRecord {
  readonly organizationId: string;
  readonly id: string;
  readonly name: string;
  readonly members: readonly string[];
}

export interface WorkspaceDoc extends WorkspaceRecord {
  readonly name: string;
  readonly createdAtMs: number;
}

export interface EnvironmentDoc extends EnvironmentRecord {
  readonly organizationId: string;
  readonly id: string;
  readonly name: string;
}

export interface ResourceDoc extends ResourceRecord {
  readonly organizationId: string;
  readonly type: string;
  readonly id: string;
}

/** A service account. A deleted one stays, unseen, as long as tokens that it was issued may live (SCRYDON-17). */
export interface AccountDoc extends AccountRecord {
  readonly edition: Edition;
  readonly name: string;
  /** What it may request. */
  readonly scopes: readonly string[];
  /** SHA-256 of the client secret. */
  readonly secretHash: TokenHash;
  readonly state: 'active' | 'disabled' | 'deleted';
  readonly deletedAtMs: number | null;
  /** Member id, or null for the admin key. */
  readonly createdBy: string | null;
  readonly createdAtMs: number;
}

/** Where a client id belongs: the OAuth endpoints are not told the organization. */
export interface ClientDoc {
  readonly organizationId: string;
  readonly clientId: string;
}

/** What a service account was issued so far. */
export interface IssuanceDoc {
  readonly organizationId: string;
  readonly clientId: string;
  readonly issuedCount: number;
  readonly lastIssuedAtMs: number;
}

/** One line of the audit trail; append-only. */
export interface AuditDoc {
  readonly organizationId: string;
  /** Of the organization. */
  readonly generation?: Generation;
  readonly id: string;
  readonly atMs: number;
  readonly actor: {
    readonly kind: 'admin-key' | 'member' | 'token' | 'client' | 'leak-report';
    readonly id: string | null;
    readonly tokenId: string | null;
  };
  /** `token.revoked`; of a refused attempt the call, `POST /v1/…`. */
  readonly action: string;
  readonly outcome: 'done' | 'refused';
  readonly target: { readonly type: string; readonly id: string } | null;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** Of a refused attempt: why. */
  readonly code: string | null;
  readonly detail: string | null;
}

/** Who is told about changes that concern a token. */
export interface Contacts {
  /** A member. */
  readonly primary: string | null;
  /** Of the primary's membership; absent in older records: whoever bears the id. */
  readonly primaryGeneration?: Generation | null;
  /** Who was the primary contact until they left. */
  readonly formerPrimary?: string | null;
  /** People who need not be members. */
  readonly emails: readonly string[];
}

export interface TokenDoc extends TokenRecord {
  readonly name: string;
  readonly description: string | null;
  /** Member id, or null for the admin key. */
  readonly createdBy: string | null;
  readonly createdAtMs: number;
  /** First characters of the token; null: it was imported, and nobody said. */
  readonly hint: string | null;
  readonly hash: TokenHash;
  readonly apiVersion: string | null;
  readonly contacts: Contacts | null;
}

/**
 * What is left to do after something ended: records that still name it are to be brought up to date. Nothing depends on
 * it; every decision compares generations. It may be interrupted, and is taken up again.
 */
export interface CleanupDoc {
  readonly organizationId: string;
  readonly what: 'organization' | 'workspace' | 'transfer' | 'member' | 'team' | 'account';
  /** Of what ended. */
  readonly id: string;
  /** The change that ended it. */
  readonly generation: Generation;
  /** Who ended it: what follows is told of in their name. */
  readonly actor: AuditDoc['actor'];
  /** A team's, who are in no list. */
  readonly members?: readonly string[];
}

export interface DocByKind {
  readonly enterprise: EnterpriseDoc;
  readonly organization: OrganizationDoc;
  readonly member: MemberDoc;
  readonly team: TeamDoc;
  readonly 'iam-policy': IamPolicyDoc;
  readonly workspace: WorkspaceDoc;
  readonly environment: EnvironmentDoc;
  readonly resource: ResourceDoc;
  readonly token: TokenDoc;
  readonly snapshot: SnapshotRecord;
  readonly credential: CredentialRecord;
  readonly account: AccountDoc;
  readonly client: ClientDoc;
  readonly issuance: IssuanceDoc;
  readonly audit: AuditDoc;
  readonly cleanup: CleanupDoc;
}
export type DocKind = keyof DocByKind;

/**
 * Reads records: the store as it stands, or a unit of work with its own writes. A deleted organization or workspace of which
 * something is left is read as one that does not exist.
 */
export interface DocReader {
  get<K extends DocKind>(kind: K, key: string): Promise<DocByKind[K] | null>;
}

/** Was it deleted, and stays only until nothing names it any more? A deleted account is told by its state instead. */
export function isDeleted<K extends DocKind>(kind: K, doc: DocByKind[K]): boolean {
  return (
    (kind === 'organization' || kind === 'workspace') && (doc as OrganizationDoc | WorkspaceDoc).deletedAtMs !== null
  );
}

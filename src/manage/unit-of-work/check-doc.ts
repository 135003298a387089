/**
 * What management relies on in a stored record: what the decision does (core/check-record), and beside it what only people
 * read. One pass over the fields, which makes nothing new, so that lists of a hundred thousand records can afford it.
 */
import { checkRecord, EDITIONS, integer, integerOrNull, oneOf, same, text, texts } from '../../core/check-record.ts';
import { environmentKey, kindOf, resourceKey, teamKey } from '../../core/facts.ts';
import { auditKey, cleanupKey, clientKey, enterpriseKey, issuanceKey } from './places.ts';
import type {
  AccountDoc,
  AuditDoc,
  CleanupDoc,
  ClientDoc,
  Contacts,
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

const ACCOUNT_STATES = new Set<unknown>(['active', 'disabled', 'deleted']);
const STATE_REASONS = new Set<unknown>(['owner_removed', 'ownership_transferred', 'rotated', null]);
const ACTORS = new Set<unknown>(['admin-key', 'member', 'token', 'client', 'leak-report']);
const OUTCOMES = new Set<unknown>(['done', 'refused']);
const CLEANUPS = new Set<unknown>(['organization', 'workspace', 'transfer', 'member', 'team', 'account']);

/** The record as a document of this kind. Throws TypeError, with the key and the field, when it is none or another's. */
export function checkDoc<K extends DocKind>(kind: K, key: string, record: unknown): DocByKind[K] {
  if (kindOf(key) !== kind) throw new TypeError(`${key}: not the key of a record of the kind "${kind}"`);
  if (typeof record !== 'object' || record === null) throw new TypeError(`${key}: not a record`);
  try {
    if (!OWN_KINDS.has(kind)) checkRecord(key, record);
    CHECKS[kind](record as never, key);
  } catch (error) {
    const { message } = error as Error;
    throw message.startsWith(key) ? error : new TypeError(`${key}: ${message}`);
  }
  return record as DocByKind[K];
}

/** Kinds that no decision reads. */
const OWN_KINDS: ReadonlySet<DocKind> = new Set(['enterprise', 'client', 'issuance', 'audit', 'cleanup']);

const CHECKS: { readonly [K in DocKind]: (doc: never, key: string) => void } = {
  enterprise: (doc: EnterpriseDoc, key) => {
    same(key, enterpriseKey(doc.id));
    string(doc.name, 'name');
    integer(doc.createdAtMs, 'createdAtMs');
  },
  organization: (doc: OrganizationDoc) => {
    string(doc.name, 'name');
    if (doc.enterpriseId !== undefined) stringOrNull(doc.enterpriseId, 'enterpriseId');
    oneOf(EDITIONS, doc.edition, 'edition');
    integer(doc.createdAtMs, 'createdAtMs');
  },
  member: (doc: MemberDoc) => {
    string(doc.name, 'name');
    stringOrNull(doc.email, 'email');
    if (doc.actions !== null) texts(doc.actions, 'actions');
    integer(doc.createdAtMs, 'createdAtMs');
  },
  team: (doc: TeamDoc, key) => {
    same(key, teamKey(doc.organizationId, doc.id));
    string(doc.name, 'name');
    texts(doc.members, 'members');
  },
  'iam-policy': (doc: IamPolicyDoc) => string(doc.name, 'name'),
  workspace: (doc: WorkspaceDoc) => {
    string(doc.name, 'name');
    integer(doc.createdAtMs, 'createdAtMs');
  },
  environment: (doc: EnvironmentDoc, key) => {
    same(key, environmentKey(doc.organizationId, doc.id));
    string(doc.name, 'name');
  },
  resource: (doc: ResourceDoc, key) => same(key, resourceKey(doc.organizationId, doc.type, doc.id)),
  token: (doc: TokenDoc) => {
    string(doc.name, 'name');
    stringOrNull(doc.description, 'description');
    stringOrNull(doc.ownerId, 'ownerId');
    stringOrNull(doc.clientId, 'clientId');
    oneOf(STATE_REASONS, doc.stateReason, 'stateReason');
    stringOrNull(doc.createdBy, 'createdBy');
    stringOrNull(doc.hint, 'hint');
    stringOrNull(doc.apiVersion, 'apiVersion');
    if (doc.contacts !== null) contacts(doc.contacts);
  },
  snapshot: () => {},
  credential: ({ imported }: DocByKind['credential']) => {
    if (imported !== undefined && imported !== true) throw new TypeError('imported: unknown value');
  },
  account: (doc: AccountDoc) => {
    oneOf(EDITIONS, doc.edition, 'edition');
    string(doc.name, 'name');
    texts(doc.scopes, 'scopes');
    text(doc.secretHash, 'secretHash');
    oneOf(ACCOUNT_STATES, doc.state, 'state');
    integerOrNull(doc.deletedAtMs, 'deletedAtMs');
    stringOrNull(doc.createdBy, 'createdBy');
    integer(doc.createdAtMs, 'createdAtMs');
  },
  client: (doc: ClientDoc, key) => {
    text(doc.organizationId, 'organizationId');
    same(key, clientKey(doc.clientId));
  },
  issuance: (doc: IssuanceDoc, key) => {
    same(key, issuanceKey(doc.organizationId, doc.clientId));
    integer(doc.issuedCount, 'issuedCount');
    integer(doc.lastIssuedAtMs, 'lastIssuedAtMs');
  },
  audit: (doc: AuditDoc, key) => {
    same(key, auditKey(doc.organizationId, doc.id));
    if (doc.generation !== undefined) integer(doc.generation, 'generation');
    integer(doc.atMs, 'atMs');
    actor(doc.actor);
    text(doc.action, 'action');
    oneOf(OUTCOMES, doc.outcome, 'outcome');
    mappingOrNull(doc.target, 'target');
    if (doc.target !== null) {
      string(doc.target.type, 'target');
      string(doc.target.id, 'target');
    }
    mappingOrNull(doc.before, 'before');
    mappingOrNull(doc.after, 'after');
    stringOrNull(doc.code, 'code');
    stringOrNull(doc.detail, 'detail');
  },
  cleanup: (doc: CleanupDoc, key) => {
    oneOf(CLEANUPS, doc.what, 'what');
    integer(doc.generation, 'generation');
    same(key, cleanupKey(doc));
    actor(doc.actor);
    if (doc.members !== undefined) texts(doc.members, 'members');
  },
};

function actor(value: AuditDoc['actor']): void {
  mappingOrNull(value, 'actor');
  oneOf(ACTORS, value?.kind, 'actor');
  stringOrNull(value.id, 'actor');
  stringOrNull(value.tokenId, 'actor');
}

function contacts(value: Contacts): void {
  stringOrNull(value.primary, 'contacts');
  if (value.primaryGeneration !== undefined) integerOrNull(value.primaryGeneration, 'contacts');
  if (value.formerPrimary !== undefined) stringOrNull(value.formerPrimary, 'contacts');
  texts(value.emails, 'contacts');
}

/** Unlike an id, it may be empty. */
function string(value: unknown, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`${name}: not a text`);
}

function stringOrNull(value: unknown, name: string): void {
  if (value !== null) string(value, name);
}

function mappingOrNull(value: unknown, name: string): void {
  if (typeof value !== 'object' || Array.isArray(value)) throw new TypeError(`${name}: not a mapping`);
}

/**
 * Access tokens of service accounts: issued, looked up, ended, and purged once they have expired. Works on one account,
 * not on its organization: issuing must not wait for management.
 */
import { isCurrent } from '../../core/decide.ts';
import { accountKey, credentialKey, organizationKey, type TokenHash, tokenKey } from '../../core/facts.ts';
import { ACCESS_TOKEN_PREFIX, type Policy } from '../../core/policy.ts';
import { covers } from '../../core/scope.ts';
import { hashToken, mintToken } from '../../secret.ts';
import type { Store, Write } from '../../store/store.ts';
import { type AuditLine, auditDoc, describeWrite } from '../audit.ts';
import { reader } from '../context.ts';
import { removal } from '../unit-of-work/cleanup.ts';
import { clientKey, issuanceKey, lists, place } from '../unit-of-work/places.ts';
import type { AccountDoc, AuditDoc, TokenDoc } from '../unit-of-work/records.ts';
import { getDoc, scanDocs } from '../unit-of-work/stored-docs.ts';
import { type Full, inTurn, nextTurn } from './issuance.ts';
import { standingOf } from './standing.ts';
import { newTokenId } from './token-id.ts';

const ACCESS_TOKEN_KIND = 'client_credentials';

export interface FoundAccount {
  readonly doc: AccountDoc;
  readonly version: number;
}

/** null: no such client, or a deleted one. Rejects with StoreUnavailable. */
export async function findAccount(store: Store, clientId: string): Promise<FoundAccount | null> {
  const client = await getDoc(store, 'client', clientKey(clientId));
  if (client === null) return null;
  const stored = await getDoc(store, 'account', accountKey(client.doc.organizationId, clientId));
  return stored === null || stored.doc.state === 'deleted' ? null : stored;
}

/**
 * The scopes a token gets: those asked for, or all granted that the policy still knows. null: one was not granted
 * (SCRYDON-12), or there is none left.
 */
export function grantScopes(
  account: AccountDoc,
  policy: Policy,
  asked: readonly string[] | null,
): readonly string[] | null {
  const granted = new Set(account.scopes.filter((scope) => policy.scopes.has(scope)));
  const wanted = asked === null ? granted : new Set(asked);
  const within = [...wanted].every((scope) => policy.scopes.has(scope) && covers(granted, scope));
  return within && wanted.size > 0 ? [...wanted] : null;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresInSeconds: number;
}

export interface IssueTerms {
  readonly lifeMs: number;
  readonly nowMs: number;
  /** Most of one account that live at once. */
  readonly liveMax: number;
  /** Whether each leaves a line in the audit trail. */
  readonly told: boolean;
}

/**
 * null: the account changed meanwhile (disabled, rotated, deleted), or another process issued it a token; the caller
 * authenticates it again.
 */
export function issueAccessToken(
  store: Store,
  account: FoundAccount,
  scopes: readonly string[],
  terms: IssueTerms,
): Promise<IssuedToken | Full | null> {
  return inTurn(store, account.doc, () => issueNow(store, account, scopes, terms));
}

async function issueNow(
  store: Store,
  { doc, version }: FoundAccount,
  scopes: readonly string[],
  { lifeMs, nowMs, liveMax, told }: IssueTerms,
): Promise<IssuedToken | Full | null> {
  const turn = await nextTurn(store, doc, liveMax, nowMs);
  if ('untilMs' in turn) return turn;
  const token = mintToken(ACCESS_TOKEN_PREFIX);
  const hash = token.hash();
  const hint = token.hint(ACCESS_TOKEN_PREFIX);
  const record = accessToken(doc, scopes, { hash, hint }, nowMs, lifeMs);
  const credential = { organizationId: doc.organizationId, tokenId: record.id };
  const writes = [
    { ...place('token', record), record },
    { ...place('credential', credential, { hash }), record: credential },
    turn.write,
  ];
  if (told) writes.push(await toldOf(store, record, doc.clientId, nowMs));
  // No unit of work: it expects the account and its count as read, and must not wait for the organization's turn.
  const committed = await store.commit({
    expects: [{ key: accountKey(doc.organizationId, doc.clientId), version }, turn.expects],
    writes,
  });
  return committed.ok ? { token: token.reveal(), expiresInSeconds: Math.floor(lifeMs / 1000) } : null;
}

function accessToken(
  doc: AccountDoc,
  scopes: readonly string[],
  value: { readonly hash: TokenHash; readonly hint: string },
  nowMs: number,
  lifeMs: number,
): TokenDoc {
  return {
    organizationId: doc.organizationId,
    edition: doc.edition,
    id: newTokenId(nowMs),
    // What ends the account's tokens takes a higher number, and changes the account: one of the two comes too late.
    generation: doc.tokensFrom,
    kind: ACCESS_TOKEN_KIND,
    authority: 'client',
    ownerId: null,
    ownerGeneration: null,
    clientId: doc.clientId,
    scopes,
    workspaces: 'all-organization',
    roles: [],
    state: 'active',
    stateReason: null,
    expiresAtMs: nowMs + lifeMs,
    name: doc.name,
    description: null,
    createdBy: null,
    createdAtMs: nowMs,
    replaced: null,
    apiVersion: null,
    contacts: null,
    ...value,
  };
}

async function toldOf(store: Store, record: TokenDoc, clientId: string, nowMs: number): Promise<Write> {
  const actor = { kind: 'client', id: clientId, tokenId: null } as const;
  const created = describeWrite({ kind: 'token', before: null, after: { ...record } })!;
  return eventOf(store, record.organizationId, actor, nowMs, created);
}

async function eventOf(
  store: Store,
  organizationId: string,
  actor: AuditDoc['actor'],
  nowMs: number,
  line: AuditLine,
): Promise<Write> {
  const found = await getDoc(store, 'organization', organizationKey(organizationId));
  const record = auditDoc(found?.doc ?? { id: organizationId }, actor, nowMs, line);
  return { ...place('audit', record), record };
}

/** Any token by its text, as it stands: personal, service or access token. null: unknown, or its value was replaced. */
export function findToken(store: Store, text: string, nowMs: number): Promise<TokenDoc | null> {
  return findTokenByHash(store, hashToken(text), nowMs);
}

/** The same for whoever kept no more than the hash. */
export async function findTokenByHash(store: Store, hash: TokenHash, nowMs: number): Promise<TokenDoc | null> {
  const credential = await reader(store).get('credential', credentialKey(hash));
  if (credential === null) return null;
  const token = await reader(store).get('token', tokenKey(credential.organizationId, credential.tokenId));
  return token === null || !isCurrent(token, hash, nowMs) ? null : standingOf(reader(store), token);
}

/** Ends an access token at once, with a line in the audit trail; a second time is no error. `clientId` null: the admin key. */
export async function endAccessToken(
  store: Store,
  doc: TokenDoc,
  clientId: string | null,
  nowMs: number,
): Promise<void> {
  const actor = { kind: clientId === null ? 'admin-key' : 'client', id: clientId, tokenId: null } as const;
  const ended = { action: 'token.revoked', target: { type: 'token', id: doc.id }, before: null, after: null };
  const event = await eventOf(store, doc.organizationId, actor, nowMs, ended);
  const writes = [...removal(doc), event];
  // No unit of work: it only ends something, whatever else changes meanwhile, and must not wait for a turn.
  await store.commit({ expects: [], writes, ends: true });
}

/** Removes access tokens that have expired. Returns how many; call again while it returns `limit`. */
export async function purgeAccessTokens(store: Store, nowMs: number, limit: number): Promise<number> {
  const oldest = await scanDocs(store, 'token', lists.accessTokens(), { limit });
  const expired = oldest.filter((entry) => entry.score <= nowMs).map(({ doc }) => doc);
  if (expired.length === 0) return 0;
  // No unit of work: what has expired changes no more, and its end is no event for the trail.
  await store.commit({ expects: [], writes: expired.flatMap(removal), ends: true });
  return expired.length;
}

/** Far longer than any access token lives. */
const DELETED_KEPT_MS = 48 * 3_600_000;

/** Removes what is left of accounts whose last token has long expired. */
export async function purgeDeletedAccounts(store: Store, nowMs: number, limit: number): Promise<number> {
  const oldest = await scanDocs(store, 'account', lists.deletedAccounts(), { limit });
  const due = oldest.filter((entry) => entry.score <= nowMs - DELETED_KEPT_MS);
  const writes = due.flatMap(({ key, doc: { organizationId, clientId } }) =>
    [key, issuanceKey(organizationId, clientId)].map((each) => ({ key: each, record: null })),
  );
  // No unit of work: what was deleted changes no more, and the trail has told its end.
  if (due.length > 0) await store.commit({ expects: [], writes, ends: true });
  return due.length;
}

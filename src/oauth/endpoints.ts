/**
 * The OAuth endpoints of the gateway and whoami: client_credentials (RFC 6749 section 4.4), introspection (RFC 7662),
 * revocation (RFC 7009), metadata (RFC 8414). An outage is 503, never `active: false` and never success.
 */
import type { Policy } from '../core/policy.ts';
import { isWellFormed } from '../core/token-format.ts';
import type { Endpoint, EndpointCall } from '../edge/endpoint.ts';
import { OPERATOR } from '../manage/actor.ts';
import { Rejection } from '../manage/rejection.ts';
import {
  endAccessToken,
  type FoundAccount,
  findToken,
  grantScopes,
  issueAccessToken,
} from '../manage/tokens/access-tokens.ts';
import { changeTokenState } from '../manage/tokens/token-changes.ts';
import { stateShown } from '../manage/tokens/token-state.ts';
import type { TokenDoc } from '../manage/unit-of-work/records.ts';
import { DamagedRecord, type Store, StoreFull, StoreUnavailable } from '../store/store.ts';
import type { AccountLimit } from './account-limit.ts';
import { type ClientAuthentication, invalidClient, secondMethod } from './client-authentication.ts';
import {
  type EndpointAnswer,
  type Form,
  formEndpoint,
  oauthError,
  plainEndpoint,
  type Recognised,
} from './endpoint.ts';

export interface OAuthParts {
  readonly store: Store;
  readonly policy: () => Policy;
  readonly nowMs: () => number;
  readonly clients: ClientAuthentication;
  readonly isAdmin: (authorization: string | undefined) => boolean;
  /** The issuer: configured, never taken from a request. */
  readonly issuer: string;
  /** Path under which the endpoints stand, e.g. `/api`. */
  readonly prefix: string;
  readonly onError: (error: unknown) => void;
  /** Of each service account. */
  readonly limit: AccountLimit;
  /** Whether each token that is issued leaves an event in the audit trail. */
  readonly tellsIssued: boolean;
  /** Told how each request of an active account for a token ended. */
  readonly onIssue: (outcome: 'issued' | 'too_many_live') => void;
}

export type EndpointName = 'token' | 'introspect' | 'revoke' | 'metadata' | 'whoami';

export function oauthEndpoints(parts: OAuthParts): Readonly<Record<EndpointName, Endpoint>> {
  const onFault = (error: unknown): EndpointAnswer => {
    if (error instanceof StoreFull)
      return oauthError(503, 'temporarily_unavailable', 'The store has no room for a new token.', [
        'Retry-After',
        '60',
      ]);
    if (!(error instanceof StoreUnavailable) || error instanceof DamagedRecord) parts.onError(error);
    return oauthError(503, 'temporarily_unavailable', 'The store could not be asked.', ['Retry-After', '1']);
  };
  return {
    token: formEndpoint(
      (call) => parts.clients.authenticate(call),
      (call, account, form) => issue(parts, call, account, form),
      onFault,
    ),
    introspect: formEndpoint(
      (call) => clientOrAdmin(parts, call),
      (_call, caller, form) => introspect(parts, caller, form),
      onFault,
    ),
    revoke: formEndpoint(
      (call) => clientOrAdmin(parts, call),
      (_call, caller, form) => revoke(parts, caller, form),
      onFault,
    ),
    metadata: plainEndpoint(() => ({ status: 200, body: metadata(parts) }), onFault),
    whoami: plainEndpoint((call) => whoami(parts, call), onFault),
  };
}

async function issue(
  parts: OAuthParts,
  call: EndpointCall,
  account: FoundAccount,
  form: Form,
): Promise<EndpointAnswer> {
  const repeated = form.repeated();
  if (repeated !== null) return oauthError(400, 'invalid_request', `The parameter ${repeated} comes more than once.`);
  const second = secondMethod(form);
  if (second !== null) return second;
  return parts.limit.admit('token', account.doc.clientId, () => issueTo(parts, call, form, account));
}

async function issueTo(
  parts: OAuthParts,
  call: EndpointCall,
  form: Form,
  account: FoundAccount,
): Promise<EndpointAnswer> {
  const grant = form.get('grant_type');
  if (grant === null) return oauthError(400, 'invalid_request', 'grant_type is required.');
  if (grant !== 'client_credentials')
    return oauthError(400, 'unsupported_grant_type', 'Only client_credentials is supported.');
  if (form.get('client_id') !== null && form.get('client_id') !== account.doc.clientId) {
    return oauthError(400, 'invalid_request', 'client_id differs from the authenticated client.');
  }
  if (form.get('resource') !== null) {
    return oauthError(400, 'invalid_target', 'Tokens are organization-scoped; leave resource out.');
  }
  // One answer for unknown, wrong and disabled: whether an account exists is not told.
  if (account.doc.state !== 'active') return invalidClient();
  const { serviceAccounts } = parts.policy();
  if (serviceAccounts === null) return oauthError(400, 'unauthorized_client', 'The policy has no service accounts.');
  const asked =
    form
      .get('scope')
      ?.split(' ')
      .filter((scope) => scope !== '') ?? null;
  const scopes = grantScopes(account.doc, parts.policy(), asked);
  // A scope of nothing but spaces is no list of scopes (RFC 6749 section 3.3), and no way to a token without any.
  if (asked?.length === 0)
    return oauthError(400, 'invalid_scope', 'scope names no scope; leave it out for all of them.');
  if (scopes === null)
    return oauthError(400, 'invalid_scope', 'A scope was asked for that this client was not granted.');
  const { tokenLifeMs: lifeMs, liveTokensMax: liveMax } = serviceAccounts;
  const terms = { lifeMs, liveMax, nowMs: parts.nowMs(), told: parts.tellsIssued };
  const issued = await issueAccessToken(parts.store, account, scopes, terms);
  // The account changed while we looked: nothing is known about it any more.
  if (issued === null) return issueAgain(parts, call, form);
  if ('untilMs' in issued) {
    parts.onIssue('too_many_live');
    return tooManyLive(liveMax, issued.untilMs - terms.nowMs);
  }
  parts.onIssue('issued');
  return {
    status: 200,
    body: {
      access_token: issued.token,
      token_type: 'Bearer',
      expires_in: issued.expiresInSeconds,
      scope: scopes.join(' '),
    },
  };
}

/** Not counted again: it is the same request. */
async function issueAgain(parts: OAuthParts, call: EndpointCall, form: Form): Promise<EndpointAnswer> {
  const again = await parts.clients.authenticate(call);
  return again.ok ? issueTo(parts, call, form, again.caller) : again.answer;
}

function tooManyLive(liveMax: number, waitMs: number): EndpointAnswer {
  const detail = `This client has ${liveMax} tokens that live, and no more are issued: use one until it expires, or revoke some.`;
  return oauthError(429, 'slow_down', detail, ['Retry-After', String(Math.max(1, Math.ceil(waitMs / 1000)))]);
}

/** Clients see their own tokens, the admin key sees any; everything else is inactive, and nothing more is said. */
async function introspect(parts: OAuthParts, caller: Caller, form: Form): Promise<EndpointAnswer> {
  const asked = await askedAbout(parts, caller, form);
  if ('answer' in asked) return asked.answer;
  const { clientId } = asked;
  const tell = () => describe(parts, asked.token);
  return clientId === null ? tell() : parts.limit.admit('introspect', clientId, tell);
}

function describe(parts: OAuthParts, token: TokenDoc | null): EndpointAnswer {
  if (token === null || stateShown(token, parts.nowMs()) !== 'active') return { status: 200, body: { active: false } };
  return {
    status: 200,
    body: {
      active: true,
      token_type: 'Bearer',
      ...(token.scopes === null ? {} : { scope: token.scopes.join(' ') }),
      ...(token.clientId === null ? { sub: token.ownerId } : { client_id: token.clientId, sub: token.clientId }),
      ...(token.environments ? { environments: token.environments.map(([id]) => id) } : {}),
      ...(token.expiresAtMs === null ? {} : { exp: Math.floor(token.expiresAtMs / 1000) }),
      iat: Math.floor(token.createdAtMs / 1000),
      iss: parts.issuer,
      organization_id: token.organizationId,
    },
  };
}

/** RFC 7009 section 2.2: an unknown token, or another client's, is no error and has no effect. */
async function revoke(parts: OAuthParts, caller: Caller, form: Form): Promise<EndpointAnswer> {
  const asked = await askedAbout(parts, caller, form);
  if ('answer' in asked) return asked.answer;
  const { token, clientId } = asked;
  if (token?.authority === 'client') await endAccessToken(parts.store, token, clientId, parts.nowMs());
  // Only the admin key is told of a member's token.
  else if (token !== null)
    await changeTokenState({ ...parts, actor: OPERATOR }, token.organizationId, token.id, 'revoke').catch(ifGone);
  return { status: 200, body: null };
}

/** Deleted since it was looked up: as ended as it can be. */
function ifGone(error: unknown): void {
  if (!(error instanceof Rejection && error.details.kind === 'not_found')) throw error;
}

/** null: the admin key. */
type Caller = FoundAccount | null;

async function clientOrAdmin(parts: OAuthParts, call: EndpointCall): Promise<Recognised<Caller>> {
  const admin = call.authorization.length === 1 && parts.isAdmin(call.authorization[0]);
  return admin ? { ok: true, caller: null } : parts.clients.authenticate(call);
}

/** `clientId` null: the admin key. `token` null: unknown, or none of this caller's. */
type Asked =
  | { readonly clientId: string | null; readonly token: TokenDoc | null }
  | { readonly answer: EndpointAnswer };

/** Who asks, and about which token: clients are told of their own, the admin key of any. */
async function askedAbout(parts: OAuthParts, caller: Caller, form: Form): Promise<Asked> {
  const second = caller === null ? null : secondMethod(form);
  if (second !== null) return { answer: second };
  const clientId = caller?.doc.clientId ?? null;
  const text = form.repeated() === null ? form.get('token') : null;
  if (text === null) return { answer: oauthError(400, 'invalid_request', 'token is required, once.') };
  if (!isWellFormed(text, parts.policy().prefixes)) return { clientId, token: null };
  const token = await findToken(parts.store, text, parts.nowMs());
  return { clientId, token: clientId === null || token?.clientId === clientId ? token : null };
}

/** SCRYDON-11: the granted scopes as they are, not expanded by implication. */
function whoami({ limit }: OAuthParts, { allowed }: EndpointCall): EndpointAnswer | Promise<EndpointAnswer> {
  const { organizationId, clientId, scopes } = allowed!.token;
  if (clientId === null) return oauthError(403, 'access_denied', 'Only a service account has an answer here.');
  const body = { organizationId, clientId, scopes: scopes === 'all' ? [] : [...scopes] };
  return limit.admit('whoami', clientId, () => ({ status: 200, body }));
}

function metadata({ issuer, prefix, policy }: OAuthParts): object {
  const at = (name: string) => `${issuer}${prefix}/auth/oauth2/${name}`;
  return {
    issuer,
    token_endpoint: at('token'),
    introspection_endpoint: at('introspect'),
    revocation_endpoint: at('revoke'),
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['client_secret_basic'],
    introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
    revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
    scopes_supported: [...policy().scopes.keys()],
  };
}

/**
 * Every way to say no, in one table. Status and text are the defaults of the built-in dialects; a policy's own dialect
 * may render a reason otherwise, but never add one. The text is public: it never says more than the client may know.
 */

/** The `error` attribute of a Bearer challenge (RFC 6750 section 3); `bare` = a challenge without one. */
type Challenge = 'bare' | 'invalid_token' | 'insufficient_scope';

/** Who has to act for the next request to succeed. Feeds metrics and alerts. */
type Blame = 'client' | 'upstream' | 'gateway';

export interface ReasonRow {
  /** HTTP status. */
  readonly status: number;
  /** Others that it may have, where a dialect keeps the first. */
  readonly otherStatuses?: readonly number[];
  readonly text: string;
  readonly blame: Blame;
  readonly challenge?: Challenge;
  /** Answer carries Retry-After, in seconds. */
  readonly retryAfterSeconds?: number;
}

export const REASONS = {
  bad_request: { status: 400, text: 'The request could be read in more than one way.', blame: 'client' },
  route_not_found: { status: 404, text: 'No such route.', blame: 'client' },
  method_not_allowed: { status: 405, text: 'This method is not allowed here.', blame: 'client' },
  token_missing: { status: 401, text: 'A bearer token is required.', blame: 'client', challenge: 'bare' },
  token_malformed: { status: 401, text: 'The token is invalid.', blame: 'client', challenge: 'invalid_token' },
  token_unknown: { status: 401, text: 'The token is invalid.', blame: 'client', challenge: 'invalid_token' },
  token_inactive: { status: 401, text: 'The token is invalid.', blame: 'client', challenge: 'invalid_token' },
  owner_removed: { status: 401, text: 'The token is invalid.', blame: 'client', challenge: 'invalid_token' },
  ownership_transferred: { status: 401, text: 'The token is invalid.', blame: 'client', challenge: 'invalid_token' },
  token_expired: { status: 401, text: 'The token has expired.', blame: 'client', challenge: 'invalid_token' },
  address_not_allowed: { status: 403, text: 'Requests from this address are not allowed here.', blame: 'client' },
  scope_missing: {
    status: 403,
    text: 'The token lacks a scope that this route requires.',
    blame: 'client',
    challenge: 'insufficient_scope',
  },
  version_not_supported: {
    status: 403,
    text: 'The token was made for another version of this API.',
    blame: 'client',
  },
  body_too_large: { status: 413, text: 'The body is larger than this route takes.', blame: 'client' },
  body_unreadable: {
    status: 400,
    otherStatuses: [415],
    text: 'The body is not plain JSON or a form in UTF-8, which this route needs.',
    blame: 'client',
  },
  body_timeout: { status: 408, text: 'The body did not come in time.', blame: 'client' },
  workspace_ambiguous: {
    status: 400,
    text: 'The workspace or environment of this request is missing or could be read in more than one way.',
    blame: 'client',
  },
  workspace_not_granted: { status: 403, text: 'The token does not reach this workspace.', blame: 'client' },
  environment_not_granted: { status: 403, text: 'The token does not reach this environment.', blame: 'client' },
  role_insufficient: { status: 403, text: 'The role in this workspace is too low.', blame: 'client' },
  not_a_collaborator: {
    status: 403,
    text: 'Only the owner and collaborators of this resource may do this.',
    blame: 'client',
  },
  rate_limited: { status: 429, text: 'Too many requests.', blame: 'client', retryAfterSeconds: 1 },
  store_unavailable: {
    status: 503,
    text: 'The token could not be checked right now.',
    blame: 'gateway',
    retryAfterSeconds: 1,
  },
  upstream_unreachable: { status: 502, text: 'The upstream gave no valid answer.', blame: 'upstream' },
  upstream_timeout: { status: 504, text: 'The upstream did not answer in time.', blame: 'upstream' },
  loop_detected: { status: 508, text: 'The upstream leads back to this gateway.', blame: 'gateway' },
  overloaded: { status: 503, text: 'Too many requests are in progress.', blame: 'gateway', retryAfterSeconds: 1 },
} as const satisfies Record<string, ReasonRow>;

export type Reason = keyof typeof REASONS;

export const REASON_NAMES = Object.keys(REASONS) as Reason[];

/** Reasons by who would have to act: what many requests are refused for is not to hide what few are. */
export const REASON_CLASSES = ['request', 'credential', 'permission', 'rate', 'store', 'upstream'] as const;
export type ReasonClass = (typeof REASON_CLASSES)[number];

export function reasonClass(reason: Reason): ReasonClass {
  if (reason === 'store_unavailable') return 'store';
  const { status, blame } = reasonRow(reason);
  if (blame !== 'client') return 'upstream';
  return status === 401 ? 'credential' : status === 403 ? 'permission' : status === 429 ? 'rate' : 'request';
}

export function reasonRow(reason: Reason): ReasonRow {
  return REASONS[reason];
}

/** Why a management call was not carried out. Thrown inside a unit of work, so that nothing of it is written. */
import { withoutTokens } from '../core/token-format.ts';

/**
 * What is wrong: `malformed`, the call itself; `forbidden`, the caller may not; `not_found`, no such id for this caller;
 * `conflict`, with the state; `unacceptable`, well-formed but against the policy.
 */
export type RejectionKind = keyof CodesByKind;

/** Stable words for programs, by kind. A new one is also to be listed with the operations that answer it (admin/). */
interface CodesByKind {
  readonly malformed:
    | 'duplicate_field'
    | 'invalid_actor'
    | 'invalid_field'
    | 'invalid_id'
    | 'invalid_instant'
    | 'malformed_json'
    | 'unknown_field';
  readonly forbidden:
    | 'address_not_allowed'
    | 'forbidden'
    | 'not_allowed'
    | 'not_same_origin'
    | 'sign_in_not_private'
    | 'signature_invalid'
    | 'signature_key_unknown'
    | 'signature_missing';
  readonly not_found: 'leaks_off' | 'not_found';
  readonly conflict:
    | 'conflict'
    | 'edition_fixed'
    | 'enterprise_not_empty'
    | 'id_taken'
    | 'import_not_configured'
    | 'kind_unknown'
    | 'limit_reached'
    | 'no_iam_policies'
    | 'no_service_accounts'
    | 'owner_fixed'
    | 'owner_removed'
    | 'policy_attached'
    | 'still_deleting'
    | 'token_expired'
    | 'token_revoked'
    | 'value_ended'
    | 'value_taken';
  readonly unacceptable:
    | 'action_unknown'
    | 'address_invalid'
    | 'api_version_unknown'
    | 'collaborator_unknown'
    | 'contact_required'
    | 'contact_unknown'
    | 'email_invalid'
    | 'enterprise_not_for_edition'
    | 'environment_unknown'
    | 'environments_count'
    | 'environments_not_selectable'
    | 'enterprise_unknown'
    | 'expiry_ambiguous'
    | 'expiry_out_of_range'
    | 'expiry_required'
    | 'field_fixed'
    | 'grace_out_of_range'
    | 'created_in_future'
    | 'hint_too_long'
    | 'hint_unmatched'
    | 'kind_not_held'
    | 'kind_unknown'
    | 'member_unknown'
    | 'owner_required'
    | 'owner_unknown'
    | 'resource_invalid'
    | 'role_unknown'
    | 'rotation_not_allowed'
    | 'scope_exceeds_owner'
    | 'scope_not_importable'
    | 'scope_unknown'
    | 'scopes_required'
    | 'text_invalid'
    | 'token_pasted'
    | 'value_empty'
    | 'workspace_not_selectable'
    | 'workspace_unknown'
    | 'workspaces_count'
    | 'workspaces_not_selectable'
    | 'workspaces_required'
    | 'workspaces_too_wide';
}

export type RejectionCodeOf<Kind extends RejectionKind> = CodesByKind[Kind];
export type RejectionCode = RejectionCodeOf<RejectionKind>;

export interface RejectionDetails {
  readonly kind: RejectionKind;
  readonly code: RejectionCode;
  /** Names the rule that was applied and what would be right. Public. */
  readonly detail: string;
  /** The field of the request, where one is to blame. */
  readonly field?: string;
}

/** What a rejected call was about, where its path does not say so: for the audit trail. */
export interface RejectionSubject {
  readonly organizationId: string;
  readonly target: { readonly type: string; readonly id: string };
}

/** What a caller sent is repeated to them and kept in the audit trail, so never at length and never a token. */
const DETAIL_MAX = 500;

export class Rejection extends Error {
  readonly details: RejectionDetails;
  readonly subject: RejectionSubject | null;

  constructor(details: RejectionDetails, subject: RejectionSubject | null = null) {
    const said = withoutTokens(details.detail);
    const detail = said.length > DETAIL_MAX ? `${said.slice(0, DETAIL_MAX)}…` : said;
    super(detail);
    this.details = { ...details, detail };
    this.subject = subject;
  }
}

/** The call says something that can never be right, whoever asks. */
export function malformed(code: RejectionCodeOf<'malformed'>, detail: string, field?: string): Rejection {
  return new Rejection({ kind: 'malformed', code, detail, ...(field === undefined ? {} : { field }) });
}

export function notFound(what: string, id: string): Rejection {
  return new Rejection({
    kind: 'not_found',
    code: 'not_found',
    detail: `There is no ${what} ${JSON.stringify(id)} here.`,
  });
}

export function conflict(code: RejectionCodeOf<'conflict'>, detail: string): Rejection {
  return new Rejection({ kind: 'conflict', code, detail });
}

/** Well-formed, but against the policy. */
export function unacceptable(code: RejectionCodeOf<'unacceptable'>, field: string, detail: string): Rejection {
  return new Rejection({ kind: 'unacceptable', code, detail, field });
}

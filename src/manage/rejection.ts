/** Why a management call was not carried out. Thrown inside a unit of work, so that nothing of it is written. */
import { withoutTokens } from '../core/token-format.ts';

export interface RejectionDetails {
  /** HTTP status: 400 malformed, 403 not allowed, 404 no such id, 409 conflict with the state, 422 against the policy. */
  readonly status: 400 | 403 | 404 | 409 | 422;
  /** Stable, snake_case. */
  readonly code: string;
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

export function notFound(what: string, id: string): Rejection {
  return new Rejection({ status: 404, code: 'not_found', detail: `There is no ${what} ${JSON.stringify(id)} here.` });
}

export function conflict(code: string, detail: string): Rejection {
  return new Rejection({ status: 409, code, detail });
}

/** Well-formed, but against the policy. */
export function unacceptable(code: string, field: string, detail: string): Rejection {
  return new Rejection({ status: 422, code, detail, field });
}

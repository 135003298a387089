/** What is said to a request that never gets as far as a route: one that could not be parsed, or CONNECT. */
import type { Dialect, Refusal } from '../core/dialect.ts';
import type { Reason } from '../core/reason.ts';

export interface MalformedRequestRefusal extends Refusal {
  readonly reason: Reason;
}

export function malformedRequestRefusal(dialect: Dialect, status: number, requestId: string): MalformedRequestRefusal {
  // CONNECT names no path of ours, so there is nothing else that it could ask for (RFC 9110 section 10.2.1).
  const isConnect = status === 405;
  const reason = isConnect ? 'method_not_allowed' : 'bad_request';
  return { ...dialect.render(reason, { requestId, ...(isConnect && { allow: [] }) }), status, reason };
}

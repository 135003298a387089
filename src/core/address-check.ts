/**
 * Where a request may come from: `allowFrom` of its route, `allowedAddresses` of its token. An address that is not known
 * is in no list. Knows nothing of proxies: whose address it is has been made out before. Called by request-checks.ts for each
 * request, and for each open stream again: `ofRoute` when the rules are replaced, `ofToken` whenever it is judged again.
 */
import { type AddressRange, isWithin } from './address-range.ts';
import type { Reason } from './reason.ts';
import type { RequestCheck, RequestSource } from './request-source.ts';

export const addressCheck: RequestCheck = {
  ofRoute: ({ allowFrom }, request) => refusal(allowFrom, request),
  ofToken: ({ allowedAddresses }, request) => refusal(allowedAddresses, request),
};

/** `ranges` null: from anywhere. */
function refusal(ranges: readonly AddressRange[] | null, request: RequestSource): Reason | null {
  if (ranges === null) return null;
  const { address } = request;
  return address !== null && isWithin(ranges, address) ? null : 'address_not_allowed';
}

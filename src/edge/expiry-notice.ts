/** Tells a client that its token ends soon, where the policy says so, while there is time to make another. Decides nothing. */
import type { TokenFacts } from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';

const HEADER = 'X-Token-Expires-At';

/** A header's name and value, an RFC 3339 instant; null: the token's end is not near, or not to be told. */
export function expiryNotice(token: TokenFacts, policy: Policy, nowMs: number): readonly [string, string] | null {
  // Tokens of service accounts are of no kind: who fetched them was told when they end.
  const announceMs = policy.kinds.get(token.kind)?.expiry.announceMs ?? 0;
  if (token.expiresAtMs - nowMs > announceMs) return null;
  return [HEADER, new Date(token.expiresAtMs).toISOString()];
}

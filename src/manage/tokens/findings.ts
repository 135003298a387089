/** What of a token's use is worth a look: rights that nobody needs, tokens that nobody uses. Pure; asks nobody. */
import { DAY_MS } from '../../core/policy.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { stateShown } from './token-state.ts';
import type { TokenUsage } from './usage.ts';

/**
 * Of active tokens; each ends by itself when it is so no more. `never_used`: nobody has, for the whole window. `dormant`:
 * somebody has, before it. `unused_scopes`: it is in use, and some of its scopes were not within the window, which was watched
 * whole. `never_expires`: it has no end. `expires_soon_in_use`: it is in use and ends within a week. `broad_workspaces`: nobody has
 * said in which workspaces it is to work; in which it did is not known. `owner_inactive`: its owner has left, or has no role
 * where it may go. `rotated_value_in_use`: somebody still uses the value that was replaced, and that soon ends.
 */
export const FINDINGS = [
  'never_used',
  'dormant',
  'unused_scopes',
  'never_expires',
  'expires_soon_in_use',
  'broad_workspaces',
  'owner_inactive',
  'rotated_value_in_use',
] as const;
export type TokenFinding = (typeof FINDINGS)[number];

const UNUSED_DAYS = 90;
const SOON_DAYS = 7;

/** `unusedDays`: the window. */
export function findingsOf(doc: TokenDoc, usage: TokenUsage, nowMs: number, unusedDays = UNUSED_DAYS): TokenFinding[] {
  if (stateShown(doc, nowMs) !== 'active') return [];
  const sinceMs = nowMs - unusedDays * DAY_MS;
  const { lastUsedAtMs } = usage;
  const isInUse = lastUsedAtMs !== null && lastUsedAtMs >= sinceMs;
  const found: TokenFinding[] = [];
  if (lastUsedAtMs === null && doc.createdAtMs < sinceMs) found.push('never_used');
  if (lastUsedAtMs !== null && !isInUse) found.push('dormant');
  if (isInUse && unusedScopes(doc, usage, sinceMs).length > 0) found.push('unused_scopes');
  if (doc.expiresAtMs === null) found.push('never_expires');
  else if (isInUse && doc.expiresAtMs - nowMs <= SOON_DAYS * DAY_MS) found.push('expires_soon_in_use');
  // A service account's has no other choice.
  if (typeof doc.workspaces === 'string' && doc.clientId === null) found.push('broad_workspaces');
  if (usage.isOwnerGone) found.push('owner_inactive');
  if (usage.byReplaced && nowMs < doc.replaced!.endsAtMs) found.push('rotated_value_in_use');
  return found;
}

/** None where the token is younger than that, or was not watched since then: what is not known is not unused. */
function unusedScopes({ scopes, createdAtMs }: TokenDoc, { scopes: used }: TokenUsage, sinceMs: number): string[] {
  const sinceDay = Math.floor(sinceMs / DAY_MS);
  if (scopes === null || createdAtMs > sinceMs || used.sinceDay === null || used.sinceDay > sinceDay) return [];
  return scopes.filter((scope) => (used.days.get(scope) ?? 0) < sinceDay);
}

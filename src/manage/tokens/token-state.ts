/** What a token's state is, now. Judges the token alone: not its owner, its grant or its value. */
import type { StateReason } from '../../core/facts.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';

export type TokenStateShown = 'active' | 'inactive' | 'expired' | 'revoked';

/** What a token's state is to a reader: `expired` is never stored, so that it cannot be late. */
export function stateShown(doc: TokenDoc, nowMs: number): TokenStateShown {
  if (doc.state === 'revoked') return 'revoked';
  return doc.expiresAtMs !== null && nowMs >= doc.expiresAtMs ? 'expired' : doc.state;
}

export type StateReasonShown = StateReason | 'expired' | 'revoked' | 'deactivated';

/** Why a token does not work; null: it is active. What happened to it goes before what somebody did by hand, or time. */
export function reasonShown(doc: TokenDoc, nowMs: number): StateReasonShown {
  const state = stateShown(doc, nowMs);
  if (state === 'active') return null;
  return doc.stateReason ?? (state === 'inactive' ? 'deactivated' : state);
}

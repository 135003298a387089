/** How tokens were used: what stores remember beside their records. Judges nothing. */
import { tokenKey } from '../../core/facts.ts';
import type { ScopeUses, Store } from '../../store/store.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';

export interface TokenUsage {
  readonly lastUsedAtMs: number | null;
  readonly scopes: ScopeUses;
}

/** Of a new one. */
export const UNUSED: TokenUsage = { lastUsedAtMs: null, scopes: { days: new Map(), sinceDay: null } };

/** In their order. Rejects with StoreUnavailable. */
export async function usageOf(
  { store }: { readonly store: Pick<Store, 'touched' | 'scopesUsed'> },
  tokens: ReadonlyArray<Pick<TokenDoc, 'organizationId' | 'id'>>,
): Promise<TokenUsage[]> {
  const keys = tokens.map(({ organizationId, id }) => tokenKey(organizationId, id));
  const [touched, scopes] = await Promise.all([store.touched(keys), store.scopesUsed(keys)]);
  return keys.map((_, nth) => ({ lastUsedAtMs: touched[nth]!, scopes: scopes[nth]! }));
}

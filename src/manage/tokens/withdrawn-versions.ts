/** Tokens that were made for an API version that the policy no longer has (IMPACT-4). Only looks. */
import type { Policy } from '../../core/policy.ts';
import type { Store } from '../../store/store.ts';
import { everyOne } from '../listing.ts';
import { lists } from '../unit-of-work/places.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { isVersionWithdrawn } from './metadata.ts';

/** Of every organization; those that are revoked are left out. Rejects with StoreUnavailable. */
export async function* tokensOfWithdrawnVersions(store: Store, policy: Policy): AsyncGenerator<TokenDoc> {
  for await (const { id } of everyOne(store, 'organization', lists.organizations()))
    for await (const token of everyOne(store, 'token', lists.tokens(id)))
      if (token.state !== 'revoked' && isVersionWithdrawn(policy, token)) yield token;
}

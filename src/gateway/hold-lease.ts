/** Makes this process one of those that others wait for, before it serves its first request. Renews nothing itself. */
import { LeaseKeeper, type LeaseKeeperParts } from '../fleet/lease-keeper.ts';
import { thisProcess } from '../fleet/this-process.ts';
import { CURRENT_FORMAT } from '../format/upgrades.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Owned } from '../owned.ts';
import type { Store } from '../store/store.ts';

type Parts = Omit<LeaseKeeperParts, 'self' | 'lag'> & { readonly metrics: Metrics };

export async function holdLease(owned: Owned, store: Store, { metrics, ...parts }: Parts): Promise<LeaseKeeper> {
  const self = thisProcess(parts.clock.nowMs(), CURRENT_FORMAT);
  const keeper = owned.add(new LeaseKeeper({ ...parts, self, lag: metrics.revocationLag }), (held) => held.stop());
  owned.add(store.follow(keeper), (unfollow) => unfollow());
  await keeper.start();
  return keeper;
}

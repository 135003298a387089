/** Removes what has ended and is of no more use, in the background. Never what somebody could still ask about. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Store } from '../store/store.ts';
import { purgeAccessTokens, purgeDeletedAccounts } from './access-tokens.ts';

const PURGE_MS = 60_000;
/** Removed in one go; the embedded store lets nothing else happen meanwhile. */
const PURGE_BATCH = 100;

/** Expired access tokens go within a minute or two; the promise is an hour. */
export function startPurge(store: Store, clock: Clock, log: Log): NodeJS.Timeout {
  return setInterval(
    () => purge(store, clock.nowMs()).catch((error) => log.warn({ reason: String(error) }, 'purge: will try again')),
    PURGE_MS,
  ).unref();
}

/** Removes all that is due at `nowMs`. Rejects with StoreUnavailable; what was removed by then stays removed. */
export async function purge(store: Store, nowMs: number): Promise<void> {
  for (const remove of [purgeAccessTokens, purgeDeletedAccounts])
    while ((await remove(store, nowMs, PURGE_BATCH)) === PURGE_BATCH) await breathe();
}

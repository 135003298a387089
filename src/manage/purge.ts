/** Removes what has ended and is of no more use, in the background. Never what somebody could still ask about. */
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Store } from '../store/store.ts';
import { purgeAccessTokens, purgeDeletedAccounts } from './access-tokens.ts';

const PURGE_MS = 60_000;
const PURGE_BATCH = 500;

/** Expired access tokens go within a minute or two; the promise is an hour. */
export function startPurge(store: Store, clock: Clock, log: Log): NodeJS.Timeout {
  const purge = async () => {
    while ((await purgeAccessTokens(store, clock.nowMs(), PURGE_BATCH)) === PURGE_BATCH);
    await purgeDeletedAccounts(store, clock.nowMs(), PURGE_BATCH);
  };
  return setInterval(
    () => purge().catch((error) => log.warn({ reason: String(error) }, 'purge: will try again')),
    PURGE_MS,
  ).unref();
}

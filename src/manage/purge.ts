/** Removes what has ended and is of no more use, in the background. Never what somebody could still ask about. */
import { setImmediate as breathe } from 'node:timers/promises';
import { DAY_MS } from '../core/policy.ts';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { ScanOptions, Store } from '../store/store.ts';
import { purgeAccessTokens, purgeDeletedAccounts } from './tokens/access-tokens.ts';
import { resumeCleanups } from './unit-of-work/cleanup.ts';
import { lists } from './unit-of-work/places.ts';
import { scanDocs } from './unit-of-work/stored-docs.ts';

const PURGE_MS = 60_000;
/** Removed in one go; the embedded store lets nothing else happen meanwhile. */
const PURGE_BATCH = 100;
/** After so many times maxStalenessMs every process has heard of a change, or refuses everything. */
const HEARD_AFTER = 5;

/** How long what has ended is kept. */
export interface Retention {
  /** Of the audit trail. */
  readonly keepDays: number;
  /** Of one organization's audit trail. */
  readonly maxEvents: number;
  /** For so long a process may go on with what it knew last. */
  readonly maxStalenessMs: number;
}

/** Expired access tokens go within a minute or two; the promise is an hour. `retention` is asked anew each time. */
export function startPurge(store: Store, clock: Clock, log: Log, retention: () => Retention): NodeJS.Timeout {
  let purging = false;
  return setInterval(() => {
    // A first look at a trail that was never bounded may take longer than a minute.
    if (purging) return;
    purging = true;
    purge(store, clock.nowMs(), retention())
      .catch((error) => log.warn({ reason: String(error) }, 'purge: will try again'))
      .finally(() => {
        purging = false;
      });
  }, PURGE_MS).unref();
}

/** Removes all that is due at `nowMs`. Rejects with StoreUnavailable; what was removed by then stays removed. */
export async function purge(
  store: Store,
  nowMs: number,
  { keepDays, maxEvents, maxStalenessMs }: Retention,
): Promise<void> {
  await resumeCleanups({ store, nowMs: () => nowMs }, HEARD_AFTER * maxStalenessMs);
  for (const remove of [purgeAccessTokens, purgeDeletedAccounts])
    while ((await remove(store, nowMs, PURGE_BATCH)) === PURGE_BATCH) await breathe();
  const upTo = nowMs - keepDays * DAY_MS;
  while ((await purgeOldest(store, lists.allAudit(), PURGE_BATCH, upTo)) === PURGE_BATCH) await breathe();
  let after: ScanOptions['after'];
  for (;;) {
    const options = { limit: PURGE_BATCH, ...(after && { after }) };
    const page = await scanDocs(store, 'organization', lists.organizations(), options);
    for (const { doc, score, key } of page) {
      await shorten(store, lists.audit(doc.id), maxEvents);
      after = { score, key };
    }
    if (page.length < PURGE_BATCH) return;
  }
}

/** The oldest of a list, until it has no more than `most`. */
async function shorten(store: Store, index: string, most: number): Promise<void> {
  let surplus = (await store.count(index, Number.NEGATIVE_INFINITY)) - most;
  await breathe();
  while (surplus > 0) {
    const removed = await purgeOldest(store, index, Math.min(surplus, PURGE_BATCH), Number.POSITIVE_INFINITY);
    if (removed === 0) return;
    surplus -= removed;
    await breathe();
  }
}

/** Up to `limit` of those whose score is at most `upTo`. Returns how many. */
async function purgeOldest(store: Store, index: string, limit: number, upTo: number): Promise<number> {
  const due = (await store.scan(index, { limit })).filter(({ score }) => score <= upTo);
  if (due.length === 0) return 0;
  // No unit of work: lines of the trail never change, and their age alone ends them.
  await store.commit({ expects: [], writes: due.map(({ key }) => ({ key, record: null })), ends: true });
  return due.length;
}

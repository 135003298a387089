/**
 * Says in the log when the store's changes are no longer heard, what requests rest on from then on, and when it is over; and
 * so when the store takes no more changes.
 */
import type { Log } from '../observe/log.ts';
import type { StoreFault } from '../store/adapter.ts';
import type { FactCache } from '../store/cache/fact-cache.ts';

const LOOK_MS = 250;

interface Watched {
  readonly facts: FactCache;
  readonly fault: () => StoreFault | null;
  /** Of the configuration. */
  readonly serveDuringOutageMs: number;
  readonly log: Log;
}

/** Returns the way to stop. */
export function watchStore({ facts, fault, serveDuringOutageMs, log }: Watched): () => void {
  let said: State = 'fresh';
  let faultSaid: StoreFault | null = null;
  let looking = false;
  let stopped = false;
  const look = async () => {
    if (!facts.isFresh()) await facts.probe();
    if (stopped) return;
    const state = facts.isFresh() ? 'fresh' : facts.isDegraded() ? 'lost' : 'silent';
    // A start is not an outage: until it has been heard once, there is nothing to lose.
    if (state === said || !Number.isFinite(facts.staleMs())) return;
    said = state;
    const staleMs = Math.round(facts.staleMs());
    if (state === 'fresh') log.info('store: its changes are heard again');
    else log.warn({ staleMs }, state === 'silent' ? SILENT : lost(serveDuringOutageMs));
  };
  const lookAtFault = () => {
    const found = fault();
    if (found === faultSaid) return;
    faultSaid = found;
    if (found === null) log.info('store: it takes changes again');
    else log.error({ fault: found }, FAULTS[found]);
  };
  const timer = setInterval(() => {
    lookAtFault();
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, LOOK_MS).unref();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}

const FAULTS: Readonly<Record<StoreFault, string>> = {
  replaced:
    'store: another file has taken the place of the database; changes are refused, requests are judged by the old one. Restart (docs/backup.md)',
  unwritable: 'store: it takes no changes; is the disk full? Requests are judged as before',
};

type State = 'fresh' | 'silent' | 'lost';

const SILENT = 'store: its changes are not heard; it is asked for every decision';

function lost(serveDuringOutageMs: number): string {
  return serveDuringOutageMs === 0
    ? 'store: it cannot be asked; what rests on it is answered with 503'
    : `store: it cannot be asked; what was known last serves for ${serveDuringOutageMs} ms (cache.serveDuringOutageMs), everything else is 503`;
}

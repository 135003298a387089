/**
 * The store with records that this program understands, before anybody reads or writes one. A store that cannot be asked
 * yet holds nothing up: it goes on being one that cannot be asked, until it can be and its records are as they should be.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SetupError } from '../errors.ts';
import { bringUpToDate, type Place } from '../format/bring-up-to-date.ts';
import type { Owned } from '../owned.ts';
import { GatedStore } from '../store/gated-store.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';

const TRY_AGAIN_MS = 100;
/** Between two tries where an operator has something to mend. */
const MENDED_LOOK_MS = 5000;
const WHY = 'it is not known yet in what format its records are';

/** Rejects with SetupError where only an operator can mend it. */
export async function readyStore(place: Place, owned: Owned): Promise<Store> {
  let told: string;
  try {
    await bringUpToDate(place);
    return place.store;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    told = error.message;
    place.log.warn({ reason: told }, `store: ${WHY}; nothing is served from it until it is`);
  }
  const gated = new GatedStore(place.store, WHY);
  const abort = new AbortController();
  owned.add(abort, () => abort.abort());
  void goOn(place, abort.signal, told).then((done) => {
    if (done) gated.open();
  });
  return gated;
}

/** Never rejects. false: it was given up. `toldLast`: what the log says already. */
async function goOn(place: Place, signal: AbortSignal, toldLast: string): Promise<boolean> {
  let told = toldLast;
  for (let pauseMs = TRY_AGAIN_MS; !signal.aborted; ) {
    await pause(pauseMs, null, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return false;
    try {
      await bringUpToDate(place);
      return true;
    } catch (error) {
      const { message } = error as Error;
      pauseMs = error instanceof StoreUnavailable ? TRY_AGAIN_MS : MENDED_LOOK_MS;
      if (message === told) continue;
      told = message;
      if (error instanceof StoreUnavailable)
        place.log.warn({ reason: message }, 'store: trying again until it can be asked');
      else if (error instanceof SetupError) place.log.error(`${message}. Trying again until that is mended`);
      else place.log.error({ err: error }, 'store: its records could not be brought up to date; will try again');
    }
  }
  return false;
}

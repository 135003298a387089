/**
 * Whose turn it is to change an organization, within this process. What ends something goes before what else waits, so
 * that nobody holds up an end with changes of their own; but not for ever before it. Knows nothing of other processes.
 */
import type { Store } from '../../store/store.ts';

/** So many ends in a row before somebody else has a turn. */
const ENDS_IN_A_ROW_MAX = 8;

class Turns {
  readonly #ends: Array<() => void> = [];
  readonly #others: Array<() => void> = [];
  #taken = false;
  #inARow = 0;

  take(ends: boolean): Promise<void> | undefined {
    if (this.#taken) return new Promise((resolve) => (ends ? this.#ends : this.#others).push(resolve));
    this.#taken = true;
    return undefined;
  }

  /** The next one's turn; false: nobody waits. */
  pass(): boolean {
    const first = this.#inARow < ENDS_IN_A_ROW_MAX || this.#others.length === 0;
    const next = first ? (this.#ends.shift() ?? this.#others.shift()) : this.#others.shift();
    this.#inARow = first ? this.#inARow + 1 : 0;
    this.#taken = next !== undefined;
    next?.();
    return this.#taken;
  }
}

const turns = new WeakMap<Store, Map<string, Turns>>();

/** Resolves when it is this change's turn, with what ends the turn. */
export async function takeTurn(store: Store, organizationId: string, ends: boolean): Promise<() => void> {
  let ofStore = turns.get(store);
  if (ofStore === undefined) {
    ofStore = new Map();
    turns.set(store, ofStore);
  }
  const all = ofStore;
  const own = all.get(organizationId) ?? new Turns();
  all.set(organizationId, own);
  await own.take(ends);
  return () => {
    if (!own.pass()) all.delete(organizationId);
  };
}

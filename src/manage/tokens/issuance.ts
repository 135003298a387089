/**
 * How many access tokens a service account was issued: one small record, written with each token, so that the count is
 * exact and so is the bound on how many live at once, whatever asks at the same time. Issues nothing itself.
 */
import type { Store, Write } from '../../store/store.ts';
import { issuanceKey, lists, place } from '../unit-of-work/places.ts';
import type { AccountDoc, IssuanceDoc } from '../unit-of-work/records.ts';
import { getDoc } from '../unit-of-work/stored-docs.ts';

/** One more, as far as the record goes: to be committed together with the token. */
export interface IssuingTurn {
  readonly expects: { readonly key: string; readonly version: number };
  readonly write: Write;
}

/** As many live as may: when the first of them ends. */
export interface Full {
  readonly untilMs: number;
}

export async function nextTurn(
  store: Store,
  { organizationId, clientId }: AccountDoc,
  liveMax: number,
  nowMs: number,
): Promise<IssuingTurn | Full> {
  const key = issuanceKey(organizationId, clientId);
  const stored = await getDoc(store, 'issuance', key);
  const index = lists.tokensOfClient(organizationId, clientId);
  // After the record: who issues one in between changes its version.
  if ((await store.count(index, nowMs)) >= liveMax) {
    const [first] = await store.scan(index, { limit: 1, above: nowMs });
    return { untilMs: first?.score ?? nowMs };
  }
  const issuedCount = (stored?.doc.issuedCount ?? 0) + 1;
  const record: IssuanceDoc = { organizationId, clientId, issuedCount, lastIssuedAtMs: nowMs };
  return { expects: { key, version: stored?.version ?? 0 }, write: { ...place('issuance', record), record } };
}

export interface Issued {
  readonly live: number;
  readonly issuedCount: number;
  readonly lastIssuedAtMs: number | null;
}

export async function issuedTo(store: Store, { organizationId, clientId }: AccountDoc, nowMs: number): Promise<Issued> {
  const stored = await getDoc(store, 'issuance', issuanceKey(organizationId, clientId));
  const live = await store.count(lists.tokensOfClient(organizationId, clientId), nowMs);
  return { live, issuedCount: stored?.doc.issuedCount ?? 0, lastIssuedAtMs: stored?.doc.lastIssuedAtMs ?? null };
}

/** Those who ask for one account at once wait for each other, so only other processes are met as a conflict. */
const queues = new WeakMap<Store, Map<string, Promise<unknown>>>();

export async function inTurn<T>(
  store: Store,
  { organizationId, clientId }: AccountDoc,
  work: () => Promise<T>,
): Promise<T> {
  const queue = queues.get(store) ?? new Map<string, Promise<unknown>>();
  queues.set(store, queue);
  const key = issuanceKey(organizationId, clientId);
  const turn = (queue.get(key) ?? Promise.resolve()).then(work, work);
  queue.set(key, turn);
  try {
    return await turn;
  } finally {
    if (queue.get(key) === turn) queue.delete(key);
  }
}

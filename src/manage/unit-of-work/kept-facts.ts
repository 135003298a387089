/**
 * What one change of an organization has read, kept for the next one: good for as long as the organization's lock is as that
 * change left it, since whoever changes the organization writes the lock. Whoever builds on a kept fact still expects its
 * version, so that a lock that was lost costs a second try and nothing else. Asks nobody.
 */
import type { Store } from '../../store/store.ts';
import type { DocKind } from './records.ts';
import type { StoredDoc } from './stored-docs.ts';

export type KeptFacts = ReadonlyMap<string, StoredDoc<DocKind>>;

interface Kept {
  /** The lock's version. */
  readonly version: number;
  readonly facts: KeptFacts;
}

/** What one change after the other reads, and few of them change. */
const KEPT_KINDS: ReadonlySet<DocKind> = new Set([
  'organization',
  'member',
  'team',
  'workspace',
  'environment',
  'iam-policy',
]);
const ORGANIZATIONS_MAX = 100;

export const NO_FACTS: KeptFacts = new Map();
const kept = new WeakMap<Store, Map<string, Kept>>();

export function isKept(kind: DocKind): boolean {
  return KEPT_KINDS.has(kind);
}

/** `version`: of the lock, as it was read for this change. */
export function factsFor(store: Store, organizationId: string, version: number): KeptFacts {
  const found = kept.get(store)?.get(organizationId);
  return found?.version === version ? found.facts : NO_FACTS;
}

/** `version`: of the lock, as the change has left it. */
export function keepFacts(store: Store, organizationId: string, version: number, facts: KeptFacts): void {
  const ofStore = kept.get(store) ?? new Map<string, Kept>();
  kept.set(store, ofStore);
  if (ofStore.size >= ORGANIZATIONS_MAX && !ofStore.has(organizationId)) ofStore.clear();
  ofStore.set(organizationId, { version, facts });
}

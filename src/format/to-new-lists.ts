/**
 * Format 2 to 3: the same records, found in other lists. Tokens that ended with their owner's removal leave the lists that
 * limits count; tokens stand in a list of their primary contact, workspaces that were handed over in one of those, and
 * members, teams and service accounts in one of all three. Service tokens for all workspaces keep no snapshot of roles:
 * nobody knows them any more, so they stay members wherever they reach, as they were.
 */
import type { Exported } from '../store/exportable.ts';
import type { IndexEntry } from '../store/store.ts';
import { asInteger, asText } from './stored-values.ts';
import { toOtherLists } from './to-other-lists.ts';

type Doc = Readonly<Record<string, unknown>>;

export const toNewLists = toOtherLists(3, 'lists of principals, contacts and transfers', newLists);

/** null: it stands in the right ones. */
function newLists({ key, record, indexes }: Exported): readonly IndexEntry[] | null {
  const doc = record as Doc;
  switch (key.slice(0, key.indexOf('/'))) {
    case 'token':
      return ofToken(doc, indexes);
    case 'workspace': {
      if (doc.transferredIn === null || doc.deletedAtMs !== null) return null;
      return withList(indexes, `transferred/${asText(doc.organizationId)}`, asInteger(doc.transferredIn));
    }
    case 'member':
    case 'team':
      return withList(indexes, `principals/${asText(doc.organizationId)}`, 0);
    case 'account':
      return doc.deletedAtMs === null ? withList(indexes, `principals/${asText(doc.organizationId)}`, 0) : null;
    default:
      return null;
  }
}

function ofToken(doc: Doc, indexes: readonly IndexEntry[]): readonly IndexEntry[] | null {
  if (doc.clientId !== null) return null;
  const org = asText(doc.organizationId);
  const kept = doc.stateReason === 'owner_removed' ? indexes.filter(({ index }) => !isCounted(index)) : indexes;
  const primary = (doc.contacts as Doc | null)?.primary ?? null;
  const contacted = primary === null ? null : withList(kept, `tokens/${org}/contact/${asText(primary)}`, 0);
  return contacted ?? (kept.length < indexes.length ? kept : null);
}

function isCounted(index: string): boolean {
  return index.startsWith('counted/');
}

/** null: it is there already. */
function withList(indexes: readonly IndexEntry[], index: string, score: number): readonly IndexEntry[] | null {
  return indexes.some((entry) => entry.index === index) ? null : [...indexes, { index, score }];
}

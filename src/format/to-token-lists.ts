/**
 * Format 4 to 5: the same records, found in other lists. Tokens stand in lists by their state, by their name and, where they count against
 * no limit, by their kind; they and their credentials no longer stand among everything of their organization.
 * The store lists them by their last use.
 */
import type { Exported } from '../store/exportable.ts';
import type { IndexEntry } from '../store/store.ts';
import { asInteger, asText } from './stored-values.ts';
import { toOtherLists } from './to-other-lists.ts';
import type { FormatUpgrade } from './upgrade.ts';

type Doc = Readonly<Record<string, unknown>>;

export const toTokenLists: FormatUpgrade = {
  ...toOtherLists(5, 'lists of tokens by state, name and last use', newLists),
  listsUses: true,
};

/** null: it stands in the right ones. */
function newLists({ key, record, indexes }: Exported): readonly IndexEntry[] | null {
  const isToken = key.startsWith('token/');
  if (!isToken && key.includes('/')) return null;
  const kept = indexes.filter(({ index }) => !index.startsWith('everything/'));
  const added = isToken ? missing(kept, ofToken(record as Doc)) : [];
  return kept.length === indexes.length && added.length === 0 ? null : [...kept, ...added];
}

function ofToken(doc: Doc): readonly IndexEntry[] {
  if (doc.clientId !== null) return [];
  const [org, kind, state] = [asText(doc.organizationId), asText(doc.kind), asText(doc.state)];
  const score = doc.expiresAtMs === null ? Number.MAX_SAFE_INTEGER : asInteger(doc.expiresAtMs);
  const found: IndexEntry[] = [
    { index: `tokens/${org}/state/${state}`, score },
    { index: `tokens/${org}/name`, score: 0, text: nameSought(asText(doc.name)) },
  ];
  if (state !== 'revoked' && doc.stateReason !== 'owner_removed') return found;
  found.push({ index: `uncounted/${org}/${kind}`, score });
  if (doc.ownerId !== null) found.push({ index: `uncounted/${org}/${kind}/owner/${asText(doc.ownerId)}`, score });
  return found;
}

/** As much of a name as is looked for, in any case. */
function nameSought(name: string): string {
  const text = name
    .normalize('NFKC')
    .toLowerCase()
    .toWellFormed()
    .replace(/[\u0000-\u001f]/g, ' ');
  return [...text].slice(0, 32).join('');
}

function missing(stands: readonly IndexEntry[], wanted: readonly IndexEntry[]): readonly IndexEntry[] {
  return wanted.filter(({ index }) => !stands.some((entry) => entry.index === index));
}

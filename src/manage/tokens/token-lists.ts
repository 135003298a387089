/**
 * In which lists the tokens stand that a filter may fit, and which of them is the shortest way to them: what the filter says
 * beyond it is judged token by token (token-filter.ts). Reads how long lists are, and nothing of a token.
 */
import { DAY_MS } from '../../core/policy.ts';
import { dayOf, type Store } from '../../store/store.ts';
import type { Range } from '../listing.ts';
import { lists, nameSought } from '../unit-of-work/places.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { scanDocs } from '../unit-of-work/stored-docs.ts';
import type { TokenFilter } from './token-filter.ts';

/** Of a list that is longer it does not matter by how much. */
const COUNTED_MAX = 10_000;
/** Cleanups are few, and gone within moments. */
const CLEANUPS_MAX = 100;
const EVERY: ReadonlyArray<TokenDoc['state']> = ['active', 'inactive', 'revoked'];

export interface Sought {
  readonly org: string;
  readonly filter: TokenFilter;
  /** Only this member's may be told of, and nothing of how many others there are. */
  readonly ownOnly: boolean;
  readonly nowMs: number;
  /** Whether every record says how its token stands (`recordsAreLate`). */
  readonly late: boolean;
}

/** To all that are sought: ranges, one behind the other. */
type Way = readonly Range[];

/** Holds no token that was used, whatever its list does. */
export const NEVER_USED = 'never-used';

/**
 * The shortest of the ways. `along`: where an earlier page ended, since each has an order of its own; what is before it is
 * left out. null: there is none of that name.
 */
export async function chooseWay(store: Store, sought: Sought, along: string | null): Promise<Way | null> {
  const ways = waysOf(sought);
  if (along !== null) {
    // What was late when that page was asked for may no longer be.
    const others = waysOf({ ...sought, late: !sought.late });
    const rests = [...ways, ...others].map((way) => way.slice(way.findIndex((range) => range.along === along)));
    return rests.find(([first]) => first!.along === along) ?? null;
  }
  if (ways.length === 1) return ways[0]!;
  const lengths = await Promise.all(ways.map((way) => lengthOf(store, way)));
  return ways[lengths.indexOf(Math.min(...lengths))]!;
}

function waysOf(sought: Sought): Way[] {
  const ways: Way[] = rangesOf(sought).map((range) => [range]);
  if (!sought.ownOnly) ways.push(...waysByUse(sought));
  return ways.length > 0 ? ways : [[{ along: '', indexes: [lists.tokens(sought.org)] }]];
}

/** Who was used last before a day stands first in the list of uses; who never was is in none of its own, and is found by age. */
function waysByUse({ org, filter: { neverUsed, unusedForDays }, nowMs }: Sought): Way[] {
  const used = { along: 'used', indexes: [lists.tokensUsed(org)] };
  if (unusedForDays === undefined) return neverUsed === false ? [[used]] : [];
  const beforeMs = nowMs - unusedForDays * DAY_MS;
  const unusedSince = { ...used, upTo: dayOf(beforeMs) };
  const never = { along: NEVER_USED, indexes: [lists.tokens(org)], upTo: beforeMs };
  if (neverUsed === undefined) return [[unusedSince, never]];
  return neverUsed ? [[never]] : [[unusedSince]];
}

/** What ended tokens has yet to be written to them: until then a record may say that its token is active. */
export async function recordsAreLate(store: Store, org: string): Promise<boolean> {
  const jobs = await scanDocs(store, 'cleanup', lists.cleanups(), { limit: CLEANUPS_MAX });
  const isOfTokens = ({ organizationId, what }: (typeof jobs)[number]['doc']) =>
    organizationId === org && (what === 'member' || what === 'transfer');
  return jobs.length === CLEANUPS_MAX || jobs.some(({ doc }) => isOfTokens(doc));
}

/** By what the records say. Each holds all that are sought. */
function rangesOf(sought: Sought): Range[] {
  const { org, ownOnly, filter } = sought;
  const { owner, name, kind, state, expiringWithinDays } = filter;
  const bounds = expiryBounds(sought);
  const found: Range[] = [];
  if (owner !== undefined) {
    if (kind !== undefined) {
      const ofKind = [lists.countedOwnedBy(org, kind, owner), lists.uncountedOwnedBy(org, kind, owner)];
      found.push(endedAlone(sought, { along: 'owner-kind', indexes: ofKind, ...bounds }));
    }
    found.push({ along: '', indexes: [lists.tokensOwnedBy(org, owner)] });
    if (ownOnly) return found;
  }
  if (kind !== undefined) {
    const ofKind = [lists.counted(org, kind), lists.uncounted(org, kind)];
    found.push(endedAlone(sought, { along: 'kind', indexes: ofKind, ...bounds }));
  }
  if (state !== undefined || expiringWithinDays !== undefined) {
    const states = recordedStates(sought);
    found.push({
      along: states.join(),
      indexes: states.map((each) => lists.tokensInState(org, each)),
      ...bounds,
    });
  }
  if (name !== undefined && name !== '')
    found.push({ along: 'name', indexes: [lists.tokensByName(org)], prefix: nameSought(name) });
  return found;
}

/** Of tokens that count and of those that do not: what was revoked is among these. */
function endedAlone({ filter, late }: Sought, range: Range): Range {
  if (filter.state !== 'revoked' || late) return range;
  return { ...range, along: `${range.along}-revoked`, indexes: range.indexes.slice(1) };
}

/** Which states the records of those may say that are sought. An end is never undone. */
function recordedStates({ filter, late }: Sought): ReadonlyArray<TokenDoc['state']> {
  switch (filter.state) {
    case 'active':
      return ['active'];
    case 'inactive':
      return late ? ['active', 'inactive'] : ['inactive'];
    case 'expired':
      return ['active', 'inactive'];
    case 'revoked':
      return late ? EVERY : ['revoked'];
    default:
      return EVERY;
  }
}

function expiryBounds({ filter: { state, expiringWithinDays }, nowMs }: Sought): Pick<Range, 'above' | 'upTo'> {
  const untilMs = expiringWithinDays === undefined ? undefined : nowMs + expiringWithinDays * DAY_MS;
  const isUnexpired = untilMs !== undefined || state === 'active' || state === 'inactive';
  const upTo = state === 'expired' ? nowMs : untilMs;
  return { ...(isUnexpired && { above: nowMs }), ...(upTo !== undefined && { upTo }) };
}

async function lengthOf(store: Store, way: Way): Promise<number> {
  const lengths = await Promise.all(way.map((range) => lengthOfRange(store, range)));
  return lengths.reduce((sum, length) => sum + length, 0);
}

async function lengthOfRange(
  store: Store,
  { indexes, above = -Number.MAX_VALUE, upTo, prefix }: Range,
): Promise<number> {
  const bounds = { ...(upTo !== undefined && { upTo }), ...(prefix !== undefined && { prefix }) };
  const options = { atMost: COUNTED_MAX, ...bounds };
  const counts = await Promise.all(indexes.map((index) => store.count(index, above, options)));
  return counts.reduce((sum, count) => sum + count, 0);
}

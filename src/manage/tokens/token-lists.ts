/**
 * In which lists the tokens stand that a filter may fit, and which of them is the shortest way to them: what the filter says
 * beyond it is judged token by token (token-filter.ts). Reads how long lists are, and nothing of a token.
 */
import { DAY_MS } from '../../core/policy.ts';
import type { Store } from '../../store/store.ts';
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

/**
 * The shortest of the ways. `along`: the one that an earlier page went, since each has an order of its own; null: there is
 * none of that name.
 */
export async function chooseRange(store: Store, sought: Sought, along: string | null): Promise<Range | null> {
  const ranges = rangesOf(sought);
  if (along !== null) {
    // What was late when that page was asked for may no longer be.
    const others = rangesOf({ ...sought, late: !sought.late });
    return [...ranges, ...others].find((range) => range.along === along) ?? null;
  }
  if (ranges.length === 1) return ranges[0]!;
  const lengths = await Promise.all(ranges.map((range) => lengthOf(store, range)));
  return ranges[lengths.indexOf(Math.min(...lengths))]!;
}

/** What ended tokens has yet to be written to them: until then a record may say that its token is active. */
export async function recordsAreLate(store: Store, org: string): Promise<boolean> {
  const jobs = await scanDocs(store, 'cleanup', lists.cleanups(), { limit: CLEANUPS_MAX });
  const isOfTokens = ({ organizationId, what }: (typeof jobs)[number]['doc']) =>
    organizationId === org && (what === 'member' || what === 'transfer');
  return jobs.length === CLEANUPS_MAX || jobs.some(({ doc }) => isOfTokens(doc));
}

/** Each holds all that are sought. At least one. */
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
  return found.length > 0 ? found : [{ along: '', indexes: [lists.tokens(org)] }];
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

async function lengthOf(store: Store, { indexes, above = -Number.MAX_VALUE, upTo, prefix }: Range): Promise<number> {
  const bounds = { ...(upTo !== undefined && { upTo }), ...(prefix !== undefined && { prefix }) };
  const options = { atMost: COUNTED_MAX, ...bounds };
  const counts = await Promise.all(indexes.map((index) => store.count(index, above, options)));
  return counts.reduce((sum, count) => sum + count, 0);
}

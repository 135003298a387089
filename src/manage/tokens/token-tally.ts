/**
 * How many tokens there are. Those that work are counted by their lists, at once and exactly; what each is and how it was
 * used only a walk over all of them can tell, which takes seconds where they are many. Writes nothing.
 */
import { DAY_MS } from '../../core/policy.ts';
import { Slices } from '../../slices.ts';
import { type ManageContext, reader } from '../context.ts';
import { lists } from '../unit-of-work/places.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { scannedDoc } from '../unit-of-work/stored-docs.ts';
import { FINDINGS, findingsOf, type TokenFinding } from './findings.ts';
import { remembering, standingOf } from './standing.ts';
import { stateShown, type TokenStateShown } from './token-state.ts';
import { usageOf } from './usage.ts';

const PAGE = 100;
const SOON_DAYS = 7;

/** Whose tokens: everybody's, or one member's. */
export interface TokensOf {
  readonly org: string;
  readonly owner: string | null;
}

export interface TokenTally {
  /** When the walk began. */
  readonly countedAtMs: number;
  readonly kinds: ReadonlyMap<string, Readonly<Record<TokenStateShown, number>>>;
  /** Active ones that end within a week. */
  readonly expiring: number;
  readonly findings: Readonly<Record<TokenFinding, number>>;
}

export interface LiveTokens {
  /** All that are kept, whatever their state. */
  readonly total: number;
  /** Neither ended nor expired; deactivated ones count, as they do against limits. */
  readonly live: ReadonlyArray<{ readonly kind: string; readonly count: number }>;
}

/** At once, however many there are. */
export async function countLiveTokens({ store, policy, nowMs }: ManageContext, of: TokensOf): Promise<LiveTokens> {
  const { org, owner } = of;
  const live = Array.from(policy().kinds.keys(), async (kind) => {
    const index = owner === null ? lists.counted(org, kind) : lists.countedOwnedBy(org, kind, owner);
    return { kind, count: await store.count(index, nowMs()) };
  });
  return { total: await store.count(listOf(of), -Number.MAX_VALUE), live: await Promise.all(live) };
}

/** One after the other, in slices: others have their turn meanwhile. */
export async function tallyTokens(context: ManageContext, of: TokensOf): Promise<TokenTally> {
  const { store } = context;
  const countedAtMs = context.nowMs();
  const tally = new Counting(countedAtMs);
  const slices = new Slices();
  let after: { readonly score: number; readonly key: string } | undefined;
  for (;;) {
    const page = await store.scan(listOf(of), { limit: PAGE, ...(after === undefined ? {} : { after }) });
    await addPage(
      context,
      page.map((entry) => scannedDoc('token', entry).doc),
      tally,
      slices,
    );
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return tally;
    after = { score: last.score, key: last.key };
    await slices.next();
  }
}

async function addPage(
  context: ManageContext,
  docs: readonly TokenDoc[],
  tally: Counting,
  slices: Slices,
): Promise<void> {
  const facts = remembering(reader(context.store));
  const used = await usageOf(context, docs);
  for (const [nth, doc] of docs.entries()) {
    if (slices.over) await slices.next();
    const standing = await standingOf(facts, doc);
    if (standing !== null) tally.add(standing, findingsOf(standing, used[nth]!, tally.countedAtMs));
  }
}

function listOf({ org, owner }: TokensOf): string {
  return owner === null ? lists.tokens(org) : lists.tokensOwnedBy(org, owner);
}

class Counting implements TokenTally {
  readonly countedAtMs: number;
  readonly kinds = new Map<string, Record<TokenStateShown, number>>();
  readonly findings = Object.fromEntries(FINDINGS.map((finding) => [finding, 0])) as Record<TokenFinding, number>;
  expiring = 0;

  constructor(countedAtMs: number) {
    this.countedAtMs = countedAtMs;
  }

  add(doc: TokenDoc, findings: readonly TokenFinding[]): void {
    const states = this.kinds.get(doc.kind) ?? { active: 0, inactive: 0, expired: 0, revoked: 0 };
    const state = stateShown(doc, this.countedAtMs);
    states[state]++;
    this.kinds.set(doc.kind, states);
    for (const finding of findings) this.findings[finding]++;
    const { expiresAtMs } = doc;
    if (state === 'active' && expiresAtMs !== null && expiresAtMs <= this.countedAtMs + SOON_DAYS * DAY_MS)
      this.expiring++;
  }
}

/** Which tokens somebody looks for, told of one token as it stands. Reads when it was used, and nothing else. */

import { tokenKey } from '../../core/facts.ts';
import { DAY_MS } from '../../core/policy.ts';
import type { ManageContext } from '../context.ts';
import { folded } from '../names.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { findingsOf, type TokenFinding } from './findings.ts';
import { isContactGone, isVersionWithdrawn } from './metadata.ts';
import { stateShown, type TokenStateShown } from './token-state.ts';
import { type TokenUsage, UNUSED, type UsageContext, usageOf } from './usage.ts';

export interface TokenFilter {
  /** What its name begins with, in any case. */
  readonly name?: string;
  readonly kind?: string;
  readonly owner?: string;
  readonly state?: TokenStateShown;
  /** That it lists. */
  readonly scope?: string;
  /** That it lists, or may reach by a grant of all. */
  readonly workspace?: string;
  readonly expiringWithinDays?: number;
  /** Neither made nor used for so long. */
  readonly unusedForDays?: number;
  readonly neverUsed?: boolean;
  /** Made for this version of the API. */
  readonly apiVersion?: string;
  /** Whose version the policy has no longer. */
  readonly apiVersionWithdrawn?: boolean;
  /** Whose primary contact has left. */
  readonly contactGone?: boolean;
  readonly finding?: TokenFinding;
  /** For findings. */
  readonly unusedDays?: number;
}

type Sought = (doc: TokenDoc) => boolean;

/** What the record says by itself. `late`: something may have ended its token since. */
export function maybeSought(filter: TokenFilter, nowMs: number, late: boolean): Sought {
  const untilMs = filter.expiringWithinDays === undefined ? null : nowMs + filter.expiringWithinDays * DAY_MS;
  const name = folded(filter.name ?? '');
  return (doc) =>
    // Access tokens are in no list but that of uses.
    doc.clientId === null &&
    (filter.owner === undefined || doc.ownerId === filter.owner) &&
    (filter.kind === undefined || doc.kind === filter.kind) &&
    (late || filter.state === undefined || stateShown(doc, nowMs) === filter.state) &&
    (filter.scope === undefined || doc.scopes?.includes(filter.scope) === true) &&
    (filter.workspace === undefined || mayReach(doc, filter.workspace)) &&
    (filter.apiVersion === undefined || doc.apiVersion === filter.apiVersion) &&
    (untilMs === null || (doc.expiresAtMs !== null && doc.expiresAtMs > nowMs && doc.expiresAtMs <= untilMs)) &&
    (name === '' || folded(doc.name).startsWith(name));
}

/** What is told of the token as it stands. */
export function isSought({ policy }: Pick<ManageContext, 'policy'>, filter: TokenFilter, nowMs: number): Sought {
  return (doc) =>
    (filter.state === undefined || stateShown(doc, nowMs) === filter.state) &&
    // Of those that it lists some may have been deleted.
    (filter.workspace === undefined || mayReach(doc, filter.workspace)) &&
    (filter.apiVersionWithdrawn === undefined || isVersionWithdrawn(policy(), doc) === filter.apiVersionWithdrawn) &&
    (filter.contactGone === undefined || isContactGone(doc) === filter.contactGone);
}

function mayReach({ workspaces }: TokenDoc, id: string): boolean {
  return typeof workspaces === 'string' || workspaces.some(([listed]) => listed === id);
}

/** What only its use says. `look` is told of tokens together, before anything is asked of any of them. */
export class SoughtByUse {
  readonly #context: UsageContext;
  readonly #filter: TokenFilter;
  readonly #nowMs: number;
  #known = new Map<string, TokenUsage>();

  constructor(context: UsageContext, filter: TokenFilter, nowMs: number) {
    this.#context = context;
    this.#filter = filter;
    this.#nowMs = nowMs;
  }

  /** Rejects with StoreUnavailable. */
  async look(docs: readonly TokenDoc[]): Promise<void> {
    const { unusedForDays, neverUsed, finding } = this.#filter;
    if (unusedForDays === undefined && neverUsed === undefined && finding === undefined) return;
    const used = finding === undefined ? await this.#lastUses(docs) : await usageOf(this.#context, docs);
    this.#known = new Map(docs.map(({ id }, nth) => [id, used[nth]!]));
  }

  /** When it was used last; whether its token has ended since says nothing of that. */
  maybeSought({ id, createdAtMs }: TokenDoc): boolean {
    const { unusedForDays, neverUsed } = this.#filter;
    const { lastUsedAtMs } = this.#known.get(id) ?? UNUSED;
    return (
      (neverUsed === undefined || (lastUsedAtMs === null) === neverUsed) &&
      // A young token that nobody has used yet is not an unused one.
      (unusedForDays === undefined || (lastUsedAtMs ?? createdAtMs) < this.#nowMs - unusedForDays * DAY_MS)
    );
  }

  isSought(doc: TokenDoc): boolean {
    const { finding, unusedDays } = this.#filter;
    const usage = this.#known.get(doc.id) ?? UNUSED;
    return finding === undefined || findingsOf(doc, usage, this.#nowMs, unusedDays).includes(finding);
  }

  async #lastUses(docs: readonly TokenDoc[]): Promise<TokenUsage[]> {
    const touched = await this.#context.store.touched(
      docs.map(({ organizationId, id }) => tokenKey(organizationId, id)),
    );
    return touched.map((lastUsedAtMs) => ({ ...UNUSED, lastUsedAtMs }));
  }
}

/**
 * Refused attempts at a change leave a line, too: in the caller's own trail and nowhere else, so many in a minute, and
 * with the same work whether what they named exists or not. A stranger without a trail of their own is only counted.
 */
import { LRUCache } from 'lru-cache';
import { atMost } from '../at-most.ts';
import { isId, memberKey, organizationKey } from '../core/facts.ts';
import { withoutTokens } from '../core/token-format.ts';
import type { Metrics } from '../observe/metrics.ts';
import { StoreUnavailable } from '../store/store.ts';
import { actorView, auditDoc } from './audit.ts';
import { type ManageContext, reader } from './context.ts';
import type { Rejection } from './rejection.ts';
import { place } from './unit-of-work/places.ts';
import type { AuditDoc } from './unit-of-work/records.ts';

const MINUTE_MS = 60_000;
const CALLERS_MAX = 10_000;

interface Window {
  readonly untilMs: number;
  told: number;
}

/** What was tried, as the caller put it. Ids may be anything, a token included. */
export interface Attempt {
  /** For the trail: `PUT /v1/…`. */
  readonly action: string;
  /** It would have changed nothing. */
  readonly reads: boolean;
  /** The organization that the call names. */
  readonly organizationId: string | undefined;
  /** The innermost thing that the call names. null: it was to make one, and the caller gave no id. */
  readonly target: AuditDoc['target'];
}

/** Where the line belongs, and what it is about. */
interface Trail {
  readonly organizationId: string;
  readonly target: AuditDoc['target'];
}

export class RefusedAttempts {
  readonly #perMinute: () => number;
  readonly #monotonicMs: () => number;
  readonly #windows = new LRUCache<string, Window>(atMost(CALLERS_MAX));
  /** Left out since the last line, by caller. */
  readonly #leftOut = new LRUCache<string, number>(atMost(CALLERS_MAX));
  readonly #counts = { told: 0, left_out: 0, stranger: 0 };

  constructor(perMinute: () => number, monotonicMs: () => number, metrics: Metrics) {
    this.#perMinute = perMinute;
    this.#monotonicMs = monotonicMs;
    metrics.counterBy(
      'scopegate_management_refused_total',
      'Refused attempts at a change: told in the trail of their caller, left out there, or of a caller who has none.',
      'trail',
      () => this.#counts,
    );
  }

  /** Rejects with nothing but a bug: an attempt that cannot be written is counted. */
  async note(context: ManageContext, attempt: Attempt, rejection: Rejection): Promise<void> {
    const { kind } = rejection.details;
    if (attempt.reads || kind === 'malformed') return;
    // To a member what is somebody else's does not exist; that they tried is worth a line. The operator just mistyped.
    if (kind === 'not_found' && context.actor.kind === 'operator') return;
    try {
      const trail = await trailOf(context, attempt, rejection);
      if (trail === 'none') return;
      if (trail === 'stranger') this.#counts.stranger++;
      else await this.#tell(context, attempt.action, rejection, trail);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#counts.left_out++;
    }
  }

  async #tell(context: ManageContext, action: string, { details }: Rejection, trail: Trail): Promise<void> {
    const { actor, store, nowMs } = context;
    const { organizationId, target } = trail;
    const caller = `${organizationId} ${actor.kind} ${actor.kind === 'operator' ? '' : actor.id}`;
    if (!this.#mayTell(caller)) {
      this.#leftOut.set(caller, (this.#leftOut.get(caller) ?? 0) + 1);
      this.#counts.left_out++;
      return;
    }
    const leftOut = this.#leftOut.get(caller) ?? 0;
    const organization = await reader(store).get('organization', organizationKey(organizationId));
    if (organization === null) return;
    const { code, detail: why } = details;
    const detail = leftOut === 0 ? why : `${why} (${leftOut} refused attempts before this one were left out.)`;
    const line = { action, outcome: 'refused', target, before: null, after: null, code, detail } as const;
    const record = auditDoc(organization, actorView(actor), nowMs(), line);
    // No unit of work: a line about what was not done changes nothing, and must not wait for the organization's turn.
    await store.commit({ expects: [], writes: [{ ...place('audit', record), record }] });
    this.#leftOut.delete(caller);
    this.#counts.told++;
  }

  #mayTell(caller: string): boolean {
    const nowMs = this.#monotonicMs();
    let window = this.#windows.get(caller);
    if (window === undefined || window.untilMs <= nowMs) {
      window = { untilMs: nowMs + MINUTE_MS, told: 0 };
      this.#windows.set(caller, window);
    }
    return ++window.told <= this.#perMinute();
  }
}

/** Reads the same, whether there is what was named or not. `stranger`: nobody's trail is theirs. */
async function trailOf(
  { actor, store }: ManageContext,
  attempt: Attempt,
  { subject }: Rejection,
): Promise<Trail | 'stranger' | 'none'> {
  const asked = subject?.organizationId ?? attempt.organizationId;
  if (asked === undefined) return 'none';
  if (actor.kind === 'token') {
    const organizationId = actor.token.organizationId;
    // What is in another organization is not named: it may be there or not.
    if (asked !== organizationId) return { organizationId, target: { type: 'organization', id: shown(asked) } };
    return { organizationId, target: targetOf(attempt, subject) };
  }
  if (!isId(asked)) return 'none';
  if (actor.kind === 'member' && (await store.get(memberKey(asked, actor.id))) === null) return 'stranger';
  return { organizationId: asked, target: targetOf(attempt, subject) };
}

function targetOf({ target }: Attempt, subject: Rejection['subject']): AuditDoc['target'] {
  if (subject !== null) return subject.target;
  return target === null ? null : { type: target.type, id: shown(target.id) };
}

function shown(id: string): string {
  return isId(id) ? withoutTokens(id) : '…';
}

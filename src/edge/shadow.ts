/**
 * Judges some requests by a second set of rules, beside those in force, and tells what these would decide differently. Decides
 * nothing: whatever it finds, and whatever goes wrong here, the request goes its way. Bodies are not read for it.
 */
import { isImportedForm } from '../core/imported-token.ts';
import type { Reason } from '../core/reason.ts';
import type { Route } from '../core/route.ts';
import { isWellFormed } from '../core/token-format.ts';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics, ShadowChange } from '../observe/metrics.ts';
import { type DecisionNote, noteOf, recordOf } from './decision-record.ts';
import { type Facts, type Judgement, judge } from './judge.ts';
import { type Reading, readRequest } from './read-request.ts';
import type { RequestContext } from './request-context.ts';
import type { ShadowRules } from './ruleset.ts';

export interface ShadowParts {
  readonly facts: Facts;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'shadow'>;
  readonly log: Log;
  /** Of the store: up to which the facts are known. */
  readonly revision: () => number;
}

/** Why not; null: it may pass. `unclear`: these rules ask for what nobody has looked at. */
type Outcome = Reason | null | 'unclear';

/** Said of the moment, not by the rules. */
const UNCLEAR: ReadonlySet<Outcome> = new Set<Outcome>([
  ...(['unclear', 'store_unavailable', 'overloaded', 'body_too_large', 'body_timeout', 'body_unreadable'] as const),
]);
const PATH_MAX = 2048;

export class ShadowDecisions {
  readonly #parts: ShadowParts;

  constructor(parts: ShadowParts) {
    this.#parts = parts;
  }

  /** `decided`: what the rules in force have said; null: it may pass. Where limits stand is no part of it. */
  compare(request: RequestContext, decided: Reason | null): void {
    const { shadow } = request.ruleset;
    if (shadow === null || shadow.budget.spend(request.monotonicMs) === null) return;
    try {
      const reading = readAgain(request, shadow);
      const judged = this.#judge(request, reading, shadow);
      if (!(judged instanceof Promise)) return this.#tell(request, decided, reading.route, judged, shadow, null);
      // By then the request may be gone.
      const note = this.#note(request, decided);
      judged
        .then((late) => this.#tell(request, decided, reading.route, late, shadow, note))
        .catch((error) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }

  #judge(request: RequestContext, reading: Reading, { policy, patterns }: ShadowRules): Outcome | Promise<Outcome> {
    if (reading.refused !== null) return reading.refused.reason;
    const { question, token } = reading;
    if (question === null) return null;
    if (!isWellFormed(token, policy.prefixes) && !isImportedForm(token, patterns)) return 'token_unknown';
    const { facts, clock } = this.#parts;
    const judged = judge(question, policy, facts, request, clock);
    return judged instanceof Promise ? judged.then(outcomeOf) : outcomeOf(judged);
  }

  #tell(
    request: RequestContext,
    decided: Reason | null,
    route: Route | null,
    outcome: Outcome,
    { configuration }: ShadowRules,
    note: DecisionNote | null,
  ): void {
    const change = changeOf(decided, outcome);
    const inForce = request.reading.route;
    this.#parts.metrics.shadow.add((inForce ?? route)?.id ?? '-', change);
    if (change === 'same' || change === 'unclear') return;
    const shadow = { change, route: route?.id ?? null, reason: outcome, configuration };
    this.#parts.log.info({ ...recordOf(note ?? this.#note(request, decided)), shadow }, 'shadow decision');
  }

  #note(request: RequestContext, reason: Reason | null): DecisionNote {
    const decided = { request, route: request.reading.route, reason, status: null, upstreamMs: null };
    return noteOf(decided, this.#parts.revision(), PATH_MAX);
  }

  #failed(error: unknown): void {
    this.#parts.log.error({ err: error }, 'shadow: unexpected error; the request was not touched by it');
  }
}

/** A copy of what its head says: facts may have to be fetched, and the request does not wait. */
function readAgain({ exchange, reading }: RequestContext, shadow: ShadowRules): Reading {
  const { method, target, minorVersion, peerAddress, encrypted, isClientUnknown, headerFacts } = exchange;
  const { lastToken, upgrade } = exchange;
  const head = { method, target, minorVersion, peerAddress, encrypted, isClientUnknown, headerFacts };
  return readRequest({ ...head, headers: [...exchange.headers], lastToken, upgrade, body: reading.body }, shadow);
}

function outcomeOf(judged: Judgement): Outcome {
  if (judged.kind === 'allowed') return null;
  return judged.kind === 'body' ? 'unclear' : judged.reason;
}

function changeOf(was: Reason | null, is: Outcome): ShadowChange {
  if (UNCLEAR.has(was) || UNCLEAR.has(is)) return 'unclear';
  if (was === is) return 'same';
  if (was === null) return 'narrower';
  return is === null ? 'wider' : 'other_reason';
}

/**
 * What requests leave in the log: access lines as `log.access` says, decision lines as `log.decisions` says. No line has a
 * query, a body or a token. Refusals are free for the sender: their access lines have a budget for each class of reasons, so
 * that a flood of one hides no other; decision lines, which are asked for, have none.
 */
import { REASON_CLASSES, type ReasonClass, reasonClass } from '../core/reason.ts';
import { escapedTarget } from '../core/target.ts';
import { withoutTokens } from '../core/token-format.ts';
import { LineBudget, type Log } from '../observe/log.ts';
import { type Decided, type DecisionNote, noteOf, recordOf } from './decision-record.ts';
import type { ForwardedRequest, PipelineParts, RefusedRequest } from './pipeline-parts.ts';
import { clientAddressOf, type RequestContext } from './request-context.ts';

const REFUSAL_LINES_PER_SECOND = 50;
/** Left out lines are told of so much later, unless a line of their class tells it first. */
const TOLD_AFTER_MS = 1000;
/** Longer than any target may be. */
const PATH_MAX = 65_536;

interface RequestLog extends Pick<PipelineParts, 'onForwarded' | 'onAllowed'> {
  /** `note`: what was kept of it already; null: nothing. */
  onRefused(refused: RefusedRequest, note: DecisionNote | null): void;
}

/** `revision`: up to which the facts are known. */
export function requestLog(log: Log, monotonicMs: () => number, revision: () => number): RequestLog {
  const budgets = new Map(REASON_CLASSES.map((name) => [name, new RefusalBudget(name, log, monotonicMs)]));
  return {
    onRefused: (refused, note) => {
      const { request, reason, detail } = refused;
      const { access, refused: sampled } = request.ruleset.log;
      // What is remembered of a path may be shorter.
      if (sampled?.takes())
        log.info(note === null || note.isCut ? decisionLine(refused, revision()) : recordOf(note), 'decision');
      if (access === 'none') return;
      const suppressed = budgets.get(reasonClass(reason))!.spend();
      if (suppressed === null) return;
      const said = detail === null ? null : withoutTokens(detail);
      const more = suppressed > 0 ? { suppressed } : {};
      log.info({ ...accessLine(refused, monotonicMs()), reason, detail: said, ...more }, 'refused');
    },
    onForwarded: (forwarded) => {
      const { request, isSampled } = forwarded;
      if (isSampled) log.info(decisionLine({ ...forwarded, reason: null }, revision()), 'decision');
      if (request.ruleset.log.access === 'all')
        log.info({ ...accessLine(forwarded, monotonicMs()), complete: forwarded.isComplete }, 'forwarded');
    },
    onAllowed: (request, route) => {
      if (!request.ruleset.log.allowed?.takes()) return;
      const open = { request, route, reason: null, status: null, upstreamMs: null };
      log.info(decisionLine(open, revision()), 'decision');
    },
  };
}

/** One class of refusals: how many lines it may have, and who tells of those that were left out. */
class RefusalBudget {
  readonly #lines = new LineBudget(REFUSAL_LINES_PER_SECOND);
  readonly #class: ReasonClass;
  readonly #log: Log;
  readonly #monotonicMs: () => number;
  #telling: NodeJS.Timeout | undefined;

  constructor(name: ReasonClass, log: Log, monotonicMs: () => number) {
    this.#class = name;
    this.#log = log;
    this.#monotonicMs = monotonicMs;
  }

  spend(): number | null {
    const suppressed = this.#lines.spend(this.#monotonicMs());
    if (suppressed === null) this.#telling ??= setTimeout(() => this.#tell(), TOLD_AFTER_MS).unref();
    return suppressed;
  }

  /** A flood may end before anything of its class comes again. */
  #tell(): void {
    this.#telling = undefined;
    const suppressed = this.#lines.takeSuppressed();
    if (suppressed > 0) this.#log.info({ class: this.#class, suppressed }, 'refusals were left out');
  }
}

function accessLine(
  { request, route, status, upstreamMs, bytesIn, bytesOut }: RefusedRequest | ForwardedRequest,
  nowMs: number,
) {
  const { requestId, decisionId, exchange, token } = request;
  return {
    requestId,
    decisionId,
    method: exchange.method,
    host: hostOf(request),
    path: pathOf(request),
    routeId: route?.id ?? null,
    status,
    bytesIn,
    bytesOut,
    totalMs: rounded(nowMs - request.monotonicMs),
    upstreamMs: upstreamMs === null ? null : rounded(upstreamMs),
    tokenId: token?.id ?? null,
    organizationId: token?.organizationId ?? null,
    clientAddress: clientAddressOf(request),
  };
}

/** All that explaining it, or judging it again by other rules, takes. */
function decisionLine(decided: Decided, revision: number) {
  return recordOf(noteOf(decided, revision, PATH_MAX));
}

function hostOf({ reading }: RequestContext): string | null {
  return reading.headerFacts.host === '' ? null : withoutTokens(reading.headerFacts.host);
}

/** A target that could not be read is shown as it came, its odd characters spelled out. */
function pathOf({ reading, exchange }: RequestContext): string {
  return withoutTokens(reading.target.path === '' ? escapedTarget(exchange.target) : reading.target.path);
}

/** To the microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

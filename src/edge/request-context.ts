/** What is known about a request so far, from the moment it is read. Grows line by line in the pipeline; judges nothing. */
import type { Route } from '../core/route-table.ts';
import type { Target } from '../core/target.ts';
import type { Exchange } from '../http/exchange.ts';
import { nextRequestId } from '../http/request-id.ts';
import type { DecisionHandler } from './decision-handler.ts';
import type { Moment } from './judge.ts';
import type { PipelineParts } from './pipeline-parts.ts';
import type { Ruleset } from './ruleset.ts';
import { ServerTiming } from './server-timing.ts';

export interface RequestContext extends Moment {
  readonly exchange: Exchange;
  readonly ruleset: Ruleset;
  readonly requestId: string;
  /** null: nobody asked where the time goes. */
  readonly timing: ServerTiming | null;
  readonly handler: DecisionHandler | null;
  target: Target | null;
  route: Route | null;
  /** Told to the client and the upstream: the answer rests on what was known before the store was lost. */
  degraded: string | null;
  /** Its limits have been asked. */
  counted: boolean;
  /** What any answer is to say besides, such as where the limits stand: raw pairs. */
  answerHeaders: readonly string[] | null;
}

export function begin(exchange: Exchange, handler: DecisionHandler | null, parts: PipelineParts): RequestContext {
  const { clock } = parts;
  const nowMs = clock.nowMs();
  const monotonicMs = clock.monotonicMs();
  const ruleset = parts.ruleset();
  return {
    exchange,
    ruleset,
    requestId: nextRequestId(nowMs),
    nowMs,
    monotonicMs,
    timing: ruleset.serverTiming ? new ServerTiming(clock, monotonicMs) : null,
    handler,
    target: null,
    route: null,
    degraded: null,
    counted: false,
    answerHeaders: null,
  };
}

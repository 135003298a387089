/** What is known about a request so far, from the moment it came. Each step of the pipeline fills its part; judges nothing. */
import type { FieldValue } from '../core/bodies/inspected-body.ts';
import type { Allowed } from '../core/decide.ts';
import type { TokenFacts } from '../core/facts.ts';
import { givenRequestId, type RequestIds } from '../core/request-ids.ts';
import type { Exchange } from '../http/exchange.ts';
import { nextRequestId } from '../http/request-id.ts';
import type { Clock } from '../observe/clock.ts';
import type { ReceivedBody } from './bodies/received-body.ts';
import { clientAddress } from './client-address.ts';
import type { DecisionHandler } from './decision-handler.ts';
import type { Moment } from './judge.ts';
import { type Reading, UNREAD } from './read-request.ts';
import type { Ruleset } from './ruleset.ts';
import { ServerTiming } from './server-timing.ts';

export interface RequestContext extends Moment, RequestIds {
  readonly exchange: Exchange;
  readonly ruleset: Ruleset;
  /** The peer is a configured proxy. */
  readonly isTrusted: boolean;
  /** null: nobody asked where the time goes. */
  readonly timing: ServerTiming | null;
  readonly handler: DecisionHandler | null;
  /** Steps 1 to 3. */
  reading: Reading;
  /** Read before the verdict, because the route asks for what it says; null: not so. */
  received: ReceivedBody | null;
  /** Some of it was read and is gone: no other rules can send the request on. */
  isBodySpent: boolean;
  /** Steps 4 to 10. null: not allowed so far, or the route is public. */
  allowed: Allowed | null;
  /** Allowed or not; null: none that we know. For the log. */
  token: TokenFacts | null;
  /** What it named where its workspace was looked for, of one that was denied there; undefined: nobody has looked. */
  selected: FieldValue;
  /** How long it took to decide, once that is done. */
  decidedMs: number;
  /** Told to the client and the upstream: the answer rests on what was known before the store was lost. */
  degraded: string | null;
  /** What any answer is to say besides, such as where the limits stand: raw pairs. */
  answerHeaders: readonly string[] | null;
}

/** The time, and the rules that are in force. */
interface Now {
  readonly clock: Clock;
  readonly ruleset: () => Ruleset;
}

export function begin(
  exchange: Exchange,
  handler: DecisionHandler | null,
  { clock, ruleset: inForce }: Now,
): RequestContext {
  const nowMs = clock.nowMs();
  const monotonicMs = clock.monotonicMs();
  const ruleset = inForce();
  const decisionId = nextRequestId(nowMs);
  const isTrusted = ruleset.isTrustedProxy(exchange.peerAddress);
  return {
    exchange,
    ruleset,
    decisionId,
    isTrusted,
    requestId: isTrusted ? (givenRequestId(exchange.sorted?.meant ?? exchange.headers) ?? decisionId) : decisionId,
    nowMs,
    monotonicMs,
    timing: ruleset.serverTiming ? new ServerTiming(clock, monotonicMs) : null,
    handler,
    reading: UNREAD,
    received: null,
    isBodySpent: false,
    allowed: null,
    token: null,
    selected: undefined,
    decidedMs: 0,
    degraded: null,
    answerHeaders: null,
  };
}

/** Whom the request is counted for. */
export function clientAddressOf({ exchange, ruleset, isTrusted }: RequestContext): string {
  // Its headers may have to be made out.
  if (!isTrusted) return exchange.peerAddress;
  return clientAddress(exchange.headers, exchange.peerAddress, ruleset.isTrustedProxy);
}

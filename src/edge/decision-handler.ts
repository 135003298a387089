/**
 * Where another program sends an allowed request on, or serves it itself: a proxy that only asked, the application
 * that the engine runs in. Types only. What the gateway would send on differently is refused, since nobody would.
 */
import type { Allowed } from '../core/decide.ts';
import type { Refusal } from '../core/dialect.ts';
import type { Reason } from '../core/reason.ts';
import type { RequestIds } from '../core/request-ids.ts';
import type { Route } from '../core/route.ts';

export interface Passed extends RequestIds {
  readonly route: Route;
  /** null on public routes. */
  readonly allowed: Allowed | null;
  /** Who is calling: raw pairs, `X-Scopegate-*`; empty on public routes. */
  readonly identity: readonly string[];
  /** The store could not be asked. */
  readonly degraded: boolean;
  /** What the answer is to say, whoever gives it: raw pairs. */
  readonly answerHeaders: readonly string[];
}

export interface DecisionHandler {
  /** false: it stands where the gateway's own endpoints cannot be answered, so their routes are none. */
  readonly servesEndpoints: boolean;
  /** Allowed. */
  pass(passed: Passed): void;
  /** Told of each refusal right before its answer; may put it into other words. */
  phrase(refusal: Refusal, reason: Reason): Refusal;
}

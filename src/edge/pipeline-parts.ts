/** What the request path is made with, and what it tells about each request. Types only. */
import type { Reason } from '../core/reason.ts';
import type { Route } from '../core/route.ts';
import type { Clock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { FactCache } from '../store/cache/fact-cache.ts';
import type { LastUsed } from '../store/cache/last-used.ts';
import type { InspectionQueue } from './bodies/inspection-queue.ts';
import type { WaitingBodies } from './bodies/waiting-bodies.ts';
import type { Registrar } from './registrar.ts';
import type { RequestContext } from './request-context.ts';
import type { Ruleset } from './ruleset.ts';
import type { ShadowDecisions } from './shadow.ts';
import type { OpenStreamRegistry } from './streams/open-stream-registry.ts';
import type { AuthFailureThrottle } from './throttles/auth-failure-throttle.ts';
import type { ImportedTokenLookups } from './throttles/imported-tokens.ts';
import type { RateLimiter } from './throttles/rate-limiter.ts';

/** A request that was answered, as the log is told of it. */
interface EndedRequest {
  readonly request: RequestContext;
  /** Of the answer. */
  readonly status: number;
  /** Of the bodies that crossed. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** From when it was sent on to the head of the answer, or to its failure; null: it was not, or nobody wants to know. */
  readonly upstreamMs: number | null;
}

export interface RefusedRequest extends EndedRequest {
  readonly reason: Reason;
  readonly route: Route | null;
  readonly detail: string | null;
}

export interface ForwardedRequest extends EndedRequest {
  readonly route: Route;
  /** Chosen for a line of its own, when it was decided on. */
  readonly isSampled: boolean;
  /** The client got the whole answer. */
  readonly isComplete: boolean;
}

export interface PipelineParts {
  readonly ruleset: () => Ruleset;
  readonly facts: FactCache;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly guesses: AuthFailureThrottle;
  readonly limiter: RateLimiter;
  readonly imported: ImportedTokenLookups;
  readonly bodies: WaitingBodies;
  readonly inspections: InspectionQueue;
  readonly registrar: Registrar;
  /** Where answers that go on for as long as their caller may are kept to that. */
  readonly streams: OpenStreamRegistry;
  readonly lastUsed: LastUsed;
  readonly shadow: Pick<ShadowDecisions, 'compare'>;
  /** By which we know a request that has been here. */
  readonly viaName: string;
  readonly onRefused: (refused: RefusedRequest) => void;
  readonly onForwarded: (forwarded: ForwardedRequest) => void;
  /** It goes to one of our own endpoints, or to a handler: nobody tells how it ends. */
  readonly onAllowed: (request: RequestContext, route: Route) => void;
  /** Our own fault. The request fails closed. */
  readonly onBug: (error: unknown) => void;
}

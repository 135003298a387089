/** What the request path is made with, and what it tells about each request. Types only. */
import type { Allowed } from '../core/decide.ts';
import type { Reason } from '../core/reason.ts';
import type { Route } from '../core/route.ts';
import type { Clock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { FactCache } from '../store/cache/fact-cache.ts';
import type { LastUsed } from '../store/cache/last-used.ts';
import type { WaitingBodies } from './bodies/waiting-bodies.ts';
import type { Registrar } from './registrar.ts';
import type { Ruleset } from './ruleset.ts';
import type { OpenStreamRegistry } from './streams/open-stream-registry.ts';
import type { AuthFailureThrottle } from './throttles/auth-failure-throttle.ts';
import type { ImportedTokenLookups } from './throttles/imported-tokens.ts';
import type { RateLimiter } from './throttles/rate-limiter.ts';

export interface RefusedRequest {
  readonly requestId: string;
  readonly reason: Reason;
  readonly method: string;
  /** Path only: a query may carry secrets. */
  readonly path: string;
  readonly routeId: string | null;
  readonly tokenId: string | null;
  readonly peerAddress: string;
  readonly detail: string | null;
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
  readonly registrar: Registrar;
  /** Where answers that go on for as long as their caller may are kept to that. */
  readonly streams: OpenStreamRegistry;
  readonly lastUsed: LastUsed;
  /** By which we know a request that has been here. */
  readonly viaName: string;
  readonly onRefused: (refused: RefusedRequest) => void;
  readonly onForwarded: (
    requestId: string,
    route: Route,
    allowed: Allowed | null,
    status: number,
    complete: boolean,
  ) => void;
  /** Our own fault. The request fails closed. */
  readonly onBug: (error: unknown) => void;
}

/** What an upstream is told and what it tells about itself. Types only. */
import type { LookupFunction } from 'node:net';
import type { ConfiguredName } from '../core/configured-name.ts';
import type { BreakerOptions } from './breaker.ts';
import type { HealthOptions } from './health-check.ts';
import type { RetryOptions } from './retry-budget.ts';
import type { TargetState, UpstreamProtocol } from './states.ts';
import type { UpstreamTlsOptions } from './target.ts';
import type { Timeouts } from './timeouts.ts';

export interface UpstreamOptions {
  /** Origins, http:// or https://. */
  readonly targets: readonly string[];
  /** http1 unless told. */
  readonly protocol?: UpstreamProtocol;
  readonly timeouts: Timeouts;
  /** Per target: for requests that are neither of the next two. */
  readonly maxConnections: number;
  /** Per target: for answers that go on for as long as they may; 10,000 unless told. */
  readonly maxStreams?: number;
  /** Per target: for requests to leave HTTP, and what comes of them; 10,000 unless told. */
  readonly maxUpgrades?: number;
  /** Of each of the three: what one holder may have while less than a quarter is free; a quarter unless told. */
  readonly maxShare?: number;
  /** Requests that may wait for a connection; as many as `maxConnections` unless told. */
  readonly maxQueued?: number;
  /** How long a connection may lie idle; 4 s unless told, which is under the 5 s of Node's servers. */
  readonly keepAliveMs?: number;
  /** How old a connection may get; a minute unless told. So long may requests go where a name no longer points. */
  readonly maxConnectionAgeMs?: number;
  readonly breaker?: BreakerOptions;
  readonly retries?: RetryOptions;
  /** Active health checks; none unless told. */
  readonly health?: HealthOptions;
  readonly tls?: UpstreamTlsOptions;
  readonly nowMs?: () => number;
  /** How the addresses of a name are found; `names/names.ts` unless told. */
  readonly lookup?: LookupFunction;
  /** A target went from one state to another. */
  readonly onChange?: (origin: string, state: TargetState, detail: string) => void;
}

export interface UpstreamStats {
  readonly open: number;
  readonly idle: number;
  readonly active: number;
  readonly queued: number;
}

export interface TargetStatus {
  readonly origin: ConfiguredName;
  readonly state: TargetState;
  readonly open: number;
  readonly active: number;
  /** Of these. */
  readonly streams: number;
  readonly upgrades: number;
  /** Requests that got no valid answer, and how often that was too often. */
  readonly failures: number;
  readonly ejections: number;
}

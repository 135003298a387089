/**
 * What one process of a `serve` with workers is to the others, as seen from within: whom it waits for, whom it asks.
 * Types, and how what they say about themselves becomes one answer. Starts and ends no process.
 */
import type { Packed } from '../config/load/configuration.ts';
import type { Taken, Use } from '../core/rate-limit.ts';
import type { ProcessMetrics } from '../observe/aggregate.ts';
import type { Reload, ReloadStanding } from './reloader.ts';

export type ProcessRole = 'gateway' | 'sidecar';
export type ProcessName = 'sidecar' | `worker-${number}`;

/** What is in force, as every process of a `serve` is to have it. */
export interface InForce {
  readonly standing: ReloadStanding;
  readonly packed: Packed;
}

export interface ProcessGroup {
  /** Before the first request can come in: from now on others wait for this process. What was missed meanwhile, if anything. */
  join(): Promise<InForce | null>;
  /** Resolves once no other process of this `serve` can act on what was before `revision`. */
  applied(revision: number): Promise<void>;
  /** Adds requests to counts that all of this `serve` share. Rejects where nobody answers, soon. */
  count(requests: ReadonlyArray<readonly Use[]>): Promise<readonly Taken[]>;
  /** Puts the files in force, one process after the other, or leaves everything as it is. */
  reload(): Promise<Reload>;
  /** Everybody but the one who asks. */
  report(): Promise<SiblingsReport>;
  metrics(): Promise<readonly ProcessMetrics[]>;
}

export interface SiblingsReport {
  readonly listeners: { readonly gateway: string | null; readonly decision: string | null };
  /** All of this `serve`, but for the one that starts them. */
  readonly processes: readonly ProcessReport[];
}

export interface ProcessReport {
  readonly name: string;
  readonly role: ProcessRole;
  readonly pid: number | null;
  /** `restarting`: there is none at the moment. */
  readonly state: 'starting' | 'serving' | 'draining' | 'restarting';
  readonly restarts: number;
  /** Of the configuration in force there. */
  readonly generation: number;
  /** null: it did not answer in time. */
  readonly self: SelfReport | null;
}

/** Of one process, by itself. */
export interface SelfReport {
  readonly fresh: boolean;
  readonly staleMs: number;
  readonly degraded: boolean;
  /** How far its clock is ahead of the store's; null: not known, or the same. */
  readonly clockSkewMs: number | null;
  /** Near enough to mint tokens by. */
  readonly clockRight: boolean;
  readonly cache: Readonly<Record<string, number>>;
  readonly upstreams: Readonly<Record<string, UpstreamReport>>;
}

export interface UpstreamReport {
  readonly available: number;
  readonly targets: ReadonlyArray<{ readonly state: string }>;
}

/** Is there somebody to serve requests, and can all who do be relied on? One that is being replaced gets none. */
export function siblingsReady(processes: readonly ProcessReport[]): boolean {
  const serving = processes.filter(({ role, state }) => role === 'gateway' && state === 'serving');
  return serving.length > 0 && serving.every(({ self }) => self?.fresh === true && self.clockRight);
}

/** One report of several: numbers are added, but for how stale they are and how many targets are available: the worst counts. */
export function mergedSelf(selves: readonly SelfReport[]): SelfReport | null {
  const [first, ...others] = selves;
  return first === undefined ? null : others.reduce((left, right) => merge(left, right) as SelfReport, first);
}

const WORST: Readonly<Record<string, (left: number, right: number) => number>> = {
  staleMs: Math.max,
  available: Math.min,
  clockSkewMs: (left, right) => (Math.abs(left) >= Math.abs(right) ? left : right),
};

function merge(left: unknown, right: unknown, key = ''): unknown {
  if (right === undefined) return left;
  if (typeof left === 'number' && typeof right === 'number') return WORST[key]?.(left, right) ?? left + right;
  if (typeof left === 'boolean') return key === 'degraded' ? left || right : left && right;
  if (Array.isArray(left) && Array.isArray(right)) return left.map((each, index) => merge(each, right[index]));
  if (typeof left === 'object' && left !== null && typeof right === 'object') {
    const values = right as Record<string, unknown>;
    return Object.fromEntries(Object.entries(left).map(([name, value]) => [name, merge(value, values[name], name)]));
  }
  return key === 'state' && left === 'up' ? right : left;
}

/** What a process says of the gateway processes that it knows of, and of its own place among them. Changes nothing. */
import type { Metrics } from '../observe/metrics.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { ProcessList } from './process-list.ts';

export interface Fleet {
  /** null: this process judges no requests. */
  readonly keeper: LeaseKeeper | null;
  /** null: there is no sidecar here that could be asked. */
  readonly processList: ProcessList | null;
}

/** For probes: how many, not which. null: nobody could be asked. */
export function fleetSummary({ keeper, processList }: Fleet) {
  return { leaseAgeMs: rounded(keeper?.ageMs ?? null), processes: processList?.live?.length ?? null };
}

/** For the operator. `behind`: by how many changes, seen from the process that knows most. */
export function fleetReport({ keeper, processList }: Fleet) {
  const live = processList?.live ?? null;
  const newest = Math.max(...(live ?? []).map(({ revision }) => revision));
  return {
    self: keeper?.id ?? null,
    leaseAgeMs: rounded(keeper?.ageMs ?? null),
    processes:
      live?.map(({ startedAtMs, revision, format: _, ...process }) => ({
        ...process,
        startedAt: new Date(startedAtMs).toISOString(),
        revision,
        behind: newest - revision,
      })) ?? null,
  };
}

export function describeFleet(metrics: Metrics, { keeper, processList }: Fleet): void {
  if (processList !== null) {
    const count = () => processList.live?.length ?? Number.NaN;
    metrics.gauge('scopegate_processes', 'Gateway processes that hold a lease.', count);
  }
  if (keeper !== null) {
    const age = () => (keeper.ageMs ?? Number.NaN) / 1000;
    metrics.gauge('scopegate_lease_age_seconds', "Since this process's lease was last renewed.", age, 'max');
  }
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

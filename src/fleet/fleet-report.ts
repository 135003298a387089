/** What a process says of the gateway processes that it knows of, and of its own place among them. Changes nothing. */
import type { Metrics } from '../observe/metrics.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { ProcessList } from './process-list.ts';

export interface CertificateSelf {
  readonly listener: string;
  /** Of the chain. */
  readonly file: string;
  readonly validFrom: string;
  readonly endsAt: string;
  /** false: its files hold something that cannot serve, so the last good one does. */
  readonly current: boolean;
}

/** What a gateway process says of itself, whoever asks. */
export interface ProcessSelf {
  readonly version: string;
  /** The digest of its files, by which a decision names the configuration, too. */
  readonly configuration: string;
  readonly leaseAgeMs: number | null;
  readonly degraded: boolean;
  readonly certificates: readonly CertificateSelf[];
}

/** With how long ago that was, so that nobody takes it for now. */
export type HeardSelf = ProcessSelf & { readonly heardMsAgo: number };

export interface Fleet {
  /** null: this process judges no requests. */
  readonly keeper: LeaseKeeper | null;
  /** null: there is no sidecar here that could be asked. */
  readonly processList: ProcessList | null;
  /** By the ids of processes; who has not been heard is not in it. */
  readonly heard: () => ReadonlyMap<string, HeardSelf>;
}

/** For probes: how many, not which. null: nobody could be asked. */
export function fleetSummary({ keeper, processList }: Fleet) {
  return { leaseAgeMs: rounded(keeper?.ageMs ?? null), processes: processList?.live?.length ?? null };
}

/** For the operator. `behind`: by how many changes, seen from the process that knows most. */
export function fleetReport({ keeper, processList }: Fleet, heard: ReadonlyMap<string, HeardSelf>) {
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
        ...ofSelf(heard.get(process.id)),
      })) ?? null,
  };
}

function ofSelf(self: HeardSelf | undefined) {
  if (self === undefined)
    return { version: null, configuration: null, leaseAgeMs: null, degraded: null, heardMsAgo: null };
  const { version, configuration, leaseAgeMs, degraded, heardMsAgo } = self;
  return { version, configuration, leaseAgeMs: rounded(leaseAgeMs), degraded, heardMsAgo };
}

/** Every file once, `own` among them. Who serves it differs only while it is renewed: the earliest end counts. */
export function certificatesOf(
  heard: ReadonlyMap<string, HeardSelf>,
  own: readonly CertificateSelf[],
): readonly CertificateSelf[] {
  const byFile = new Map<string, CertificateSelf>();
  for (const told of [...own, ...Array.from(heard.values(), ({ certificates }) => certificates).flat()]) {
    const place = `${told.listener} ${told.file}`;
    const known = byFile.get(place) ?? told;
    const earliest = told.endsAt < known.endsAt ? told : known;
    byFile.set(place, { ...earliest, current: known.current && told.current });
  }
  return [...byFile.values()];
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

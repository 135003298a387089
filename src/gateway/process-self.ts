/** What this process says of itself to the others, as it stands. Changes nothing. */
import type { Configuration } from '../config/load/configuration.ts';
import type { CertificateSelf, ProcessSelf } from '../fleet/fleet-report.ts';
import type { LeaseKeeper } from '../fleet/lease-keeper.ts';
import { version } from '../package-files.ts';
import type { FactCache } from '../store/cache/fact-cache.ts';

export function processSelf(
  { digest }: Configuration,
  facts: FactCache,
  keeper: LeaseKeeper | null,
  certificates: readonly CertificateSelf[],
): ProcessSelf {
  return {
    version: version(),
    configuration: digest,
    leaseAgeMs: keeper?.ageMs ?? null,
    degraded: facts.isDegraded(),
    certificates,
  };
}

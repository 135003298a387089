/** A configuration in a few words, for the lines that say what was read. */
import type { Configuration } from '../config/load/configuration.ts';

export function summary({ routeCount, file, policy }: Configuration): string {
  const upstreams = Object.keys(file.upstreams).length;
  return `${routeCount} route${routeCount === 1 ? '' : 's'}, ${upstreams} upstream${upstreams === 1 ? '' : 's'}, policy ${policy.name}`;
}

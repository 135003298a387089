/** How targets are doing, in numbers. Changes nothing. */
import type { Target } from './target.ts';
import type { TargetStatus, UpstreamStats } from './upstream-options.ts';

export function statsOf(targets: readonly Target[], queued: number): UpstreamStats {
  let open = 0;
  let idle = 0;
  let active = 0;
  for (const target of targets) {
    open += target.connections.size + target.tunnels.size;
    idle += target.idleCount + target.settling;
    active += target.active;
  }
  return { open, idle, active, queued };
}

export function statusOf(target: Target): TargetStatus {
  const { origin, state, connections, tunnels, active, streams, upgrades, failures, breaker } = target;
  return {
    origin,
    state,
    open: connections.size + tunnels.size,
    active,
    streams: streams.used,
    upgrades: upgrades.used,
    failures,
    ejections: breaker.openings,
  };
}

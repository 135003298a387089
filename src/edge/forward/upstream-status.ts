/** How the upstreams are doing, for `/metrics`, `/readyz` and the log. Decides nothing. */
import type { ConfiguredName } from '../../core/configured-name.ts';
import type { Log } from '../../observe/log.ts';
import type { Metrics, Sample } from '../../observe/metrics.ts';
import type { TargetState } from '../../upstream/states.ts';
import type { TargetStatus } from '../../upstream/upstream-options.ts';
import type { UpstreamBinding } from '../ruleset.ts';

type Bindings = () => Iterable<UpstreamBinding>;

interface UpstreamLabels {
  readonly upstream: ConfiguredName;
}

interface TargetLabels extends UpstreamLabels {
  /** Its origin. */
  readonly target: ConfiguredName;
}

/** For the body of /readyz: an upstream that is down is its own trouble, and no reason to take the gateway out. */
export function upstreamReport(bindings: Iterable<UpstreamBinding>) {
  return Object.fromEntries(
    Array.from(bindings, ({ name, upstream }) => {
      const targets = upstream.targets;
      return [name, { ...upstream.stats, available: targets.filter(isUp).length, targets }];
    }),
  );
}

/** `bindings` is asked at each scrape, so that a reload shows. */
export function describeUpstreams(metrics: Metrics, bindings: Bindings): void {
  const perUpstream = (read: (binding: UpstreamBinding) => number) => (): Array<Sample<UpstreamLabels>> =>
    Array.from(bindings(), (binding) => ({ labels: { upstream: binding.name }, value: read(binding) }));
  const perTarget = (read: (target: TargetStatus) => number) => (): Array<Sample<TargetLabels>> =>
    Array.from(bindings()).flatMap(({ name, upstream }) =>
      upstream.targets.map((target) => ({ labels: { upstream: name, target: target.origin }, value: read(target) })),
    );
  metrics.family('scopegate_upstream_queued', 'Requests that wait for a connection.', 'gauge', perUpstream(queued));
  metrics.family('scopegate_upstream_retries_total', 'Requests sent again.', 'counter', perUpstream(retries));
  metrics.family(
    'scopegate_upstream_share_refusals_total',
    'Requests refused because a token or an address had its share.',
    'counter',
    perUpstream(({ upstream }) => upstream.shareRefusals),
  );
  metrics.family(
    'scopegate_upstream_target_up',
    '1 while the target is well; 0 while it is unhealthy or ejected.',
    'gauge',
    perTarget((target) => Number(isUp(target))),
    'min',
  );
  metrics.family(
    'scopegate_upstream_target_connections',
    'Open connections to the target.',
    'gauge',
    perTarget(({ open }) => open),
  );
  metrics.family(
    'scopegate_upstream_target_active',
    'Requests in progress at the target.',
    'gauge',
    perTarget(({ active }) => active),
  );
  metrics.family(
    'scopegate_upstream_target_streams',
    'Answers of the target that go on for as long as they may.',
    'gauge',
    perTarget(({ streams }) => streams),
  );
  metrics.family(
    'scopegate_upstream_target_upgrades',
    'Requests to leave HTTP at the target, and what became of them.',
    'gauge',
    perTarget(({ upgrades }) => upgrades),
  );
  metrics.family(
    'scopegate_upstream_target_failures_total',
    'Requests that got no valid answer from the target.',
    'counter',
    perTarget(({ failures }) => failures),
  );
  metrics.family(
    'scopegate_upstream_target_ejections_total',
    'How often the target was ejected.',
    'counter',
    perTarget(({ ejections }) => ejections),
  );
}

/** A line for each change, which are few. */
export function logChanges(log: Log, name: string) {
  return (target: string, state: TargetState, detail: string): void => {
    if (state === 'up') log.info({ upstream: name, target, state, detail }, 'upstream: target is back');
    else log.warn({ upstream: name, target, state, detail }, 'upstream: target is down');
  };
}

function isUp({ state }: TargetStatus): boolean {
  return state === 'up';
}

function queued({ upstream }: UpstreamBinding): number {
  return upstream.stats.queued;
}

function retries({ upstream }: UpstreamBinding): number {
  return upstream.retries;
}

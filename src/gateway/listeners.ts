/** The ports on which requests and questions come in, as the configuration describes them. Hands both to the pipeline. */
import type { Configuration } from '../config/load/configuration.ts';
import { proxyMatcher } from '../config/load/proxy-matcher.ts';
import { malformedRequestRefusal } from '../edge/malformed-request.ts';
import type { Pipeline } from '../edge/pipeline.ts';
import type { Ruleset } from '../edge/ruleset.ts';
import { startForwardAuthListener } from '../forward-auth/listener.ts';
import { clientLimits } from '../http/client-limits.ts';
import type { Listener } from '../http/listener.ts';
import { nextRequestId } from '../http/request-id.ts';
import { startListener } from '../http/start-listener.ts';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';

interface ListenerOptions {
  readonly configuration: Configuration;
  readonly ports?: { readonly gateway?: number | undefined; readonly decision?: number | undefined };
  readonly log: Log;
}

/** The gateway's own port. Rejects with SetupError where it cannot be had. */
export function listen(
  { configuration, ports, log }: ListenerOptions,
  ruleset: () => Ruleset,
  pipeline: Pipeline,
  clock: Clock,
): Promise<Listener> {
  const { tls, h2c } = configuration.file.gateway;
  const keyPair = configuration.keyPairs.gateway;
  return startListener({
    name: 'gateway',
    host: configuration.file.gateway.host,
    port: ports?.gateway ?? configuration.file.gateway.port,
    tls: tls === undefined || keyPair === null ? null : { ...tls, keyPair },
    h2c,
    limits: clientLimits(configuration.file.gateway),
    handle: (exchange) => pipeline.handle(exchange),
    upgrades: true,
    refuse: (status) => malformedRequestRefusal(ruleset().policy.dialect, status, nextRequestId(clock.nowMs())),
    onBug: (error) => log.error({ err: error }, 'gateway: unexpected error'),
  });
}

/** The port for proxies that only ask. Rejects with SetupError where it cannot be had. */
export function listenForForwardAuth(
  { configuration, ports, log }: ListenerOptions,
  settings: NonNullable<Configuration['file']['decision']>,
  ruleset: () => Ruleset,
  pipeline: Pipeline,
  clock: Clock,
): Promise<Listener> {
  return startForwardAuthListener({
    host: settings.host,
    port: ports?.decision ?? settings.port,
    proxy: settings.for,
    limits: clientLimits(configuration.file.gateway),
    isTrusted: proxyMatcher(settings.trustedProxies),
    pipeline,
    dialect: () => ruleset().policy.dialect,
    nextRequestId: () => nextRequestId(clock.nowMs()),
    onBug: (error) => log.error({ err: error }, 'decision: unexpected error'),
  });
}

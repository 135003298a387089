/**
 * The rules that requests are judged by at this moment, and all that is made of a configuration to put it in force: pools,
 * endpoints, the ruleset. Replaced by a reload, as a whole; whoever uses them asks anew each time. Judges nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Configuration } from '../config/load/configuration.ts';
import { proxyMatcher } from '../config/load/proxy-matcher.ts';
import type { LogRules, Ruleset, ShadowRules } from '../edge/ruleset.ts';
import { samplerOf } from '../edge/sampler.ts';
import { AuthFailureThrottle } from '../edge/throttles/auth-failure-throttle.ts';
import type { RateLimiter } from '../edge/throttles/rate-limiter.ts';
import { type Prepared, Reloader } from '../lifecycle/reloader.ts';
import { UpstreamPools } from '../lifecycle/upstream-pools.ts';
import { type Clock, systemClock } from '../observe/clock.ts';
import { LineBudget } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Owned } from '../owned.ts';
import type { FactCache } from '../store/cache/fact-cache.ts';
import { ownEndpoints } from './endpoints.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { Records } from './records.ts';

export class RulesInForce {
  readonly reloader: Reloader;
  /** Where requests are counted; null: nowhere yet, or never, in a process that serves none. */
  limiter: RateLimiter | null = null;
  readonly #clock: Clock;
  readonly #facts: FactCache;
  readonly #pools: UpstreamPools;
  readonly #endpointsOf: ReturnType<typeof ownEndpoints>;
  #ruleset: Ruleset | undefined;

  private constructor(
    { configuration, standing, log, only = null, clock = systemClock }: GatewayOptions,
    { store, facts }: Records,
    adminKeys: readonly string[],
    metrics: Metrics,
    owned: Owned,
  ) {
    this.#clock = clock;
    this.#facts = facts;
    this.#pools = owned.add(new UpstreamPools(log, only !== 'admin'), (all) => all.destroy());
    this.#endpointsOf = ownEndpoints({
      ...{ log, store, adminKeys, metrics, clock },
      guesses: this.throttle('clientFailures'),
      limiter: () => this.limiter!,
    });
    const prepare = (next: Configuration) => this.#prepare(next);
    const reloader = new Reloader({ configuration, standing, prepare, nowMs: clock.nowMs, log });
    this.reloader = owned.add(reloader, (all) => all.close());
    reloader.describe(metrics);
    reloader.subscribe((next) => {
      log.level = next.file.log.level;
    });
  }

  /** Resolves once the configuration that the gateway is started with is in force. */
  static async start(
    options: GatewayOptions,
    records: Records,
    adminKeys: readonly string[],
    metrics: Metrics,
    owned: Owned,
  ): Promise<RulesInForce> {
    const rules = new RulesInForce(options, records, adminKeys, metrics, owned);
    const { swap } = await rules.#prepare(options.configuration);
    swap();
    return rules;
  }

  get configuration(): Configuration {
    return this.reloader.configuration;
  }

  get ruleset(): Ruleset {
    return this.#ruleset!;
  }

  /** Of failures to be counted apart from others, by the limits in force. */
  throttle(counted: 'tokenFailures' | 'clientFailures'): AuthFailureThrottle {
    return new AuthFailureThrottle(() => {
      const { [counted]: failuresMax, windowMs } = this.configuration.file.gateway.guesses;
      return { failuresMax, windowMs };
    }, this.#clock.monotonicMs);
  }

  async #prepare(next: Configuration): Promise<Prepared> {
    const isTrustedProxy = proxyMatcher(next.file.gateway.trustedProxies);
    const endpoints = this.#endpointsOf(next);
    const { bindings: upstreams, discard, swap } = await this.#pools.prepare(next);
    const { routes, policy, unroutedEdits, publicOrigin } = next;
    const { import: imports } = next.file;
    const { serverTiming } = next.file.gateway;
    return {
      discard,
      swap: () => {
        swap();
        this.#replace({
          routes,
          policy,
          unroutedEdits,
          publicOrigin,
          upstreams,
          isTrustedProxy,
          endpoints,
          imports,
          serverTiming,
          log: logRulesOf(next),
          shadow: shadowRulesOf(next),
        });
      },
    };
  }

  #replace(next: Ruleset): void {
    const before = this.#ruleset;
    // What another form let in is not to be known by heart.
    if (before !== undefined && !isDeepStrictEqual(formsOf(before), formsOf(next))) this.#facts.flushed();
    this.#ruleset = next;
  }
}

function logRulesOf({ file, digest }: Configuration): LogRules {
  const { access, decisions } = file.log;
  return {
    access,
    refused: samplerOf(decisions.refused),
    allowed: samplerOf(decisions.allowed),
    configuration: digest,
  };
}

function shadowRulesOf({ shadow, file }: Configuration): ShadowRules | null {
  if (shadow === null) return null;
  const { routes, policy, digest } = shadow;
  return {
    routes,
    policy,
    patterns: shadow.file.import.patterns,
    isTrustedProxy: proxyMatcher(shadow.file.gateway.trustedProxies),
    budget: new LineBudget(file.shadow!.perSecond),
    configuration: digest,
  };
}

function formsOf({ policy, imports }: Ruleset) {
  return [policy.prefixes, imports.patterns];
}

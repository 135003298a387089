/**
 * The composition root: builds every part of a running gateway once and owns the order in which they stop. Rooms below
 * know nothing of each other; this one knows them all.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { loadAdminKeys } from '../admin/admin-key.ts';
import type { RunningAdmin } from '../admin/server.ts';
import type { Configuration, Packed } from '../config/load/configuration.ts';
import { proxyMatcher } from '../config/load/load-gateway.ts';
import { localFolder } from '../config/load/local-folder.ts';
import { tokenKey } from '../core/facts.ts';
import type { RoutingOptions } from '../core/route-table.ts';
import { accessLog } from '../edge/access-log.ts';
import { nameInVia } from '../edge/forward/next-hop.ts';
import { Pipeline } from '../edge/pipeline.ts';
import type { Ruleset } from '../edge/ruleset.ts';
import { startRegistry } from '../edge/streams/start-registry.ts';
import { AuthFailureThrottle } from '../edge/throttles/auth-failure-throttle.ts';
import { ImportedTokenLookups } from '../edge/throttles/imported-tokens.ts';
import type { RateLimiter } from '../edge/throttles/rate-limiter.ts';
import { ClockWatch } from '../fleet/clock-watch.ts';
import { describeFleet } from '../fleet/fleet-report.ts';
import type { LeaseKeeper } from '../fleet/lease-keeper.ts';
import { ProcessList } from '../fleet/process-list.ts';
import type { Listener } from '../http/listener.ts';
import { keepCertificate } from '../lifecycle/live-certificate.ts';
import { type Prepared, type Reload, type ReloadCause, Reloader, type Standing } from '../lifecycle/reloader.ts';
import { type Phase, Report } from '../lifecycle/report.ts';
import { watchStore } from '../lifecycle/store-watch.ts';
import { UpstreamPools } from '../lifecycle/upstream-pools.ts';
import { startPurge } from '../manage/purge.ts';
import { RefusedAttempts } from '../manage/refused-attempts.ts';
import { checkNodeInternals } from '../node-internals/check.ts';
import { metricsText } from '../observe/aggregate.ts';
import { systemClock } from '../observe/clock.ts';
import { describeLog } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import { Owned } from '../owned.ts';
import { FactCache } from '../store/cache/fact-cache.ts';
import { LastUsed } from '../store/cache/last-used.ts';
import { version } from '../version.ts';
import { countRequests } from './count-requests.ts';
import { ownEndpoints } from './endpoints.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { holdLease } from './hold-lease.ts';
import { listen, listenForDecisions } from './listeners.ts';
import { cacheOptions, openStore, placeOf } from './open-store.ts';
import { readyStore } from './ready-store.ts';

export interface RunningGateway {
  readonly gatewayUrl: string | null;
  readonly adminUrl: string | null;
  readonly decisionUrl: string | null;
  readonly adminKeySource: string;
  readonly adminKey: string;
  readonly metrics: Metrics;
  /** null with `only: 'admin'`. */
  readonly pipeline: Pipeline | null;
  /** How paths are compared by the configuration in force. */
  routing(): RoutingOptions;
  readonly report: Report;
  isReady(): Promise<boolean>;
  /** Resolves once this process has applied every change up to `revision`. */
  followed(revision: number): Promise<void>;
  /** Reads the configuration again and puts it in force, or leaves everything as it is. */
  reload(cause: ReloadCause): Promise<Reload>;
  /** Takes up what another process has read and judged: see Reloader. */
  adopt(standing: Standing, packed: Packed | null): Promise<void>;
  /** Drains as the configuration says, then closes everything; the sidecar not before `others` have gone. */
  stop(others?: Promise<void>): Promise<void>;
}

/** Rejects with SetupError (port, folder, file) and leaves nothing open then. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const owned = new Owned();
  try {
    const lacking = await checkNodeInternals();
    if (lacking !== null) options.log.warn(lacking);
    return await start(options, owned);
  } catch (error) {
    await owned.release();
    throw error;
  }
}

async function start(options: GatewayOptions, owned: Owned): Promise<RunningGateway> {
  const { configuration, env, log, only = null, clock = systemClock, processGroup = null } = options;
  const { file } = configuration;
  const { opened, registry, counters, describe, fault } = await openStore(configuration, log);
  owned.add(opened, (engine) => engine.close());
  owned.add(registry, (engine) => engine.close());
  const ready = await readyStore({ store: opened, registry, name: placeOf(configuration), log }, owned);
  const store = options.aroundStore?.(ready) ?? ready;
  const facts = new FactCache(store, { ...cacheOptions(file), monotonicMs: clock.monotonicMs });
  owned.add(store.follow(facts), (unfollow) => unfollow());
  owned.add(watchStore({ facts, fault, serveDuringOutageMs: file.cache.serveDuringOutageMs, log }), (stop) => stop());
  const metrics = new Metrics();
  const onFailed = (error: unknown) =>
    log.warn({ reason: String(error) }, 'last uses: could not be written; will try again');
  const lastUsed = owned.add(new LastUsed({ store, onFailed }), (uses) => uses.close());
  describe(metrics);
  describeLog(metrics, log);
  const adminKeys = loadAdminKeys(env, localFolder(configuration));
  const retention = () => {
    const { audit, cache } = reloader.configuration.file;
    return { ...audit, maxStalenessMs: cache.maxStalenessMs };
  };
  if (only !== 'gateway') owned.add(startPurge(store, clock, log, retention), (timer) => clearInterval(timer));

  // Replaced by a reload, whole; whoever uses it asks for it anew each time.
  let ruleset: Ruleset | undefined;
  const pools = owned.add(new UpstreamPools(log, only !== 'admin'), (all) => all.destroy());
  const throttle = (counted: 'tokenFailures' | 'clientFailures') =>
    new AuthFailureThrottle(() => {
      const { [counted]: failuresMax, windowMs } = reloader.configuration.file.gateway.guesses;
      return { failuresMax, windowMs };
    }, clock.monotonicMs);
  let limiter: RateLimiter | null = null;
  const endpointsOf = ownEndpoints({
    ...{ log, store, adminKeys: adminKeys.keys, guesses: throttle('clientFailures'), metrics, clock },
    limiter: () => limiter!,
  });
  const prepare = async (next: Configuration): Promise<Prepared> => {
    const isTrustedProxy = proxyMatcher(next.file.gateway.trustedProxies);
    const endpoints = endpointsOf(next);
    const { bindings: upstreams, discard, swap } = await pools.prepare(next);
    const { import: imports } = next.file;
    const { serverTiming } = next.file.gateway;
    return {
      discard,
      swap: () => {
        swap();
        // What another form let in is not to be known by heart.
        const forms = [next.policy.prefixes, imports.patterns];
        if (ruleset !== undefined && !isDeepStrictEqual(forms, [ruleset.policy.prefixes, ruleset.imports.patterns]))
          facts.flushed();
        const { routes, policy } = next;
        ruleset = { routes, policy, upstreams, isTrustedProxy, endpoints, imports, serverTiming };
      },
    };
  };
  (await prepare(configuration)).swap();
  const { standing } = options;
  const reloader = owned.add(new Reloader({ configuration, standing, prepare, nowMs: clock.nowMs, log }), (all) =>
    all.close(),
  );
  reloader.describe(metrics);
  reloader.subscribe((next) => {
    log.level = next.file.log.level;
  });

  let phase: Phase = 'starting';
  let drainUntilMs = 0;
  const drainTimes = () => ({
    deadlineMs: Math.max(0, drainUntilMs - systemClock.monotonicMs()),
    idleMs: reloader.configuration.file.drain.idleMs,
  });
  let pipeline: Pipeline | null = null;
  let listener: Listener | null = null;
  let decision: Listener | null = null;
  let admin: RunningAdmin | null = null;
  let keeper: LeaseKeeper | null = null;
  const processList =
    only === 'gateway' ? null : owned.add(new ProcessList(registry, clock.monotonicMs), (all) => all.end());
  const clockWatch = owned.add(new ClockWatch({ registry, clock, log }), (watch) => watch.stop());
  await clockWatch.start();
  const report = new Report({
    version: version(),
    startedAtMs: clock.nowMs(),
    nowMs: clock.nowMs,
    phase: () => phase,
    reloader,
    facts,
    fault,
    upstreams: () => ruleset!.upstreams,
    fleet: () => ({ keeper, processList }),
    clock: clockWatch,
    listeners: () => ({
      gateway: listener?.url ?? null,
      decision: decision?.url ?? null,
      admin: admin?.url ?? null,
    }),
    processGroup,
  });
  report.describe(metrics);
  const missed = await processGroup?.join();
  if (missed != null) await reloader.adopt(missed.standing, missed.packed);
  // The sidecar goes last, so that it can say what is going on.
  if (processList !== null) {
    // Its framework is half of what a gateway would have to load at its start.
    const { startAdmin } = await import('../admin/server.ts');
    admin = await startAdmin({
      host: file.admin.host,
      port: options.ports?.admin ?? file.admin.port,
      allowedHosts: () => reloader.configuration.file.admin.allowedHosts,
      keys: adminKeys.keys,
      manage: { store, policy: () => reloader.configuration.policy, nowMs: clock.nowMs },
      patterns: () => ruleset!.imports.patterns,
      operations: {
        readiness: () => report.readiness(),
        status: () => report.status(),
        reload: async () => report.reload(await (processGroup?.reload() ?? reloader.reload('request'))),
        metrics: async () =>
          metricsText([await metrics.registry.getMetricsAsJSON(), ...((await processGroup?.metrics()) ?? [])]),
      },
      onTokenUsed: (token, nowMs) => lastUsed.noteKey(tokenKey(token.organizationId, token.id), nowMs),
      receipts: processList,
      refused: new RefusedAttempts(
        () => reloader.configuration.file.audit.refusedPerMinute,
        clock.monotonicMs,
        metrics,
      ),
      version: version(),
      onError: (error) => log.error({ err: error }, 'sidecar: unexpected error'),
    });
    owned.add(admin, (opened) => opened.drain(drainTimes()));
  }
  if (only !== 'admin') {
    const inForce = () => ruleset!;
    const access = () => reloader.configuration.file.log.access;
    const guesses = throttle('tokenFailures');
    const lines = accessLog(log, access, clock.monotonicMs);
    const { maxStalenessMs } = file.cache;
    const started = startRegistry({ store, facts, ruleset: inForce, clock, metrics, log, maxStalenessMs });
    owned.add(started, (opened) => opened.close());
    reloader.subscribe(() => started.registry.rejudge());
    const { registry: streams } = started;
    // After the cache and the streams: what it is told, they have applied.
    keeper = await holdLease(owned, store, { registry, facts, maxStalenessMs, clock, metrics, log });
    const onReload = (caughtUp: (next: Configuration) => void) => reloader.subscribe(caughtUp);
    limiter = countRequests({ stored: counters, processGroup, clock, metrics, log, onReload });
    const imported = new ImportedTokenLookups(facts, clock, metrics);
    const onBug = (error: unknown) => log.error({ err: error }, 'gateway: unexpected error');
    const parts = { ruleset: inForce, facts, clock, metrics, guesses, imported, limiter, streams, lastUsed, onBug };
    pipeline = new Pipeline({ ...parts, ...lines, viaName: nameInVia(file.gateway) });
    const listeners: Listener[] = [];
    owned.add(listeners, (all) => {
      const times = drainTimes();
      started.stopSocketsBefore(times.deadlineMs);
      return Promise.all(all.map((opened) => opened.drain(times)));
    });
    if (options.gatewayListener !== false) {
      listener = await listen(options, inForce, pipeline, clock);
      listeners.push(listener);
    }
    const { tls } = file.gateway;
    if (listener !== null && tls !== undefined && configuration.keyPair !== null) {
      const paths = { cert: configuration.resolvePath(tls.cert), key: configuration.resolvePath(tls.key) };
      owned.add(keepCertificate(listener, paths, configuration.keyPair, { log, metrics, clock }), (stop) => stop());
    }
    if (file.decision !== undefined) {
      decision = await listenForDecisions(options, file.decision, inForce, pipeline, clock);
      listeners.push(decision);
    }
  }
  describeFleet(metrics, { keeper, processList });
  if (processGroup === null) owned.add(reloader.watch(), (stop) => stop());
  phase = 'serving';

  const stop = async (others?: Promise<void>): Promise<void> => {
    const { delayMs, deadlineMs } = reloader.configuration.file.drain;
    phase = 'draining';
    for (const opened of [listener, decision, admin]) opened?.windDown();
    await pause(delayMs);
    processList?.end();
    drainUntilMs = systemClock.monotonicMs() + deadlineMs;
    await others;
    await owned.release();
  };
  let stopped: Promise<void> | undefined;
  return {
    gatewayUrl: listener?.url ?? null,
    adminUrl: admin?.url ?? null,
    decisionUrl: decision?.url ?? null,
    adminKeySource: adminKeys.source,
    adminKey: adminKeys.keys[0]!,
    metrics,
    pipeline,
    routing: () => reloader.configuration.file.routing,
    report,
    isReady: async () => (await report.readiness()).ready,
    followed: (revision) => store.followed(revision),
    reload: (cause) => reloader.reload(cause),
    adopt: (standing, packed) => reloader.adopt(standing, packed),
    stop: (others) => {
      stopped ??= stop(others);
      return stopped;
    },
  };
}

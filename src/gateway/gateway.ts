/**
 * The composition root: builds every part of a running gateway once and owns the order in which they stop. Rooms below
 * know nothing of each other; this one knows them all.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type AdminKeys, loadAdminKeys } from '../admin/admin-key.ts';
import type { RunningAdmin } from '../admin/server.ts';
import type { Configuration, Packed } from '../config/load/configuration.ts';
import type { TlsListener } from '../config/load/key-pair.ts';
import { localFolder } from '../config/load/local-folder.ts';
import { issuerOf } from '../config/load/own-routes.ts';
import { proxyMatcher } from '../config/load/proxy-matcher.ts';
import { routePosition } from '../config/load/route-positions.ts';
import { tokenKey } from '../core/facts.ts';
import type { RoutingOptions } from '../core/path-table.ts';
import { MANAGE } from '../core/scope.ts';
import { InspectionQueue } from '../edge/bodies/inspection-queue.ts';
import { explainRequest } from '../edge/explain-request.ts';
import { nameInVia } from '../edge/forward/next-hop.ts';
import { Pipeline } from '../edge/pipeline.ts';
import { requestLog } from '../edge/request-log.ts';
import { ShadowDecisions } from '../edge/shadow.ts';
import type { OpenStreamRegistry } from '../edge/streams/open-stream-registry.ts';
import { type StartedRegistry, startRegistry } from '../edge/streams/start-registry.ts';
import { ImportedTokenLookups } from '../edge/throttles/imported-tokens.ts';
import { routesReached } from '../edge/token-reach.ts';
import { WhoCan } from '../edge/who-can.ts';
import { ClockWatch } from '../fleet/clock-watch.ts';
import { describeFleet, type Fleet } from '../fleet/fleet-report.ts';
import type { LeaseKeeper } from '../fleet/lease-keeper.ts';
import { ProcessList } from '../fleet/process-list.ts';
import type { DrainTimes, Listener } from '../http/listener.ts';
import { type CertificateUser, LiveCertificates } from '../lifecycle/live-certificate.ts';
import type { Reload, ReloadCause, ReloadStanding } from '../lifecycle/reloader.ts';
import { type Phase, Report } from '../lifecycle/report.ts';
import { type Retention, startPurge } from '../manage/purge.ts';
import { RefusedAttempts } from '../manage/refused-attempts.ts';
import { checkNodeInternals } from '../node-internals/check.ts';
import { type MetricsText, metricsText } from '../observe/aggregate.ts';
import { type Clock, systemClock } from '../observe/clock.ts';
import { describeLog } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import { Owned } from '../owned.ts';
import { version } from '../package-files.ts';
import { replacedUse } from '../store/store.ts';
import { countRequests } from './count-requests.ts';
import { FleetRoutes } from './fleet-routes.ts';
import { FleetSelves } from './fleet-selves.ts';
import { FleetTalk } from './fleet-talk.ts';
import { FleetTraffic } from './fleet-traffic.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { holdLease } from './hold-lease.ts';
import { listen, listenForForwardAuth } from './listeners.ts';
import { processSelf } from './process-self.ts';
import { openRecords, type Records } from './records.ts';
import { StoreRegistrar } from './registrar.ts';
import { RememberedRefusals } from './remembered-refusals.ts';
import { RulesInForce } from './rules-in-force.ts';
import { waitingBodies } from './waiting-bodies.ts';

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
  adopt(standing: ReloadStanding, packed: Packed | null): Promise<void>;
  /** Drains as the configuration says, then closes everything; the sidecar not before `others` have gone. */
  stop(others?: Promise<void>): Promise<void>;
}

/** Rejects with SetupError (port, folder, file) and leaves nothing open then. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const owned = new Owned();
  try {
    const { tls, h2c } = options.configuration.file.gateway;
    const lacking = await checkNodeInternals({ http2: h2c || tls?.http2 === true });
    if (lacking !== null) options.log.warn(lacking);
    return await start(options, owned);
  } catch (error) {
    await owned.release();
    throw error;
  }
}

/** In the order in which each part may be asked; `owned` stops them in reverse. */
async function start(options: GatewayOptions, owned: Owned): Promise<RunningGateway> {
  const metrics = new Metrics();
  const records = await openRecords(options, metrics, owned);
  describeLog(metrics, options.log);
  const adminKeys = loadAdminKeys(options.env, localFolder(options.configuration));
  const rules = await RulesInForce.start(options, records, adminKeys.keys, metrics, owned);
  const gateway = new Gateway(options, records, rules, adminKeys, metrics, owned);
  await gateway.join();
  // The sidecar goes last when they stop, so that it can say what is going on.
  if (options.only !== 'gateway') await gateway.openSidecar();
  if (options.only !== 'admin') await gateway.openRequestPath();
  gateway.serve();
  return gateway;
}

class Gateway implements RunningGateway {
  readonly metrics: Metrics;
  readonly report: Report;
  pipeline: Pipeline | null = null;
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #records: Records;
  readonly #rules: RulesInForce;
  readonly #adminKeys: AdminKeys;
  readonly #owned: Owned;
  readonly #clockWatch: ClockWatch;
  readonly #talk: FleetTalk;
  readonly #refusals: RememberedRefusals;
  readonly #certificates: LiveCertificates;
  readonly #routes: FleetRoutes;
  readonly #traffic: FleetTraffic;
  readonly #selves: FleetSelves;
  /** null: no sidecar here. */
  readonly #processList: ProcessList | null;
  #keeper: LeaseKeeper | null = null;
  #listener: Listener | null = null;
  #decision: Listener | null = null;
  #admin: RunningAdmin | null = null;
  #phase: Phase = 'starting';
  #drainUntilMs = 0;
  #stopped: Promise<void> | null = null;

  constructor(
    options: GatewayOptions,
    records: Records,
    rules: RulesInForce,
    adminKeys: AdminKeys,
    metrics: Metrics,
    owned: Owned,
  ) {
    const { log, clock = systemClock, only = null } = options;
    const { registry } = records;
    this.#options = options;
    this.#clock = clock;
    this.#records = records;
    this.#rules = rules;
    this.#adminKeys = adminKeys;
    this.metrics = metrics;
    this.#owned = owned;
    this.#processList =
      only === 'gateway' ? null : owned.add(new ProcessList(registry, clock.monotonicMs), (all) => all.end());
    this.#talk = owned.add(new FleetTalk(records), (talk) => talk.close());
    this.#refusals = owned.add(new RememberedRefusals(this.#talk, clock.nowMs), (all) => all.close());
    this.#routes = owned.add(new FleetRoutes(this.#talk, clock, () => rules.configuration), (all) => all.close());
    this.#traffic = owned.add(new FleetTraffic(this.#talk, clock.nowMs), (all) => all.close());
    this.#selves = new FleetSelves(this.#talk, () =>
      processSelf(rules.configuration, records.facts, this.#keeper, this.#certificates.state()),
    );
    this.#refusals.keep(rules.configuration.file.explain);
    rules.reloader.subscribe((next) => this.#refusals.keep(next.file.explain));
    this.#clockWatch = owned.add(new ClockWatch({ registry, clock, log }), (watch) => watch.stop());
    this.#certificates = new LiveCertificates({ log, metrics, clock });
    this.report = this.#newReport();
  }

  get gatewayUrl(): string | null {
    return this.#listener?.url ?? null;
  }
  get adminUrl(): string | null {
    return this.#admin?.url ?? null;
  }
  get decisionUrl(): string | null {
    return this.#decision?.url ?? null;
  }
  get adminKeySource(): string {
    return this.#adminKeys.source;
  }
  get adminKey(): string {
    return this.#adminKeys.keys[0]!;
  }

  routing(): RoutingOptions {
    return this.#rules.configuration.file.routing;
  }

  async isReady(): Promise<boolean> {
    return (await this.report.readiness()).ready;
  }

  followed(revision: number): Promise<void> {
    return this.#records.store.followed(revision);
  }

  reload(cause: ReloadCause): Promise<Reload> {
    return this.#rules.reloader.reload(cause);
  }

  adopt(standing: ReloadStanding, packed: Packed | null): Promise<void> {
    return this.#rules.reloader.adopt(standing, packed);
  }

  stop(others?: Promise<void>): Promise<void> {
    this.#stopped ??= this.#stop(others);
    return this.#stopped;
  }

  // The steps of the start, in their order.

  /** From here on the other processes wait for this one, and it knows what it has missed. */
  async join(): Promise<void> {
    await this.#clockWatch.start();
    this.report.describe(this.metrics);
    const missed = await this.#options.processGroup?.join();
    if (missed != null) await this.adopt(missed.standing, missed.packed);
  }

  async openSidecar(): Promise<void> {
    const { log, ports, processGroup } = this.#options;
    const { store, facts, lastUsed } = this.#records;
    const rules = this.#rules;
    const { file, keyPairs } = this.#options.configuration;
    const { host, port, trustedProxies, tls } = file.admin;
    const { monotonicMs } = this.#clock;
    this.#owned.add(
      startPurge(store, this.#clock, log, () => this.#retention()),
      clearInterval,
    );
    // Its framework is half of what a gateway would have to load at its start.
    const { startAdmin } = await import('../admin/server.ts');
    const admin = await startAdmin({
      host,
      port: ports?.admin ?? port,
      tls: tls === undefined || keyPairs.admin === null ? null : { ...tls, keyPair: keyPairs.admin },
      allowedHosts: () => rules.configuration.file.admin.allowedHosts,
      isTrustedProxy: proxyMatcher(trustedProxies),
      guesses: rules.throttle('tokenFailures'),
      clock: this.#clock,
      keys: this.#adminKeys.keys,
      manage: { store, policy: () => rules.configuration.policy, nowMs: this.#clock.nowMs },
      patterns: () => rules.ruleset.imports.patterns,
      leaks: () => {
        const { leakKeys: keys, file } = rules.configuration;
        return keys === null ? null : { keys, action: file.leaks!.action };
      },
      onLeak: ({ organizationId: organization, id: token }, action) =>
        log.warn({ organization, token, action }, 'sidecar: a token was reported as leaked'),
      operations: {
        readiness: () => this.report.readiness(),
        status: () => this.report.status(),
        reload: async () => this.report.reload(await (processGroup?.reload() ?? this.reload('request'))),
        metrics: () => this.#metricsOfAll(),
        traffic: (range) => this.#traffic.of(range),
      },
      explainer: {
        explain: (asked, hash) => explainRequest(asked, hash, rules.ruleset, facts, this.#clock),
        policy: () => rules.configuration.policy,
        position: (id) => routePosition(rules.configuration.path, this.#options.env, id),
        whoCan: (asked) => new WhoCan(asked, rules.ruleset, store, this.#clock.nowMs()),
        reach: (token) => routesReached(token, rules.ruleset, store, this.#clock.nowMs()),
        gatewayUrl: () => {
          const { publicUrl } = rules.configuration.file.gateway;
          return publicUrl === undefined ? this.gatewayUrl : issuerOf(publicUrl);
        },
        configuration: () => rules.ruleset.log.configuration,
        refusals: (query) => this.#refusals.find(query),
        keeps: () => rules.configuration.file.explain,
      },
      routes: this.#routes,
      countRefusals: (query) => this.#refusals.count(query),
      onTokenUsed: ({ organizationId, id, replaced }, hash, atMs) => {
        const byReplaced = replaced?.hash === hash ? [replacedUse(hash)] : [];
        lastUsed.noteKey(tokenKey(organizationId, id), atMs, [MANAGE, ...byReplaced]);
      },
      receipts: this.#processList!,
      refused: new RefusedAttempts(() => rules.configuration.file.audit.refusedPerMinute, monotonicMs, this.metrics),
      version: version(),
      onError: (error) => log.error({ err: error }, 'sidecar: unexpected error'),
    });
    this.#admin = this.#owned.add(admin, (opened) => opened.drain(this.#drainTimes()));
    this.#keepCertificate('admin', admin);
  }

  async openRequestPath(): Promise<void> {
    const { configuration, log } = this.#options;
    const { store, registry, facts } = this.#records;
    const { reloader } = this.#rules;
    const { maxStalenessMs } = configuration.file.cache;
    const { metrics } = this;
    const clock = this.#clock;
    const started = startRegistry({ store, facts, ruleset: this.#ruleset, clock, metrics, log, maxStalenessMs });
    this.#owned.add(started, (opened) => opened.close());
    reloader.subscribe(() => started.registry.rejudge());
    // After the cache and the streams: what it is told, they have applied.
    this.#keeper = await holdLease(this.#owned, store, { registry, facts, maxStalenessMs, clock, metrics, log });
    this.#talk.serve(this.#keeper.id);
    this.#refusals.describe(metrics);
    this.#routes.serve(metrics);
    this.#traffic.serve(metrics, () => this.#inFlight());
    this.pipeline = this.#newPipeline(started.registry);
    await this.#openListeners(this.pipeline, started);
  }

  serve(): void {
    describeFleet(this.metrics, this.#fleet());
    if (this.#options.processGroup == null) this.#owned.add(this.#rules.reloader.watch(), (stop) => stop());
    this.#phase = 'serving';
  }

  readonly #ruleset = () => this.#rules.ruleset;

  #fleet(): Fleet {
    return { keeper: this.#keeper, processList: this.#processList, heard: () => this.#selves.heard() };
  }

  #inFlight(): number {
    let active = 0;
    for (const { upstream } of this.#rules.ruleset.upstreams.values()) active += upstream.stats.active;
    return active;
  }

  #newReport(): Report {
    const { facts, fault } = this.#records;
    const { nowMs } = this.#clock;
    return new Report({
      version: version(),
      startedAtMs: nowMs(),
      nowMs,
      phase: () => this.#phase,
      reloader: this.#rules.reloader,
      facts,
      fault,
      upstreams: () => this.#rules.ruleset.upstreams,
      fleet: () => this.#fleet(),
      clock: this.#clockWatch,
      certificates: () => this.#certificates.state(),
      listeners: () => ({ gateway: this.gatewayUrl, decision: this.decisionUrl, admin: this.adminUrl }),
      processGroup: this.#options.processGroup ?? null,
    });
  }

  #newPipeline(streams: OpenStreamRegistry): Pipeline {
    const { configuration, log, processGroup = null } = this.#options;
    const { store, facts, counters, lastUsed } = this.#records;
    const rules = this.#rules;
    const clock = this.#clock;
    const { metrics } = this;
    const onReload = (caughtUp: (next: Configuration) => void) => rules.reloader.subscribe(caughtUp);
    const limiter = countRequests({ stored: counters, processGroup, clock, metrics, log, onReload });
    rules.limiter = limiter;
    const lines = requestLog(log, clock.monotonicMs, () => facts.revision);
    return new Pipeline({
      ...{ ruleset: this.#ruleset, facts, clock, metrics, limiter, streams, lastUsed },
      guesses: rules.throttle('tokenFailures'),
      imported: new ImportedTokenLookups(facts, clock, metrics),
      registrar: new StoreRegistrar({ store, clock, metrics, log }),
      bodies: waitingBodies(configuration.file.gateway.limits, metrics),
      inspections: new InspectionQueue(clock),
      shadow: new ShadowDecisions({ facts, clock, metrics, log, revision: () => facts.revision }),
      onBug: (error: unknown) => log.error({ err: error }, 'gateway: unexpected error'),
      ...lines,
      onRefused: (refused) => {
        lines.onRefused(refused, this.#refusals.add(refused, facts.revision));
      },
      viaName: nameInVia(configuration.file.gateway),
    });
  }

  /** Those that are open by then drain together. */
  async #openListeners(pipeline: Pipeline, streams: StartedRegistry): Promise<void> {
    const options = this.#options;
    const { file } = options.configuration;
    const listeners: Listener[] = [];
    this.#owned.add(listeners, (all) => {
      const times = this.#drainTimes();
      streams.stopSocketsBefore(times.deadlineMs);
      return Promise.all(all.map((opened) => opened.drain(times)));
    });
    if (options.gatewayListener !== false) {
      this.#listener = await listen(options, this.#ruleset, pipeline, this.#clock);
      listeners.push(this.#listener);
    }
    if (this.#listener !== null) this.#keepCertificate('gateway', this.#listener);
    if (file.decision !== undefined) {
      this.#decision = await listenForForwardAuth(options, file.decision, this.#ruleset, pipeline, this.#clock);
      listeners.push(this.#decision);
    }
  }

  #keepCertificate(listener: TlsListener, user: CertificateUser): void {
    const { file, keyPairs, resolvePath } = this.#options.configuration;
    const { tls } = file[listener];
    const pair = keyPairs[listener];
    if (tls === undefined || pair === null) return;
    const paths = { cert: resolvePath(tls.cert), key: resolvePath(tls.key) };
    this.#owned.add(this.#certificates.keep(listener, user, paths, pair), (stop) => stop());
  }

  #retention(): Retention {
    const { audit, cache } = this.#rules.configuration.file;
    return { ...audit, maxStalenessMs: cache.maxStalenessMs };
  }

  async #metricsOfAll(): Promise<MetricsText> {
    return metricsText([this.metrics.numbers(), ...((await this.#options.processGroup?.metrics()) ?? [])]);
  }

  #drainTimes(): DrainTimes {
    return {
      deadlineMs: Math.max(0, this.#drainUntilMs - systemClock.monotonicMs()),
      idleMs: this.#rules.configuration.file.drain.idleMs,
    };
  }

  async #stop(others?: Promise<void>): Promise<void> {
    const { delayMs, deadlineMs } = this.#rules.configuration.file.drain;
    this.#phase = 'draining';
    for (const opened of [this.#listener, this.#decision, this.#admin]) opened?.windDown();
    await pause(delayMs);
    this.#processList?.end();
    this.#drainUntilMs = systemClock.monotonicMs() + deadlineMs;
    await others;
    await this.#owned.release();
  }
}

/**
 * The composition root: builds every part of a running gateway once and owns the order in which they stop. The only
 * file that knows which adapter was chosen.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAdmin, loadAdminKeys } from './admin/admin-key.ts';
import { startAdmin } from './admin/server.ts';
import { type Configuration, proxyMatcher } from './config/load-gateway.ts';
import { type DecisionOptions, startDecisionListener } from './decision/listener.ts';
import { keepCertificate } from './edge/live-certificate.ts';
import { Pipeline, type RefusedRequest, type Ruleset, type UpstreamBinding } from './edge/pipeline.ts';
import { Listener } from './http/listener.ts';
import { nextRequestId } from './http/request-id.ts';
import { purgeAccessTokens, purgeDeletedAccounts } from './manage/access-tokens.ts';
import { ClientAuthentication } from './oauth/client-authentication.ts';
import { oauthEndpoints } from './oauth/endpoints.ts';
import { type Clock, systemClock } from './observe/clock.ts';
import { LineBudget, type Log } from './observe/log.ts';
import { Metrics } from './observe/metrics.ts';
import { Owned } from './owned.ts';
import { FactCache } from './store/fact-cache.ts';
import { SqliteStore } from './store/sqlite.ts';
import type { Store } from './store/store.ts';
import { Upstream } from './upstream/upstream.ts';
import { version } from './version.ts';

const DRAIN_MS = 30_000;
const REFUSAL_LINES_PER_SECOND = 50;
const PURGE_MS = 60_000;
const PURGE_BATCH = 500;

export interface GatewayOptions {
  readonly configuration: Configuration;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** null: both. */
  readonly only?: 'gateway' | 'admin' | null;
  readonly clock?: Clock;
}

export interface RunningGateway {
  readonly gatewayUrl: string | null;
  readonly adminUrl: string | null;
  readonly decisionUrl: string | null;
  readonly adminKeySource: string;
  readonly adminKey: string;
  readonly metrics: Metrics;
  /** Drains, then closes everything. */
  stop(): Promise<void>;
}

/** Rejects with SetupError (port, folder, file) and leaves nothing open then. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const owned = new Owned();
  try {
    return await start(options, owned);
  } catch (error) {
    await owned.release();
    throw error;
  }
}

async function start(options: GatewayOptions, owned: Owned): Promise<RunningGateway> {
  const { configuration, env, log, only = null, clock = systemClock } = options;
  const { file } = configuration;
  const storePath = configuration.resolvePath(file.store.driver === 'sqlite' ? file.store.path : 'data/scopegate.db');
  const store = owned.add(new SqliteStore(storePath), (opened) => opened.close());
  const facts = new FactCache(store, { ...file.cache, monotonicMs: clock.monotonicMs });
  owned.add(store.follow(facts), (unfollow) => unfollow());
  const metrics = new Metrics();
  describeCache(metrics, facts);

  const adminKeys = loadAdminKeys(env, dirname(storePath));
  if (only !== 'gateway') owned.add(startPurge(store, clock, log), (timer) => clearInterval(timer));
  let listener: Listener | null = null;
  let decision: Listener | null = null;
  const upstreams = new Map<string, UpstreamBinding>();
  if (only !== 'admin') {
    for (const [name, settings] of Object.entries(file.upstreams))
      upstreams.set(name, bind(name, settings, configuration));
    owned.add(upstreams, (all) => Promise.all(Array.from(all.values(), ({ upstream }) => upstream.close())));
    const ruleset: Ruleset = {
      routes: configuration.routes,
      policy: configuration.policy,
      upstreams,
      isTrustedProxy: proxyMatcher(file.gateway.trustedProxies),
      endpoints: new Map(Object.entries(ownEndpoints(options, store, adminKeys.keys, clock))),
    };
    const pipeline = buildPipeline(options, ruleset, facts, metrics, clock);
    listener = owned.add(await listen(options, ruleset, pipeline, clock), (opened) => opened.drain(DRAIN_MS));
    const { tls } = file.gateway;
    if (tls !== undefined && configuration.keyPair !== null) {
      const paths = { cert: configuration.resolvePath(tls.cert), key: configuration.resolvePath(tls.key) };
      owned.add(keepCertificate(listener, paths, configuration.keyPair, { log, metrics, clock }), (stop) => stop());
    }
    if (file.decision !== undefined) {
      const starting = startDecisionListener(decisionOptions(options, file.decision, ruleset, pipeline, clock));
      decision = owned.add(await starting, (opened) => opened.drain(DRAIN_MS));
    }
  }

  let admin: { readonly url: string; close(): Promise<void> } | null = null;
  if (only !== 'gateway') {
    admin = await startAdmin({
      host: file.admin.host,
      port: file.admin.port,
      keys: adminKeys.keys,
      manage: { store, policy: () => configuration.policy, nowMs: clock.nowMs },
      operations: {
        readiness: () => ({
          ready: facts.isFresh(),
          store: { driver: file.store.driver, staleMs: Math.round(facts.staleMs()) },
          configuration: {
            path: configuration.path,
            policy: configuration.policy.name,
            routes: configuration.routeCount,
          },
          upstreams: Object.fromEntries(Array.from(upstreams.values(), ({ name, upstream }) => [name, upstream.stats])),
        }),
        metrics: async () => ({ contentType: metrics.registry.contentType, text: await metrics.registry.metrics() }),
      },
      version: version(),
      onError: (error) => log.error({ err: error }, 'sidecar: unexpected error'),
    });
    owned.add(admin, (opened) => opened.close());
  }
  return {
    gatewayUrl: listener?.url ?? null,
    adminUrl: admin?.url ?? null,
    decisionUrl: decision?.url ?? null,
    adminKeySource: adminKeys.source,
    adminKey: adminKeys.keys[0]!,
    metrics,
    stop: () => owned.release(),
  };
}

/** Expired access tokens go within a minute or two; the promise is an hour. */
function startPurge(store: Store, clock: Clock, log: Log): NodeJS.Timeout {
  const purge = async () => {
    while ((await purgeAccessTokens(store, clock.nowMs(), PURGE_BATCH)) === PURGE_BATCH);
    await purgeDeletedAccounts(store, clock.nowMs(), PURGE_BATCH);
  };
  return setInterval(
    () => purge().catch((error) => log.warn({ err: error }, 'purge: will try again')),
    PURGE_MS,
  ).unref();
}

function ownEndpoints(
  { configuration, log }: GatewayOptions,
  store: Store,
  adminKeys: readonly string[],
  clock: Clock,
) {
  const { gateway, oauth } = configuration.file;
  return oauthEndpoints({
    store,
    policy: () => configuration.policy,
    nowMs: clock.nowMs,
    clients: new ClientAuthentication(store, clock.monotonicMs),
    isAdmin: (authorization) => isAdmin(adminKeys, authorization),
    issuer: gateway.publicUrl?.replace(/\/$/, '') ?? `http://${gateway.host}:${gateway.port}`,
    prefix: oauth.prefix,
    onError: (error) => log.error({ err: error }, 'oauth: unexpected error'),
  });
}

function bind(
  name: string,
  settings: Configuration['file']['upstreams'][string],
  configuration: Configuration,
): UpstreamBinding {
  const read = (path: string | undefined) =>
    path === undefined ? undefined : readFileSync(configuration.resolvePath(path));
  const { ca, cert, key, servername } = settings.tls ?? {};
  const tls = Object.fromEntries(
    Object.entries({ ca: read(ca), cert: read(cert), key: read(key), servername }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  const { targets, timeouts, maxConnections, preserveHost } = settings;
  return { name, upstream: new Upstream({ targets, timeouts, maxConnections, tls }), preserveHost };
}

function buildPipeline(
  { configuration, log }: GatewayOptions,
  ruleset: Ruleset,
  facts: FactCache,
  metrics: Metrics,
  clock: Clock,
): Pipeline {
  const { access } = configuration.file.log;
  const budget = new LineBudget(REFUSAL_LINES_PER_SECOND);
  return new Pipeline({
    ruleset: () => ruleset,
    facts,
    clock,
    metrics,
    onRefused: (refused: RefusedRequest) => {
      if (access === 'none') return;
      const suppressed = budget.spend(clock.monotonicMs());
      if (suppressed !== null) log.info({ ...refused, ...(suppressed > 0 ? { suppressed } : {}) }, 'refused');
    },
    onForwarded: (requestId, route, allowed, status, complete) => {
      if (access === 'all')
        log.info({ requestId, routeId: route.id, tokenId: allowed?.token.id ?? null, status, complete }, 'forwarded');
    },
  });
}

function listen(
  { configuration, log }: GatewayOptions,
  ruleset: Ruleset,
  pipeline: Pipeline,
  clock: Clock,
): Promise<Listener> {
  const { tls } = configuration.file.gateway;
  const { keyPair } = configuration;
  return Listener.start({
    name: 'gateway',
    host: configuration.file.gateway.host,
    port: configuration.file.gateway.port,
    tls: tls === undefined || keyPair === null ? null : { keyPair, minVersion: tls.minVersion },
    handle: (exchange) => pipeline.handle(exchange),
    upgrades: true,
    refuse: () => ruleset.policy.dialect.render('bad_request', { requestId: nextRequestId(clock.nowMs()) }),
    onBug: (error) => log.error({ err: error }, 'gateway: unexpected error'),
  });
}

function decisionOptions(
  { log }: GatewayOptions,
  settings: NonNullable<Configuration['file']['decision']>,
  ruleset: Ruleset,
  pipeline: Pipeline,
  clock: Clock,
): DecisionOptions {
  return {
    host: settings.host,
    port: settings.port,
    proxy: settings.for,
    isTrusted: proxyMatcher(settings.trustedProxies),
    pipeline,
    dialect: () => ruleset.policy.dialect,
    nextRequestId: () => nextRequestId(clock.nowMs()),
    onBug: (error) => log.error({ err: error }, 'decision: unexpected error'),
  };
}

function describeCache(metrics: Metrics, facts: FactCache): void {
  metrics.gauge('scopegate_cache_entries', 'Facts in the cache.', () => facts.stats.present);
  metrics.gauge('scopegate_cache_absent_entries', 'Ids known not to exist.', () => facts.stats.absent);
  metrics.counter('scopegate_cache_hits_total', 'Facts answered from the cache.', () => facts.stats.hits);
  metrics.counter('scopegate_cache_misses_total', 'Facts asked of the store.', () => facts.stats.misses);
  metrics.gauge(
    'scopegate_feed_stale_seconds',
    'Since the change feed was last complete.',
    () => facts.staleMs() / 1000,
  );
}

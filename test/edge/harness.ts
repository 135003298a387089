/** The request path without a socket: real rules, cache, limits and streams over records in memory; requests and answers as plain data. */
import { fileURLToPath } from 'node:url';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import type { AddressRange } from '../../src/core/address-range.ts';
import { readRange } from '../../src/core/address-range.ts';
import { configuredName } from '../../src/core/configured-name.ts';
import { BEARER_ONLY } from '../../src/core/credential.ts';
import type { TokenRecord } from '../../src/core/facts.ts';
import { type RateLimit, rateLimit, routeLimits } from '../../src/core/rate-limit.ts';
import type { Route } from '../../src/core/route.ts';
import { RouteTable } from '../../src/core/route-table.ts';
import { compileScopes } from '../../src/core/scope.ts';
import { readTemplate } from '../../src/core/template.ts';
import { InspectionQueue } from '../../src/edge/bodies/inspection-queue.ts';
import { WaitingBodies } from '../../src/edge/bodies/waiting-bodies.ts';
import type { DecisionHandler, Passed } from '../../src/edge/decision-handler.ts';
import type { EndpointCall } from '../../src/edge/endpoint.ts';
import { Pipeline } from '../../src/edge/pipeline.ts';
import type { RefusedRequest } from '../../src/edge/pipeline-parts.ts';
import type { Ruleset } from '../../src/edge/ruleset.ts';
import { OpenStreamRegistry } from '../../src/edge/streams/open-stream-registry.ts';
import { AuthFailureThrottle } from '../../src/edge/throttles/auth-failure-throttle.ts';
import { ImportedTokenLookups } from '../../src/edge/throttles/imported-tokens.ts';
import { RateLimiter } from '../../src/edge/throttles/rate-limiter.ts';
import type { Exchange } from '../../src/http/exchange.ts';
import { MemoryCounters } from '../../src/limits/memory-counters.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { mintToken } from '../../src/secret.ts';
import { FactCache } from '../../src/store/cache/fact-cache.ts';
import type { LastUsed } from '../../src/store/cache/last-used.ts';
import type { Lookup } from '../../src/store/store.ts';
import type { UpstreamRequest } from '../../src/upstream/exchange.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';

const POLICY = loadPolicy(fileURLToPath(new URL('../../policies/default.yaml', import.meta.url)), {}).policy!;
const NOW = 1_900_000_000_000;

/** A route that asks for bot:read, unless it says otherwise. */
export function route(id: string, path: string, more: Partial<Route> = {}): Route {
  return {
    id: configuredName(id),
    hosts: null,
    template: path,
    methods: undefined,
    keepsEncodedSlashes: false,
    allowFrom: null,
    requirement: {
      scopes: compileScopes(['bot:read'], true),
      apiVersions: null,
      workspace: null,
      environment: null,
      resource: null,
      bodyFields: null,
    },
    upstream: 'platform',
    credentials: BEARER_ONLY,
    dialect: null,
    requestEdits: null,
    answerEdits: null,
    rewrite: null,
    rewritesLocations: true,
    timeouts: null,
    forwardAuthorization: false,
    registration: null,
    limits: null,
    ...more,
  };
}

export const networks = (...texts: string[]): readonly AddressRange[] => texts.map((text) => readRange(text)!);

/** So many requests a minute, per token. */
export const perMinute = (requests: number) => {
  const limits: RateLimit[] = [rateLimit('few', requests, 60_000, ['token'])];
  return routeLimits(limits);
};

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request as a listener hands it over, and what became of it. */
export class PlainExchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly minorVersion = 1;
  readonly protocol = '1.1';
  readonly encrypted = false;
  readonly isGone = false;
  peerAddress = '192.0.2.1';
  answered = false;
  ended = false;
  brokenOff = false;
  result: Answer | null = null;
  readonly #done = Promise.withResolvers<void>();

  constructor(line: string, lines: readonly string[] = []) {
    const [method, target] = line.split(' ') as [string, string];
    this.method = method;
    this.target = target;
    const pairs = ['Host: api.test', ...lines].map((text) => text.split(': ', 2) as [string, string]);
    this.headers = pairs.flat();
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Somebody else took it. */
  finish(): void {
    this.#done.resolve();
  }

  endConnection(): void {
    this.ended = true;
  }

  answer(status: number, headers: string[], body: string): void {
    this.answered = true;
    const named = headers.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), headers[at + 1]!]] : []));
    this.result = { status, headers: Object.fromEntries(named) as Answer['headers'], body };
    this.finish();
  }

  breakOff(): void {
    this.brokenOff = true;
    this.finish();
  }

  relayHead(): void {}
  relay(): boolean {
    return true;
  }
  relayEnd(): void {}
  flush(): void {}
  sendContinue(): void {}
  sendInterim(): void {}
  readBody(): void {}
  pauseBody(): void {}
  resumeBody(): void {}
  becomeStream(): void {}
  listen(): void {}
}

export class PipelineHarness {
  readonly records = new Map<string, unknown>();
  /** Answers a look-up; replaced by tests that hold one up. */
  lookUp = (key: string): Lookup | Promise<Lookup> => {
    const record = this.records.get(key);
    return record === undefined ? { kind: 'absent' } : { kind: 'found', record };
  };
  readonly sent: UpstreamRequest[] = [];
  readonly refused: RefusedRequest[] = [];
  readonly passed: Passed[] = [];
  readonly called: EndpointCall[] = [];
  readonly bugs: unknown[] = [];
  readonly used: string[] = [];
  monotonicMs = 0;
  rules: Ruleset;
  readonly pipeline: Pipeline;
  readonly facts: FactCache;

  constructor(routes: readonly Route[], isTrustedProxy: (address: string) => boolean = () => false) {
    this.rules = this.rulesOf(routes, isTrustedProxy);
    const clock = { nowMs: () => NOW, monotonicMs: () => this.monotonicMs };
    const metrics = new Metrics();
    const source = { read: (key: string) => this.lookUp(key) };
    this.facts = new FactCache(source, { maxEntries: 10, absentTtlMs: 0, maxStalenessMs: 1000, ...clock });
    this.facts.caughtUp(1);
    const streams = new OpenStreamRegistry({
      ...{ ruleset: () => this.rules, facts: this.facts, clock, maxStalenessMs: 1000, onStopped: () => {} },
    });
    this.pipeline = new Pipeline({
      ...{ ruleset: () => this.rules, facts: this.facts, clock, metrics, streams, viaName: 'here' },
      guesses: new AuthFailureThrottle(() => ({ failuresMax: 2, windowMs: 60_000 }), clock.monotonicMs),
      limiter: new RateLimiter(new MemoryCounters(), metrics),
      bodies: new WaitingBodies({ bytes: 1000, totalBytes: 10_000, completeMs: 1000 }),
      inspections: new InspectionQueue(clock),
      registrar: { register: async () => {}, unregister: async () => {}, unreadable: () => {} },
      imported: new ImportedTokenLookups(this.facts, clock, metrics),
      lastUsed: {
        note: ({ id }: { id: string }) => this.used.push(id),
        noteScopes: () => undefined,
      } as unknown as LastUsed,
      shadow: { compare: () => undefined },
      onRefused: (refused) => this.refused.push(refused),
      onForwarded: () => {},
      onAllowed: () => {},
      onBug: (error) => this.bugs.push(error),
    });
  }

  rulesOf(routes: readonly Route[], isTrustedProxy: (address: string) => boolean = () => false): Ruleset {
    const table = new RouteTable({ caseSensitive: true, ignoreTrailingSlash: false });
    for (const each of routes) {
      const read = readTemplate(each.template);
      if (read.ok) table.add(each, read.segments);
    }
    const send = (request: UpstreamRequest) => {
      this.sent.push(request);
      this.#current?.finish();
      return { write: () => true, end: () => {}, resume: () => {}, becomeStream: () => true, abort: () => {} };
    };
    const upstream = { send } as unknown as Upstream;
    return {
      routes: table,
      policy: POLICY,
      upstreams: new Map([
        ['platform', { name: configuredName('platform'), upstream, origins: new Set<string>(), preserveHost: false }],
      ]),
      isTrustedProxy,
      unroutedEdits: null,
      publicOrigin: null,
      endpoints: new Map([['ours', (call: EndpointCall) => void this.called.push(call)]]),
      imports: { patterns: [], missesPerMinute: 1 },
      serverTiming: false,
      shadow: null,
      log: { access: 'none', refused: null, allowed: null, configuration: '' },
    };
  }

  #current: PlainExchange | null = null;

  /** A service account's token in organization acme: needs no owner. Returns its text. */
  grant(id: string, more: Partial<TokenRecord> = {}): string {
    const token = mintToken('sgt_');
    const hash = token.hash();
    this.records.set('organization/acme', { id: 'acme', generation: 1, deletedAtMs: null });
    this.records.set('account/acme/sa_1', { organizationId: 'acme', clientId: 'sa_1', tokensFrom: 1, assignments: [] });
    this.records.set(hash, { organizationId: 'acme', tokenId: id });
    this.records.set(`token/acme/${id}`, {
      ...{
        organizationId: 'acme',
        edition: 'team',
        id,
        kind: 'client_credentials',
        authority: 'client',
        generation: 1,
      },
      ...{ hash, replaced: null, ownerId: null, ownerGeneration: null, clientId: 'sa_1', scopes: ['bot:read'] },
      ...{ workspaces: 'all-organization', roles: [], state: 'active', stateReason: null, createdAtMs: 1 },
      ...{ expiresAtMs: null, ...more },
    });
    return token.reveal();
  }

  /** Returns at once where nothing has to be waited for: see `PlainExchange.done`. */
  handle(exchange: PlainExchange, handler: DecisionHandler | null = null): PlainExchange {
    this.#current = exchange;
    this.pipeline.handle(exchange, handler);
    return exchange;
  }

  /** The reason of a refusal; `sent`, `passed` or `called` where there was none. */
  async outcome(line: string, lines: readonly string[] = [], handler: DecisionHandler | null = null): Promise<string> {
    const before = this.refused.length;
    const exchange = this.handle(new PlainExchange(line, lines), handler);
    if (this.refused.length === before) await Promise.race([exchange.done, new Promise((done) => setImmediate(done))]);
    return (
      this.refused[before]?.reason ?? (this.sent.length > 0 ? 'sent' : this.passed.length > 0 ? 'passed' : 'called')
    );
  }

  /** What another program would be. */
  handler(servesEndpoints = true): DecisionHandler {
    return { servesEndpoints, pass: (passed) => void this.passed.push(passed), phrase: (refusal) => refusal };
  }
}

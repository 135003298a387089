/**
 * One origin: its open connections, which of them are free, and how it has been doing. Never decides whether a request
 * may start (the upstream does) and never outlives the limits it is asked to keep.
 */
import net from 'node:net';
import tls from 'node:tls';
import { systemAuthorities, systemContext } from '../authorities.ts';
import { type ConfiguredName, configuredName } from '../core/configured-name.ts';
import { Breaker, type BreakerOptions } from './breaker.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { AnswerListener, UpstreamExchange, UpstreamFailure, UpstreamRequest } from './exchange.ts';
import { H2Sessions, type H2Target } from './http2/h2-sessions.ts';
import { type PlaceLimits, Places } from './places.ts';
import type { PooledConnection } from './pooled-connection.ts';
import type { CallProgress, ConnectionState, TargetState, UpstreamProtocol } from './states.ts';
import type { Timeouts } from './timeouts.ts';
import { Tunnel, type TunnelOwner } from './tunnel.ts';
import type { UpstreamCall } from './upstream-call.ts';

export interface UpstreamTlsOptions {
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** Name to ask for and to verify, instead of the target's host. */
  readonly servername?: string;
  /** true: any certificate will do. Whoever stands in between can read and change everything. */
  readonly insecureSkipVerify?: boolean;
}

/** What all targets of one upstream share. */
export interface TargetPool {
  readonly protocol: UpstreamProtocol;
  readonly places: PlaceLimits;
  readonly timeouts: Timeouts;
  readonly keepAliveMs: number;
  readonly maxConnectionAgeMs: number;
  readonly breaker: BreakerOptions;
  readonly tls: UpstreamTlsOptions;
  readonly lookup: net.LookupFunction | undefined;
  now(): number;
  /** Call `settle` of every target when this turn of the event loop is over. */
  settleSoon(): void;
  /** A holder that has its share asked for more. */
  shareRefused(): void;
  /** A connection is gone, so there is room for another one. */
  vacated(): void;
  /** A call failed: another try, or the end of it. */
  callFailed(target: Target, call: UpstreamCall, failure: UpstreamFailure, progress: CallProgress): void;
  /** It went from one state to another. */
  changed(target: Target, detail: string): void;
}

export class Target implements ConnectionOwner, TunnelOwner, H2Target {
  readonly origin: ConfiguredName;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly timeouts: Timeouts;
  readonly keepAliveMs: number;
  readonly maxAgeMs: number;
  readonly breaker: Breaker;
  readonly connections = new Set<PooledConnection>();
  /** Connections that carry, or will carry, another protocol. */
  readonly tunnels = new Set<Tunnel>();
  /** By calls that are neither of the other two. */
  readonly requests: Places;
  /** By answers that go on for as long as they may. */
  readonly streams: Places;
  /** By tunnels. */
  readonly upgrades: Places;
  /** Connections whose answer came in this turn of the event loop. */
  settling = 0;
  /** By its health check. */
  isHealthy = true;
  /** Calls that count against it. */
  failures = 0;

  readonly #pool: TargetPool;
  /** null: it speaks HTTP/1.1. */
  readonly #sessions: H2Sessions | null;
  readonly #idle: Connection[] = [];
  #released: Connection[] = [];
  readonly #host: string;
  readonly #port: number;
  readonly #tls: tls.ConnectionOptions;

  constructor(pool: TargetPool, origin: string) {
    const url = new URL(origin);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`not an http(s) origin: ${origin}`);
    this.#pool = pool;
    this.timeouts = pool.timeouts;
    this.keepAliveMs = pool.keepAliveMs;
    this.maxAgeMs = pool.maxConnectionAgeMs;
    this.breaker = new Breaker(pool.breaker);
    const { maxConnections, maxStreams, maxUpgrades, maxShare } = pool.places;
    this.requests = new Places(maxConnections, maxShare);
    this.streams = new Places(maxStreams, maxShare);
    this.upgrades = new Places(maxUpgrades, maxShare);
    this.origin = configuredName(url.origin);
    this.authority = url.host;
    this.isSecure = url.protocol === 'https:';
    this.#host = url.hostname.replace(/^\[|\]$/g, '');
    this.#port = Number(url.port) || (this.isSecure ? 443 : 80);
    this.#tls = this.isSecure ? tlsOptions(pool.tls, this.#host) : {};
    this.#sessions = pool.protocol === 'http1' ? null : new H2Sessions(this);
    if (pool.protocol === 'h2') this.#tls.ALPNProtocols = ['h2'];
  }

  get speaksHttp2(): boolean {
    return this.#sessions !== null;
  }

  get state(): TargetState {
    if (!this.isHealthy) return 'unhealthy';
    if (this.breaker.isTrying) return 'probing';
    return this.breaker.isOpen ? 'ejected' : 'up';
  }

  /** May a request go there, if there is a choice? */
  isUsable(): boolean {
    return this.isHealthy && (!this.breaker.isOpen || this.breaker.admits(this.now()));
  }

  /** Calls in progress, tunnels included. */
  get active(): number {
    return this.requests.used + this.streams.used + this.upgrades.used;
  }

  /** Is there a connection for a request of this holder? */
  admits(holder: string | undefined): boolean {
    return this.requests.used + this.settling < this.requests.most && !this.requests.isAboveShare(holder);
  }

  get idleCount(): number {
    return this.#sessions === null ? this.#idle.length : this.#sessions.idleCount;
  }

  now(): number {
    return this.#pool.now();
  }

  /** Carry a call on the connection used last, or on a new one. */
  start(call: UpstreamCall): void {
    const now = this.now();
    this.breaker.chosen(now);
    if (this.#sessions !== null) return this.#sessions.start(call);
    while (this.#idle.length > 0) {
      // The one used last is the least likely to be closed by the other side at this moment.
      const connection = this.#idle[this.#idle.length - 1]!;
      if (connection.idleUntil > now) {
        this.#idle.pop();
        this.requests.take(call.request.holder);
        connection.begin(call);
        return;
      }
      connection.drop();
    }
    this.#open(call);
  }

  /** A connection of its own for a request to upgrade. */
  openTunnel(request: UpstreamRequest, listener: AnswerListener): UpstreamExchange {
    this.upgrades.take(request.holder);
    this.breaker.chosen(this.now());
    const tunnel = new Tunnel(this, request, listener);
    this.tunnels.add(tunnel);
    return tunnel;
  }

  tunnelClosed(tunnel: Tunnel): void {
    if (!this.tunnels.delete(tunnel)) return;
    this.upgrades.give(tunnel.holder);
    this.#pool.vacated();
  }

  /** The call's connection died of old age: try once more on one that cannot have. */
  replay(call: UpstreamCall): void {
    this.#open(call);
  }

  /** The answer on it goes on for as long as it may. false: there is no room for it as that. */
  becameStream({ holder }: { readonly holder: string | undefined }): boolean {
    if (!this.streams.admits(holder)) {
      if (this.streams.isAboveShare(holder)) this.#pool.shareRefused();
      return false;
    }
    this.requests.give(holder);
    this.streams.take(holder);
    // Somebody else may have its place, but not while a parser is running.
    this.#pool.settleSoon();
    return true;
  }

  released(connection: Connection): void {
    this.requests.give(connection.holder);
    this.settling += 1;
    this.#released.push(connection);
    this.#pool.settleSoon();
  }

  /** Whatever came right behind the answers has been seen by now; connections that are still there are free. */
  settle(): void {
    if (this.#released.length === 0) return;
    const now = this.now();
    const released = this.#released;
    this.#released = [];
    for (const connection of released) {
      if (connection.state !== 'settling') continue;
      if (now >= connection.retiresAt) {
        connection.drop();
        continue;
      }
      this.settling -= 1;
      connection.rest(now);
      this.#idle.push(connection);
    }
  }

  answered(): void {
    // Asked first, because nearly always there is nothing to tell and the clock need not be read.
    if (this.breaker.failures === 0 && !this.breaker.isOpen) return;
    if (this.breaker.succeeded(this.now())) this.#pool.changed(this, 'answered again');
  }

  callFailed(call: UpstreamCall, failure: UpstreamFailure, progress: CallProgress): void {
    // Not when it broke off in the middle of an answer or of an upload: that may well have been the client's doing.
    if (progress === 'unsent' || (progress !== 'answered' && call.requestDone)) this.countFailure(failure.detail);
    this.#pool.callFailed(this, call, failure, progress);
  }

  /** It gave no valid answer. */
  countFailure(detail: string): void {
    this.failures += 1;
    if (this.breaker.failed(this.now())) this.#pool.changed(this, detail);
  }

  /** What a health check found. */
  checked(isHealthy: boolean, detail: string): void {
    if (this.isHealthy === isHealthy) return;
    this.isHealthy = isHealthy;
    this.#pool.changed(this, `health check: ${detail}`);
  }

  closed(connection: Connection, was: ConnectionState): void {
    this.connections.delete(connection);
    if (was === 'idle') this.#idle.splice(this.#idle.indexOf(connection), 1);
    else if (was === 'settling') this.settling -= 1;
    else (connection.isStream ? this.streams : this.requests).give(connection.holder);
    this.#pool.vacated();
  }

  callBegan(holder: string | undefined): void {
    this.requests.take(holder);
  }

  callOver({ holder, isStream }: { readonly holder: string | undefined; readonly isStream: boolean }): void {
    (isStream ? this.streams : this.requests).give(holder);
    this.#pool.vacated();
  }

  vacated(): void {
    this.#pool.vacated();
  }

  dropIdle(): void {
    this.#sessions?.dropIdle();
    for (const connection of [...this.#idle]) connection.drop();
  }

  openSocket(onread?: net.OnReadOpts): net.Socket {
    const { lookup } = this.#pool;
    const options = {
      host: this.#host,
      port: this.#port,
      ...(onread === undefined ? {} : { onread }),
      ...(lookup === undefined ? {} : { lookup }),
    };
    return this.isSecure ? tls.connect({ ...options, ...this.#tls }) : net.connect(options);
  }

  #open(call: UpstreamCall): void {
    this.requests.take(call.request.holder);
    this.connections.add(new Connection(this, call));
  }
}

function tlsOptions(options: UpstreamTlsOptions, host: string): tls.ConnectionOptions {
  const { ca, cert, key, servername, insecureSkipVerify = false } = options;
  const context: tls.SecureContextOptions = {
    ca: (ca ?? systemAuthorities()) as string | Buffer | (string | Buffer)[],
  };
  if (cert !== undefined) context.cert = cert;
  if (key !== undefined) context.key = key;
  const name = servername ?? (net.isIP(host) === 0 ? host : undefined);
  return {
    // Reading certificates is slow; once is enough.
    secureContext:
      ca === undefined && cert === undefined && key === undefined ? systemContext() : tls.createSecureContext(context),
    // Not left to the default, which an environment variable can turn off.
    rejectUnauthorized: !insecureSkipVerify,
    ...(name === undefined ? {} : { servername: name }),
  };
}

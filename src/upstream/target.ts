/**
 * One origin: its open connections and which of them are free. Never decides whether a request may start (the upstream
 * does) and never outlives the limits it is asked to keep.
 */
import net from 'node:net';
import tls from 'node:tls';
import { Connection } from './connection.ts';
import { type ConnectionOwner, IDLE, SETTLING, type Timeouts } from './connection-owner.ts';
import type { AnswerListener, UpstreamExchange, UpstreamRequest } from './exchange.ts';
import type { RunningExchange } from './running-exchange.ts';
import { Tunnel, type TunnelOwner } from './tunnel.ts';

export interface TlsOptions {
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** Name to ask for and to verify, instead of the target's host. */
  readonly servername?: string;
}

/** What all targets of one upstream share. */
export interface TargetPool {
  readonly timeouts: Timeouts;
  readonly keepAliveMs: number;
  readonly tls: TlsOptions;
  now(): number;
  /** Call `settle` of every target when this turn of the event loop is over. */
  settleSoon(): void;
  /** A connection is gone, so there is room for another one. */
  vacated(): void;
}

export class Target implements ConnectionOwner, TunnelOwner {
  readonly origin: string;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly timeouts: Timeouts;
  readonly keepAliveMs: number;
  readonly connections = new Set<Connection>();
  /** Connections that carry, or will carry, another protocol. */
  readonly tunnels = new Set<Tunnel>();
  /** Connections with an exchange on them, tunnels included. */
  active = 0;
  /** Connections whose answer came in this turn of the event loop. */
  settling = 0;

  readonly #pool: TargetPool;
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
    this.origin = url.origin;
    this.authority = url.host;
    this.isSecure = url.protocol === 'https:';
    this.#host = url.hostname.replace(/^\[|\]$/g, '');
    this.#port = Number(url.port) || (this.isSecure ? 443 : 80);
    this.#tls = this.isSecure ? tlsOptions(pool.tls, this.#host) : {};
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  now(): number {
    return this.#pool.now();
  }

  /** Carry an exchange on the connection used last, or on a new one. */
  start(exchange: RunningExchange): void {
    const now = this.now();
    while (this.#idle.length > 0) {
      // The one used last is the least likely to be closed by the other side at this moment.
      const connection = this.#idle[this.#idle.length - 1]!;
      if (connection.idleUntil > now) {
        this.#idle.pop();
        this.active += 1;
        connection.begin(exchange);
        return;
      }
      connection.drop();
    }
    this.#open(exchange);
  }

  /** A connection of its own for a request to upgrade; one that lies idle makes room. */
  openTunnel(request: UpstreamRequest, listener: AnswerListener, maxConnections: number): UpstreamExchange {
    if (this.connections.size + this.tunnels.size >= maxConnections) this.#idle[0]?.drop();
    this.active += 1;
    const tunnel = new Tunnel(this, request, listener);
    this.tunnels.add(tunnel);
    return tunnel;
  }

  tunnelClosed(tunnel: Tunnel): void {
    if (!this.tunnels.delete(tunnel)) return;
    this.active -= 1;
    this.#pool.vacated();
  }

  /** The exchange's connection died of old age: try once more on one that cannot have. */
  replay(exchange: RunningExchange): void {
    this.#open(exchange);
  }

  released(connection: Connection): void {
    this.active -= 1;
    this.settling += 1;
    this.#released.push(connection);
    this.#pool.settleSoon();
  }

  /** Whatever came right behind the answers has been seen by now; connections that are still there are free. */
  settle(): void {
    if (this.#released.length === 0) return;
    const now = this.now();
    for (const connection of this.#released) {
      if (connection.state !== SETTLING) continue;
      this.settling -= 1;
      connection.rest(now);
      this.#idle.push(connection);
    }
    this.#released = [];
  }

  closed(connection: Connection, was: number): void {
    this.connections.delete(connection);
    if (was === IDLE) this.#idle.splice(this.#idle.indexOf(connection), 1);
    else if (was === SETTLING) this.settling -= 1;
    else this.active -= 1;
    this.#pool.vacated();
  }

  dropIdle(): void {
    for (const connection of [...this.#idle]) connection.drop();
  }

  openSocket(onread?: net.OnReadOpts): net.Socket {
    const options = { host: this.#host, port: this.#port, ...(onread === undefined ? {} : { onread }) };
    return this.isSecure ? tls.connect({ ...options, ...this.#tls }) : net.connect(options);
  }

  #open(exchange: RunningExchange): void {
    this.active += 1;
    this.connections.add(new Connection(this, exchange));
  }
}

function tlsOptions(options: TlsOptions, host: string): tls.ConnectionOptions {
  const { ca, cert, key, servername } = options;
  const context: tls.SecureContextOptions = {};
  if (ca !== undefined) context.ca = ca as string | Buffer | (string | Buffer)[];
  if (cert !== undefined) context.cert = cert;
  if (key !== undefined) context.key = key;
  const name = servername ?? (net.isIP(host) === 0 ? host : undefined);
  return {
    // Reading certificates is slow; once is enough.
    secureContext: tls.createSecureContext(context),
    // Not left to the default, which an environment variable can turn off.
    rejectUnauthorized: true,
    ...(name === undefined ? {} : { servername: name }),
  };
}

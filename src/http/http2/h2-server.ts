/**
 * HTTP/2 on connections whose handshake agreed on it, or that began with its preface: sessions with their limits, the way to drain them, and each stream
 * handed over as an Exchange. Knows no route and no token, and never listens itself.
 */
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { FewEntries } from '../../few-entries.ts';
import { takeOpenStreams } from '../../node-internals/h2-open-streams.ts';
import { readAccepted } from '../../node-internals/socket-read.ts';
import { LastToken } from '../../secret.ts';
import type { ClientLimits } from '../client-limits.ts';
import type { Exchange } from '../exchange.ts';
import { watchRate } from '../minimum-rate.ts';
import { H2Exchange } from './h2-exchange.ts';
import { H2Tap } from './h2-tap.ts';

export interface H2ServerOptions {
  readonly handle: (exchange: Exchange) => void;
  readonly onBug: (error: unknown) => void;
  /** The body and headers for a request that is too large to be handed over. */
  readonly refuse: (status: number) => { readonly headers: readonly string[]; readonly body: string };
  readonly limits: ClientLimits;
}

/** What is known of a session. */
interface Carried {
  /** Sends its client away. */
  readonly sendOff: () => void;
  /** By the number of their stream. */
  readonly open: FewEntries<number, H2Exchange>;
}

const STREAMS_MAX = 100;
/** For all streams of a connection together; each has the 64 KiB of the protocol. */
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** A client that was told goodbye gets this long to hang up. */
const LINGER_MS = 1000;

const LIMITS = {
  maxHeaderListPairs: 500,
  maxOutstandingPings: 10,
  maxOutstandingSettings: 10,
  maxSessionMemory: 16,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  // Each stream that is opened only to be reset costs us a decision and an upstream connection (CVE-2023-44487).
  streamResetBurst: 200,
  streamResetRate: 20,
  // What the upstream says twice is said twice.
  strictSingleValueFields: false,
};

export class H2Server {
  readonly #options: H2ServerOptions;
  readonly #sessions = new Map<ServerHttp2Session, Carried>();
  #draining = false;

  constructor(options: H2ServerOptions) {
    this.#options = options;
  }

  /** Cuts streams whose clients are too slow, until the returned function is called. */
  watchRate(): () => void {
    const owes = (exchange: H2Exchange) => ({ of: exchange, owed: exchange.owed });
    const tooSlow = (exchange: H2Exchange) => exchange.breakOff();
    const open = { [Symbol.iterator]: () => this.#exchanges() };
    return watchRate(this.#options.limits, { open, owes, tooSlow });
  }

  *#exchanges(): Generator<H2Exchange> {
    for (const { open } of this.#sessions.values()) yield* open.all;
  }

  /** A connection whose handshake agreed on it, in the turn in which it came. */
  accept(accepted: TLSSocket): void {
    const readOn = readAccepted(accepted, (bytes) => tap.received(bytes));
    const tap: H2Tap = this.serve(accepted, readOn);
  }

  /** What is read from `socket` is to be told to what it returns. */
  serve(socket: Socket, readOn: () => void): H2Tap {
    const { headerBytes, headersMs, keepAliveMs } = this.#options.limits;
    const settings = { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: headerBytes };
    const tap = new H2Tap(socket, readOn);
    const session = performServerHandshake(tap, { ...LIMITS, settings });
    const carrier = {
      frames: tap.frames,
      peerAddress: socket.remoteAddress ?? '',
      encrypted: 'encrypted' in socket,
      lastToken: new LastToken(),
    };
    const open: Carried['open'] = new FewEntries();
    takeOpenStreams(session);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    // Not Node's own timer, which any byte begins anew: a preface or a head that never ends would be waited for for ever.
    let waiting: NodeJS.Timeout;
    const sendOff = () => {
      clearTimeout(waiting);
      session.close();
      // A head that was begun keeps it open; a stream that just made it is answered.
      waiting = setTimeout(() => open.size === 0 && session.destroy(), LINGER_MS).unref();
    };
    const awaitRequest = (withinMs: number) => {
      clearTimeout(waiting);
      waiting = setTimeout(sendOff, withinMs).unref();
    };
    awaitRequest(headersMs);
    this.#sessions.set(session, { sendOff, open });
    session.on('stream', (stream: ServerHttp2Stream, _headers, flags: number, raw: readonly string[] = []) => {
      clearTimeout(waiting);
      const endsHere = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      const exchange: H2Exchange = new H2Exchange(stream, raw, endsHere, carrier, () => {
        open.delete(stream.id!);
        if (open.size === 0) awaitRequest(session.closed ? 0 : keepAliveMs);
      });
      open.set(stream.id!, exchange);
      this.#handle(stream, raw, exchange);
    });
    // A connection that breaks the protocol ends; `close` follows.
    session.on('error', ignore);
    session.once('close', () => {
      clearTimeout(waiting);
      this.#sessions.delete(session);
      setTimeout(() => socket.destroy(), LINGER_MS).unref();
    });
    if (this.#draining) sendOff();
    return tap;
  }

  /** GOAWAY: streams that were begun are finished; later ones were never ours, which the client is told. */
  sendAway(): void {
    for (const { sendOff } of this.#sessions.values()) sendOff();
  }

  /** From now on every client is sent away. */
  drain(): void {
    this.#draining = true;
    this.sendAway();
  }

  #handle(stream: ServerHttp2Stream, raw: readonly string[], exchange: H2Exchange): void {
    const { limits, handle, refuse } = this.#options;
    stream.setTimeout(limits.idleMs);
    stream.on('timeout', () => {
      if (exchange.waitsForClient) exchange.breakOff();
    });
    try {
      // Node keeps to the limit once the client has confirmed it, which it need not do; 10 kB can unpack to megabytes.
      if (bytesOf(raw) <= limits.headerBytes) handle(exchange);
      else {
        const status = isLongTarget(raw, limits.headerBytes) ? 414 : 431;
        const { headers, body } = refuse(status);
        exchange.answer(status, [...headers], body);
      }
    } catch (error) {
      // Fail closed: a request that broke us is neither answered nor forwarded further.
      exchange.breakOff();
      this.#options.onBug(error);
    }
  }
}

function bytesOf(fields: readonly string[]): number {
  let bytes = 0;
  for (const text of fields) bytes += text.length;
  return bytes;
}

/** As over HTTP/1.1: it alone takes most of the room. */
function isLongTarget(raw: readonly string[], headerBytes: number): boolean {
  const at = raw.indexOf(':path');
  return at % 2 === 0 && raw[at + 1]!.length >= headerBytes / 2;
}

function ignore(): void {}

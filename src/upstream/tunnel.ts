/**
 * One request to leave HTTP, made through http-proxy-3 on a connection of its own, and what follows: the upstream's
 * refusal as an answer like any other, or the bare bytes of both sides. Never carries a plain request, and never lets
 * the library choose a target, a path or a header.
 */
import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ProxyServer } from 'http-proxy-3';
import { isOffered } from '../core/upgrade.ts';
import type { AnswerFraming, AnswerListener, UpstreamExchange, UpstreamFailure, UpstreamRequest } from './exchange.ts';
import { ProxySide } from './proxy-side.ts';
import type { RequestTimeouts, Timeouts } from './timeouts.ts';

/** The target that a tunnel leads to. */
export interface TunnelOwner {
  readonly origin: string;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly timeouts: Timeouts;
  openSocket(): Socket;
  /** The head of an answer came. */
  answered(): void;
  /** No valid answer came. */
  countFailure(detail: string): void;
  tunnelClosed(tunnel: Tunnel): void;
}

/** llhttp lets control characters pass; whoever writes them on must not (RFC 9110 section 5.5, RFC 9112 section 4). */
const BAD_TEXT = /[^\t\x20-\x7e\x80-\xff]/;

/** The request that the library is at this moment turning into one of its own. */
let dialling: Tunnel | null = null;

/** Loaded for the first tunnel: the library brings node:http2 with it, which takes 5 MB. */
let proxy: Promise<ProxyServer> | null = null;

async function newProxy(): Promise<ProxyServer> {
  const { ProxyServer } = await import('http-proxy-3');
  const made = new ProxyServer({});
  made.on('proxyReqWs', (request) => dialling?.dialled(request));
  // Every failure is heard where it happens; the library repeats it here.
  made.on('error', () => {});
  return made;
}

export class Tunnel implements UpstreamExchange {
  readonly holder: string | undefined;
  readonly #owner: TunnelOwner;
  readonly #request: UpstreamRequest;
  readonly #listener: AnswerListener;
  readonly #timeouts: RequestTimeouts;
  readonly #side = new ProxySide();
  #outgoing: ClientRequest | null = null;
  #answer: IncomingMessage | null = null;
  #socket: Socket | null = null;
  /** From when on the two sides are joined. */
  #isJoined = false;
  /** What the client said before. */
  readonly #ahead: Buffer[] = [];
  #hasEnded = false;
  #deadline: NodeJS.Timeout | undefined;
  #wantsDrain = false;
  #over = false;
  #isAnswered = false;

  constructor(owner: TunnelOwner, request: UpstreamRequest, listener: AnswerListener) {
    this.holder = request.holder;
    this.#owner = owner;
    this.#request = request;
    this.#listener = listener;
    this.#timeouts = request.timeouts ?? owner.timeouts;
    this.#expect(this.#timeouts.connectMs, 'no connection in time');
    proxy ??= newProxy();
    void proxy.then((made) => this.#dial(made));
  }

  write(chunk: Buffer): boolean {
    if (this.#over) return true;
    let open = false;
    if (this.#isJoined) open = this.#socket!.write(chunk);
    else this.#ahead.push(chunk);
    this.#wantsDrain = !open;
    return open;
  }

  end(): void {
    if (this.#over) return;
    this.#hasEnded = true;
    if (this.#isJoined) this.#socket!.end();
  }

  resume(): void {
    this.#answer?.resume();
    if (this.#isJoined) this.#socket!.resume();
  }

  /** It has a place as what it is already. */
  becomeStream(): boolean {
    return true;
  }

  abort(): void {
    this.#over = true;
    this.#leave();
  }

  /** The whole upstream is torn down. */
  destroy(): void {
    process.nextTick(() => this.#fail('unreachable', 'torn down', false));
  }

  /** The library has made its request; nothing of it has been sent. */
  dialled(outgoing: ClientRequest): void {
    this.#outgoing = outgoing;
    outgoing.on('error', (error: NodeJS.ErrnoException) => this.#fail('unreachable', error.code ?? error.message));
    outgoing.on('socket', (socket: Socket) =>
      socket.once(this.#owner.isSecure ? 'secureConnect' : 'connect', () =>
        this.#expect(this.#timeouts.headersMs, 'no answer in time'),
      ),
    );
    // Ours come before the library's: what it is to see is settled here.
    outgoing.on('upgrade', (answer: IncomingMessage, socket) => this.#switched(answer, socket as Socket));
    outgoing.on('response', (answer: IncomingMessage) => this.#refused(answer));
    if (outgoing.path !== this.#request.target) this.#fail('unreachable', 'the target would be changed', false);
  }

  /** The library is out of it: its streams would cost more than all else that a message takes. */
  #join(socket: Socket): void {
    socket.unpipe(this.#side);
    this.#watchIdle(socket);
    if (this.#over) return;
    this.#isJoined = true;
    socket.on('data', (chunk: Buffer) => {
      if (!this.#over && !this.#listener.data(chunk)) socket.pause();
    });
    socket.on('end', () => this.#finish([]));
    socket.on('drain', () => this.#drained());
    for (const chunk of this.#ahead.splice(0)) socket.write(chunk);
    if (this.#hasEnded) socket.end();
    else if (!socket.writableNeedDrain) this.#drained();
    socket.resume();
  }

  #drained(): void {
    if (!this.#wantsDrain || this.#over) return;
    this.#wantsDrain = false;
    this.#listener.drained();
  }

  #dial(library: ProxyServer): void {
    if (this.#over) return;
    const { authority } = this.#owner;
    const { target, host, headerLines, upgrade } = this.#request;
    const headers = { ...headersOf(headerLines), host: host ?? authority, connection: 'Upgrade', upgrade: 'websocket' };
    // Only what the library looks at. Its answer to any other protocol than WebSocket would be to hang up.
    const request = { method: 'GET', url: target, headers, httpVersion: '1.1', httpVersionMajor: 1 };
    dialling = this;
    try {
      library.ws(request as unknown as IncomingMessage, this.#side as unknown as Socket, Buffer.alloc(0), {
        target: { protocol: 'http:', host: authority, port: '' } as never,
        agent: new OwnSocket(this.#owner),
        headers: { upgrade: upgrade! },
        toProxy: true,
        prependPath: false,
      });
    } catch (error) {
      this.#fail('unreachable', String(error), false);
    } finally {
      dialling = null;
    }
  }

  #switched(answer: IncomingMessage, socket: Socket): void {
    this.#socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail('unreachable', error.code ?? error.message));
    socket.on('close', () => (this.#over ? this.#leave() : this.#fail('unreachable', 'closed')));
    if (this.#over) return;
    if (!isOffered(answer.headers.upgrade ?? '', this.#request.upgrade!))
      return this.#fail('unreachable', 'invalid answer: switched to what was not offered');
    // The library still has to join it to what it takes for the client, and takes the time limit away.
    process.nextTick(() => this.#join(socket));
    this.#head(answer, 'close', -1);
  }

  #refused(answer: IncomingMessage): void {
    // Destroyed, it gets nothing: the answer goes the way of all answers.
    this.#side.destroy();
    if (this.#over) return;
    // Node takes a 101 without protocol for a last word.
    if (answer.statusCode! < 200) return this.#fail('unreachable', 'invalid answer: switched to nothing');
    this.#answer = answer;
    this.#watchIdle(answer.socket);
    answer.on('data', (chunk: Buffer) => !this.#over && !this.#listener.data(chunk) && answer.pause());
    answer.on('end', () => answer.complete && this.#finish(answer.rawTrailers));
    answer.on('error', (error: NodeJS.ErrnoException) => this.#fail('unreachable', error.code ?? error.message));
    answer.on('close', () => this.#fail('unreachable', 'closed in the middle of an answer'));
    const length = answer.headers['content-length'];
    const isBare = answer.statusCode === 204 || answer.statusCode === 304;
    const framing = 'transfer-encoding' in answer.headers ? 'chunked' : length === undefined ? 'close' : 'length';
    this.#head(answer, isBare ? 'none' : framing, length === undefined ? -1 : Number(length));
  }

  #head(answer: IncomingMessage, framing: AnswerFraming, length: number): void {
    clearTimeout(this.#deadline);
    const { statusCode: status, statusMessage: statusText, rawHeaders: headers, httpVersion: protocol } = answer;
    if (BAD_TEXT.test(statusText!) || headers.some((text) => BAD_TEXT.test(text)))
      return this.#fail('unreachable', 'invalid answer: header value');
    this.#isAnswered = true;
    this.#owner.answered();
    this.#listener.head({ status: status!, statusText: statusText!, headers, framing, length, protocol });
  }

  #watchIdle(socket: Socket): void {
    socket.setTimeout(this.#timeouts.idleMs, () => this.#fail('timeout', 'stalled'));
  }

  #expect(withinMs: number, otherwise: string): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#fail('timeout', otherwise), withinMs).unref();
  }

  #finish(trailers: readonly string[]): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener.end(trailers);
    this.#leave();
  }

  #fail(kind: UpstreamFailure['kind'], detail: string, isTheirs = !this.#isAnswered): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave();
    const failure = { kind, detail: `${this.#owner.origin}: ${detail}` };
    if (isTheirs) this.#owner.countFailure(failure.detail);
    this.#listener.failed(failure);
  }

  #leave(): void {
    clearTimeout(this.#deadline);
    this.#outgoing?.destroy();
    this.#socket?.destroy();
    this.#side.destroy();
    this.#owner.tunnelClosed(this);
  }
}

/** Dials as the target does for plain requests, TLS and all. */
class OwnSocket extends Agent {
  readonly #owner: TunnelOwner;

  constructor(owner: TunnelOwner) {
    super({ keepAlive: false });
    this.#owner = owner;
  }

  override createConnection(): Socket {
    return this.#owner.openSocket();
  }
}

/** One entry per name, whatever its case: Node keeps the last of two spellings. */
function headersOf(lines: string): Record<string, string[]> {
  const byName = new Map<string, { name: string; values: string[] }>();
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const name = line.slice(0, colon);
    const lower = name.toLowerCase();
    const entry = byName.get(lower) ?? { name, values: [] };
    entry.values.push(line.slice(colon + 2));
    byName.set(lower, entry);
  }
  return Object.fromEntries(Array.from(byName.values(), ({ name, values }) => [name, values]));
}

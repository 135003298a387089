/**
 * An Exchange on Node's own HTTP server. What it needs of node:http that is not documented is in `node-internals`. Decides
 * nothing.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { declaresBody } from '../../core/upgrade.ts';
import { bodyOf } from '../../node-internals/body-push.ts';
import { closeBy, isChunked, isKeptAlive, setKeptAlive } from '../../node-internals/http-server.ts';
import { BodyTap } from '../body-tap.ts';
import type { BodySink, Exchange, ExchangeListener } from '../exchange.ts';
import { lingeringClose, markClosing, resetConnection } from '../socket-close.ts';

/** Longer bodies are not copied. The saving was measured with 211 bytes; where it ends was not. */
const TEXT_BYTES_MAX = 4096;

export class NodeExchange implements Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #answered = false;
  #bodyEnded: boolean;
  /** null: nobody wants it yet. */
  #body: BodyTap | null = null;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.#bodyEnded = request.complete;
  }

  get method(): string {
    return this.#request.method!;
  }
  get target(): string {
    return this.#request.url!;
  }
  get minorVersion(): number {
    return this.#request.httpVersionMajor === 1 ? this.#request.httpVersionMinor : -1;
  }
  get protocol(): string {
    return this.#request.httpVersion;
  }
  get headers(): readonly string[] {
    return this.#request.rawHeaders;
  }
  get peerAddress(): string {
    return this.#request.socket.remoteAddress ?? '';
  }
  get encrypted(): boolean {
    return 'encrypted' in this.#request.socket;
  }
  get answered(): boolean {
    return this.#answered;
  }
  get isGone(): boolean {
    return this.#response.destroyed;
  }

  /** The rest of the request's body is not ours to wait for, and what follows it must not run (RFC 9112 section 9.3). */
  endConnection(): void {
    const { socket } = this.#request;
    markClosing(socket);
    this.#body?.resume();
    const close = () => lingeringClose(socket);
    closeBy(socket, close);
    // Once the head is out Node has settled whether the connection is kept.
    if (this.#response.headersSent) this.#response.once('finish', close);
    else setKeptAlive(this.#response, false);
  }

  answer(status: number, headers: string[], body: string): void {
    this.#answered = true;
    const response = this.#response;
    if (!this.#hasWholeBody()) this.endConnection();
    response.writeHead(status, headers);
    response.end(body);
  }

  relayHead(status: number, statusText: string, headers: string[]): void {
    this.#answered = true;
    if (status === 426) this.#nameUpgrade(headers);
    this.#response.writeHead(status, statusText, headers);
  }

  relay(chunk: Buffer): boolean {
    return this.#response.write(Buffer.from(chunk));
  }

  relayEnd(last: Buffer | null, trailers: readonly string[]): void {
    const response = this.#response;
    if (trailers.length > 0 && isChunked(response)) response.addTrailers(pairs(trailers));
    if (!this.#hasWholeBody()) this.endConnection();
    if (last === null) response.end();
    // As text it leaves in one write with the head; latin1 keeps every byte.
    else if (last.length <= TEXT_BYTES_MAX) response.end(last.toString('latin1'), 'latin1');
    else response.end(Buffer.from(last));
  }

  flush(): void {
    // Not flushHeaders, which writes bytes above ASCII as UTF-8.
    this.#response.write('', 'latin1');
  }

  breakOff(): void {
    resetConnection(this.#request.socket);
  }

  sendContinue(): void {
    this.#response.writeContinue();
  }

  sendInterim(status: number, headers: readonly string[]): void {
    if (this.minorVersion !== 1) return;
    const response = this.#response;
    try {
      // Checks that each link is one.
      if (status === 103) response.writeEarlyHints({ link: headers.filter((_, index) => index % 2 === 1) });
      // Older versions of Node have no way to say it.
      else response.writeInformation?.(status, [...headers]);
    } catch {
      // Node takes no such header. Nothing depends on it.
    }
  }

  readBody(sink: BodySink): void {
    const request = this.#request;
    this.#body = new BodyTap(bodyOf(request), sink);
    request.on('end', () => {
      this.#bodyEnded = true;
      this.#body!.end();
      sink.bodyEnd(request.rawTrailers);
    });
    this.#body.start();
  }

  pauseBody(): void {
    this.#body!.pause();
  }

  resumeBody(): void {
    this.#body?.resume();
  }

  /** Whoever owns the server says how slow its clients may be. */
  becomeStream(): void {}

  listen(listener: ExchangeListener): void {
    const response = this.#response;
    response.on('drain', () => listener.clientDrained());
    response.once('close', () => listener.clientClosed(response.writableFinished));
    // Gone while the decision was being made.
    if (response.destroyed) process.nextTick(() => listener.clientClosed(false));
    // An aborted upload surfaces here too; `close` tells the rest.
    this.#request.on('error', ignore);
  }

  /** Node takes a Connection header of ours for the whole truth about the connection. */
  #nameUpgrade(headers: string[]): void {
    const at = headers.lastIndexOf('Upgrade');
    if (at === -1) return;
    if (this.minorVersion !== 1) headers.splice(at, 2);
    else headers.push('Connection', isKeptAlive(this.#response) ? 'upgrade' : 'close, upgrade');
  }

  /** Node marks a request without body as complete only after the handler returned. */
  #hasWholeBody(): boolean {
    return this.#bodyEnded || this.#request.complete || !declaresBody(this.#request.rawHeaders);
  }
}

function pairs(flat: readonly string[]): Array<[string, string]> {
  const out: Array<[string, string]> = [];
  for (let index = 0; index < flat.length; index += 2) out.push([flat[index]!, flat[index + 1]!]);
  return out;
}

function ignore(): void {}

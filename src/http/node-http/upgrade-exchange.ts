/**
 * An Exchange whose client asks to leave HTTP. Until that is granted it is answered like any other and its connection
 * ends; from the 101 on, `relay` and `readBody` carry bare bytes. Bytes that came behind the request wait, bounded, and
 * reach nobody before that. Decides nothing.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { letGo, putOn, setKeptAlive } from '../../node-internals/http-server.ts';
import type { BodySink, ExchangeListener, Upgrade } from '../exchange.ts';
import { lingeringClose, resetConnection } from '../socket-close.ts';
import { NodeExchange } from './node-exchange.ts';

/** A client that does not wait for the answer may send this much ahead, and one read more. */
const AHEAD_BYTES_MAX = 16 * 1024;

export class UpgradeExchange extends NodeExchange implements Upgrade {
  readonly protocols: string;
  readonly #socket: Socket;
  readonly #response: ServerResponse;
  #switched = false;
  #ahead: Buffer[];
  #sink: BodySink | null = null;
  #listener: ExchangeListener | null = null;

  /**
   * `head`: what came behind the request. The socket is out of the server's hands. `idleMs`: for how long its client may
   * read nothing of what is to go.
   */
  constructor(request: IncomingMessage, socket: Socket, head: Buffer, protocols: string, idleMs: number) {
    const response = new ServerResponse(request);
    super(request, response);
    this.protocols = protocols;
    this.#socket = socket;
    this.#response = response;
    this.#ahead = head.length === 0 ? [] : [head];
    setKeptAlive(response, false);
    putOn(response, socket);
    response.on('finish', () => {
      letGo(response, socket);
      lingeringClose(socket);
      response.emit('close');
    });
    socket.setTimeout(idleMs, () => this.#quiet());
    socket.setNoDelay(true);
    socket.on('error', ignore);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('end', () => this.#ended());
    socket.on('drain', () => (this.#switched ? this.#listener?.clientDrained() : response.emit('drain')));
    socket.on('close', () => this.#switched && this.#listener?.clientClosed(socket.writableFinished));
    if (head.length >= AHEAD_BYTES_MAX) socket.pause();
  }

  /** undefined: it asked for what we take no notice of. */
  get upgrade(): Upgrade | undefined {
    return this.protocols === '' ? undefined : this;
  }

  override get answered(): boolean {
    return this.#switched || super.answered;
  }

  override get isGone(): boolean {
    return this.#socket.destroyed;
  }

  switchProtocols(headers: readonly string[]): void {
    let head = 'HTTP/1.1 101 Switching Protocols\r\n';
    for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`;
    this.#switched = true;
    letGo(this.#response, this.#socket);
    this.#socket.write(`${head}\r\n`, 'latin1');
  }

  override relay(chunk: Buffer): boolean {
    return this.#switched ? this.#socket.write(chunk) : super.relay(chunk);
  }

  override relayEnd(last: Buffer | null, trailers: readonly string[]): void {
    if (!this.#switched) return super.relayEnd(last, trailers);
    if (last !== null) this.#socket.write(last);
    this.#socket.end(() => lingeringClose(this.#socket));
    // What the client still says is read, so that its own end is seen, and goes nowhere.
    this.#socket.resume();
  }

  override readBody(sink: BodySink): void {
    this.#sink = sink;
    for (const chunk of this.#ahead) sink.bodyChunk(chunk);
    this.#ahead = [];
    this.#socket.resume();
  }

  override pauseBody(): void {
    this.#socket.pause();
  }

  override resumeBody(): void {
    this.#socket.resume();
  }

  override listen(listener: ExchangeListener): void {
    this.#listener = listener;
    super.listen(listener);
  }

  /** While both sides may still speak, it is the upstream's connection that says how long nobody may. */
  #quiet(): void {
    if (this.#switched && !this.#socket.writableEnded) return;
    if (this.#socket.writableLength > 0 || this.#response.writableLength > 0) resetConnection(this.#socket);
  }

  #received(chunk: Buffer): void {
    if (this.#sink !== null) return this.#sink.bodyChunk(chunk);
    // Refused, or on its way to be: what follows is nobody's.
    if (this.#response.writableEnded) return;
    this.#ahead.push(chunk);
    if (this.#ahead.reduce((sum, { length }) => sum + length, 0) >= AHEAD_BYTES_MAX) this.#socket.pause();
  }

  #ended(): void {
    if (this.#sink !== null) this.#sink.bodyEnd([]);
    else if (!this.#response.writableEnded) this.#socket.destroy();
  }
}

function ignore(): void {}

/**
 * Clients that ask for what they may not have, without a pause, while something breaks: without a token, with tokens that
 * are none, have ended or lack the scope, and with requests hidden in others. Looks at a gateway from outside only.
 */
import { connect } from 'node:net';
import { expect } from 'vitest';
import { mintToken } from '../../src/secret.ts';
import { rawRequest } from './raw.ts';
import { timePasses } from './time.ts';

/** Stands in the target of all that is asked, also of what is hidden. */
const MARK = 'hostile';
const PATIENCE_MS = 10_000;
const PAUSE_MS = 20;

export interface HostileOptions {
  /** Where the gateway is now. */
  readonly url: () => string;
  /** A token that may: for requests that must not be believed although they show it. */
  readonly valid: string;
  /** Tokens that may not, each for another reason. */
  readonly refused: readonly string[];
}

export interface HostileReport {
  /** Requests, whether or not they could be sent. */
  readonly sent: number;
  readonly statuses: ReadonlySet<number>;
}

/** `/files/…` must lead to a route that wants a scope which only `valid` has. */
export class HostileClients {
  readonly #options: HostileOptions;
  readonly #statuses = new Set<number>();
  readonly #over: Promise<void>;
  #sent = 0;
  #running = true;

  constructor(options: HostileOptions) {
    this.#options = options;
    this.#over = this.#run();
  }

  get sent(): number {
    return this.#sent;
  }

  /** The last answers are in. Fails if one of them was a yes, or if `seenUpstream`, all that came there, holds a byte of it. */
  async end(seenUpstream: () => string): Promise<HostileReport> {
    this.#running = false;
    await this.#over;
    expect([...this.#statuses].filter((status) => status >= 101 && status < 400)).toEqual([]);
    expect(this.#statuses).toContain(401);
    expect(seenUpstream()).not.toContain(MARK);
    return { sent: this.#sent, statuses: this.#statuses };
  }

  async #run(): Promise<void> {
    while (this.#running) {
      await Promise.all(attacks(this.#options, String(this.#sent)).map((text) => this.#send(text)));
      await timePasses(PAUSE_MS, 'the processes under test need the machine, too');
    }
  }

  /** On a connection of its own, which the gateway may be unable to accept. */
  #send(text: string): Promise<void> {
    this.#sent++;
    const { hostname, port } = new URL(this.#options.url());
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      received += piece;
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', () => undefined);
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.end(text, 'latin1');
    return new Promise((resolve) => {
      socket.once('close', () => {
        for (const [, status] of received.matchAll(/HTTP\/1\.1 (\d{3}) /g)) this.#statuses.add(Number(status));
        resolve();
      });
    });
  }
}

function attacks({ valid, refused }: HostileOptions, id: string): readonly string[] {
  const path = `/files/${MARK}-${id}`;
  const bearer = (token: string) => `Authorization: Bearer ${token}`;
  const hidden = rawRequest(`GET ${path}-hidden`, [bearer(valid)]);
  const [first = valid] = refused;
  return [
    rawRequest(`GET ${path}`),
    ...refused.map((token) => rawRequest(`GET ${path}`, [bearer(token)])),
    ...refused.map((token) => rawRequest(`POST ${path}`, [bearer(token), `Content-Length: ${hidden.length}`], hidden)),
    // Nobody knows it, but only a look into the store can tell.
    rawRequest(`GET ${path}`, [bearer(mintToken('pat_').reveal())]),
    rawRequest(`GET ${path}`, [bearer(`${valid.slice(0, -1)}${valid.endsWith('0') ? '1' : '0'}`)]),
    rawRequest(`GET ${path}`, [bearer('\xff\xfe')]),
    rawRequest(`GET ${path}`, [bearer(first), bearer(valid)]),
    rawRequest(`GET ${path}?authorization=Bearer%20${valid}`),
    rawRequest(`GET ${path}`, ['X-Forwarded-User: alice', 'X-Scopegate-Principal: alice', 'X-Scopegate-Scopes: *']),
    rawRequest(`GET /nowhere/../files/${MARK}-${id}`, [bearer(valid)]),
    rawRequest(`GET /nowhere/%2e%2e/files/${MARK}-${id}`, [bearer(first)]),
    rawRequest(`GET ${path}`, [bearer(first), 'Connection: Upgrade', 'Upgrade: websocket']),
    rawRequest(`GET ${path}`, [bearer(valid), 'Host: other.test', 'Host: api.test']),
    rawRequest(
      `POST ${path}`,
      [bearer(valid), 'Content-Length: 4', 'Transfer-Encoding: chunked'],
      `0\r\n\r\n${hidden}`,
    ),
    rawRequest(`POST ${path}`, [bearer(first), 'Transfer-Encoding: chunked'], `zz\r\n${hidden}`),
    rawRequest(`GET ${path} HTTP/9.9`, [bearer(valid)]),
    `GET ${path} HTTP/1.1\r\nHost: api.test\r\n${bearer(valid)}\r\nX : y\r\n\r\n`,
  ];
}

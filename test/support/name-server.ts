/** A name server on UDP for tests: answers from a table, says that there is no such name, fails, or is silent. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

/** Addresses (IPv4), or how not to give any. Names that are not listed do not exist. */
export type Entry = readonly string[] | 'silent' | 'fails';

const TYPE_A = 1;
const SERVFAIL = 2;
const NXDOMAIN = 3;

export class NameServer implements AsyncDisposable {
  readonly address: string;
  readonly names = new Map<string, Entry>();
  /** What was asked for, in the order of arrival, for A and AAAA each. */
  readonly asked: string[] = [];
  ttlSeconds = 0;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.address = `127.0.0.1:${socket.address().port}`;
    socket.on('message', (message, { port, address }) => {
      const answer = this.#answer(message);
      if (answer !== null) socket.send(answer, port, address);
    });
  }

  static async start(): Promise<NameServer> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new NameServer(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #answer(message: Buffer): Buffer | null {
    const labels: string[] = [];
    let at = 12;
    for (let length = message[at]!; length !== 0; length = message[at]!) {
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const end = at + 5;
    const name = labels.join('.').toLowerCase();
    this.asked.push(name);
    const entry = this.names.get(name);
    if (entry === 'silent') return null;
    const records = Array.isArray(entry) && message.readUInt16BE(at + 1) === TYPE_A ? entry.filter(isIPv4) : [];
    const head = Buffer.from(message.subarray(0, end));
    head.writeUInt16BE(0x8180 | (entry === undefined ? NXDOMAIN : entry === 'fails' ? SERVFAIL : 0), 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt32BE(0, 8);
    return Buffer.concat([head, ...records.map((address: string) => record(address, this.ttlSeconds))]);
  }
}

function record(address: string, ttlSeconds: number): Buffer {
  const bytes = Buffer.from('c00c00010001000000000004', 'hex');
  bytes.writeUInt32BE(ttlSeconds, 6);
  return Buffer.concat([bytes, Buffer.from(address.split('.').map(Number))]);
}

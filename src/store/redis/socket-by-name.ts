/** How the client reaches a Redis by name: through our own look-up, which waits for no other name. Knows no command. */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import { systemLookup } from '../../names/names.ts';

interface Asked {
  readonly host: string;
  readonly port: number;
  readonly tls?: ConnectionOptions;
  readonly disconnectTimeout: number;
}

export class SocketByName extends AbstractConnector {
  readonly #asked: Asked;

  constructor(options: unknown) {
    super((options as Asked).disconnectTimeout);
    this.#asked = options as Asked;
  }

  override async connect(): Promise<Socket> {
    const { host, port, tls } = this.#asked;
    const place = { host, port, ...(systemLookup === undefined ? {} : { lookup: systemLookup }) };
    this.connecting = true;
    const stream = tls === undefined ? connect(place) : connectTls({ ...place, ...tls });
    this.stream = stream;
    stream.once('error', (error) => {
      this.firstError = error;
    });
    return stream;
  }
}

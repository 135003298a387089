/** What llhttp makes of the bytes of one connection: its requests, one after the other, as far as they have come. */
import { METHODS } from 'node:http';
import { beginReading, HTTPParser } from '../support/llhttp.ts';

export interface ToldRequest {
  method: string;
  target: string;
  minorVersion: number;
  majorVersion: number;
  headers: readonly string[];
  body: string;
  trailers: readonly string[];
  keepAlive: boolean;
  isWhole: boolean;
}

type HeadArguments = [
  majorVersion: number,
  minorVersion: number,
  headers: string[] | undefined,
  method: number,
  target: string | undefined,
  status: unknown,
  reason: unknown,
  upgrade: boolean,
  keepAlive: boolean,
];

const { REQUEST, kOnHeaders, kOnHeadersComplete, kOnBody, kOnMessageComplete } = HTTPParser;

/** By the numbers that llhttp gives them, as it tells itself. */
const METHOD_NAMES: ReadonlyMap<number, string> = new Map(METHODS.map((name) => [numberOf(name), name]));

function numberOf(name: string): number {
  const parser = new HTTPParser();
  let number = -1;
  parser[kOnHeadersComplete] = (...[, , , method]: HeadArguments) => {
    number = method;
    return 0;
  };
  beginReading(parser, REQUEST);
  parser.execute(Buffer.from(`${name} ${name === 'CONNECT' ? 'a:1' : '/'} HTTP/1.1\r\n\r\n`));
  return number;
}

export class LlhttpRequests {
  requests: ToldRequest[] = [];
  error: string | undefined;
  readonly #parser = new HTTPParser();
  /** Of headers that come in several calls, and of trailers. */
  #collected: string[] = [];
  #target = '';

  constructor() {
    const parser = this.#parser;
    parser[kOnHeaders] = (headers: string[], target: string) => {
      this.#collected.push(...headers);
      this.#target += target;
    };
    parser[kOnHeadersComplete] = (...told: HeadArguments) => this.#head(...told);
    parser[kOnBody] = (chunk: Buffer) => {
      this.requests.at(-1)!.body += chunk.toString('latin1');
    };
    parser[kOnMessageComplete] = () => {
      const request = this.requests.at(-1)!;
      request.trailers = this.#collected;
      request.isWhole = true;
      this.#collected = [];
      // With trailers it tells the target again.
      this.#target = '';
    };
  }

  /** The next connection. */
  begin(): void {
    this.requests = [];
    this.error = undefined;
    this.#collected = [];
    this.#target = '';
    beginReading(this.#parser, REQUEST);
  }

  read(text: string): void {
    let rest = Buffer.from(text, 'latin1');
    while (rest.length > 0 && this.error === undefined) {
      const result = this.#parser.execute(rest);
      if (typeof result !== 'number') this.error = result.code;
      // It stops behind a request to leave HTTP, and goes on where nobody does. It tells no errors within such a request.
      else if (result === rest.length || (result > 0 && this.requests.at(-1)!.isWhole)) rest = rest.subarray(result);
      else this.error = 'stopped';
    }
  }

  #head(...[majorVersion, minorVersion, headers, method, target, , , , keepAlive]: HeadArguments): number {
    this.requests.push({
      method: METHOD_NAMES.get(method)!,
      target: target ?? this.#target,
      minorVersion,
      majorVersion,
      headers: headers ?? this.#collected,
      body: '',
      trailers: [],
      keepAlive,
      isWhole: false,
    });
    this.#collected = [];
    this.#target = '';
    return 0;
  }
}

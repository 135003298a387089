/** The parser of node:http, llhttp, for tests that want a second opinion of bytes. What it tells is for them to gather. */
import { createRequire } from 'node:module';

export interface LlhttpParser {
  [event: number]: (...args: never[]) => unknown;
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void;
  execute(bytes: Buffer): number | (Error & { code: string });
  finish(): undefined | (Error & { code: string });
}

interface LlhttpParserClass {
  new (): LlhttpParser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

export const { HTTPParser } = createRequire(import.meta.url)('node:_http_common') as { HTTPParser: LlhttpParserClass };

const NO_LENIENCE = 0;
const MAX_HEADER_SIZE = 1024 * 1024;

/** As strict as it can be, for messages from their first byte on. */
export function beginReading(parser: LlhttpParser, type: number): void {
  parser.initialize(type, {}, MAX_HEADER_SIZE, NO_LENIENCE);
}

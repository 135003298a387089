/** The parser that node:http reads answers with, as a second opinion: what llhttp makes of the bytes of one answer. */
import { beginReading, HTTPParser } from '../support/llhttp.ts';

export interface Told {
  status: number;
  reason: string;
  headers: string[];
}

export interface Opinion {
  informational: Told[];
  head: Told | undefined;
  body: string;
  trailers: string[];
  keepAlive: boolean;
  /** How many bytes had been given when the answer was whole. Infinity: it was whole at the end of the connection. */
  wholeAt: number | undefined;
  error: string | undefined;
}

const { RESPONSE, kOnHeaders, kOnHeadersComplete, kOnBody, kOnMessageComplete } = HTTPParser;

let opinion: Opinion;
let given = 0;
/** Of headers that come in several calls. */
let collected: string[] = [];

const parser = new HTTPParser();
parser[kOnHeaders] = (headers: string[]) => {
  collected.push(...headers);
};
parser[kOnHeadersComplete] = (
  ...[, , headers, , , status, reason, , keepAlive]: [
    number,
    number,
    string[] | undefined,
    unknown,
    unknown,
    number,
    string,
    boolean,
    boolean,
  ]
) => {
  if (opinion.wholeAt !== undefined) return 0;
  const told = { status, reason, headers: headers ?? collected };
  collected = [];
  opinion.keepAlive = keepAlive;
  if (status < 200) opinion.informational.push(told);
  else opinion.head = told;
  return skipsBody || status < 200 ? 1 : 0;
};
parser[kOnBody] = (chunk: Buffer) => {
  if (opinion.wholeAt === undefined) opinion.body += chunk.toString('latin1');
};
parser[kOnMessageComplete] = () => {
  if (opinion.wholeAt !== undefined || opinion.head === undefined) return;
  opinion.trailers = collected;
  collected = [];
  opinion.wholeAt = given;
};
let skipsBody = false;

/** Of the answer that `pieces` begin with. `ended`: then the connection ends. */
export function llhttpOn(pieces: readonly Buffer[], isHeadRequest: boolean, ended: boolean): Opinion {
  opinion = {
    informational: [],
    head: undefined,
    body: '',
    trailers: [],
    keepAlive: false,
    wholeAt: undefined,
    error: undefined,
  };
  collected = [];
  given = 0;
  skipsBody = isHeadRequest;
  beginReading(parser, RESPONSE);
  for (const piece of pieces) {
    given += piece.length;
    const result = parser.execute(piece);
    // What follows a whole answer is no part of it.
    if (opinion.wholeAt !== undefined) return opinion;
    if (typeof result !== 'number') {
      opinion.error = result.code;
      return opinion;
    }
  }
  given = Number.POSITIVE_INFINITY;
  if (ended && opinion.head !== undefined) opinion.error = parser.finish()?.code;
  return opinion;
}

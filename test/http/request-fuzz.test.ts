/**
 * Requests put together and spoilt at random, several behind each other, read by our connection and by llhttp: whatever ours
 * hands over, llhttp takes, it means the same, and it ends at the same byte. What only one of them takes is in the lists
 * below. SCOPEGATE_LONG=1 tries a million connections.
 */
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readHeaders } from '../../src/core/framing.ts';
import { readTarget } from '../../src/core/target.ts';
import { requestHeaderLines } from '../../src/edge/forward/headers.ts';
import { CLIENT_LIMITS } from '../../src/http/client-limits.ts';
import type { Exchange } from '../../src/http/exchange.ts';
import { HeadReader } from '../../src/http/http1/head-reader.ts';
import { type ConnectionHost, Http1Connection } from '../../src/http/http1/http1-connection.ts';
import type { Http1Exchange } from '../../src/http/http1/http1-exchange.ts';
import { isClosing } from '../../src/http/socket-close.ts';
import { effort, type Random, randomFrom, seeds } from '../support/chance.ts';
import { cut, EXTENSIONS, pick, spoilt, TRAILERS } from '../support/spoil.ts';
import { FakeSocket } from './fake-socket.ts';
import { LlhttpRequests, type ToldRequest } from './llhttp-requests.ts';

const CONNECTIONS = process.env.SCOPEGATE_LONG === '1' ? 1_000_000 : 3000 * effort;
/** So many connections answer in one turn of the event loop. */
const AT_ONCE = 200;
const reader = new HeadReader(CLIENT_LIMITS.headerBytes);

/** What ours refuses and llhttp takes: what ours answers, and what such a request has in it. */
const STRICTER: readonly (readonly [why: string, status: number, shape: RegExp])[] = [
  ['tunnels', 405, /^[\r\n]*CONNECT /],
  ['other versions of HTTP', 400, /^[\r\n]*\S+ +\S+ +HTTP\/(?:0\.9|2\.0)\r\n/],
  ['requests without a version', 400, /^[\r\n]*\S+ +\S+ *\r?\n/],
  ['other protocols', 400, /^[\r\n]*\S+ +\S+ +(?:RTSP|ICE)\//],
  ['many or odd empty lines before a request', 400, /^(?:[\r\n]*\n[\r\n]*|\r[^\n])/],
  // Not every llhttp takes controls.
  ['controls in a value', 400, /:[^\r\n]*[^\t\x20-\x7e\x80-\xff\r\n]/],
  ['extensions with half a value', 400, /;[^\r\n]*=(?:[;\r]|[^";\r\n]+")/],
  ['extensions without a name', 400, /;[;=]/],
  ['trailers that frame', 400, /\r\n(?:transfer-encoding|content-length):/i],
];

/** llhttp takes it for another coding: it refuses that, or where the client asks to leave HTTP reads no body at all. */
const TAB_BEHIND_CODING = /transfer-encoding:[^\r\n]*\t/i;

/** What ours hands over and llhttp refuses. */
const LOOSER: readonly (readonly [why: string, meets: (request: Handed, text: string) => boolean])[] = [
  ['what the core refuses: where it ends nobody can say', ({ exchange }) => exchange.headerFacts === null],
  [
    'targets that the core refuses',
    ({ exchange }) => readTarget(exchange.target, exchange.headerFacts?.host ?? '') === null,
  ],
  ['blanks behind a coding (RFC 9110 section 5.5)', (_, text) => TAB_BEHIND_CODING.test(text)],
];

/** Behind which ours reads no other request, and llhttp does. */
const CLOSED: readonly (readonly [why: string, shape: RegExp])[] = [
  ['close and keep-alive at once, in HTTP/1.0', /HTTP\/1\.0[\s\S]*close/i],
];

/** Behind which ours reads another request, and llhttp does not. */
const KEPT: readonly (readonly [why: string, shape: RegExp])[] = [
  ['what Proxy-Connection says, which is no header of HTTP', /proxy-connection:/i],
];

const METHOD_WORDS = ['GET', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'QUERY', 'M-SEARCH', 'PROPFIND'];
const ODD_METHOD_WORDS = ['CONNECT', 'SOURCE', 'PRI', 'get', 'GE', 'GETT', 'DESCRIBE', 'G\xc9T', ''];
const TARGETS = ['/', '/a/b?c=d', '/%41/./..//', 'http://a/b', '*', '/"<>{}|\\^`', '/;a=b', "/!$&'()*+,"];
const ODD_TARGETS = ['a', '?a', '#', '/\xe9', '/a b', '/a\tb', '/\x01', 'http:/a', 'a:80', '//', '', '/#a', '[::1]'];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'];
const ODD_VERSIONS = [
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/1.2',
  'ICE/1.0',
  'RTSP/1.0',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/11',
  '',
];
const FIELDS = [
  'Accept: */*',
  'X-Empty:',
  'x-Blank: \t two  words \t',
  'X-Obs: \xe9\xff',
  'Cookie: a=b; c',
  'Connection: keep-alive',
  'Keep-Alive: timeout=5, max=100',
  'Expect: 100-continue',
  'Authorization: Bearer x',
  'Via: 1.0 before',
  'x-forwarded-for:192.0.2.9',
  'X-Forwarded-Proto: https',
  'X_Forwarded-Host: evil',
  'X-Scopegate-Role: admin',
  'Connection: x-blank',
  "!#$%&'*+-.^_`|~09: token",
];
const ODD_FIELDS = [
  'Connection: close',
  'Connection: x, Close ,keep-alive',
  'Proxy-Connection: close',
  'Connection: upgrade\r\nUpgrade: x',
  'Upgrade: x',
  'Host: b',
  'Expect: x',
  'Content-Length: 3',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked\t',
  'A b: c',
  'A : b',
  ': b',
  ' a: b',
  'A: \x01',
];

function fields(random: Random): string {
  let text = '';
  for (let count = random(4); count > 0; count--) text += `${pick(random, random(25) === 0 ? ODD_FIELDS : FIELDS)}\r\n`;
  return text;
}

function chunks(random: Random): string {
  let text = '';
  for (let count = random(4); count > 0; count--) {
    const data = 'some data of a chunk\r\n'.slice(0, 1 + random(20));
    const size = data.length.toString(16).padStart(random(8) === 0 ? random(20) : 0, '0');
    text += `${random(2) === 0 ? size : size.toUpperCase()}${random(4) === 0 ? pick(random, EXTENSIONS) : ''}\r\n${data}\r\n`;
  }
  text += `0${random(8) === 0 ? pick(random, EXTENSIONS) : ''}\r\n`;
  for (let count = random(8) === 0 ? 1 + random(3) : 0; count > 0; count--) text += `${pick(random, TRAILERS)}\r\n`;
  return `${text}\r\n`;
}

function request(random: Random): string {
  const empty = random(12) === 0 ? '\r\n'.repeat(random(6)) : '';
  const method = pick(random, random(40) === 0 ? ODD_METHOD_WORDS : METHOD_WORDS);
  const target = pick(random, random(40) === 0 ? ODD_TARGETS : TARGETS);
  const version = pick(random, random(40) === 0 ? ODD_VERSIONS : VERSIONS);
  const blank = random(20) === 0 ? '  ' : ' ';
  const host = random(25) === 0 ? '' : 'Host: a\r\n';
  const head = `${empty}${method}${blank}${target}${blank}${version}\r\n${fields(random)}${host}`;
  const data = 'body of a request'.slice(0, random(18));
  const framing = random(3);
  if (framing === 0)
    return `${head}Content-Length: ${data.length}${pick(random, ['', '', ' ', '\t'])}\r\n${fields(random)}\r\n${data}`;
  if (framing === 1)
    return `${head}Transfer-Encoding: ${pick(random, ['chunked', 'Chunked', 'chunked '])}\r\n${fields(random)}\r\n${chunks(random)}`;
  return `${head}\r\n`;
}

function connectionText(random: Random): string {
  let text = '';
  for (let count = 1 + random(4); count > 0; count--) text += request(random);
  for (let count = random(3) === 0 ? 1 + random(3) : 0; count > 0; count--) text = spoilt(text, random);
  return text;
}

interface Handed {
  readonly exchange: Exchange;
  readonly told: Omit<ToldRequest, 'keepAlive' | 'majorVersion'>;
  readonly answersWhen: 'handed over' | 'whole' | 'later';
}

/** One connection of ours, and who serves it: notes what is handed over and answers now or later. */
class Ours {
  readonly socket = new FakeSocket();
  readonly handed: Handed[] = [];
  refusedWith: number | undefined;
  bug: unknown;

  constructor(when: () => Handed['answersWhen']) {
    const host: ConnectionHost = {
      limits: CLIENT_LIMITS,
      reader,
      order: { mayStart: () => true },
      takesPreface: false,
      becomeHttp2: () => () => true,
      upgrades: false,
      windingDown: false,
      keepLines: '',
      handle: (exchange) => this.#handle(exchange as Http1Exchange, when()),
      onBug: (error) => (this.bug = error),
      refusal: (status) => {
        this.refusedWith = status;
        return `HTTP/1.1 ${status} Refused\r\n\r\n`;
      },
    };
    new Http1Connection(host, this.#asSocket);
  }

  get #asSocket(): Socket {
    return this.socket as unknown as Socket;
  }

  /** What still comes is nobody's. */
  get hasStopped(): boolean {
    return isClosing(this.#asSocket);
  }

  get wholes(): number {
    return this.handed.filter(({ told }) => told.isWhole).length;
  }

  answerLate(random: Random): void {
    const late = this.handed.filter(({ answersWhen, exchange }) => answersWhen === 'later' && !exchange.answered);
    while (late.length > 0) {
      const [one] = late.splice(random(late.length), 1);
      if (!one!.exchange.isGone) this.#answer(one!);
    }
  }

  #handle(exchange: Http1Exchange, answersWhen: Handed['answersWhen']): void {
    const { method, target, minorVersion, headers, isRead } = exchange;
    const told = {
      method,
      target,
      minorVersion,
      headers,
      body: '',
      trailers: [] as readonly string[],
      isWhole: isRead,
    };
    const handed: Handed = { exchange, told, answersWhen };
    this.handed.push(handed);
    if (answersWhen === 'handed over' || (isRead && answersWhen === 'whole')) return this.#answer(handed);
    if (isRead) return;
    exchange.readBody({
      bodyChunk: (chunk) => {
        told.body += chunk.toString('latin1');
      },
      bodyEnd: (trailers) => {
        told.trailers = [...trailers];
        told.isWhole = true;
        if (answersWhen === 'whole') this.#answer(handed);
      },
    });
  }

  #answer(handed: Handed): void {
    handed.exchange.answer(200, ['Content-Length', '2', 'X-Nth', String(this.handed.indexOf(handed))], 'ok');
  }

  /** The answers that are due, in their order: the numbers of the requests, and the status of a refusal. */
  get due(): string[] {
    const due: string[] = [];
    for (const [nth, { exchange }] of this.handed.entries()) {
      if (exchange.answered) due.push(`${nth}`);
      // It was broken, and is refused; or it has not come yet, and all else waits behind it.
      else if (this.refusedWith === undefined) return due;
      if (exchange.answered && !(exchange as Http1Exchange).keeps) return due;
    }
    return this.refusedWith === undefined ? due : [...due, `refused ${this.refusedWith}`];
  }

  get given(): string[] {
    return Array.from(this.socket.taken.matchAll(/X-Nth: (\d+)|HTTP\/1\.1 (\d+) Refused/g), ([, nth, status]) =>
      status === undefined ? nth! : `refused ${status}`,
    );
  }
}

/** Of one connection, what both make of it. */
class Comparison {
  /** Requests that both took. */
  taken = 0;
  refused = 0;
  readonly #theirs = new LlhttpRequests();

  compare(ours: Ours, text: string, pieces: readonly string[], random: Random): void {
    const theirs = this.#theirs;
    theirs.begin();
    for (const piece of pieces) {
      if (piece !== '') ours.socket.says(piece);
      theirs.read(piece);
      if (ours.hasStopped || theirs.error !== undefined) continue;
      // Byte by byte, both begin and end at the same one.
      const progress = [ours.handed.length, ours.wholes];
      if (progress.join() === [theirs.requests.length, wholesOf(theirs)].join()) continue;
      if (TAB_BEHIND_CODING.test(text)) return;
      expect(progress).toEqual([theirs.requests.length, wholesOf(theirs)]);
    }
    ours.answerLate(random);
    for (const [nth, handed] of ours.handed.entries()) if (!this.#isSame(handed, theirs.requests[nth], text)) return;
    if (ours.hasStopped) this.#stopped(ours, text);
  }

  /** false: what follows cannot be compared. */
  #isSame(handed: Handed, their: ToldRequest | undefined, text: string): boolean {
    const { told, exchange } = handed;
    const isBehind = told.isWhole ? their?.isWhole !== true : their?.body.startsWith(told.body) !== true;
    if (their === undefined || (isBehind && exchange.headerFacts !== null)) {
      const why = LOOSER.find(([, meets]) => meets(handed, text))?.[0];
      if (why === undefined) expect([told, 'refused by llhttp']).toEqual([their, this.#theirs.error]);
      return false;
    }
    expect(headOf(told)).toEqual(headOf(their));
    expectSorted(exchange);
    expect(their.majorVersion).toBe(1);
    if (exchange.headerFacts === null) return true;
    if (!told.isWhole) return true;
    this.taken += 1;
    expect([told.body, told.trailers]).toEqual([their.body, their.trailers]);
    const { keeps } = exchange as Http1Exchange;
    this.#expectSameEnd(keeps, their.keepAlive, handed, text);
    // What only ours reads on behind has nothing to be compared with.
    return their.keepAlive || !keeps;
  }

  /** Of the connection. */
  #expectSameEnd(keeps: boolean, theyKeep: boolean, { answersWhen, told }: Handed, text: string): void {
    // An answer to half a request ends the connection, by our own choice.
    if (keeps === theyKeep || (answersWhen === 'handed over' && told.isWhole && !keeps)) return;
    const why = (keeps ? KEPT : CLOSED).find(([, shape]) => shape.test(text))?.[0];
    expect([keeps, theyKeep, why]).toEqual([keeps, theyKeep, expect.any(String)]);
  }

  #stopped(ours: Ours, text: string): void {
    if (ours.refusedWith === undefined || wholesOf(this.#theirs) <= ours.wholes) return;
    this.refused += 1;
    const rest = refusedText(text);
    const why = STRICTER.find(([, status, shape]) => status === ours.refusedWith && shape.test(rest))?.[0];
    expect([ours.refusedWith, rest, why]).toEqual([ours.refusedWith, rest, expect.any(String)]);
  }
}

const CONTEXT = {
  ...{
    requestId: 'ID',
    decisionId: 'ID',
    peerAddress: '192.0.2.1',
    encrypted: false,
    host: 'a',
    protocol: '1.1',
    viaName: 'here',
  },
  ...{ trusted: true, forwardAuthorization: false, identityLines: '' },
};

/** What was sorted while it was read says what all headers say, and the same is sent on. */
function expectSorted({ headers, headerFacts, minorVersion, sorted }: Exchange): void {
  expect(headerFacts).toEqual(readHeaders(headers, minorVersion));
  expect(requestHeaderLines(sorted!.meant, CONTEXT, sorted!.passing)).toBe(requestHeaderLines(headers, CONTEXT));
}

function headOf({ method, target, minorVersion, headers }: Handed['told']): Partial<ToldRequest> {
  return { method, target, minorVersion, headers: [...headers] };
}

function wholesOf({ requests }: LlhttpRequests): number {
  return requests.filter(({ isWhole }) => isWhole).length;
}

/** What comes behind the last request that was whole. */
function refusedText(text: string): string {
  const ours = new Ours(() => 'whole');
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const before = ours.wholes;
    ours.socket.says(text[at]!);
    if (ours.wholes > before) from = at + 1;
  }
  ours.socket.destroy();
  return text.slice(from);
}

async function lookAt(connections: readonly { readonly ours: Ours; readonly told: string }[]): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  for (const { ours, told } of connections) {
    expect(ours.bug, told).toBeUndefined();
    if (ours.given.join() !== ours.due.join()) expect(ours.given, told).toEqual(ours.due);
    ours.socket.destroy();
  }
}

describe('whatever bytes come as requests, what is handed over is what llhttp reads, and means the same', () => {
  it.each(seeds())(`${CONNECTIONS} connections, seed %i`, { timeout: 60_000 + 3 * CONNECTIONS }, async (seed) => {
    const random = randomFrom(seed);
    const comparison = new Comparison();
    let open: { ours: Ours; told: string }[] = [];
    for (let nth = 0; nth < CONNECTIONS; nth++) {
      const text = connectionText(random);
      const pieces = random(4) === 0 ? [...text] : cut(text, random);
      const ours = new Ours(() => pick(random, ['whole', 'whole', 'later', 'later', 'handed over']));
      const told = `SCOPEGATE_SEED=${seed}, connection ${nth}: ${JSON.stringify(pieces)}`;
      try {
        comparison.compare(ours, text, pieces, random);
      } catch (error) {
        throw new Error(told, { cause: error });
      }
      open.push({ ours, told });
      if (open.length < AT_ONCE && nth + 1 < CONNECTIONS) continue;
      await lookAt(open);
      open = [];
    }
    // A fuzzer whose requests are never taken, or never refused by one alone, proves nothing.
    expect(comparison.taken).toBeGreaterThan(CONNECTIONS / 2);
    expect(comparison.refused).toBeGreaterThan(CONNECTIONS / 200);
  });
});

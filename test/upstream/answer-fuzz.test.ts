/**
 * Answers put together and spoilt at random, read by our reader and by llhttp: what ours takes, llhttp takes, and it means the
 * same. What only llhttp takes is in the list below. SCOPEGATE_LONG=1 tries a million.
 */
import { describe, expect, it } from 'vitest';
import { headerLines } from '../../src/core/http1/header-pairs.ts';
import { responseHeaders, responseLines } from '../../src/edge/forward/headers.ts';
import type { AnswerHead } from '../../src/upstream/exchange.ts';
import { effort, type Random, randomFrom, seeds } from '../support/chance.ts';
import { cut, EXTENSIONS, pick, spoilt, TRAILERS } from '../support/spoil.ts';
import { AnswerListener } from './answer-listener.ts';
import { llhttpOn, type Opinion } from './llhttp.ts';

const ANSWERS = process.env.SCOPEGATE_LONG === '1' ? 1_000_000 : 4000 * effort;

/** What ours refuses and llhttp takes: what ours says of it, and what such an answer has in it. */
const STRICTER: readonly (readonly [why: string, error: string, shape: RegExp])[] = [
  ['other versions of HTTP', 'HTTP version', /HTTP\/(?:0\.9|2\.0)/],
  ['other protocols', 'not HTTP', /(?:^|[\r\n])(?:RTSP|ICE)\//],
  ['empty lines before an answer', 'not HTTP', /^[\r\n]|\r\n\r\n[\r\n]/],
  ['no status below 100', 'status line', /HTTP\/1\.[01] 0\d\d/],
  ['controls in a reason phrase', 'status line', /HTTP\/1\.[01] \d{3} [^\r\n]*[^\t\x20-\x7e\x80-\xff\r\n]/],
  // Not every llhttp takes controls.
  ['controls in a value', 'header value', /:[^\r\n]*[^\t\x20-\x7e\x80-\xff\r\n]/],
  ['lengths that cannot be counted on', 'Content-Length', /content-length:[\t ]*\d{16,}/i],
  ['codings other than chunked', 'Transfer-Encoding', /transfer-encoding:[^\r\n]*[^\r\n]/i],
  ['interim answers that close and do not', 'informational answer that closes', /HTTP\/1\.0 1\d\d[\s\S]*close/i],
  ['chunk sizes that cannot be counted on', 'chunk size', /[\r\n][0-9a-f]{14,}[;\r]/i],
  ['extensions with half a value', 'chunk extension', /;[^\r\n]*=(?:[;\r]|[^";\r\n]+")/],
  ['extensions without a name', 'chunk extension', /;[;=]/],
  ['trailers that frame', 'trailer', /\r\n(?:transfer-encoding|content-length):/i],
  ['trailers with controls', 'trailer', /:[^\r\n]*[^\t\x20-\x7e\x80-\xff\r\n]/],
];

/** After which ours lets no other answer follow, and llhttp does. */
const CLOSED: readonly (readonly [why: string, shape: RegExp])[] = [
  ['a 204 that announces a body', /^HTTP\/1\.[01] 204[\s\S]*(?:transfer-encoding|content-length)/im],
  ['chunked in HTTP/1.0', /HTTP\/1\.0[\s\S]*transfer-encoding/i],
  ['close and keep-alive at once', /HTTP\/1\.0[\s\S]*close/i],
];

const STATUS_LINES = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.1 404 Not Found',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 304 Not Modified',
  'HTTP/1.1 503 \xfcber',
  'HTTP/1.1 599 ',
];
const ODD_STATUS_LINES = [
  'HTTP/2.0 200 OK',
  'HTTP/0.9 200 OK',
  'RTSP/1.0 200 OK',
  'ICE/1.0 200 OK',
  'HTTP/1.1 099 Low',
  'HTTP/1.1 101 Switching',
  'HTTP/1.1  200 OK',
];
const FIELDS = [
  'Content-Type: application/json',
  'X-Empty:',
  'x-Blank: \t two  words \t',
  'X-Obs: \xe9\xff',
  'Set-Cookie: a=b; c',
  'Date:Mon, 30 Nov 2026 00:00:00 GMT',
  'Via: 1.0 behind\t',
  'X-Request-ID: theirs',
  'Proxy-Authenticate: Basic',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: x, Close ,keep-alive',
  'Keep-Alive: timeout=5, max=100',
  "!#$%&'*+-.^_`|~09: token",
];
const ODD_FIELDS = [
  'Content-Length: 3',
  'Content-Length: 99999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked\t',
  'A b: c',
  'A : b',
  ': b',
  ' a: b',
  'Upgrade: x',
  'Connection: upgrade',
  'A: \x01',
];
function fields(random: Random): string {
  let text = '';
  for (let count = random(5); count > 0; count--) text += `${pick(random, random(25) === 0 ? ODD_FIELDS : FIELDS)}\r\n`;
  return text;
}

function chunks(random: Random): string {
  let text = '';
  for (let count = random(4); count > 0; count--) {
    const data = 'some data of a chunk\r\n'.slice(0, 1 + random(20));
    const size = data.length.toString(16).padStart(random(8) === 0 ? random(20) : 0, '0');
    text += `${random(2) === 0 ? size : size.toUpperCase()}${pick(random, EXTENSIONS)}\r\n${data}\r\n`;
  }
  text += `0${random(4) === 0 ? pick(random, EXTENSIONS) : ''}\r\n`;
  for (let count = random(8) === 0 ? 1 + random(3) : 0; count > 0; count--) text += `${pick(random, TRAILERS)}\r\n`;
  return `${text}\r\n`;
}

function answer(random: Random): string {
  let text = '';
  for (let count = random(6) === 0 ? 1 + random(2) : 0; count > 0; count--)
    text += `HTTP/1.${random(9) === 0 ? 0 : 1} ${pick(random, ['100 Continue', '102', '103 Early Hints'])}\r\n${fields(random)}\r\n`;
  text += `${pick(random, random(25) === 0 ? ODD_STATUS_LINES : STATUS_LINES)}\r\n${fields(random)}`;
  const data = 'body of an answer'.slice(0, random(18));
  const framing = random(3);
  if (framing === 0)
    text += `Content-Length: ${data.length}${pick(random, ['', '', ' ', '\t'])}\r\n${fields(random)}\r\n${data}`;
  else if (framing === 1)
    text += `Transfer-Encoding: ${pick(random, ['chunked', 'Chunked', 'chunked '])}\r\n${fields(random)}\r\n${chunks(random)}`;
  else text += `\r\n${data}`;
  for (let count = random(3) === 0 ? 1 + random(3) : 0; count > 0; count--) text = spoilt(text, random);
  return random(10) === 0 ? `${text}HTTP/1.1 200 OK\r\n\r\n` : text;
}

/** What an answer means, as ours and as llhttp tell it. */
function meaningOf({
  informational,
  head,
  body,
  trailers,
}: Pick<Opinion, 'informational' | 'head' | 'body' | 'trailers'>) {
  return { informational: informational.map(({ status, headers }) => ({ status, headers })), ...head, body, trailers };
}

const IDS = { requestId: 'ID', decisionId: 'DECISION' };

/** What was sorted while it was read is sent on as it would be header by header. */
function expectSorted({ sorted, headers }: AnswerHead, told: string): void {
  if (sorted === undefined)
    return expect(
      headers.some((name) => /^connection$/i.test(name)),
      told,
    ).toBe(true);
  expect(responseLines(sorted, 3, IDS), told).toBe(headerLines(responseHeaders(headers, 3, IDS)));
  expect(sorted.isDated, told).toBe(headers.some((name, at) => at % 2 === 0 && /^date$/i.test(name)));
}

function opinionOf(text: string, isHead: boolean, ended: boolean): Opinion {
  return llhttpOn(
    text === '' ? [] : [Buffer.from(text.slice(0, -1), 'latin1'), Buffer.from(text.slice(-1), 'latin1')],
    isHead,
    ended,
  );
}

class Comparison {
  accepted = 0;
  readonly #listener = new AnswerListener();

  /** Of both, what they make of one answer. */
  compare(text: string, isHead: boolean, pieces: readonly string[], told: string): void {
    const { reader, outcome } = this.#listener.read(pieces, isHead);
    const ended = outcome === 'needs-more' && reader.finish() === 'complete';
    if (outcome !== 'complete' && !ended) this.#refused(text, isHead, reader.error, told);
    else this.#accepted(text.slice(0, this.#listener.used), isHead, ended, told);
  }

  #accepted(text: string, isHead: boolean, ended: boolean, told: string): void {
    const { informational, head, body, reader } = this.#listener;
    this.accepted += 1;
    const theirs = opinionOf(text, isHead, ended);
    expect(theirs.error, told).toBeUndefined();
    // Both end at the same byte: without the last one llhttp wants more.
    expect(theirs.wholeAt, told).toBe(ended ? Number.POSITIVE_INFINITY : text.length);
    const { status, statusText: reason, headers, framing, length } = head!;
    const trailers = [...reader.trailers];
    const ours = {
      informational: informational as Opinion['informational'],
      head: { status, reason, headers: [...headers] },
      body,
      trailers,
    };
    expect(meaningOf(ours), told).toEqual(meaningOf(theirs));
    expectSorted(head!, told);
    // To HEAD, llhttp judges the connection as if the body that is not there ended with it.
    const unframed =
      framing === 'none' && isHead && length === -1 && !headers.some((name) => /^transfer-encoding$/i.test(name));
    const kept = unframed
      ? opinionOf(`${text.slice(0, -2)}Content-Length: 0\r\n\r\n`, true, false).keepAlive
      : theirs.keepAlive;
    if (reader.keepAlive === kept) return;
    const why = CLOSED.find(([, shape]) => shape.test(text))?.[0];
    expect([reader.keepAlive, why], told).toEqual([false, expect.any(String)]);
  }

  #refused(text: string, isHead: boolean, error: string, told: string): void {
    const theirs = opinionOf(text, isHead, true);
    if (theirs.error !== undefined || theirs.wholeAt === undefined) return;
    const why = STRICTER.find(([, said, shape]) => error === `invalid answer: ${said}` && shape.test(text))?.[0];
    expect(why, `${told}\nours: ${error}\nllhttp: ${JSON.stringify(theirs)}`).toBeDefined();
  }
}

describe('whatever bytes come as an answer, what is taken is what llhttp takes, and means the same', () => {
  it.each(seeds())(`${ANSWERS} answers, seed %i`, { timeout: 60_000 + ANSWERS }, (seed) => {
    const random = randomFrom(seed);
    const comparison = new Comparison();
    for (let nth = 0; nth < ANSWERS; nth++) {
      const text = answer(random);
      const isHead = random(10) === 0;
      const pieces = cut(text, random);
      comparison.compare(text, isHead, pieces, `SCOPEGATE_SEED=${seed}, answer ${nth}: ${JSON.stringify(pieces)}`);
    }
    // A fuzzer whose answers are never taken proves nothing.
    expect(comparison.accepted).toBeGreaterThan(ANSWERS / 3);
  });
});

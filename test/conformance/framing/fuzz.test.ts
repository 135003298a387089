/**
 * Mutated requests, pipelined and cut into packets anywhere, against a whole gateway. A reader of our own, strict and
 * slow, says what each connection asked for; the upstream may see nothing else. `SCOPEGATE_FUZZ=100` tries a hundred
 * times as much, `SCOPEGATE_SEED=n` repeats a run.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readTarget } from '../../../src/core/target.ts';
import { effort, type Random, randomFrom, seeds } from '../../support/chance.ts';
import { readChunks, readField } from '../../support/raw.ts';
import type { RecordedRequest } from '../../support/recorder.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness({ settings: { log: { level: 'info', access: 'all' }, gateway: { guesses: { tokenFailures: 0 } } } });
/** Shared among the seeds. */
const CASES = Math.round((2000 * effort) / seeds().length);
const BATCH = 40;

const head = (line: string, ...headers: string[]) =>
  `${line} HTTP/1.1\r\nHost: api.test\r\n${headers.join('\r\n')}\r\n\r\n`;
const sized = (line: string, body: string, ...headers: string[]) =>
  `${head(line, ...headers, `Content-Length: ${body.length}`)}${body}`;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const chunked = (line: string, body: string, ...headers: string[]) =>
  `${head(line, ...headers, 'Transfer-Encoding: chunked')}${chunk(body.slice(0, 5))}${chunk(body.slice(5))}0\r\n\r\n`;

/** What one client may ask for before it is mutated; `id` makes every target its own. */
function corpus(id: string): readonly string[] {
  const inner = head(`GET /files/inner-${id}`, at.reader);
  const admin = head(`GET /admin/inner-${id}`, at.reader);
  return [
    head(`GET /files/a-${id}`, at.reader),
    head(`GET /public/b-${id}`, 'X-Note: n'),
    head(`GET /any/c-${id}?q=1&q=2`, at.reader, 'Connection: keep-alive'),
    head(`GET /files/d-${id}`),
    head(`GET /admin/e-${id}`, at.reader),
    head(`GET /public/../admin/f-${id}`, at.reader),
    head(`GET http://api.test/files/g-${id}`, at.reader),
    head(`OPTIONS /files/h-${id}`, at.writer),
    sized(`POST /files/i-${id}`, `hello ${id}`, at.writer),
    sized(`POST /files/j-${id}`, inner, at.writer),
    sized(`POST /files/k-${id}`, admin, at.reader),
    sized(`PUT /public/l-${id}`, inner),
    chunked(`POST /files/m-${id}`, `hello ${id}`, at.writer),
    chunked(`POST /files/n-${id}`, inner, at.writer),
    chunked(`DELETE /files/o-${id}`, admin, at.writer),
    chunked(`POST /admin/p-${id}`, inner, at.writer),
    sized(`POST /files/q-${id}`, 'x', at.writer, 'Expect: 100-continue'),
    head(`GET /files/r-${id}`, at.reader, 'Connection: Upgrade', 'Upgrade: h2c'),
    `${head(`POST /files/s-${id}`, at.writer, 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n${inner}`,
    head(`HEAD /any/t-${id}`, at.reader, 'Connection: close'),
  ];
}

const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  ' ',
  '\t',
  '\0',
  '\x0b',
  '\x7f',
  '\xff',
  ':',
  ',',
  ';',
  '/',
  '//',
  '..',
  '%2e%2e/',
  '%2f',
  '?',
  '#',
  '0',
  '0\r\n\r\n',
  '5\r\n',
  'ffffffff',
  'HTTP/1.0',
  'HTTP/1.1',
  'GET ',
  'POST ',
  'Host: x\r\n',
  '/admin/',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Content-Length:',
  'Transfer-Encoding: chunked\r\n',
  'chunked',
  'Transfer-Encoding: identity\r\n',
  'Expect: 100-continue\r\n',
  'Connection: close\r\n',
  'Connection: Upgrade\r\n',
  'Upgrade: websocket\r\n',
  'Connection: Content-Length\r\n',
  'X-HTTP-Method-Override: DELETE\r\n',
  'X: y\r\n',
  ' chunked',
];

function mutate(text: string, random: Random): string {
  const at = random(text.length);
  const length = 1 + random(random(4) === 0 ? 60 : 4);
  const rest = text.slice(at + length);
  switch (random(6)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    case 1:
    case 2:
      return text.slice(0, at) + PIECES[random(PIECES.length)] + text.slice(at);
    case 3:
      return text.slice(0, at) + rest;
    case 4:
      return text.slice(0, at + length) + text.slice(at, at + length) + rest;
    default:
      return text.slice(0, at) + PIECES[random(PIECES.length)] + rest;
  }
}

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly authorization: readonly string[];
}

/** What a connection asks for, read by the letter up to the first thing that can be read in two ways. */
function readAsked(text: string): Asked[] {
  const asked: Asked[] = [];
  let from = 0;
  for (;;) {
    while (text[from] === '\r' || text[from] === '\n') from += 1;
    const headEnd = text.indexOf('\r\n\r\n', from);
    if (headEnd === -1) return asked;
    const [line, ...lines] = text.slice(from, headEnd).split('\r\n');
    const match = /^([A-Z-]+) +([^\s]+) +HTTP\/1\.[01]$/.exec(line!);
    if (match === null) return asked;
    const fields = fieldsOf(lines);
    if (fields === null) return asked;
    const all = (name: string) => fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
    const target = readTarget(match[2]!, all('host')[0] ?? '');
    const body = readBody(text, headEnd + 4, all('content-length'), all('transfer-encoding'));
    if (body === null) return asked;
    // Refused for its form: the gateway ends the connection there.
    if (target === null || all('host').length > 1) return asked;
    asked.push({
      method: match[1]!,
      target: target.path + target.query,
      body: body.text,
      authorization: all('authorization'),
    });
    from = body.end;
  }
}

function fieldsOf(lines: readonly string[]): Array<readonly [string, string]> | null {
  try {
    return lines.map(readField);
  } catch {
    return null;
  }
}

function readBody(
  text: string,
  from: number,
  lengths: readonly string[],
  codings: readonly string[],
): { text: string; end: number } | null {
  if (lengths.length + codings.length > 1) return null;
  if (codings.length === 1) {
    if (codings[0]!.toLowerCase() !== 'chunked') return null;
    try {
      const { body, complete, end } = readChunks(text, from);
      return complete ? { text: body, end } : null;
    } catch {
      return null;
    }
  }
  if (lengths.length === 0) return { text: '', end: from };
  if (!/^\d+$/.test(lengths[0]!)) return null;
  const end = from + Number(lengths[0]);
  return end > text.length ? null : { text: text.slice(from, end), end };
}

/** Whether any token of this gateway may do that. */
function mayPass({ method, target, authorization }: Asked): boolean {
  const path = `${target.split('?')[0]}/`;
  if (path.startsWith('/public/')) return true;
  if (authorization.length !== 1) return false;
  const token = /^bearer +(\S+)$/i.exec(authorization[0]!)?.[1];
  const { reader, writer } = at.gateway.tokens;
  if (token !== reader && token !== writer) return false;
  if (path.startsWith('/any/')) return true;
  if (!path.startsWith('/files/')) return /^\/(?:items|own-auth|bare|socket)\//.test(path);
  return method === 'GET' || method === 'HEAD' || token === writer;
}

/** Sends the pieces apart, half-closes, and waits for the gateway to have done with it. */
async function send(bytes: Buffer, random: Random): Promise<void> {
  const { hostname, port } = new URL(at.gateway.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  let from = 0;
  for (let cuts = random(4); cuts > 0; cuts -= 1) {
    const until = from + random(bytes.length - from + 1);
    socket.write(bytes.subarray(from, until));
    from = until;
    await turn();
  }
  socket.end(bytes.subarray(from));
  await closed;
}

const keyOf = ({ method, target, body }: Pick<Asked, 'method' | 'target' | 'body'>) =>
  JSON.stringify([method, target, body]);

attack({
  name: 'requests mutated at random, pipelined and cut anywhere',
  outcome: 'the upstream sees what was asked for, whole and allowed, and not a byte else',
  sources: ['CVE-2022-31813', 'CVE-2026-29057', 'RFC 9112 section 11.2'],
})(() => {
  test.each(seeds())(`${CASES} of them, seed %i`, { timeout: 60_000 + 10 * CASES }, async (seed) => {
    const random = randomFrom(seed);
    const logged = new Set<string>();
    let linesRead = 0;
    let passed = 0;
    for (let done = 0; done < CASES; done += BATCH) {
      at.upstream.clear();
      const sent = Array.from({ length: BATCH }, (_, nth) => {
        const all = corpus(`${done + nth}`);
        let text = '';
        for (let count = 1 + random(3); count > 0; count -= 1) text += all[random(all.length)];
        for (let count = random(5); count > 0; count -= 1) text = mutate(text, random);
        return text;
      });
      await Promise.all(sent.map((text) => send(Buffer.from(text, 'latin1'), random)));
      await at.sentinel();
      const expected = new Map<string, number>();
      for (const asked of sent.flatMap(readAsked))
        if (mayPass(asked)) expected.set(keyOf(asked), (expected.get(keyOf(asked)) ?? 0) + 1);
      const seen = at.upstream.requests.filter(({ target }) => target !== '/public/sentinel');
      const why = (request: RecordedRequest) =>
        `SCOPEGATE_SEED=${seed}, cases from ${done}: ${JSON.stringify(request.text)}\nsent: ${JSON.stringify(
          sent.filter((text) => text.includes(request.target.slice(-4))),
        )}`;
      for (const request of seen) {
        const left = expected.get(keyOf(request)) ?? 0;
        expect(left, why(request)).toBeGreaterThan(0);
        expected.set(keyOf(request), left - 1);
        passed += 1;
      }
      expect(at.upstream.garbage, `SCOPEGATE_SEED=${seed}, cases from ${done}`).toBe('');
      await at.gateway.logged(at.upstream.requests.at(-1)!.header('x-request-id')!);
      for (; linesRead < at.gateway.logLines.length; linesRead += 1) {
        const line = JSON.parse(at.gateway.logLines[linesRead]!) as { msg: string; requestId: string };
        if (line.msg === 'forwarded') logged.add(line.requestId);
      }
      for (const request of seen) expect(logged.delete(request.header('x-request-id')!), why(request)).toBe(true);
    }
    // A fuzzer whose requests never pass proves nothing.
    expect(passed).toBeGreaterThan(CASES / 4);
  });
});

/**
 * HTTP/2 is the same gateway: whatever a target may hold and whatever an upstream may answer, each is asked over HTTP/1.1 and
 * over HTTP/2 at one port, and what the client gets and the upstream sees is compared.
 */
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FrameClient, h2 } from '../../http/h2-client.ts';
import { startTlsGateway, type TlsGateway } from '../../http/harness.ts';
import { first } from '../../support/certificates.ts';
import { rawRequest, readResponses } from '../../support/raw.ts';
import { Recorder } from '../../support/recorder.ts';
import { attack } from '../attack.ts';

let upstream: Recorder;
let harness: TlsGateway;
let url: string;
beforeAll(async () => {
  upstream = await Recorder.start();
  const routes = [{ id: 'public', match: { path: '/public/**' }, public: true }];
  harness = await startTlsGateway(upstream.url, { routes });
  url = harness.gateway.url;
});
beforeEach(() => upstream.clear());
afterAll(async () => {
  expect(harness.gateway.errorLines).toEqual([]);
  await harness[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  /** In lower case and sorted, without what is each answer's own. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly interim: readonly number[];
}

/** Of the connection, or new with each answer. */
const OWN = /^(?:connection|keep-alive|transfer-encoding|date|x-request-id|x-scopegate-decision-id|x-tt-logid)$/;
const fieldsOf = (pairs: ReadonlyArray<readonly [string, string]>) =>
  pairs
    .filter(([name]) => !OWN.test(name.toLowerCase()) && !name.startsWith(':'))
    .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
    .sort();
const pairsOf = (raw: readonly string[]) =>
  raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1]!] as const] : []));
const withoutIds = (text: string) => text.replace(/01[0-9A-Z]{24}/g, 'ID');

async function overHttp1(method: string, target: string): Promise<Answer> {
  const socket = connectTls({ port: Number(new URL(url).port), ca: first.cert, ALPNProtocols: ['http/1.1'] });
  let received = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  await once(socket, 'secureConnect');
  socket.write(rawRequest(`${method} ${target}`, ['Connection: close']), 'latin1');
  await once(socket, 'close');
  const [answer] = readResponses(received, [method], true);
  const interim = Array.from(received.matchAll(/^HTTP\/1\.1 (1\d\d) /gm), ([, status]) => Number(status));
  if (answer === undefined) throw new Error(`no answer: ${JSON.stringify(received)}`);
  const { status, headers, body, trailers } = answer;
  return { status, fields: fieldsOf(headers), body: withoutIds(body), trailers: fieldsOf(trailers), interim };
}

const sessionOf = () => h2(url, { maxHeaderListPairs: 2000, settings: { maxHeaderListSize: 200_000 } });

async function overHttp2(session: ClientHttp2Session, method: string, target: string): Promise<Answer> {
  const head = { ':path': target, ':method': method, ':authority': 'api.test' };
  const stream = session.request(head, { endStream: true });
  let [status, body] = [0, ''];
  let fields: readonly string[] = [];
  let trailers: readonly string[] = [];
  const interim: number[] = [];
  stream.on('error', () => {});
  stream.on('headers', (fields) => interim.push(Number(fields[':status'])));
  stream.on('response', (answer, _flags, raw: readonly string[] = []) => {
    status = Number(answer[':status']);
    fields = fieldsOf(pairsOf(raw));
  });
  stream.on('trailers', (_fields, _flags, raw: readonly string[] = []) => {
    trailers = fieldsOf(pairsOf(raw));
  });
  stream.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1');
  });
  await once(stream, 'close').catch(() => {});
  return { status, fields, body: withoutIds(body), trailers, interim };
}

attack({
  name: 'a target over HTTP/2 is read as over HTTP/1.1, whatever it holds',
  outcome: 'the same path and query upstream, or the same refusal',
  sources: ['RFC 9113 section 8.3.1', 'RFC 9112 section 3.2'],
})(() => {
  const bytes = Array.from({ length: 256 - 0x21 }, (_, at) => String.fromCharCode(0x21 + at));
  const odd = [
    '%',
    '%2',
    '%zz',
    '%41',
    '%2e%2e',
    '%2F',
    '%00',
    '%5c',
    '%ff',
    '%C3%A9',
    '\xc3\xa9',
    '..',
    '.',
    ';a=b',
    '//',
  ];

  test.each(['/public/aXb', '/public/a?bXc', '/public/aX', '/public/X/b'])(
    'at X of %s',
    async (where) => {
      const differing: unknown[] = [];
      for (const text of [...bytes, ...odd]) {
        const target = where.replace('X', () => text);
        upstream.clear();
        const { status } = await overHttp1('GET', target);
        const seen = upstream.lines;
        upstream.clear();
        using client = await FrameClient.connect(url);
        const head = [
          [':method', 'GET'],
          [':scheme', 'https'],
          [':authority', 'api.test'],
          [':path', target],
        ] as const;
        const fate = await client.headers(1, head).fate(1);
        // Some of what no target may hold ends the stream before we hear of it.
        const same = status === 400 ? fate === 400 || fate === 'reset' : fate === status;
        if (!same || String(seen) !== String(upstream.lines))
          differing.push([target, status, fate, seen, upstream.lines]);
      }
      expect(differing).toEqual([]);
    },
    60_000,
  );

  test('and one that is too long', async () => {
    const target = `/public/${'x'.repeat(17_000)}`;
    // Under TLS it may come in pieces.
    expect((await overHttp1('GET', target)).status).toBeOneOf([414, 431]);
    using session = await sessionOf();
    expect((await overHttp2(session, 'GET', target)).status).toBe(414);
  });
});

attack({
  name: 'an answer reaches a client over HTTP/2 as it does over HTTP/1.1, whatever the upstream says',
  outcome: 'the same status, fields, body, trailers and interim answers; a status above 599 is 502',
  sources: ['RFC 9113 section 8', 'RFC 9110 section 15'],
})(() => {
  const whole = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`;
  /** Bytes by what is asked: an answer to HEAD ends with its head. */
  const same = async (cases: ReadonlyArray<readonly [name: string, bytes: string]>, methods = ['GET']) => {
    const differing: unknown[] = [];
    using session = await sessionOf();
    for (const method of methods)
      for (const [name, bytes] of cases) {
        const sent = method === 'HEAD' ? bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4) : bytes;
        upstream.reply = ({ connection }) =>
          void (/: close/.test(sent) ? connection.end(sent) : connection.write(sent));
        const [one, two] = [await overHttp1(method, '/public/x'), await overHttp2(session, method, '/public/x')];
        if (JSON.stringify(one) !== JSON.stringify(two)) differing.push([method, name, one, two]);
      }
    expect(differing).toEqual([]);
  };
  const METHODS = ['GET', 'HEAD', 'OPTIONS', 'DELETE'];

  test('every status, with and without a body, however framed', async () => {
    const classes = [200, 300, 400, 500].flatMap((first) => [0, 1, 2, 3, 4, 5, 6, 7, 8].map((nth) => first + nth));
    const cases = [...classes, 226, 418, 421, 426, 429, 431, 451, 499, 511, 599].flatMap((status) => {
      const bare = status === 204 || status === 304;
      const head = `HTTP/1.1 ${status} x\r\nX-A: 1\r\n`;
      return [
        [`${status} empty`, `${head}Content-Length: 0\r\n\r\n`],
        [`${status} sized`, `${head}${bare ? '' : 'Content-Length: 2\r\n'}\r\n${bare ? '' : 'ok'}`],
        [
          `${status} chunked`,
          `${head}${bare ? '\r\n' : 'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n'}`,
        ],
        [`${status} closed`, `${head}Connection: close\r\n\r\n${bare ? '' : 'ok'}`],
      ] as const;
    });
    await same(cases);
    await same(
      cases.filter(([name]) => /^(?:200|201|204|205|206|301|304|404|500|599) /.test(name)),
      METHODS,
    );
  }, 60_000);

  test('every name and every byte of a value', async () => {
    const names = [..."!#$%&'*+-.^_`|~"].flatMap((mark) => [`X${mark}A`, mark]);
    const values = Array.from({ length: 255 }, (_, code) => String.fromCharCode(code + 1)).filter(
      (char) => !/[\r\n]/.test(char),
    );
    await same([
      ...names.map((name) => [name, whole(`${name}: 1\r\n`)] as const),
      ...values.flatMap((char) => [
        [`within ${char.charCodeAt(0)}`, whole(`X-V: a${char}b\r\n`)] as const,
        [`behind ${char.charCodeAt(0)}`, whole(`X-V: a${char}\r\n`)] as const,
      ]),
    ]);
  }, 60_000);

  test('fields that a library might know better: once, twice, empty, in trailers', async () => {
    const known =
      'Age,Authorization,Content-Encoding,Content-Language,Content-Location,Content-Range,Content-Type,DNT,ETag,Expires,From,Host,If-Match,If-Range,Last-Modified,Location,Max-Forwards,Proxy-Authorization,Range,Referer,Retry-After,TK,Upgrade-Insecure-Requests,User-Agent,X-Content-Type-Options,Access-Control-Max-Age,Access-Control-Allow-Credentials,Set-Cookie,Cookie,Vary,TE,HTTP2-Settings,Upgrade,Keep-Alive,Proxy-Connection,Trailer,Link,WWW-Authenticate,Proxy-Authenticate,Server,Via,Status,constructor,__proto__,toString,Alt-Svc,Priority,Expect'.split(
        ',',
      );
    await same(
      known.flatMap((name) => [
        [`once ${name}`, whole(`${name}: 1\r\n`)] as const,
        [`twice ${name}`, whole(`${name}: 1\r\nX: y\r\n${name}: 2\r\n`)] as const,
        [`empty ${name}`, whole(`${name}:\r\n`)] as const,
        [
          `trailer ${name}`,
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${name}: 1\r\n${name}: 2\r\n\r\n`,
        ] as const,
      ]),
    );
  }, 60_000);

  test('sizes, interim answers, and fields that Connection names', async () => {
    const link = 'HTTP/1.1 103 Early\r\nLink: </a>; rel=preload\r\nX-A: 1\r\n\r\n';
    await same([
      ['a long name', whole(`X-${'a'.repeat(5000)}: 1\r\n`)],
      ['a long value', whole(`X-V: ${'a'.repeat(15_000)}\r\n`)],
      ['a very long value', whole(`X-V: ${'a'.repeat(50_000)}\r\n`)],
      ['many', whole(Array.from({ length: 1500 }, (_, nth) => `X-${nth}: 1\r\n`).join(''))],
      ['named', whole('Connection: x-a, close\r\nX-A: 1\r\nX-B: 2\r\n')],
      ['a long body', `HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`],
      ['100', `HTTP/1.1 100 Continue\r\n\r\n${whole('')}`],
      ['103', link + whole('')],
      ['103 twice', link + link + whole('')],
      ['switched', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
      ['nonsense', 'SSH-2.0\r\n\r\n'],
      ['nothing', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\nConnection: close\r\n\r\n'],
    ]);
  }, 60_000);

  test('a status above 599, which is none, is 502 over HTTP/2, and no reset', async () => {
    using session = await sessionOf();
    for (const status of [600, 799, 999]) {
      upstream.reply = () => `HTTP/1.1 ${status} x\r\nContent-Length: 2\r\n\r\nok`;
      expect((await overHttp1('GET', '/public/x')).status).toBe(status);
      expect(await overHttp2(session, 'GET', '/public/x')).toMatchObject({
        status: 502,
        body: expect.stringContaining('5020'),
      });
    }
  });
});

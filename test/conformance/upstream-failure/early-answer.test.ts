import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { h2 } from '../../http/h2-client.ts';
import { startTlsGateway, type TlsGateway } from '../../http/harness.ts';
import { effort } from '../../support/chance.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';

/** The long form tries a hundred times as hard. */
const TRIES = 300 * effort;
const AT_ONCE = 10;
const ROUTES = [{ id: 'public', match: { path: '/**' }, public: true }];
const BODY = Buffer.alloc(1024 * 1024, 'x');
const ANSWER = 'HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large';

/** Answers as soon as it has a head, and ends as its path says. */
function answerEarly(socket: Socket): void {
  socket.on('error', () => {});
  socket.once('data', (chunk: Buffer) => {
    const path = chunk.toString('latin1').split(' ')[1]!;
    if (path === '/close') {
      // With bytes that it has not read, so that the kernel resets the connection.
      socket.pause();
      socket.write(ANSWER, () => socket.destroy());
    } else if (path === '/unframed') socket.write('HTTP/1.1 200 OK\r\n\r\nhalf', () => socket.resetAndDestroy());
    else if (path === '/half') socket.write(ANSWER.slice(0, -4), () => socket.resetAndDestroy());
    else if (path === '/silent') socket.resetAndDestroy();
    else socket.write(ANSWER, () => socket.resetAndDestroy());
  });
}

let server: Server;
let gateway: TestGateway;
let harness: TlsGateway;
beforeAll(async () => {
  server = createServer(answerEarly).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  gateway = await startTestGateway({ upstreamUrl: url, routes: ROUTES, seed: false });
  harness = await startTlsGateway(url, { routes: ROUTES });
});
afterAll(async () => {
  await gateway.stop();
  await harness[Symbol.asyncDispose]();
  server.close();
});

async function overHttp1(path: string, framing: 'length' | 'chunked'): Promise<string> {
  const client = await RawClient.connect(gateway.url);
  if (framing === 'length') client.send(rawRequest(`POST ${path}`, [`Content-Length: ${BODY.length}`]));
  else client.send(rawRequest(`POST ${path}`, ['Transfer-Encoding: chunked'])).send(`${BODY.length.toString(16)}\r\n`);
  client.send(BODY);
  await client.until(({ responses, ending }) => responses[0]?.complete === true || ending !== 'open', 'answer', 15_000);
  const [response] = client.responses;
  client.close();
  if (response?.complete !== true) return 'cut';
  return response.status === 502 ? '502' : `${response.status} ${response.body}`;
}

async function overHttp2(path: string): Promise<string> {
  using session = await h2(harness.gateway.url);
  const stream = session.request({ ':method': 'POST', ':path': path });
  let status = 0;
  let body = '';
  stream.on('error', () => {});
  stream.on('response', (headers) => {
    status = headers[':status']!;
  });
  stream.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1');
  });
  stream.write(BODY);
  await once(stream, 'close').catch(() => {});
  if (stream.rstCode !== 0) return 'cut';
  return status === 502 ? '502' : `${status} ${body}`;
}

/** What came of so many tries, and how often. */
async function tally(ask: () => Promise<string>, tries = TRIES): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let begun = 0; begun < tries; begun += AT_ONCE)
    for (const outcome of await Promise.all(Array.from({ length: AT_ONCE }, ask)))
      counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

attack({
  name: 'an upstream that answers during an upload and then resets its connection is heard out',
  outcome: 'its answer, whole, every time; what it left unfinished never looks whole',
  sources: ['RFC 9112 section 9.6', 'RFC 9110 section 15.5.14'],
})(() => {
  describe.each(['/reset', '/close'])('%s', (path) => {
    test.each(['length', 'chunked'] as const)(
      'to a client of HTTP/1.1, %s',
      { timeout: 60_000 * TRIES },
      async (framing) => {
        expect(await tally(() => overHttp1(path, framing))).toEqual({ '413 too large': TRIES });
      },
    );

    test('to a client of HTTP/2', { timeout: 60_000 * TRIES }, async () => {
      expect(await tally(() => overHttp2(path))).toEqual({ '413 too large': TRIES });
    });
  });

  test('but half an answer, or one whose end nothing tells from a break, is cut', async () => {
    expect(Object.keys(await tally(() => overHttp1('/unframed', 'length'), 50))).toEqual(['cut']);
    expect(Object.keys(await tally(() => overHttp1('/half', 'length'), 50))).toEqual(['cut']);
  });

  test('and no answer is 502', async () => {
    expect(await tally(() => overHttp1('/silent', 'length'), 50)).toEqual({ '502': 50 });
  });
});

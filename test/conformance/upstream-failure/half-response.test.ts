import { describe, expect, test } from 'vitest';
import { ask, rawRequest } from '../../support/raw.ts';
import type { RecordedRequest } from '../../support/recorder.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness({ upstream: { timeouts: { connectMs: 1000, headersMs: 400, idleMs: 400 } } });
const FRAMINGS = [
  ['of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['in chunks, within one', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nhalf'],
] as const;

/** What a client sees of an answer that was cut short: a head, a part of the body, and no orderly end. */
async function expectHalf(version: string, cut: (request: RecordedRequest) => void, head: string): Promise<void> {
  let pending: RecordedRequest | undefined;
  at.upstream.reply = (request) => {
    pending = request;
    return head;
  };
  using client = await at.connect();
  client.send(rawRequest(`GET /files/x ${version}`, [at.reader]));
  await client.untilText('half');
  cut(pending!);
  await client.untilEnded();
  const [response] = client.responses;
  expect(response?.status).toBe(200);
  expect(response?.complete, client.received).toBe(false);
  expect(client.received).not.toMatch(/\r\n0\r\n/);
  if (response?.framing === 'close') expect(client.ending).toBe('reset');
}

attack({
  name: 'half an answer never looks whole',
  outcome: 'the client sees it break off: no last chunk, too few bytes, or a reset',
  sources: ['RFC 9112 section 8'],
})(() => {
  describe.each(['HTTP/1.1', 'HTTP/1.0'])('half an answer never looks whole to a client of %s', (version) => {
    describe.each(FRAMINGS)('%s', (_, head) => {
      test('when the upstream closes', () => expectHalf(version, ({ connection }) => connection.end(), head));
      test('when the upstream resets', () => expectHalf(version, ({ connection }) => connection.reset(), head));
      test('when the upstream falls silent', () => expectHalf(version, () => {}, head));
      if (head.endsWith('half\r\n'))
        test('when the upstream writes nonsense', () =>
          expectHalf(version, ({ connection }) => connection.write('\r\nzz\r\n'), head));
    });

    test('with an answer that ends with its connection, when that is reset', () =>
      expectHalf(version, ({ connection }) => connection.reset(), 'HTTP/1.1 200 OK\r\n\r\nhalf'));

    test('but is whole when that is closed', async () => {
      at.upstream.reply = ({ connection }) => void connection.end('HTTP/1.1 200 OK\r\n\r\nwhole');
      using client = await at.connect();
      client.send(rawRequest(`GET /files/x ${version}`, [at.reader, 'Connection: close']));
      await client.untilEnded();
      expect(client.ending).toBe('closed');
      expect(client.responses[0]).toMatchObject({ body: 'whole', complete: true });
    });
  });
});

attack({
  name: 'an upstream that closes, resets or falls silent without an answer',
  outcome: '502 or 504; a POST is delivered once',
  sources: ['RFC 9110 section 9.2.2', 'RFC 9110 section 15.6.3'],
})(() => {
  test.each([
    ['closes', ({ connection }: RecordedRequest) => connection.end(), 502],
    ['resets', ({ connection }: RecordedRequest) => connection.reset(), 502],
    ['closes within the head', ({ connection }: RecordedRequest) => connection.end('HTTP/1.1 200 OK\r\nX: '), 502],
    ['is silent', () => {}, 504],
    ['is silent within the head', ({ connection }: RecordedRequest) => connection.write('HTTP/1.1 200 OK\r\nX: '), 504],
  ] as const)('%s: the client is told, and a POST is delivered once', async (_, act, status) => {
    at.upstream.reply = (request) => void act(request);
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Content-Length: 3'], 'abc'));
    const response = await client.response();
    expect(response.status).toBe(status);
    expect(response.header('x-request-id')).toBeDefined();
    expect(at.upstream.lines).toEqual(['POST /files/x']);
    const unknown = await ask(at.gateway.url, rawRequest('POST /files/x', ['Content-Length: 3'], 'abc'));
    expect(unknown.status).toBe(401);
  });

  test('and recovers by itself', async () => {
    at.upstream.reply = ({ connection }) => void connection.reset();
    using client = await at.connect();
    client.send(rawRequest('GET /files/x', [at.reader]));
    expect((await client.response()).status).toBe(502);
    at.upstream.reply = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    client.send(rawRequest('GET /files/y', [at.reader]));
    expect((await client.response(1)).status).toBe(200);
  });
});

attack({
  name: 'an upstream that closes an idle connection just as it is used again',
  outcome: 'a GET is tried once more, anything else never',
  sources: ['RFC 9112 section 9.3.1', 'RFC 9110 section 9.2.2'],
})(() => {
  const dieOnSecond = () => {
    const seen = new WeakSet<object>();
    at.upstream.reply = ({ connection }) => {
      if (seen.has(connection)) {
        connection.reset();
        return undefined;
      }
      seen.add(connection);
      return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    };
  };

  test('a GET is tried once more on a new one', async () => {
    dieOnSecond();
    await at.sentinel();
    using client = await at.connect();
    client.send(rawRequest('GET /files/x', [at.reader]));
    expect((await client.response()).status).toBe(200);
    expect(at.upstream.lines.filter((line) => line === 'GET /files/x').length).toBe(2);
  });

  test.each(['POST', 'DELETE', 'PATCH'])('a %s is not', async (method) => {
    dieOnSecond();
    await at.sentinel();
    using client = await at.connect();
    client.send(rawRequest(`${method} /files/x`, [at.writer, 'Content-Length: 3'], 'abc'));
    expect((await client.response()).status).toBe(502);
    expect(at.upstream.lines.filter((line) => line.endsWith('/files/x')).length).toBe(1);
  });
});

attack({
  name: 'an upstream that answers before the request is whole',
  outcome: 'its answer crosses, then close; nothing behind it is run',
  sources: ['RFC 9112 section 9.3'],
})(() => {
  test('reaches the client; the connection ends, and the rest of the body is not run', async () => {
    at.upstream.replyToHead = () => 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno';
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Content-Length: 1000'], 'abc'));
    expect((await client.response()).status).toBe(413);
    client.send(
      rawRequest('GET /files/behind', [at.reader]).padStart(997) + rawRequest('GET /files/next', [at.reader]),
    );
    await client.untilEnded();
    at.upstream.replyToHead = null;
    await at.sentinel();
    expect(at.upstream.lines).toEqual(['GET /public/sentinel']);
    expect(client.responses.length).toBe(1);
  });

  test('and then resets: what it said still arrives', async () => {
    at.upstream.replyToHead = (_, connection) => {
      connection.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
      return undefined;
    };
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Content-Length: 1000000'], 'x'.repeat(1000)));
    expect((await client.response()).status).toBe(413);
    await client.untilEnded();
  });
});

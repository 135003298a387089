import { describe, expect, test } from 'vitest';
import { ask, rawRequest } from '../support/raw.ts';
import type { RecordedRequest } from '../support/recorder.ts';
import { house } from './house.ts';

const at = house({ upstream: { timeouts: { connectMs: 1000, headersMs: 400, idleMs: 400 } } });
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

describe('an upstream that gives no answer', () => {
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

describe('an idle connection that the upstream closes at the wrong moment', () => {
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

describe('an answer that comes before the request is whole', () => {
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

describe('what streams', () => {
  test('goes out at once, head and events alike', async () => {
    let connection: { write(bytes: string): void } | undefined;
    at.upstream.reply = (request) => {
      connection = request.connection;
      return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
    };
    using client = await at.connect();
    client.send(rawRequest('GET /files/x', [at.reader]));
    await client.untilText('text/event-stream');
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      connection!.write(`${event.length.toString(16)}\r\n${event}\r\n`);
      await client.untilText(event);
    }
    connection!.write('0\r\n\r\n');
    expect((await client.response()).body).toBe('data: 1\n\ndata: 2\n\n');
  });

  test('is held back for a client that does not read, in bounded memory', async () => {
    let written = 0;
    let full = false;
    const block = Buffer.alloc(64 * 1024, 'x');
    at.upstream.reply = ({ connection }) => {
      connection.write('HTTP/1.1 200 OK\r\n\r\n');
      const push = (): void => {
        if (connection.socket.destroyed || written > 256 * 1024 * 1024) return;
        written += block.length;
        full = !connection.socket.write(block);
        if (!full) setImmediate(push);
      };
      connection.socket.on('drain', push);
      push();
      return undefined;
    };
    using client = await at.connect();
    client.socket.pause();
    client.send(rawRequest('GET /files/x', [at.reader]));
    await at.upstream.request();
    // Stalled for as long as the idle limit allows: then the gateway gives up, and the upstream is let go.
    await at.upstream.requests[0]!.connection.ended;
    expect(full).toBe(true);
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });

  test('an upload is held back for an upstream that does not read', async () => {
    at.upstream.replyToHead = (_, connection) => {
      connection.socket.pause();
      return undefined;
    };
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Content-Length: 1073741824']));
    const block = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    const push = (): void => {
      while (!client.socket.destroyed && sent < 256 * 1024 * 1024) {
        sent += block.length;
        if (!client.socket.write(block)) return;
      }
    };
    client.socket.on('drain', push);
    push();
    await client.until(({ responses, ending }) => responses.length > 0 || ending !== 'open');
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    expect(client.responses[0]?.status ?? 504).toBe(504);
  });
});

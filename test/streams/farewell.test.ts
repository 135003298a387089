/** How a stream is ended, byte by byte: a last word only where it can be understood, and otherwise a break. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { type RecordedConnection, Recorder } from '../support/recorder.ts';

/** The second that is promised, and what a busy test machine may take on top. */
const STALLED_MS = 3000;
const ROUTES = [{ id: 'any', match: { path: '/**' }, require: { scopes: ['chat:read'] } }];
const SWITCH = (protocol: string) =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n';

let upstream: Recorder;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await Recorder.start();
  gateway = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES });
});
afterEach(() => {
  upstream.clear();
  expect(gateway.errorLines).toEqual([]);
});
afterAll(async () => {
  await upstream.stop();
  await gateway.stop();
});

interface Opened {
  readonly client: RawClient;
  readonly far: RecordedConnection;
  /** Once it resolves, the stream has been told. */
  readonly revoke: () => Promise<unknown>;
}

/** A stream that begins with `answer`, of a token of its own. */
async function opened(answer: string, headers: readonly string[] = [], line = 'GET /stream'): Promise<Opened> {
  const wanted = { owner: 'alice', name: 'stream', scopes: ['chat:read'], workspaces: ['ws_sales'], expiresInDays: 1 };
  const { id, token } = (await gateway.admin('POST', '/tokens', wanted)).body as { id: string; token: string };
  upstream.replyToHead = () => answer;
  const client = await RawClient.connect(gateway.url);
  client.send(rawRequest(line, [`Authorization: Bearer ${token}`, ...headers]));
  await client.untilText(answer.slice(-2));
  return {
    client,
    far: upstream.connections.at(-1)!,
    revoke: async () => {
      await gateway.admin('POST', `/tokens/${id}/revoke`);
      // It has been judged in an earlier turn than this request.
      await gateway.admin('DELETE', `/tokens/${id}`);
    },
  };
}

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const chunked = (text: string) => `${EVENTS}Transfer-Encoding: chunked\r\n\r\n${chunk(text)}`;

describe('an event stream', () => {
  test.each([
    ['line feeds', 'data: 1\n\n'],
    ['carriage returns', 'data: 1\r\r'],
    ['both', 'data: 1\r\n\r\n'],
    ['a comment', ': ping\n\n'],
  ])('between two events, after %s: a last event with the body of the refusal, and the end', async (_, text) => {
    const { client, far, revoke } = await opened(chunked(text));
    await revoke();
    const response = await client.response();
    const [, last] = response.body.split(`${text}event: error\n`);
    expect(last).toMatch(
      /^data: \{"code":4100,"msg":"authentication is invalid","detail":\{"logid":"[0-9A-Z]{26}"\}\}\n\n$/,
    );
    expect(response.framing).toBe('chunked');
    await far.ended;
    client.close();
  });

  test('that the upstream ends with its connection: the same', async () => {
    const { client, revoke } = await opened(`${EVENTS}\r\ndata: 1\n\n`);
    await revoke();
    expect((await client.response()).body).toContain('\n\nevent: error\ndata: {"code":4100');
    client.close();
  });

  test('before its first event: the same', async () => {
    const { client, revoke } = await opened(`${EVENTS}Transfer-Encoding: chunked\r\n\r\n`);
    await revoke();
    expect((await client.response()).body).toMatch(/^event: error\ndata: \{"code":4100/);
    client.close();
  });

  test('in the middle of an event that is finished in time: the event, the last word, and nothing between', async () => {
    const { client, far, revoke } = await opened(chunked('data: one\n\ndata: tw'));
    await revoke();
    far.write(chunk('o\n\ndata: three\n\n'));
    const { body } = await client.response();
    expect(body).toMatch(/^data: one\n\ndata: two\n\nevent: error\ndata: \{"code":4100/);
    await far.ended;
    client.close();
  });

  test.each([
    ['in the middle of an event that nobody finishes', chunked('data: one\n\ndata: tw'), []],
    ['after a single line end', chunked('data: one\r\n'), []],
    ['encoded', `${EVENTS}Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('data: one\n\n')}`, []],
    ['over HTTP/1.0', chunked('data: one\n\n'), ['HTTP/1.0']],
  ])('%s: the connection breaks, and the answer never looks whole', async (_, answer, [version]) => {
    const line = version === undefined ? 'GET /stream' : `GET /stream ${version}`;
    const { client, far, revoke } = await opened(answer, [], line);
    await revoke();
    const started = performance.now();
    await client.untilEnded();
    expect(performance.now() - started).toBeLessThan(STALLED_MS);
    expect(client.ending).toBe('reset');
    expect(client.received).not.toContain('event: error');
    await far.ended;
  });

  test('of known length comes to its end: it is an answer like any other', async () => {
    const { client, far, revoke } = await opened(`${EVENTS}Content-Length: 22\r\n\r\ndata: one\n\n`);
    await revoke();
    far.write('data: two\n\n');
    expect(await client.response()).toMatchObject({ complete: true, body: 'data: one\n\ndata: two\n\n' });
    client.close();
  });

  test('whose client does not read: it is not waited for', async () => {
    const { client, far, revoke } = await opened(chunked('data: one\n\n'));
    client.socket.pause();
    const flood = chunk(`data: ${'x'.repeat(65_000)}\n\n`);
    const push = () => {
      while (!far.isEnded && far.socket.write(flood));
    };
    far.socket.on('drain', push);
    push();
    await revoke();
    const started = performance.now();
    await far.ended;
    expect(performance.now() - started).toBeLessThan(STALLED_MS);
    client.close();
  });
});

const frame = (text: string, opcode = 0x81) => String.fromCharCode(opcode, text.length) + text;
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket'];
const CLOSE = `\x88\x17\x11\x31The token is invalid.`;
const body = (client: RawClient) => client.received.slice(client.received.indexOf('\r\n\r\n') + 4);

describe('a WebSocket', () => {
  test.each([
    ['a whole message', frame('hello')],
    ['a piece of a message', frame('hel', 0x01)],
    ['a ping', frame('', 0x89)],
    ['a long frame', `\x82\x7e\x01\x00${'x'.repeat(256)}`],
    ['a frame with a length of 64 bits', `\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01x`],
    ['nothing yet', ''],
  ])('after %s: a close frame with 4401, and the end', async (_, said) => {
    const { client, far, revoke } = await opened(SWITCH('websocket') + said, UPGRADE);
    await revoke();
    await client.untilEnded();
    expect(client.ending).toBe('closed');
    expect(body(client)).toBe(said + CLOSE);
    await far.ended;
    client.close();
  });

  test('in a frame that is finished in time: the frame, the close frame, and nothing between', async () => {
    const { client, far, revoke } = await opened(`${SWITCH('websocket')}\x81\x05hel`, UPGRADE);
    await revoke();
    far.write(`lo${frame('more')}`);
    await client.untilEnded();
    expect(body(client)).toBe(`${frame('hello')}${CLOSE}`);
    client.close();
  });

  test('in a frame that nobody finishes: both sockets are closed within a second', async () => {
    const { client, far, revoke } = await opened(`${SWITCH('websocket')}\x81\x05hel`, UPGRADE);
    await revoke();
    const started = performance.now();
    await client.untilEnded();
    await far.ended;
    expect(performance.now() - started).toBeLessThan(STALLED_MS);
    expect(body(client)).toBe('\x81\x05hel');
  });

  test('that the upstream has closed already: no second close frame', async () => {
    const { client, revoke } = await opened(SWITCH('websocket') + frame('\x03\xe8', 0x88), UPGRADE);
    await revoke();
    await client.untilEnded();
    expect(body(client)).toBe(frame('\x03\xe8', 0x88));
    client.close();
  });

  test('what its client says from then on reaches nobody', async () => {
    const { client, far, revoke } = await opened(`${SWITCH('websocket')}\x81\x05hel`, UPGRADE);
    client.send('before');
    await upstream.until(() => far.text.endsWith('before'));
    await revoke();
    client.send('after');
    await client.untilEnded();
    await far.ended;
    expect(far.text.endsWith('before')).toBe(true);
  });
});

test('any other protocol is just closed, without a byte of ours', async () => {
  const { client, far, revoke } = await opened(`${SWITCH('foo')}hello`, ['Connection: Upgrade', 'Upgrade: foo']);
  await revoke();
  await client.untilEnded();
  await far.ended;
  expect(body(client)).toBe('hello');
});

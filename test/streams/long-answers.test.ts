/** An answer that says nowhere how long it is, and goes on, is a stream whatever its type: it ends with its right. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { type RecordedConnection, Recorder } from '../support/recorder.ts';

/** What a busy test machine may take on top of what is promised. */
const STALLED_MS = 3000;
const STREAM_AFTER_MS = 5000;
const ROUTES = [{ id: 'any', match: { path: '/**' }, require: { scopes: ['chat:read'] } }];
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const NDJSON = `HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('{"n":1}\n')}`;
const UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nwatch';
const SIZED = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 10\r\n\r\nhalf ';

let upstream: Recorder;
let gateway: TestGateway;

const start = (settings: Settings) =>
  startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES, upstream: settings });
beforeAll(async () => {
  upstream = await Recorder.start();
  gateway = await start({});
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
}

async function token(at: TestGateway): Promise<{ id: string; token: string }> {
  const wanted = { owner: 'alice', name: 'long', scopes: ['chat:read'], workspaces: ['ws_sales'], expiresInDays: 1 };
  return (await at.admin('POST', '/tokens', wanted)).body as { id: string; token: string };
}

async function opened(answer: string, bearer: string, at = gateway): Promise<Opened> {
  upstream.replyToHead = () => answer;
  const client = await RawClient.connect(at.url);
  client.send(rawRequest('GET /watch', [`Authorization: Bearer ${bearer}`]));
  await client.untilText(answer.slice(-4));
  return { client, far: upstream.connections.at(-1)! };
}

const metric = async (at: TestGateway, line: string) =>
  (await (await fetch(`${at.adminUrl}/metrics`)).text()).includes(line);
const untilLong = (count: number, at = gateway) =>
  expect
    .poll(() => metric(at, `scopegate_open_long_answers ${count}\n`), { timeout: STREAM_AFTER_MS + STALLED_MS })
    .toBe(true);

attack({
  name: 'an answer of unknown length whose token is revoked does not go on for ever, whatever its type',
  outcome: 'reset within a second once it is 5 s old; an answer that says its length comes to its end',
  sources: ['RFC 7009 section 2.1'],
})(() => {
  test('lines of JSON, a body that ends with its connection, and one of known length', async () => {
    const { id, token: bearer } = await token(gateway);
    const lines = await opened(NDJSON, bearer);
    const watch = await opened(UNTIL_CLOSE, bearer);
    const sized = await opened(SIZED, bearer);
    await untilLong(2);
    // Until then they were judged as all answers are: once.
    await gateway.admin('POST', `/tokens/${id}/revoke`);
    const revokedAt = performance.now();
    await Promise.all([lines, watch].flatMap(({ client, far }) => [client.untilEnded(), far.ended]));
    expect(performance.now() - revokedAt).toBeLessThan(STALLED_MS);
    expect([lines.client.ending, watch.client.ending]).toEqual(['reset', 'reset']);
    expect(lines.client.responses[0]).toMatchObject({ status: 200, body: '{"n":1}\n', complete: false });
    sized.far.write('whole');
    expect(await sized.client.response()).toMatchObject({ complete: true, body: 'half whole' });
    sized.client.close();
    await untilLong(0);
  });

  test('that ends by itself does so, as the upstream says', async () => {
    const { token: bearer } = await token(gateway);
    const { client, far } = await opened(NDJSON, bearer);
    await untilLong(1);
    far.write(`${chunk('{"n":2}\n')}0\r\n\r\n`);
    expect(await client.response()).toMatchObject({ complete: true, body: '{"n":1}\n{"n":2}\n' });
    await untilLong(0);
    client.close();
  });
});

attack({
  name: 'answers of unknown length that never end do not take the upstream from all',
  outcome: 'from 5 s on they are counted as streams; where there is no room for another, it goes on as a request',
  sources: ['CWE-770'],
})(() => {
  test('their places are free again', async () => {
    await using small = await start({ maxConnections: 2, maxStreams: 1, timeouts: { queueMs: 20_000 } });
    const { token: bearer } = await token(small);
    const first = await opened(NDJSON, bearer, small);
    const second = await opened(NDJSON, bearer, small);
    upstream.replyToHead = null;
    using waiting = await RawClient.connect(small.url);
    waiting.send(rawRequest('GET /x', [`Authorization: Bearer ${bearer}`]));
    await untilLong(1, small);
    expect((await waiting.response()).status).toBe(200);
    second.far.write(`${chunk('{"n":2}\n')}0\r\n\r\n`);
    expect((await second.client.response()).complete).toBe(true);
    first.client.close();
    second.client.close();
  });
});

/** WebSockets through the gateway, with the real `ws` on both sides. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CozeAPI, WebsocketsEventType } from '@coze/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { cert, key } from '../upstream/certificate.ts';
import { SocketUpstream } from './socket-upstream.ts';

const ROUTES = [
  {
    id: 'chat',
    match: { path: '/chat/**' },
    require: { scopes: ['chat:read'] },
    credentials: ['bearer', 'query.authorization'],
  },
  {
    id: 'coze',
    match: { path: '/v1/chat' },
    require: { scopes: ['chat:read'] },
    credentials: ['bearer', 'query.authorization'],
  },
  { id: 'open', match: { path: '/open/**' }, public: true },
];

let upstream: SocketUpstream;
let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  upstream = await SocketUpstream.start();
  gateway = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES });
  token = await gateway.mint({ scopes: ['chat:read'] });
});
afterAll(async () => {
  await upstream.stop();
  await gateway.stop();
});

const at = (url: string) => url.replace('http', 'ws');
const bearer = () => ({ authorization: `Bearer ${token}` });
const open = async (path: string) => {
  const socket = new WebSocket(at(gateway.url) + path, { headers: bearer() });
  await once(socket, 'open');
  return socket;
};

test('messages go both ways, small and large, and the closing is the clients own', async () => {
  const socket = await open('/chat/a?x=1');
  for (const message of ['hello', 'x'.repeat(200_000), '']) {
    socket.send(message);
    const [data] = await once(socket, 'message');
    expect(String(data)).toBe(message);
  }
  socket.close(4000, 'bye');
  const [code, reason] = await once(socket, 'close');
  expect([code, String(reason)]).toEqual([4000, 'bye']);
});

test('the upstream closes, and the client is told why', async () => {
  const socket = await open('/chat/a');
  [...upstream.sockets].at(-1)!.close(4321, 'enough');
  const [code, reason] = await once(socket, 'close');
  expect([code, String(reason)]).toEqual([4321, 'enough']);
});

test('a subprotocol is chosen by the upstream', async () => {
  const socket = new WebSocket(`${at(gateway.url)}/chat/a`, ['json', 'xml'], { headers: bearer() });
  await once(socket, 'open');
  expect(socket.protocol).toBe('json');
  socket.close();
});

test('a refused client reads status and body of the refusal', async () => {
  const socket = new WebSocket(`${at(gateway.url)}/chat/a`);
  const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(answer.statusCode).toBe(401);
  expect(answer.headers['www-authenticate']).toContain('Bearer');
  let text = '';
  for await (const piece of answer) text += piece;
  expect(JSON.parse(text)).toMatchObject({ code: 4100 });
});

test('over TLS on both sides, by the trust that the upstream is configured with', async () => {
  await using secure = await SocketUpstream.start({ cert, key });
  const files = mkdtempSync(join(tmpdir(), 'scopegate-tls-'));
  writeFileSync(join(files, 'cert.pem'), cert);
  writeFileSync(join(files, 'key.pem'), key);
  const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
  const options = { upstreamUrl: secure.url, routes: [ROUTES[2]!], settings: { gateway: { tls } }, seed: false };
  await using trusting = await startTestGateway({ ...options, upstream: { tls: { ca: tls.cert } } });
  const socket = new WebSocket(`${at(trusting.url)}/open`, { ca: cert });
  await once(socket, 'open');
  socket.send('hello');
  expect(String((await once(socket, 'message'))[0])).toBe('hello');
  socket.close();
  await once(socket, 'close');

  await using wary = await startTestGateway(options);
  const refused = new WebSocket(`${at(wary.url)}/open`, { ca: cert });
  const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(answer.statusCode).toBe(502);
  answer.destroy();
  rmSync(files, { recursive: true });
});

test('the Coze SDK connects, with its token in the header and in the query, and the upstream sees neither', async () => {
  const api = new CozeAPI({ baseURL: gateway.url, baseWsURL: at(gateway.url), token });
  const socket = await api.websockets.chat.create({ bot_id: 'bot_sales' });
  const opened = new Promise<void>((resolve) => {
    socket.onopen = () => resolve();
  });
  const answer = new Promise<unknown>((resolve) => {
    socket.onmessage = (data) => resolve(data);
  });
  await opened;
  const update = { id: '1', event_type: WebsocketsEventType.CHAT_UPDATE, data: {} } as const;
  socket.send(update);
  expect(await answer).toEqual(update);
  socket.close();
  const request = upstream.requests.at(-1)!;
  expect(request.url).toContain('bot_id=bot_sales');
  expect(JSON.stringify(request)).not.toContain(token);
  expect(gateway.logLines.join('')).not.toContain(token);
});

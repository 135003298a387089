/** docs/recipes/realtime: an application on socket.io, ws and event streams, with their own clients. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { EventSource } from 'eventsource';
import { Server } from 'socket.io';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

const MANY = 140;

let app: ServedApp;
let sockets: WebSocketServer;
let server: Server;
let recipe: Recipe;

const plain: RequestListener = (request, response) => {
  if (request.url!.startsWith('/socket.io/')) return;
  if (request.url!.startsWith('/events')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n');
    return;
  }
  response.end('page');
};

beforeAll(async () => {
  app = await serveApp(plain);
  server = new Server(app.server, { destroyUpgrade: false });
  server.on('connection', (socket) => {
    socket.on('say', (text: string, answer: (text: string) => void) => answer(`${text}, ${socket.id.length > 0}`));
  });
  sockets = new WebSocketServer({ noServer: true });
  app.server.on('upgrade', (request, socket, head) => {
    if (!request.url!.startsWith('/socket?') && request.url !== '/socket') return;
    sockets.handleUpgrade(request, socket, head, (one) => one.on('message', (data) => one.send(String(data))));
  });
  recipe = await startRecipe('realtime', { APP_URL: app.url });
});
afterEach(() => expect(recipe.errors).toEqual([]));
afterAll(async () => {
  await recipe?.[Symbol.asyncDispose]();
  sockets?.close();
  await server?.close();
  await app?.[Symbol.asyncDispose]();
});

async function revoke(token: string): Promise<void> {
  const { admin } = recipe.gateway;
  const { body } = await admin('POST', '/v1/tokens/find', { token });
  await admin('POST', `/tokens/${(body as { id: string }).id}/revoke`);
}

const ways: readonly [string, (token: string) => Parameters<typeof io>[1]][] = [
  ['polling first, then a WebSocket', (token) => ({ extraHeaders: { Authorization: `Bearer ${token}` } })],
  [
    'a WebSocket at once',
    (token) => ({ transports: ['websocket'], extraHeaders: { Authorization: `Bearer ${token}` } }),
  ],
  [
    'polling alone, with the token in the query',
    (token) => ({ transports: ['polling'], query: { access_token: token } }),
  ],
];

it.each(ways)('socket.io talks both ways by %s, and ends with its token', async (_, options) => {
  const token = await recipe.token();
  const before = app.seen.length;
  const socket: Socket = io(recipe.url, { forceNew: true, reconnectionDelay: 10, ...options(token) });
  try {
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
    expect(await socket.emitWithAck('say', 'hello')).toBe('hello, true');
    const polls = socket.io.opts.transports?.join() === 'polling';
    const { engine } = socket.io;
    if (!polls && engine.transport.name !== 'websocket')
      await new Promise((resolve) => engine.once('upgrade', resolve));
    expect(engine.transport.name).toBe(polls ? 'polling' : 'websocket');
    expect(app.seen.slice(before).join()).not.toContain(token);
    const disconnected = new Promise((resolve) => socket.once('disconnect', resolve));
    const refused = new Promise((resolve) => socket.once('connect_error', resolve));
    await revoke(token);
    // Of polls that wait there is nothing to end; the next request is the one that is refused.
    if (polls) socket.emit('say', 'more');
    await disconnected;
    await refused;
    expect(socket.connected).toBe(false);
  } finally {
    socket.disconnect();
  }
});

it('socket.io without a token is refused before the application sees it', async () => {
  const before = app.seen.length;
  const socket = io(recipe.url, { forceNew: true, reconnection: false });
  const error = await new Promise<Error & { context?: { status: number } }>((resolve) =>
    socket.once('connect_error', resolve),
  );
  socket.disconnect();
  expect(error.context?.status).toBe(401);
  expect(app.seen.slice(before)).toEqual([]);
});

it('EventSource hears events, and its last one says why it ended', async () => {
  const token = await recipe.token();
  const source = new EventSource(`${recipe.url}/events`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
  });
  try {
    const hello = await new Promise<MessageEvent>((resolve) => source.addEventListener('message', resolve));
    expect(hello.data).toBe('hello');
    const last = new Promise<MessageEvent>((resolve) => {
      source.addEventListener('error', (event) => 'data' in event && resolve(event as unknown as MessageEvent));
    });
    await revoke(token);
    expect(JSON.parse((await last).data as string)).toMatchObject({ status: 401 });
  } finally {
    source.close();
  }
});

it(`${MANY} WebSockets are open beside plain requests: none is refused, none waits, and all end with their last word`, async () => {
  const token = await recipe.token();
  const headers = { authorization: `Bearer ${token}` };
  const open = Array.from(
    { length: MANY },
    () => new WebSocket(`${recipe.url.replace('http', 'ws')}/socket`, { headers }),
  );
  const opened = await Promise.allSettled(open.map((socket) => once(socket, 'open')));
  expect(opened.filter(({ status }) => status === 'rejected')).toEqual([]);
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${recipe.url}/page`, { headers })));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  const echoes = open.map((socket) => once(socket, 'message'));
  for (const [nth, socket] of open.entries()) socket.send(String(nth));
  expect((await Promise.all(echoes)).map(([data]) => String(data))).toEqual(open.map((_, nth) => String(nth)));
  const closes = open.map((socket) => once(socket, 'close'));
  await revoke(token);
  expect(new Set((await Promise.all(closes)).map(([code]) => code as number))).toEqual(new Set([4401]));
  expect((await fetch(`${recipe.url}/page`, { headers })).status).toBe(401);
});

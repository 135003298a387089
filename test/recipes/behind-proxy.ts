/**
 * What the recipes of nginx and Caddy promise alike: their files, together as they are, with an API that says what it got.
 * Nothing in the files is changed but the addresses, and those in all of them alike, so that two that clash still do.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { IDENTITY_NAMES } from '../../src/edge/forward/identity.ts';
import { freeUrl, type RunningProxy, recipeFile } from '../support/proxies.ts';
import { type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

interface Proxied {
  readonly name: string;
  /** The proxy's own file. */
  readonly file: string;
  /** How that file names the port which the proxy listens on. */
  readonly listens: (port: string) => string;
  readonly start: (url: string, configuration: string) => Promise<RunningProxy>;
}

interface Seen {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
}

const UPLOAD_BYTES = 5_000_000;
const PROXY_PORT = '8000';
const APP = '127.0.0.1:9000';

export interface Behind {
  readonly recipe: Recipe;
  readonly url: string;
  readonly token: string;
}

/** Call at the top of a file. */
export function keepsWhatItSays({ name, file, listens, start }: Proxied): Behind {
  let app: ServedApp;
  let sockets: WebSocketServer;
  let recipe: Recipe;
  let proxy: RunningProxy;
  let token: string;
  const asks = name.endsWith('forward-auth');
  beforeAll(async () => {
    app = await serveApp((request, answer) => void tell(request).then((seen) => answer.end(JSON.stringify(seen))));
    sockets = new WebSocketServer({ server: app.server });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
    recipe = await startRecipe(name, { APP_URL: app.url, SCOPEGATE_DECISION_PORT: '0' });
    token = await recipe.token();
    const url = await freeUrl();
    const upstream = asks
      ? { [APP]: new URL(app.url).host, '127.0.0.1:8082': new URL(recipe.gateway.running.decisionUrl!).host }
      : { '127.0.0.1:8080': new URL(recipe.url).host };
    const own = { [listens(PROXY_PORT)]: listens(new URL(url).port), ...upstream };
    proxy = await start(url, recipeFile(`${name}/${file}`, own));
  });
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await recipe?.[Symbol.asyncDispose]();
    sockets?.close();
    await app?.[Symbol.asyncDispose]();
  });
  const ask = (path: string, { headers, ...more }: RequestInit & { duplex?: 'half' } = {}) =>
    fetch(proxy.url + path, { ...more, headers: { authorization: `Bearer ${token}`, ...headers } });

  it('no two of its programs want the same port', () => {
    const { gateway, admin, decision } = loadGateway(join(recipe.gateway.folder, 'gateway.yaml'), {}).file;
    const ours = [gateway, admin, ...(decision === undefined ? [] : [decision])].map(({ port }) => String(port));
    const text = recipeFile(`${name}/${file}`, {});
    expect(text).toContain(listens(PROXY_PORT));
    const all = [PROXY_PORT, new URL(`http://${APP}`).port, ...ours];
    expect(new Set(all).size).toBe(all.length);
    // It asks where they listen.
    for (const [, port] of text.matchAll(/127\.0\.0\.1:(\d+)/g)) expect(all).toContain(port);
  });

  it.skipIf(!asks)('every header that says who is calling is named in its file', () => {
    const text = recipeFile(`${name}/${file}`, {});
    for (const header of [...IDENTITY_NAMES, 'X-Request-Id']) expect(text).toContain(`${header} `);
  });

  it('an upload of 5 MB passes, of known and of unknown length, and the API knows whose it is', async () => {
    const body = Buffer.alloc(UPLOAD_BYTES, 'x');
    const pieces = Readable.toWeb(Readable.from([body.subarray(0, 100), body.subarray(100)]));
    for (const sent of [{ body }, { body: pieces as ReadableStream, duplex: 'half' as const }]) {
      const answer = await ask('/files/large.bin', { method: 'PUT', ...sent });
      expect(answer.status).toBe(200);
      const seen = (await answer.json()) as Seen;
      expect([seen.method, seen.bytes, seen.headers['x-scopegate-subject']]).toEqual(['PUT', UPLOAD_BYTES, 'ann']);
      expect(JSON.stringify(seen.headers)).not.toContain(token);
    }
  });

  it('the API learns the host with its port, and who came from where, as the proxy saw it', async () => {
    const forged = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '6.6.6.6', 'x-forwarded-host': 'evil.test' };
    const { headers } = (await (await ask('/files/x', { headers: forged })).json()) as Seen;
    const here = new URL(proxy.url).host;
    expect(asks ? headers.host : headers['x-forwarded-host']).toBe(here);
    expect(headers['x-forwarded-host']).toBe(here);
    expect(headers['x-forwarded-proto']).toBe('http');
    expect(headers['x-forwarded-for']).not.toContain('6.6.6.6');
  });

  it("a refusal arrives in the policy's own words, with its headers, and the API sees nothing", async () => {
    const before = app.seen.length;
    const anonymous = await fetch(`${proxy.url}/files/x`);
    expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="scopegate"']);
    const reader = await recipe.token(['content:read']);
    const write = { method: 'PUT', body: 'x', headers: { authorization: `Bearer ${reader}` } };
    const refused = await ask('/files/x', write);
    expect([refused.status, refused.headers.get('cache-control')]).toEqual([403, 'no-store']);
    expect(await refused.json()).toMatchObject({ status: 403, title: expect.any(String) });
    expect((await ask('/nowhere')).status).toBe(404);
    expect((await ask('/updates', { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD');
    expect(app.seen.slice(before)).toEqual([]);
  });

  it('a WebSocket is carried both ways once it was allowed', async () => {
    const dial = (given: string) =>
      new WebSocket(`${proxy.url.replace('http', 'ws')}/updates`, { headers: { authorization: `Bearer ${given}` } });
    const [, refused] = (await once(dial('pat_none'), 'unexpected-response')) as [unknown, IncomingMessage];
    refused.destroy();
    expect(refused.statusCode).toBe(401);
    const socket = dial(token);
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('hello');
    socket.close();
    await once(socket, 'close');
  });
  return {
    get recipe() {
      return recipe;
    },
    get url() {
      return proxy.url;
    },
    get token() {
      return token;
    },
  };
}

async function tell(request: IncomingMessage): Promise<Seen> {
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) bytes += piece.length;
  return { method: request.method!, headers: request.headers as Record<string, string>, bytes };
}

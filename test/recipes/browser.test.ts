/** docs/recipes/browser: its page.js in Chromium, on a page of another origin. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { hasTool } from '../support/tools.ts';
import { type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

interface Answer {
  readonly status: number;
  readonly requestId: string;
  readonly body: Readonly<Record<string, unknown>>;
}

describe.skipIf(!hasTool('chromium'))('a page in Chromium', () => {
  let api: ServedApp;
  let sockets: WebSocketServer;
  let site: ServedApp;
  let recipe: Recipe;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    api = await serveApp((request, answer) => {
      if (request.url!.startsWith('/events'))
        answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n');
      else answer.setHeader('content-type', 'application/json').end(JSON.stringify({ method: request.method }));
    });
    sockets = new WebSocketServer({ server: api.server });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
    let script = '';
    site = await serveApp((request, answer) => {
      if (request.url === '/page.js') answer.setHeader('content-type', 'text/javascript').end(script);
      else answer.setHeader('content-type', 'text/html').end('<!doctype html><title>notes</title>');
    });
    const origin = site.url.replace('127.0.0.1', 'localhost');
    recipe = await startRecipe('browser', { API_URL: api.url, PAGE_ORIGIN: origin });
    script = recipe.file('page.js');
    // As root there is no sandbox; what runs in it is ours.
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    page = await browser.newPage();
    await page.goto(origin);
  }, 60_000);
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await browser?.close();
    await recipe?.[Symbol.asyncDispose]();
    sockets?.close();
    await site?.[Symbol.asyncDispose]();
    await api?.[Symbol.asyncDispose]();
  });

  const call = (token: string, method: string, path: string, at = page) =>
    at.evaluate(
      `import('/page.js').then(({ call }) => call(${[token, method, path].map((each) => JSON.stringify(each)).join()}))`,
    ) as Promise<Answer>;
  /** What a function of page.js has heard so far, in the page. */
  const hear = (name: 'listen' | 'talk', token: string) =>
    page.evaluate(`(async () => {
      const heard = window.${name} = [];
      (await import('/page.js')).${name}(${JSON.stringify(token)}, (what) => heard.push(what));
    })()`);
  const heard = (name: 'listen' | 'talk') => page.evaluate(`window.${name}`) as Promise<unknown[]>;

  async function revoke(token: string): Promise<void> {
    const { admin } = recipe.gateway;
    const { body } = await admin('POST', '/v1/tokens/find', { token });
    await admin('POST', `/tokens/${(body as { id: string }).id}/revoke`);
  }

  it('fetches and deletes, after preflights that the API never sees', async () => {
    const token = await recipe.token();
    const before = api.seen.length;
    expect(await call(token, 'GET', '/notes/1')).toMatchObject({ status: 200, body: { method: 'GET' } });
    expect(await call(token, 'DELETE', '/notes/1')).toMatchObject({ status: 200, body: { method: 'DELETE' } });
    expect(api.seen.slice(before)).toEqual(['GET /notes/1', 'DELETE /notes/1']);
  });

  it.each([
    ['no token that is one', () => Promise.resolve('pat_none'), 'GET', '/notes/1', 401],
    ['a missing scope', () => recipe.token(['content:read']), 'DELETE', '/notes/1', 403],
  ] as const)('its script reads why it was refused: %s', async (_, token, method, path, status) => {
    const answer = await call(await token(), method, path);
    expect(answer).toMatchObject({ status, body: { status, title: expect.any(String) } });
    expect(answer.requestId).toMatch(/^[0-9A-Z]{26}$/);
  });

  it('its script reads that there is no such path where it asks without a preflight, and with one not even that', async () => {
    const plain = page.evaluate(`fetch('${recipe.url}/nowhere').then((answer) => answer.status)`);
    expect(await plain).toBe(404);
    await expect(call(await recipe.token(), 'GET', '/nowhere')).rejects.toThrow('Failed to fetch');
  });

  it('hears events and talks over a WebSocket, and learns why both end', async () => {
    const token = await recipe.token();
    await hear('listen', token);
    await hear('talk', token);
    await expect.poll(() => heard('listen')).toEqual([{ data: 'hello' }]);
    await expect.poll(() => heard('talk')).toEqual([{ data: 'hello' }]);
    expect(api.seen.join()).not.toContain(token);
    await revoke(token);
    await expect.poll(() => heard('talk')).toEqual([{ data: 'hello' }, { code: 4401 }]);
    await expect
      .poll(() => heard('listen'))
      .toEqual([{ data: 'hello' }, { refused: expect.objectContaining({ status: 401 }) }]);
  });

  it('on a page of an origin that is not named reads nothing, and its DELETE is not sent', async () => {
    const stranger = await browser.newPage();
    await stranger.goto(site.url);
    const [token, before] = [await recipe.token(), api.seen.length];
    await expect(call(token, 'DELETE', '/notes/1', stranger)).rejects.toThrow('Failed to fetch');
    expect(api.seen.slice(before)).toEqual([]);
    await stranger.close();
  });
});

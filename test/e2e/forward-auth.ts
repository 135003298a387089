/**
 * What holds behind every proxy that asks the decision listener: a whole gateway, a real proxy with the documented
 * configuration, a recorder as the app behind it. Requests go in as bytes and are seen as bytes where they come out.
 */

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ProxyName } from '../../src/forward-auth/question.ts';
import { SocketUpstream } from '../streams/socket-upstream.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { freeUrl, type RunningProxy } from '../support/proxies.ts';
import { ask, RawClient, type RawResponse, rawRequest } from '../support/raw.ts';
import { type RecordedRequest, Recorder } from '../support/recorder.ts';

const READ = { require: { scopes: ['workflows:read'] } };
const ROUTES = [
  { id: 'public', match: { path: '/public/**' }, public: true },
  { id: 'read', match: { methods: ['GET'], path: '/files/**' }, ...READ },
  { id: 'write', match: { methods: ['POST'], path: '/files/**' }, require: { scopes: ['workflows:write'] } },
  { id: 'admin', match: { path: '/admin/**' }, require: { scopes: ['knowledge:write'] } },
  { id: 'socket', match: { path: '/socket' }, credentials: ['bearer', 'query.authorization'], ...READ },
  {
    id: 'environment',
    match: { methods: ['GET'], path: '/by-query' },
    require: {
      scopes: ['workflows:read'],
      workspace: { from: 'query.environmentId', as: 'environment', role: 'member' },
    },
  },
];

export interface Behind {
  readonly gateway: TestGateway;
  readonly app: Recorder;
  readonly url: string;
  /** `Authorization: Bearer …` of Bob, who may read workflows in ws_sales. */
  readonly reader: string;
  /** The request is answered with `status`, and not a byte of it reaches the app. */
  refuses(request: string, status: number): Promise<RawResponse>;
}

type StartProxy = (url: string, decisionUrl: string, appUrl: string) => Promise<RunningProxy>;

/** Call at the top of a file; filled before its first test. */
export function behind(proxyName: ProxyName, start: StartProxy): Behind {
  let gateway: TestGateway;
  let app: Recorder;
  let proxy: RunningProxy;
  beforeAll(async () => {
    app = await Recorder.start();
    const settings = { decision: { port: 0, for: proxyName } };
    gateway = await startTestGateway({ upstreamUrl: app.url, routes: ROUTES, settings });
    proxy = await start(await freeUrl(), gateway.running.decisionUrl!, app.url);
  });
  beforeEach(() => app.clear());
  afterEach(() => expect(gateway.errorLines, 'a bug of the gateway, by its own log').toEqual([]));
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await app.stop();
    await gateway.stop();
  });
  return {
    get gateway() {
      return gateway;
    },
    get app() {
      return app;
    },
    get url() {
      return proxy.url;
    },
    get reader() {
      return `Authorization: Bearer ${gateway.tokens.reader}`;
    },
    refuses: async (request, status) => {
      const before = app.requests.length;
      const response = await ask(proxy.url, request);
      expect({ status: response.status, reached: app.lines.slice(before) }).toEqual({ status, reached: [] });
      // The app is asked for something public: whatever was sent before would be there by now.
      expect((await ask(proxy.url, rawRequest('GET /public/sentinel'))).status).toBe(200);
      expect(app.lines.slice(before)).toEqual(['GET /public/sentinel']);
      return response;
    },
  };
}

/** WebSockets through the documented configuration, with the real `ws` on both sides. Call at the top of a file. */
export function carriesWebSockets(proxyName: ProxyName, start: StartProxy): void {
  describe('a WebSocket', () => {
    let gateway: TestGateway;
    let app: SocketUpstream;
    let proxy: RunningProxy;
    beforeAll(async () => {
      app = await SocketUpstream.start();
      gateway = await startTestGateway({
        upstreamUrl: app.url,
        routes: ROUTES,
        settings: { decision: { port: 0, for: proxyName } },
      });
      proxy = await start(await freeUrl(), gateway.running.decisionUrl!, app.url);
    });
    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]();
      await app.stop();
      await gateway.stop();
    });
    const dial = (path: string, token: string) =>
      new WebSocket(proxy.url.replace('http', 'ws') + path, { headers: { authorization: `Bearer ${token}` } });

    it('is carried both ways once it was allowed, and the app knows whose it is', async () => {
      const socket = dial('/files/chat', gateway.tokens.reader);
      await once(socket, 'open');
      socket.send('hello');
      expect(String((await once(socket, 'message'))[0])).toBe('hello');
      const [{ headers }] = app.requests as [(typeof app.requests)[number]];
      const value = (name: string) =>
        headers[headers.findIndex((each, at) => at % 2 === 0 && each.toLowerCase() === name) + 1];
      expect(value('x-scopegate-subject')).toBe('bob');
      expect(headers.join()).not.toContain(gateway.tokens.reader);
      socket.close(1000, 'done');
      expect((await once(socket, 'close'))[0]).toBe(1000);
    });

    it.each([
      ['without a right to it', '/admin/chat', () => gateway.tokens.reader, 403],
      ['without a token that is one', '/files/chat', () => 'pat_none', 401],
    ])('%s gets the refusal and never reaches the app', async (_name, path, token, status) => {
      const before = app.requests.length;
      const [, answer] = (await once(dial(path, token()), 'unexpected-response')) as [unknown, IncomingMessage];
      answer.destroy();
      expect([answer.statusCode, app.requests.length]).toEqual([status, before]);
    });

    it('is all that a connection can become: h2c is not passed on', async () => {
      const upgrade = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'];
      using client = await RawClient.connect(proxy.url);
      client.send(rawRequest('GET /files/x', [`Authorization: Bearer ${gateway.tokens.reader}`, ...upgrade]));
      await client.until(({ received }) => /^HTTP\/1.1 (?:400|200[\s\S]*data: hello)/.test(received), 'an answer');
      expect(app.plainHeaders.flat().filter((text) => /^upgrade$|h2c/i.test(text))).toEqual([]);
    });
  });
}

const FORGED = [
  'X-Scopegate-Token-Id: forged',
  'X-Scopegate-Kind: forged',
  'X-Scopegate-Organization: forged',
  'X-Scopegate-Subject: forged',
  'X-Scopegate-Client-Id: forged',
  'X-Scopegate-Scopes: forged',
  'X-Scopegate-Workspaces: forged',
  'X-Scopegate-Environments: forged',
  'X-Scopegate-Workspace: forged',
  'X-Scopegate-Environment: forged',
  'X-Scopegate-Role: forged',
  'X-Request-Id: forged',
];
const DESCRIPTION = [
  'X-Original-Method: GET',
  'X-Original-URI: /public/x',
  'X-Forwarded-Method: GET',
  'X-Forwarded-Uri: /public/x',
  'X-Forwarded-Host: api.test',
];

/** Some proxies send an empty header where there is nothing to say. What names the decision says nothing of the caller. */
const identityOf = ({ headers }: RecordedRequest) =>
  headers.filter(([name, value]) => /^x-scopegate-(?!decision-id)/i.test(name) && value !== '');

/** The promises that do not depend on the proxy. `forged`: what becomes of a request with forged identity headers. */
export function keepsPromises(at: Behind, forged: 'refused' | 'overwritten'): void {
  describe('what is allowed', () => {
    it('reaches the app byte for byte, with who is calling and without the token', async () => {
      const target = '/files/a%20b/caf%C3%A9;v=1?q=%2F%2e&r=a+b';
      const response = await ask(at.url, rawRequest(`GET ${target}`, [at.reader]));
      const request = await at.app.request();
      expect({ status: response.status, target: request.target }).toEqual({ status: 200, target });
      expect(Object.fromEntries(identityOf(request))).toEqual({
        'X-Scopegate-Token-Id': expect.stringMatching(/^tok_/),
        'X-Scopegate-Kind': 'personal',
        'X-Scopegate-Organization': 'acme',
        'X-Scopegate-Subject': 'bob',
        'X-Scopegate-Scopes': 'workflows:read',
        'X-Scopegate-Workspaces': 'ws_sales',
      });
      expect(request.header('x-request-id')).toMatch(/^[0-9A-Z]{26}$/);
      expect(request.text).not.toContain(at.gateway.tokens.reader);
    });

    it('knows the workspace that a query names', async () => {
      await ask(at.url, rawRequest('GET /by-query?environmentId=env_live', [at.reader]));
      const request = await at.app.request();
      expect([request.header('x-scopegate-workspace'), request.header('x-scopegate-environment')]).toEqual([
        'ws_sales',
        'env_live',
      ]);
      await at.refuses(rawRequest('GET /by-query?environmentId=env_legal', [at.reader]), 403);
    });

    it('carries its body', async () => {
      const body = rawRequest(
        'POST /files/x',
        [`Authorization: Bearer ${at.gateway.tokens.writer}`, 'Content-Length: 5'],
        'hello',
      );
      expect((await ask(at.url, body)).status).toBe(200);
      expect(await at.app.request()).toMatchObject({ method: 'POST', body: 'hello' });
    });

    it('on a public route carries no identity, even a forged one', async () => {
      const request = rawRequest('GET /public/x', FORGED);
      if (forged === 'refused') await at.refuses(request, 400);
      else {
        await ask(at.url, request);
        expect((await at.app.request()).text).not.toContain('forged');
      }
      at.app.clear();
      await ask(at.url, rawRequest('GET /public/x', [at.reader]));
      expect(identityOf(await at.app.request())).toEqual([]);
    });

    it("an app's own 401, 403 and 404 pass as they are", async () => {
      for (const status of [401, 403, 404]) {
        at.app.reply = () => `HTTP/1.1 ${status} App\r\nContent-Length: 3\r\n\r\napp`;
        const response = await ask(at.url, rawRequest('GET /files/x', [at.reader]));
        expect([response.status, response.body]).toEqual([status, 'app']);
      }
    });
  });

  describe("what is refused, in the policy's own words", () => {
    it.each([
      ['no token', 'GET /files/x', [], 401, 4100],
      ['an unknown token', 'GET /files/x', [`Authorization: Bearer pat_${'0'.repeat(49)}`], 401, 4100],
      ['no route', 'GET /nowhere', [], 404, 4200],
      ['another method', 'DELETE /files/x', [], 405, 4000],
    ])('%s', async (_name, line, headers, status, code) => {
      const response = await at.refuses(rawRequest(line, headers), status);
      const { code: told, msg, detail } = JSON.parse(response.body);
      expect([told, msg, detail.logid]).toEqual([code, expect.any(String), response.header('x-request-id')]);
      expect(response.all('www-authenticate').length).toBe(status === 401 ? 1 : 0);
      expect(response.all('cache-control')).toEqual(['no-store']);
      if (status === 405) expect(response.header('allow')).toBe('GET, HEAD, POST');
    });

    it('a missing scope', async () => {
      const response = await at.refuses(rawRequest('GET /admin/x', [at.reader]), 403);
      expect(JSON.parse(response.body)).toMatchObject({ code: 4101 });
    });

    it('a revoked token, on the very next request', async () => {
      const token = await at.gateway.mint({ scopes: ['workflows:read'] });
      const request = rawRequest('GET /files/x', [`Authorization: Bearer ${token}`]);
      expect((await ask(at.url, request)).status).toBe(200);
      const { body } = await at.gateway.admin('POST', '/v1/tokens/find', { token });
      await at.gateway.admin('POST', `/tokens/${(body as { id: string }).id}/revoke`);
      await at.refuses(request, 401);
    });

    it('an outage of the store is 503, neither a yes nor a no', async () => {
      const token = await at.gateway.mint({ scopes: ['workflows:read'] });
      const store = new DatabaseSync(join(at.gateway.folder, 'data/scopegate.db'));
      store.exec('ALTER TABLE records RENAME TO elsewhere');
      try {
        const response = await at.refuses(rawRequest('GET /files/x', [`Authorization: Bearer ${token}`]), 503);
        expect([response.header('retry-after'), JSON.parse(response.body).code]).toEqual(['1', 5031]);
      } finally {
        store.exec('ALTER TABLE elsewhere RENAME TO records');
        store.close();
      }
    });
  });

  describe('what a client forges', () => {
    it.each([
      'GET /public/../admin/x',
      'GET /public/%2e%2e/admin/x',
      'GET /public/.%2E/admin/x',
      'GET /public/..;/admin/x',
      'GET /public/..%2fadmin/x',
      'GET /public%2f..%2fadmin/x',
      'GET /public/..%5cadmin/x',
      'GET /public//x',
      'GET //admin/x',
      'GET /files/a%2Fb',
      'GET /public/%61',
    ])('%s is refused, since it could be read in two ways', async (line) => {
      await at.refuses(rawRequest(line, [at.reader]), 400);
    });

    it.each(DESCRIPTION)('%s from the client changes nothing', async (header) => {
      await at.refuses(rawRequest('POST /admin/x', [at.reader, header]), 403);
      await at.refuses(rawRequest('POST /admin/x', [at.reader, header, header]), 403);
    });

    it('all of them together change nothing', async () => {
      await at.refuses(rawRequest('POST /admin/x', [at.reader, ...DESCRIPTION]), 403);
      const named = `Connection: close, ${DESCRIPTION.map((header) => header.split(':')[0]).join(', ')}`;
      await at.refuses(rawRequest('POST /admin/x', [at.reader, named, ...DESCRIPTION]), 403);
    });

    it('identity headers never reach the app', async () => {
      const request = rawRequest('GET /files/x', [at.reader, ...FORGED]);
      if (forged === 'refused') await at.refuses(request, 400);
      else {
        await ask(at.url, request);
        const received = await at.app.request();
        expect(received.text).not.toContain('forged');
        expect(received.all('x-scopegate-subject')).toEqual(['bob']);
      }
    });

    it('identity headers are not lost by being named in Connection', async () => {
      const names = 'close, X-Scopegate-Subject, X-Scopegate-Token-Id, X-Request-Id';
      const response = await ask(at.url, rawRequest('GET /files/x', [at.reader, `Connection: ${names}`]));
      if (response.status === 400) expect(at.app.text).toBe('');
      else expect((await at.app.request()).all('x-scopegate-subject')).toEqual(['bob']);
    });

    it.each(['X-HTTP-Method-Override: DELETE', 'X-Original-URL: /admin/x', 'X-Rewrite-URL: /admin/x'])(
      '%s is refused: it would turn the request into another one',
      async (header) => {
        await at.refuses(rawRequest('GET /files/x', [at.reader, header]), 400);
      },
    );

    it('a token in the query is refused: nobody would take it out', async () => {
      const target = `/socket?authorization=Bearer%20${at.gateway.tokens.reader}`;
      await at.refuses(rawRequest(`GET ${target}`), 400);
    });
  });

  it('a WebSocket handshake is judged like any request', async () => {
    const upgrade = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    await at.refuses(rawRequest('GET /admin/x', [at.reader, ...upgrade]), 403);
    expect((await ask(at.url, rawRequest('GET /files/x', [at.reader, ...upgrade]))).status).toBe(200);
  });
}

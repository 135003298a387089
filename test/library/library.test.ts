/** scopegate inside another program: started, stopped and asked by it, and in front of an application's own routes. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import fastify from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Seeded, seed } from '../../src/demo/seed.ts';
import {
  type Addresses,
  ConfigError,
  createGateway,
  type Gateway,
  type GatewayOptions,
  type GatewaySettings,
  shippedPolicy,
} from '../../src/library.ts';
import { ask, RawClient, rawRequest, sendUntilEnded } from '../support/raw.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-library-'));
const logged: string[] = [];
const OPTIONS: GatewayOptions = {
  folder,
  env: { SCOPEGATE_ADMIN_KEY: 'k'.repeat(32) },
  log: { write: (line) => void logged.push(line) },
};
const SETTINGS: GatewaySettings = {
  admin: { port: 0 },
  policy: shippedPolicy('coze'),
  store: { driver: 'sqlite', path: 'data/scopegate.db' },
  routes: [
    { id: 'public', match: { path: '/public/**' }, public: true },
    { id: 'read', match: { methods: ['GET', 'POST'], path: '/files/**' }, require: { scopes: ['workflows:read'] } },
    {
      id: 'workspace',
      match: { path: '/workspaces/{ws}' },
      require: { scopes: ['workflows:read'], workspace: { from: 'path.ws', as: 'workspace', role: 'member' } },
    },
    {
      id: 'by-body',
      match: { methods: ['POST'], path: '/own/by-body' },
      require: { scopes: ['workflows:read'], workspace: { from: 'body.ws', as: 'workspace', role: 'member' } },
    },
    { id: 'admin', match: { path: '/admin/**' }, require: { scopes: ['knowledge:write'] } },
    { id: 'own', match: { path: '/own' }, require: { scopes: ['workflows:read'] }, forwardAuthorization: true },
  ],
};

let gateway: Gateway;
let addresses: Addresses;
let seeded: Seeded;
let reader: string;
beforeAll(async () => {
  gateway = createGateway(SETTINGS, { ...OPTIONS, listeners: { gateway: false } });
  addresses = await gateway.start();
  seeded = await seed(addresses.admin!, addresses.adminKey);
  reader = `Authorization: Bearer ${seeded.tokens.reader}`;
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
  expect(logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)).toEqual([]);
});

/** Every application answers with what it sees of the request. */
interface Seen {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly raw: readonly string[];
  readonly scopegate: { readonly requestId: string };
  readonly body: string;
}
let served: string[] = [];
beforeEach(() => {
  served = [];
});

const serve: RequestListener = async (request, response) => {
  served.push(`${request.method} ${request.url}`);
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { url, headers, rawHeaders: raw, scopegate } = request;
  response.end(JSON.stringify({ url, headers, raw, scopegate, body }));
};

interface App {
  readonly url: string;
  close(): Promise<unknown>;
}

async function listening(handler: RequestListener): Promise<App> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** Routes as the configuration does: Express is lax unless told otherwise. */
function strictExpress() {
  return express().enable('case sensitive routing').enable('strict routing');
}

const APPS: Readonly<Record<string, () => Promise<App>>> = {
  'node:http': () =>
    listening((request, response) => gateway.middleware(request, response, () => serve(request, response))),
  Express: () => {
    const app = strictExpress();
    app.use(gateway.middleware);
    app.use(serve);
    return listening(app);
  },
  'Express, mounted at a path': () => {
    const app = strictExpress();
    for (const path of ['/files', '/workspaces', '/admin', '/public', '/own', '/nowhere'])
      app.use(path, gateway.middleware);
    app.use(serve);
    return listening(app);
  },
  Fastify: async () => {
    const app = fastify();
    await app.register(gateway.fastify);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    app.all('/*', async (request, reply) => {
      // The plugin's own property, beside that on Node's request.
      expect(request.scopegate).toBe(request.raw.scopegate);
      reply.hijack();
      serve(request.raw, reply.raw);
    });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return { url, close: () => app.close() };
  },
};

describe.each(Object.keys(APPS))('in front of an application: %s', (name) => {
  let app: App;
  beforeAll(async () => {
    app = await APPS[name]!();
  });
  afterAll(() => app.close());
  const get = (target: string, ...headers: string[]) => ask(app.url, rawRequest(`GET ${target}`, headers));
  const refused = async (request: string, status: number) => {
    const answer = await ask(app.url, request);
    expect({ status: answer.status, served }).toEqual({ status, served: [] });
    return answer;
  };

  it('what is allowed reaches it, with who is calling and without the token', async () => {
    const answer = await get('/workspaces/ws_sales?q=%2F', reader);
    expect(answer.status).toBe(200);
    const seen = JSON.parse(answer.body) as Seen;
    expect(seen.scopegate).toEqual({
      requestId: expect.stringMatching(/^[0-9A-Z]{26}$/),
      decisionId: seen.scopegate.requestId,
      routeId: 'workspace',
      degraded: false,
      caller: {
        tokenId: expect.stringMatching(/^tok_/),
        kind: 'personal',
        organization: 'acme',
        subject: 'bob',
        clientId: null,
        scopes: ['workflows:read'],
        workspaces: ['ws_sales'],
        workspace: 'ws_sales',
        environment: null,
        environments: null,
        role: 'member',
      },
    });
    expect(answer.body).not.toContain(seeded.tokens.reader);
  });

  it('a route may let the token through', async () => {
    const seen = JSON.parse((await get('/own', reader)).body) as Seen;
    expect(seen.headers.authorization).toBe(reader.slice('Authorization: '.length));
  });

  it('a public route needs none, and knows no caller', async () => {
    const seen = JSON.parse((await get('/public/x', reader)).body) as Seen;
    expect(seen.scopegate).toMatchObject({ routeId: 'public', caller: null });
  });

  it('a body arrives whole', async () => {
    const request = rawRequest('POST /files/x', [reader, 'Content-Type: text/plain', 'Content-Length: 5'], 'hello');
    expect((JSON.parse((await ask(app.url, request)).body) as Seen).body).toBe('hello');
  });

  it('a body that was looked into arrives whole, as if nobody had', async () => {
    const json = `{"ws":"ws_sales","x":"${'x'.repeat(300_000)}"}`;
    const lines = [reader, 'Content-Type: application/json'];
    const counted = rawRequest('POST /own/by-body', [...lines, `Content-Length: ${json.length}`], json);
    expect((JSON.parse((await ask(app.url, counted)).body) as Seen).body).toBe(json);
    using client = await RawClient.connect(app.url);
    client.send(rawRequest('POST /own/by-body', [...lines, 'Transfer-Encoding: chunked']));
    for (const piece of ['{"ws":', '"ws_sales"', '}']) {
      client.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
      await new Promise((next) => setImmediate(next));
    }
    client.send('0\r\n\r\n');
    expect((JSON.parse((await client.response()).body) as Seen).body).toBe('{"ws":"ws_sales"}');
  });

  it('a body that names another workspace never arrives, nor does one that is too large', async () => {
    const lines = [reader, 'Content-Type: application/json'];
    const json = '{"ws":"ws_legal"}';
    await refused(rawRequest('POST /own/by-body', [...lines, `Content-Length: ${json.length}`], json), 403);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const large = rawRequest('POST /own/by-body', [...lines, 'Transfer-Encoding: chunked'], chunk.repeat(17));
    expect((await sendUntilEnded(app.url, large)).responses[0]?.status).toBe(413);
    expect(served).toEqual([]);
  });

  it.each([
    ['no token', 'GET /files/x', 401, 4100],
    ['no route', 'GET /nowhere', 404, 4200],
    ['another method', 'PUT /files/x', 405, 4000],
    ['a path that can be read in two ways', 'GET /public/../admin/x', 400, 4000],
    ['an encoded slash', 'GET /public/..%2Fadmin', 400, 4000],
    ['a spelling that only a gateway would repair', 'GET /public/%61', 400, 4000],
    ['an absolute form', 'GET http://api.test/public/x', 400, 4000],
  ])('%s is answered in the words of the policy', async (_name, line, status, code) => {
    const answer = await refused(rawRequest(line), status);
    expect(JSON.parse(answer.body).code).toBe(code);
    expect(answer.header('x-request-id')).toMatch(/^[0-9A-Z]{26}$/);
    expect(answer.all('www-authenticate').length).toBe(status === 401 ? 1 : 0);
  });

  it('a missing scope and a revoked token are refused on the very next request', async () => {
    await refused(rawRequest('GET /admin/x', [reader]), 403);
    const leaked = rawRequest('GET /files/x', [`Authorization: Bearer ${seeded.tokens.leaked}`]);
    if (name === 'node:http') {
      expect((await ask(app.url, leaked)).status).toBe(200);
      served = [];
      const url = `${addresses.admin}/v1/organizations/acme/tokens/${seeded.leakedId}/revoke`;
      const headers = { authorization: `Bearer ${addresses.adminKey}` };
      expect((await fetch(url, { method: 'POST', headers })).status).toBe(200);
    }
    await refused(leaked, 401);
  });

  it('nothing that is forged reaches it', async () => {
    const forged = ['X-Scopegate-Role: forged', 'x_scopegate_subject: forged', 'X-HTTP-Method-Override: forged'];
    const answer = await get('/files/x', reader, ...forged, ...forged);
    expect([answer.status, answer.body.includes('forged')]).toEqual([200, false]);
  });

  it('what stands behind a refused request on the same connection is not run', async () => {
    const smuggled = rawRequest('GET /public/smuggled');
    const bad = rawRequest('POST /public/../x', [`Content-Length: ${smuggled.length + 10}`], smuggled);
    await sendUntilEnded(app.url, bad);
    await sendUntilEnded(app.url, rawRequest('GET /public//x') + smuggled);
    expect(served).toEqual([]);
  });

  it('requests that allow it share a connection', async () => {
    using client = await RawClient.connect(app.url);
    client.send(
      rawRequest('GET /files/1', [reader]) + rawRequest('GET /files/2') + rawRequest('GET /files/3', [reader]),
    );
    await client.response(2);
    expect(client.responses.map(({ status }) => status)).toEqual([200, 401, 200]);
  });
});

describe('an application that rewrites URLs in front of the middleware', () => {
  it('is not judged by one URL and served another', async () => {
    const app = strictExpress();
    app.use((request, _response, next) => {
      request.url = '/admin/x';
      next();
    });
    app.use(gateway.middleware, serve);
    const running = await listening(app);
    expect((await ask(running.url, rawRequest('GET /files/x', [reader]))).status).toBe(400);
    expect(served).toEqual([]);
    await running.close();
  });
});

describe('an application that routes more laxly than the configuration', () => {
  const wide: GatewaySettings = {
    ...SETTINGS,
    routes: [
      { id: 'wide', match: { path: '/v1/{any}' }, public: true },
      { id: 'admin', match: { path: '/v1/admin' }, require: { scopes: ['knowledge:write'] } },
    ],
  };
  const said: string[] = [];
  const tell: express.ErrorRequestHandler = (error: Error, _request, response, _next) => {
    said.push(error.message);
    response.sendStatus(500);
  };
  const statuses = async (app: express.Express, guard: Gateway): Promise<number[]> => {
    app.use(guard.middleware);
    app.get('/v1/admin', (_request, response) => void response.send('secret'));
    app.use(tell);
    const running = await listening(app);
    const seen: number[] = [];
    for (const path of ['/v1/ADMIN', '/v1/admin/', '/v1/admin'])
      seen.push((await ask(running.url, rawRequest(`GET ${path}`))).status);
    await running.close();
    return seen;
  };
  let guard: Gateway;
  beforeAll(async () => {
    guard = createGateway(
      { ...wide, store: { driver: 'sqlite', path: 'lax/scopegate.db' } },
      { ...OPTIONS, listeners: { gateway: false, admin: false } },
    );
    await guard.start();
  });
  afterAll(() => guard.stop());

  it('serves nothing, and says what to set', async () => {
    expect(await statuses(express(), guard)).toEqual([500, 500, 500]);
    expect(said.splice(0)[0]).toMatch(/case sensitive routing.* or routing: \{ caseSensitive: false \}/);
    expect(await statuses(express().enable('case sensitive routing'), guard)).toEqual([500, 500, 500]);
    expect(said.splice(0)[0]).toMatch(/strict routing.* or routing: \{ ignoreTrailingSlash: true \}/);
    expect(await statuses(strictExpress(), guard)).toEqual([404, 404, 401]);
  });

  it('is served where the configuration is told to be as lax', async () => {
    const lax = createGateway(
      {
        ...wide,
        store: { driver: 'sqlite', path: 'lax2/scopegate.db' },
        routing: { caseSensitive: false, ignoreTrailingSlash: true },
      },
      { ...OPTIONS, listeners: { gateway: false, admin: false } },
    );
    await lax.start();
    expect(await statuses(express(), lax)).toEqual([401, 401, 401]);
    await lax.stop();
  });

  it('does not start, where it is a Fastify application', async () => {
    const register = async (options: object) => fastify({ routerOptions: options }).register(guard.fastify);
    await expect(register({ caseSensitive: false })).rejects.toThrow(/caseSensitive/);
    await expect(register({ ignoreTrailingSlash: true })).rejects.toThrow(/ignoreTrailingSlash/);
    await register({});
  });
});

describe('decide', () => {
  const rawHeaders = (...lines: string[]) => ['Host', 'api.test', ...lines.flatMap((line) => line.split(': '))];

  it('says who is calling, or why not and how to say so', async () => {
    expect(await gateway.decide({ method: 'GET', url: '/files/x', rawHeaders: rawHeaders(reader) })).toEqual({
      allowed: true,
      permission: expect.objectContaining({ routeId: 'read', caller: expect.objectContaining({ subject: 'bob' }) }),
      headers: [],
    });
    expect(await gateway.decide({ url: '/files/x', rawHeaders: rawHeaders() })).toMatchObject({
      allowed: false,
      reason: 'token_missing',
      status: 401,
      body: expect.stringContaining('4100'),
    });
    expect(await gateway.decide({ url: '/files/x', rawHeaders: [reader] })).toMatchObject({ reason: 'bad_request' });
    const lower = { method: 'put', url: '/public/x', rawHeaders: rawHeaders() };
    expect(await gateway.decide(lower)).toMatchObject({ reason: 'bad_request' });
  });

  it('asks where the request comes from; one that says nothing of it comes from nowhere', async () => {
    const url = `${addresses.admin}/v1/organizations/acme/tokens`;
    const headers = { authorization: `Bearer ${addresses.adminKey}`, 'content-type': 'application/json' };
    const grant = { owner: 'bob', scopes: ['workflows:read'], workspaces: ['ws_sales'], expiresInDays: 1 };
    const body = JSON.stringify({ name: 'office', ...grant, allowedAddresses: ['10.0.0.0/8'] });
    const { token } = (await (await fetch(url, { method: 'POST', headers, body })).json()) as { token: string };
    const request = { url: '/files/x', rawHeaders: rawHeaders(`Authorization: Bearer ${token}`) };
    const from = (remoteAddress: string) => gateway.decide({ ...request, socket: { remoteAddress } });
    expect(await from('::ffff:10.1.2.3')).toMatchObject({ allowed: true });
    for (const refused of [from('203.0.113.9'), gateway.decide(request)])
      expect(await refused).toMatchObject({ allowed: false, reason: 'address_not_allowed', status: 403 });
  });

  it('judges the start of a WebSocket, given the request itself', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.on('upgrade', async (request, socket) => {
      const decision = await gateway.decide(request);
      socket.end(`HTTP/1.1 ${decision.allowed ? 101 : decision.status} x\r\nContent-Length: 0\r\n\r\n`);
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
    expect((await sendUntilEnded(url, rawRequest('GET /files/x', [reader, ...upgrade]))).received).toMatch(/ 101 /);
    expect((await sendUntilEnded(url, rawRequest('GET /files/x', upgrade))).received).toMatch(/ 401 /);
    server.close();
  });
});

describe('createGateway', () => {
  it('runs what serve runs, from a file: gateway and sidecar, on a copy of the same store', async () => {
    const path = join(folder, 'gateway.yaml');
    writeFileSync(
      path,
      `gateway: { port: 0 }
admin: { port: 0 }
policy: ${shippedPolicy('coze')}
store: { driver: sqlite, path: data/scopegate.db }
upstreams: { app: { targets: ["http://127.0.0.1:9"] } }
routes: [{ id: read, match: { path: "/files/**" }, require: { scopes: ["workflows:read"] }, upstream: app }]
`,
    );
    await using other = createGateway(path, OPTIONS);
    const { gateway: url, admin } = await other.start();
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);
    expect((await ask(url!, rawRequest('GET /files/x'))).status).toBe(401);
    expect((await ask(url!, rawRequest('GET /files/x', [reader]))).status).toBe(502);
    await other.stop();
    await expect(fetch(`${admin}/readyz`)).rejects.toThrow();
  });

  it('opens the ports that it is told to, and the decision listener of its settings', async () => {
    const settings = { ...SETTINGS, decision: { port: 0, for: 'envoy' as const } };
    await using other = createGateway(settings, { ...OPTIONS, listeners: { gateway: false, admin: false } });
    const opened = await other.start();
    expect(opened).toMatchObject({ gateway: null, admin: null, decision: expect.stringMatching(/^http:/) });
    expect((await ask(opened.decision!, rawRequest('GET /files/x', [reader]))).status).toBe(200);
  });

  it('forwards nothing where it has no upstreams', async () => {
    await using other = createGateway(
      { ...SETTINGS, gateway: { port: 0 } },
      { ...OPTIONS, listeners: { admin: false } },
    );
    const { gateway: url } = await other.start();
    expect((await ask(url!, rawRequest('GET /public/x'))).status).toBe(404);
  });

  it('refuses everything before it is started and after it is stopped', async () => {
    const other = createGateway(SETTINGS, { ...OPTIONS, listeners: { gateway: false, admin: false } });
    const app = await listening((request, response) =>
      other.middleware(request, response, () => serve(request, response)),
    );
    const status = async () => (await ask(app.url, rawRequest('GET /public/x'))).status;
    expect(await status()).toBe(503);
    await expect(other.decide({ url: '/public/x', rawHeaders: [] })).rejects.toThrow('await start() first');
    await Promise.all([other.start(), other.start()]);
    expect(await status()).toBe(200);
    await other.stop();
    expect(await status()).toBe(503);
    await other.start();
    expect(await status()).toBe(200);
    await other.stop();
    await app.close();
  });

  it('says everything that is wrong with settings at once, and shows where', () => {
    const wrong = { ...SETTINGS, gatway: {}, routes: [{ id: 'x', match: { path: '/x' }, upstream: 'nowhere' }] };
    const error = (() => {
      try {
        createGateway(wrong as GatewaySettings, OPTIONS);
      } catch (caught) {
        return caught as ConfigError;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error!.message).toMatch(/unknown key "gatway" \(did you mean "gateway"\?\), at "gatway": \{\}/);
    const unknown = { ...SETTINGS, routes: [{ id: 'x', match: { path: '/x' }, upstream: 'nowhere' }] };
    expect(() => createGateway(unknown, OPTIONS)).toThrow('there is no upstream "nowhere", at "upstream": "nowhere"');
    expect(() => createGateway('/nowhere/gateway.yaml')).toThrow('cannot be read: no such file');
  });
});

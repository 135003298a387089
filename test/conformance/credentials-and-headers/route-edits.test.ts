/** What a route changes on the way: it wins over what clients and upstreams say, and never opens anything. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestGateway } from '../../support/gateway.ts';
import { RawClient, type RawResponse, rawRequest } from '../../support/raw.ts';
import { askOnce } from '../ask-once.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
let gateway: TestGateway;
const APP = 'https://app.test';

beforeAll(async () => {
  const READ = { require: { scopes: ['workflows:read'] } };
  const WRITE = { require: { scopes: ['workflows:write'] } };
  const cors = { origins: [APP, 'https://*.pages.test'], credentials: true, exposeHeaders: ['X-Total'] };
  gateway = await at.start({
    settings: { defaults: { cors: { origins: [APP] } } },
    routes: [
      {
        id: 'npm',
        match: { path: '/npm/**' },
        rewrite: { strip: '/npm', add: '/registry' },
        encodedSlashes: 'keep',
        ...READ,
      },
      {
        id: 'model',
        match: { path: '/model' },
        headers: { set: { Authorization: 'Bearer provider', 'X-Tenant': 'ours' }, remove: ['Cookie', 'X-Debug'] },
        answerHeaders: { set: { 'Strict-Transport-Security': 'max-age=1' }, remove: ['Server', 'X-Powered-By'] },
        cors: 'none',
        ...READ,
      },
      { id: 'read', match: { methods: ['GET'], path: '/data' }, cors, ...READ },
      { id: 'write', match: { methods: ['PUT'], path: '/data' }, cors, ...WRITE },
      { id: 'office', match: { path: '/office' }, cors, allowFrom: ['10.0.0.0/8'], ...READ },
      { id: 'own', match: { methods: ['OPTIONS'], path: '/own' }, public: true },
      { id: 'own-get', match: { methods: ['GET'], path: '/own' }, ...READ },
    ],
  });
});
afterAll(() => gateway.stop());

const reader = () => `Authorization: Bearer ${gateway.tokens.reader}`;

const ask = (line: string, lines: readonly string[] = []) => askOnce(gateway.url, at.upstream, line, lines);

attack({
  name: 'a rewritten path is the one that was judged, without and with whole segments',
  outcome: 'forwarded with the rest byte for byte; 400 for whatever was refused before',
  sources: ['RFC 3986 section 5.2.4'],
})(() => {
  test.each([
    ['/npm/x?a=%2e%2e', '/registry/x?a=%2e%2e'],
    ['/npm', '/registry'],
    ['/npm/', '/registry/'],
    ['/%6Epm/x', '/registry/x'],
    ['/npm/@scope%2fname', '/registry/@scope%2fname'],
    ['/npm/npm/x', '/registry/npm/x'],
  ])('%s: %s', async (sent, seen) => {
    const [answer, request] = await ask(`GET ${sent}`, [reader(), 'X-Forwarded-Prefix: /evil']);
    expect([answer.status, request?.target]).toEqual([200, seen]);
    expect(request!.all('x-forwarded-prefix')).toEqual(['/npm']);
  });

  test.each(['/npm/../data', '/npm/%2e%2e/data', '/npm//x', '/npm/x%2f..%2fy', '/npm%2fx', '/npm/..;/x', '/npm\\x'])(
    '%s',
    async (sent) => {
      expect((await ask(`GET ${sent}`, [reader()]))[1]).toBeNull();
    },
  );
});

attack({
  name: 'a header that a route sets is not the client’s to say, in any spelling',
  outcome: 'the upstream sees the route’s value, once',
  sources: ['CVE-2025-64484'],
})(() => {
  test('towards the upstream', async () => {
    const [answer, request] = await ask('GET /model', [
      reader(),
      'X-Tenant: evil',
      'X_Tenant: evil',
      'x-tenant: evil',
      'X.Tenant: evil',
      'Cookie: a=b',
      'X-Debug: 1',
      'x_debug: 1',
      'X-Other: stays',
      'Connection: X-Tenant, Authorization',
    ]);
    expect(answer.status).toBe(200);
    expect(request!.all('x-tenant')).toEqual(['ours']);
    expect(request!.all('authorization')).toEqual(['Bearer provider']);
    expect(request!.text).not.toMatch(/evil|cookie|debug/i);
    expect(request!.header('x-other')).toBe('stays');
    expect(request!.text).not.toContain(gateway.tokens.reader);
  });

  test('no value that was set stands in a log, a status or a refusal', async () => {
    await ask('GET /model', ['Authorization: Bearer pat_x']);
    const { body } = await gateway.admin('GET', '/v1/status');
    expect(JSON.stringify(body) + gateway.logLines.join()).not.toContain('provider');
  });

  test('in answers, those of the gateway included', async () => {
    const [answer] = await ask('GET /model', [reader()]);
    expect(answer.all('strict-transport-security')).toEqual(['max-age=1']);
    const [refusal] = await ask('GET /model');
    expect([refusal.status, refusal.all('strict-transport-security')]).toEqual([401, ['max-age=1']]);
  });
});

attack({
  name: 'what a route sets or takes away does not come back in a trailer, an interim answer or a switch of protocols',
  outcome: 'dropped there, too; the rest crosses',
  sources: ['RFC 9110 section 6.5.1', 'RFC 8297'],
})(() => {
  test('trailers of a request, which some upstreams put among its headers', async () => {
    const trailers = ['X-Tenant: evil', 'x_tenant: evil', 'Cookie: a=b', 'X.Debug: 1', 'X-Checksum: 7'];
    const body = `3\r\nabc\r\n0\r\n${trailers.join('\r\n')}\r\n\r\n`;
    const client = await RawClient.connect(gateway.url);
    const request = rawRequest('POST /model', [reader(), 'Transfer-Encoding: chunked'], body);
    const answer = await client.send(request).response();
    client.close();
    expect(answer.status).toBe(200);
    const seen = at.upstream.requests.at(-1)!;
    expect(seen.trailers).toEqual([['X-Checksum', '7']]);
    expect(seen.all('x-tenant')).toEqual(['ours']);
  });

  test('trailers and interim answers of an upstream', async () => {
    const link = `<${at.upstream.url}/style.css>; rel=preload`;
    at.upstream.reply = () =>
      [
        `HTTP/1.1 103 Early Hints\r\nLink: ${link}\r\n\r\n`,
        'HTTP/1.1 104 Going\r\nServer: secret\r\nX-Other: stays\r\n\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Server, X-Sum\r\n\r\n',
        '0\r\nServer: secret\r\nx-powered-by: secret\r\nX-Sum: 7\r\n\r\n',
      ].join('');
    const client = await RawClient.connect(gateway.url);
    const answer = await client.send(rawRequest('GET /model', [reader()])).response();
    client.close();
    expect(answer.trailers).toEqual([['X-Sum', '7']]);
    expect(client.received).not.toContain('secret');
    expect(client.received).toContain('X-Other: stays');
    expect(client.received).toContain('Link: <http://api.test/style.css>; rel=preload');
    expect(client.received).not.toContain(at.upstream.url);
  });

  test('the answer that switches protocols', async () => {
    at.upstream.reply = () =>
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\nServer: secret\r\nX-Other: stays\r\n\r\n';
    const client = await RawClient.connect(gateway.url);
    client.send(rawRequest('GET /model', [reader(), 'Connection: Upgrade', 'Upgrade: chat']));
    await client.untilText('X-Other: stays');
    await client.untilText('\r\n\r\n');
    client.close();
    expect(client.received).not.toContain('secret');
    expect(client.received).toContain('Strict-Transport-Security: max-age=1');
  });
});

attack({
  name: 'an origin that is not named reads no answer, whatever the upstream allows',
  outcome: 'no Access-Control header but for named origins; Vary says so',
  sources: ['Fetch section 3.2'],
})(() => {
  const allowed = (answer: RawResponse) => answer.all('access-control-allow-origin');

  test.each([APP, 'https://a.pages.test'])('%s may read answers and refusals', async (origin) => {
    const [answer] = await ask('GET /data', [reader(), `Origin: ${origin}`]);
    expect([answer.status, allowed(answer)]).toEqual([200, [origin]]);
    expect(answer.all('access-control-allow-credentials')).toEqual(['true']);
    expect(answer.all('access-control-expose-headers')).toEqual(['X-Total']);
    const [refusal] = await ask('GET /data', [`Origin: ${origin}`]);
    expect([refusal.status, allowed(refusal), refusal.all('vary')]).toEqual([401, [origin], ['Origin']]);
  });

  test.each([
    'null',
    'https://evil.test',
    'http://app.test',
    'https://app.test.evil.test',
    'https://xpages.test',
    'https://.pages.test',
    'https://a.pages.test:8443',
    'https://a.pages.test.',
    'https://evil.test/.pages.test',
    'https://evil.test#.pages.test',
    'https://u@a.pages.test',
    'https://A.pages.test',
    'https://APP.test',
    `${APP}:443`,
    `${APP}/`,
    'file://',
    'chrome-extension://app.test',
    '*',
    '',
    `${APP}, ${APP}`,
  ])('%s may not', async (origin) => {
    for (const lines of [[reader(), `Origin: ${origin}`], [`Origin: ${origin}`]]) {
      const [answer] = await ask('GET /data', lines);
      expect([allowed(answer), answer.all('vary')]).toEqual([[], ['Origin']]);
    }
  });

  test('what no route takes is told to the origins of the defaults', async () => {
    const [named] = await ask('GET /nowhere', [`Origin: ${APP}`]);
    expect([named.status, allowed(named)]).toEqual([404, [APP]]);
    const [other] = await ask('GET /nowhere', ['Origin: https://a.pages.test']);
    expect([other.status, allowed(other)]).toEqual([404, []]);
  });

  test('without cors, CORS is the upstream’s own business', async () => {
    const [answer] = await ask('GET /model', [reader(), `Origin: ${APP}`]);
    expect([answer.status, allowed(answer), answer.all('vary')]).toEqual([200, [], []]);
  });
});

attack({
  name: 'a preflight opens nothing: it is answered by the gateway and reaches no upstream',
  outcome: '204 with what the route of the wanted method allows, without a token; 403 where its addresses are others',
  sources: ['Fetch section 3.2.2'],
})(() => {
  const preflight = (origin: string, method: string) => [
    `Origin: ${origin}`,
    `Access-Control-Request-Method: ${method}`,
    'Access-Control-Request-Headers: authorization, x-a',
  ];

  test.each(['GET', 'PUT'])('%s of a known path', async (method) => {
    const [answer, request] = await ask('OPTIONS /data', preflight(APP, method));
    expect([answer.status, request]).toEqual([204, null]);
    expect(answer.all('access-control-allow-origin')).toEqual([APP]);
    expect(answer.all('access-control-allow-methods')).toEqual([method]);
    expect(answer.all('access-control-allow-headers')).toEqual(['authorization, x-a']);
  });

  test('of another origin is told nothing', async () => {
    const [answer, request] = await ask('OPTIONS /data', preflight('https://evil.test', 'PUT'));
    expect([answer.status, request, answer.all('access-control-allow-origin')]).toEqual([204, null, []]);
  });

  test('of a method that no route has, of no path, and of an address that may not ask', async () => {
    expect((await ask('OPTIONS /data', preflight(APP, 'DELETE')))[0].status).toBe(405);
    expect((await ask('OPTIONS /nowhere', preflight(APP, 'GET')))[0].status).toBe(404);
    const [answer, request] = await ask('OPTIONS /office', preflight(APP, 'GET'));
    expect([answer.status, request, answer.all('access-control-allow-origin')]).toEqual([403, null, [APP]]);
  });

  test('that is none is an OPTIONS as any other', async () => {
    expect((await ask('OPTIONS /data', [`Origin: ${APP}`]))[0].status).toBe(405);
    expect((await ask('OPTIONS /npm/x', [`Origin: ${APP}`]))[0].status).toBe(401);
  });

  test('a route that says OPTIONS itself gets it', async () => {
    const [answer, request] = await ask('OPTIONS /own', preflight(APP, 'GET'));
    expect([answer.status, request?.method]).toEqual([200, 'OPTIONS']);
  });
});

describe('Basic for a page of a named origin', () => {
  test('counts, as that of our own', async () => {
    await using basic = await at.start({
      routes: [
        {
          id: 'x',
          match: { path: '/x' },
          credentials: ['basic'],
          cors: { origins: [APP], credentials: true },
          require: { scopes: ['workflows:read'] },
        },
      ],
    });
    const status = async (origin: string) => {
      const encoded = Buffer.from(`u:${basic.tokens.reader}`).toString('base64');
      const client = await RawClient.connect(basic.url);
      const lines = [`Authorization: Basic ${encoded}`, `Origin: ${origin}`];
      const answer = await client.send(rawRequest('GET /x', lines)).response();
      client.close();
      return answer.status;
    };
    expect([await status(APP), await status('https://evil.test')]).toEqual([200, 401]);
  });
});

attack({
  name: 'an upstream that names itself leads no client around the gateway',
  outcome: 'Location, Content-Location and Link name the gateway; those of others stay',
  sources: ['RFC 9110 section 10.2.2'],
})(() => {
  const located = async (line: string, location: string, lines: readonly string[] = []) => {
    at.upstream.reply = () =>
      `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nServer: x\r\nLink: <${location}>; rel="next"\r\nContent-Length: 0\r\n\r\n`;
    const [answer] = await ask(line, [reader(), ...lines]);
    expect(answer.status).toBe(302);
    expect(answer.all('link')).toEqual([`<${answer.all('location')[0]}>; rel="next"`]);
    return answer.all('location')[0];
  };

  test('its own address becomes the one under which the client came, with the path as clients ask for it', async () => {
    expect(await located('GET /npm/x', `${at.upstream.url}/registry/y?a=1`)).toBe('http://api.test/npm/y?a=1');
    expect(await located('GET /npm/x', '/registry/y')).toBe('/npm/y');
    expect(await located('GET /npm/x', '/login')).toBe('/login');
    expect(await located('GET /data', `${at.upstream.url}/y`)).toBe('http://api.test/y');
    expect(await located('GET /data', `${at.upstream.url}/y`, [`Origin: ${APP}`])).toBe('http://api.test/y');
  });

  test('another’s stays', async () => {
    expect(await located('GET /npm/x', 'https://elsewhere.test/registry/y')).toBe('https://elsewhere.test/registry/y');
    expect(await located('GET /npm/x', 'http://api.test/registry/y')).toBe('http://api.test/registry/y');
  });

  test('by gateway.publicUrl, by the host that routes name, and not at all where the route says so', async () => {
    const open = { public: true };
    await using other = await at.start({
      settings: { gateway: { publicUrl: 'https://public.test' } },
      routes: [
        { id: 'a', match: { path: '/a' }, ...open },
        { id: 'b', match: { hosts: ['b.test'], path: '/b' }, ...open },
        { id: 'c', match: { path: '/c' }, rewriteLocations: false, ...open },
      ],
    });
    at.upstream.reply = () => `HTTP/1.1 201 Created\r\nLocation: ${at.upstream.url}/y\r\nContent-Length: 0\r\n\r\n`;
    const location = async (path: string, host: string) => {
      const client = await RawClient.connect(other.url);
      const answer = await client.send(rawRequest(`GET ${path}`, [`Host: ${host}`])).response();
      client.close();
      return answer.all('location')[0];
    };
    expect(await location('/a', 'anything.test')).toBe('https://public.test/y');
    expect(await location('/b', 'B.test:8080')).toBe('http://B.test:8080/y');
    expect(await location('/c', 'anything.test')).toBe(`${at.upstream.url}/y`);
  });
});

/**
 * The configurations of docs/forward-auth.md that no test can run, because their proxies are not to be had here: held
 * against what those proxies document, and the listener asked in the way that they document.
 */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { IDENTITY_NAMES } from '../../src/edge/forward/identity.ts';
import { startTestGateway } from '../support/gateway.ts';
import { configurationOf } from '../support/proxies.ts';
import { ask, rawRequest } from '../support/raw.ts';

const DOCUMENT = 'docs/forward-auth.md';
const COPIED = [...IDENTITY_NAMES, 'X-Request-Id', 'X-Scopegate-Decision-Id'];
const FORGED = ['x-scopegate-role', 'x-http-method-override', 'x-method-override', 'x-original-url', 'x-rewrite-url'];
const ROUTES = [
  { id: 'public', match: { path: '/public/**' }, public: true },
  { id: 'files', match: { methods: ['GET', 'POST'], path: '/files/**' }, require: { scopes: ['workflows:read'] } },
  {
    id: 'by-header',
    match: { path: '/by-header' },
    require: { scopes: ['workflows:read'], workspace: { from: 'header.X-Workspace', as: 'workspace', role: 'member' } },
  },
];

async function deciding(proxy: 'traefik' | 'envoy') {
  const settings = { decision: { port: 0, for: proxy } };
  const gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', routes: ROUTES, settings });
  const reader = `Authorization: Bearer ${gateway.tokens.reader}`;
  const status = async (line: string, headers: readonly string[]) =>
    (await ask(gateway.running.decisionUrl!, rawRequest(line, headers))).status;
  return { reader, status, [Symbol.asyncDispose]: () => gateway.stop() };
}

/** The block whose text begins with `start`. */
function documented<T>(start: string): T {
  for (let nth = 0; ; nth++) {
    const text = configurationOf(DOCUMENT, 'yaml', nth);
    if (text.startsWith(start)) return parse(text) as T;
  }
}

describe('Traefik', () => {
  const { http } = documented<{ http: Record<string, Record<string, unknown>> }>('http:\n');
  const { forwardAuth } = http.middlewares!.scopegate as { forwardAuth: Record<string, string> };

  it('copies every identity header, and takes the token away behind the question', () => {
    expect(Object.keys(forwardAuth).sort()).toEqual(['address', 'authResponseHeadersRegex']);
    const copied = new RegExp(forwardAuth.authResponseHeadersRegex!);
    expect(COPIED.filter((name) => !copied.test(name))).toEqual([]);
    expect(['Authorization', 'Host', 'Content-Length', 'X-Request-Id-Of'].filter((name) => copied.test(name))).toEqual(
      [],
    );
    const { middlewares, service } = http.routers!.api as { middlewares: string[]; service: string };
    expect(middlewares).toEqual(['scopegate', 'without-token']);
    expect(http.middlewares).toHaveProperty('without-token.headers.customRequestHeaders.Authorization', '');
    expect(http.services).toHaveProperty(service);
  });

  it('is answered when it asks as it documents: GET of the address, the request in X-Forwarded-…', async () => {
    await using at = await deciding('traefik');
    const asked = (method: string, uri: string) => [
      'User-Agent: curl/8.5.0',
      'Accept-Encoding: gzip',
      `X-Forwarded-Method: ${method}`,
      `X-Forwarded-Uri: ${uri}`,
      'X-Forwarded-Host: api.test',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Port: 443',
      'X-Forwarded-Server: traefik',
      'X-Forwarded-For: 203.0.113.7',
      'X-Real-Ip: 203.0.113.7',
    ];
    expect(await at.status('GET /', [at.reader, ...asked('POST', '/files/x?y=1')])).toBe(200);
    expect(await at.status('GET /', [at.reader, ...asked('DELETE', '/files/x')])).toBe(405);
    expect(await at.status('GET /', asked('GET', '/files/x'))).toBe(401);
    for (const name of FORGED) expect(await at.status('GET /', [...asked('GET', '/public/x'), `${name}: x`])).toBe(400);
  });
});

describe('Envoy', () => {
  type Matcher = { exact?: string; prefix?: string };
  interface Filter {
    name: string;
    typed_config: {
      '@type': string;
      failure_mode_allow: boolean;
      encode_raw_headers: boolean;
      allowed_headers: { patterns: Matcher[] };
      http_service: {
        server_uri: object;
        authorization_response: { allowed_upstream_headers: { patterns: Matcher[] } };
      };
    };
  }
  const { http_filters: filters } = documented<{ http_filters: Filter[] }>('http_filters:');
  const [{ typed_config: config }] = filters as [Filter];
  const matches = (patterns: Matcher[], name: string) =>
    patterns.some(({ exact, prefix }) => name === exact || (prefix !== undefined && name.startsWith(prefix)));

  it('shows the listener what it would refuse, copies every identity header, and lets nothing pass in an outage', () => {
    expect(filters.map(({ name }) => name)).toEqual(['envoy.filters.http.ext_authz', 'envoy.filters.http.router']);
    expect([config.failure_mode_allow, config.encode_raw_headers]).toEqual([false, true]);
    expect(Object.keys(config.http_service).sort()).toEqual(['authorization_response', 'server_uri']);
    const asked = config.allowed_headers.patterns;
    const copied = config.http_service.authorization_response.allowed_upstream_headers.patterns;
    // An empty matcher is one that Envoy does not start with.
    expect([...asked, ...copied].every(({ exact, prefix }) => (exact ?? prefix ?? '') !== '')).toBe(true);
    expect([...FORGED, 'x-forwarded-for'].filter((name) => !matches(asked, name))).toEqual([]);
    expect(COPIED.filter((name) => !matches(copied, name.toLowerCase()))).toEqual([]);
  });

  it('is answered when it asks as it documents: the method and path of the request, no body', async () => {
    await using at = await deciding('envoy');
    const own = [
      'content-length: 0',
      'x-forwarded-for: 203.0.113.7',
      'x-forwarded-proto: https',
      'x-envoy-internal: true',
    ];
    expect(await at.status('POST /files/x?y=1', [at.reader, ...own])).toBe(200);
    expect(await at.status('DELETE /files/x', [at.reader, ...own])).toBe(405);
    expect(await at.status('GET /files/x', own)).toBe(401);
    for (const name of FORGED) expect(await at.status('GET /public/x', [...own, `${name}: x`])).toBe(400);
    // With encode_raw_headers two stay two.
    expect(await at.status('GET /by-header', [at.reader, ...own, 'x-workspace: ws_sales'])).toBe(200);
    expect(
      await at.status('GET /by-header', [at.reader, ...own, 'x-workspace: ws_sales', 'x-workspace: ws_legal']),
    ).toBe(400);
    expect(await at.status('GET /files/x', [at.reader, at.reader, ...own])).toBe(401);
  });
});

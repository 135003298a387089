/**
 * What scopegate is measured against: a bare http-proxy-3 behind node:http with a keep-alive agent and the same check
 * in process memory (bearer, SHA-256, LRU, expiry, state, scope, workspace). No limits, no header rules, no metrics.
 * Reads its upstream and its tokens from standard input; with a certificate it serves HTTPS, HTTP/2 where that is asked for.
 */
import { hash } from 'node:crypto';
import { Agent, createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { createProxyServer } from 'http-proxy-3';
import { LRUCache } from 'lru-cache';

export interface ProxySetup {
  readonly upstream: string;
  readonly tokens: ReadonlyArray<{
    readonly hash: string;
    readonly expiresAtMs: number;
    readonly state: string;
    readonly scopes: readonly string[];
    readonly workspaces: readonly string[];
  }>;
  /** Workspace by environment. */
  readonly environments: Readonly<Record<string, string>>;
  /** Most connections to the upstream; a stream takes one for itself. Absent: 128. */
  readonly maxSockets?: number;
  /** PEM. Absent: HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly http2: boolean };
}

const setup = JSON.parse(await text(process.stdin)) as ProxySetup;
const tokens = new LRUCache<
  string,
  { state: string; expiresAtMs: number; scopes: Set<string>; workspaces: Set<string> }
>({
  max: 10_000,
});
for (const token of setup.tokens) {
  tokens.set(token.hash, { ...token, scopes: new Set(token.scopes), workspaces: new Set(token.workspaces) });
}
const environments = new Map(Object.entries(setup.environments));

const agent = new Agent({ keepAlive: true, maxSockets: setup.maxSockets ?? 128 });
const proxy = createProxyServer({ target: setup.upstream, agent });
proxy.on('error', (error, _request, response) => {
  process.stderr.write(`http-proxy-3: ${error.message}\n`);
  if ('headersSent' in response && !response.headersSent) refuse(response as ServerResponse, 502);
  else response.destroy();
});

/** What to refuse a request with; 200: it may pass. */
function check({ headers, url }: { readonly headers: IncomingMessage['headers']; readonly url?: string | undefined }) {
  const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
  const facts = token === undefined ? undefined : tokens.get(hash('sha256', token, 'base64url'));
  if (facts === undefined || facts.state !== 'active' || Date.now() >= facts.expiresAtMs) return 401;
  const environment = new URL(url ?? '/', 'http://gateway').searchParams.get('environmentId') ?? '';
  const workspace = environments.get(environment);
  return facts.scopes.has('workflows:read') && workspace !== undefined && facts.workspaces.has(workspace) ? 200 : 403;
}

const listener: RequestListener = (request, response) => {
  const status = check(request);
  if (status !== 200) return refuse(response, status);
  return proxy.web(request, response);
};
const server = serve(setup.tls);
server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
  const status = check(request);
  if (status === 200) proxy.ws(request, socket, head);
  else socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`);
});
server.listen(0, '127.0.0.1', 4096, () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(
    `${JSON.stringify({ gateway: `${setup.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}` })}\n`,
  );
});

function serve(tls: ProxySetup['tls']) {
  if (tls?.http2 === true) {
    // http-proxy-3 takes these requests, which its types do not say.
    type Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;
    return createSecureServer({ ...tls, allowHTTP1: true }, listener as unknown as Listener);
  }
  const made = tls === undefined ? createServer(listener) : createHttpsServer(tls, listener);
  made.keepAliveTimeout = 72_000;
  return made;
}

function refuse(response: ServerResponse, status: number): void {
  const body = JSON.stringify({ code: status });
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

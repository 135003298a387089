/**
 * What scopegate is measured against: a bare http-proxy-3 behind node:http with a keep-alive agent and the same check
 * in process memory (bearer, SHA-256, LRU, expiry, state, scope, workspace). No limits, no header rules, no metrics.
 * Reads its upstream and its tokens from standard input.
 */
import { hash } from 'node:crypto';
import { Agent, createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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

const proxy = createProxyServer({ target: setup.upstream, agent: new Agent({ keepAlive: true, maxSockets: 128 }) });
proxy.on('error', (_error, _request, response) => refuse(response as ServerResponse, 502));

const server = createServer((request, response) => {
  const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1];
  const facts = token === undefined ? undefined : tokens.get(hash('sha256', token, 'base64url'));
  if (facts === undefined || facts.state !== 'active' || Date.now() >= facts.expiresAtMs) return refuse(response, 401);
  const environment = new URL(request.url ?? '/', 'http://gateway').searchParams.get('environmentId') ?? '';
  const workspace = environments.get(environment);
  if (!facts.scopes.has('workflows:read') || workspace === undefined || !facts.workspaces.has(workspace)) {
    return refuse(response, 403);
  }
  return proxy.web(request, response);
});
server.keepAliveTimeout = 72_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ gateway: `http://127.0.0.1:${port}` })}\n`);
});

function refuse(response: ServerResponse, status: number): void {
  const body = JSON.stringify({ code: status });
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

/**
 * nginx as an upstream and as a candidate: whether it is there, its configurations, its start. The candidates are set as
 * their operator would set them for this load: connections kept on both sides, bodies in memory, one worker.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../../src/errors.ts';
import type { Owned } from '../../src/owned.ts';
import { MEASURED_CORE, OTHER_CORE, startProgram } from '../children.ts';
import type { ProxySetup } from '../processes/http-proxy-3.ts';
import { SCENARIOS, type Variant } from './scenarios.ts';

/** `proxy`: checks nothing. `lua`: checks tokens. `lua-headers`: also rewrites headers and counts. */
export type NginxKind = 'proxy' | 'lua' | 'lua-headers';

interface NginxProxy {
  readonly kind: NginxKind;
  readonly variant: Variant;
  readonly folder: string;
  readonly upstream: string;
  readonly setup: ProxySetup;
  readonly tls: { readonly cert: string; readonly key: string };
  readonly accessLog: string;
}

interface Running {
  readonly pid: number;
  readonly url: string;
}

const PROCESSES = fileURLToPath(new URL('../processes', import.meta.url));
/** Where Debian puts what lua-resty-core and lua-resty-lrucache bring. */
const LUA_LIBRARIES = '/usr/share/lua/5.1';
const FOREVER = 'keepalive_requests 1000000000; keepalive_timeout 600s;';

export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v']).status === 0;
}

export function hasLua(): boolean {
  return [...luaModules(), ...['core', 'lrucache'].map((name) => `${LUA_LIBRARIES}/resty/${name}.lua`)].every((path) =>
    existsSync(path),
  );
}

/** In the order in which they are loaded. */
function luaModules(): string[] {
  const built = spawnSync('nginx', ['-V'], { encoding: 'utf8' }).stderr ?? '';
  const folder = /--modules-path=(\S+)/.exec(built)?.[1] ?? '/usr/lib/nginx/modules';
  return [join(folder, 'ndk_http_module.so'), join(folder, 'ngx_http_lua_module.so')];
}

/** Answers every path of the scenarios with a file of that many bytes, the shortest from memory. */
export async function startNginxUpstream(owned: Owned, folder: string): Promise<Running> {
  const files = join(folder, 'upstream', 'api', 'v1', 'workflows');
  mkdirSync(files, { recursive: true });
  for (const { answerBytes } of SCENARIOS) writeFileSync(join(files, String(answerBytes)), bodyOf(answerBytes));
  const [small] = SCENARIOS;
  const port = await freePort();
  return start(owned, OTHER_CORE, folder, 'upstream', `http://127.0.0.1:${port}`, {
    main: '',
    http: `default_type application/json; sendfile on; etag off; open_file_cache max=16; ${FOREVER}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${join(folder, 'upstream')};
    location = /api/v1/workflows/${small!.answerBytes} { return 200 '${bodyOf(small!.answerBytes)}'; }
  }`,
  });
}

function bodyOf(bytes: number): string {
  return '{"received":0,"data":"'.padEnd(bytes, 'x');
}

export async function startNginxProxy(owned: Owned, proxy: NginxProxy): Promise<Running> {
  const { kind, variant, folder, upstream } = proxy;
  const name = `${kind}-${variant}`;
  const port = await freePort();
  const encrypted = variant === 'tls' || variant === 'http2';
  const facts = join(folder, `${name}.facts`);
  if (kind !== 'proxy') writeFileSync(facts, luaFacts(proxy.setup));
  const lua = `lua_package_path "${PROCESSES}/?.lua;${LUA_LIBRARIES}/?.lua;;"; lua_shared_dict windows 10m;
  init_worker_by_lua_block { check = require 'nginx-check'; check.load('${facts}') }`;
  const listen = `listen 127.0.0.1:${port} backlog=4096${encrypted ? ' ssl' : ''}${variant === 'http2' ? ' http2' : ''};`;
  return start(owned, MEASURED_CORE, folder, name, `${encrypted ? 'https' : 'http'}://127.0.0.1:${port}`, {
    main:
      kind === 'proxy'
        ? ''
        : luaModules()
            .map((path) => `load_module ${path};`)
            .join('\n'),
    http: `${FOREVER} client_body_buffer_size 64k; proxy_max_temp_file_size 0; tcp_nodelay on;
  ${kind === 'proxy' ? '' : lua}
  upstream platform { server ${new URL(upstream).host}; keepalive 2048; ${FOREVER} }
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  log_format line escape=json '{"level":30,"time":$msec,"requestId":"$request_id","routeId":"workflows","status":$status,"msg":"forwarded"}';
  server {
    ${listen}
    ${encrypted ? tlsLines(proxy.tls) : ''}
    ${variant === 'log' ? `access_log ${proxy.accessLog} line;` : ''}
    location / {
      ${checkLines(kind, variant)}
      ${kind === 'lua-headers' ? HEADER_LINES : ''}
      ${variant === 'streams' ? 'proxy_set_header Connection $connection_upgrade; proxy_set_header Upgrade $http_upgrade; proxy_buffering off;' : "proxy_set_header Connection '';"}
      proxy_http_version 1.1;
      proxy_pass http://platform;
    }
  }`,
  });
}

/** Version and cipher as Node's servers choose them: nginx 1.22 leaves TLS 1.3 out, and takes the client's first cipher. */
function tlsLines({ cert, key }: NginxProxy['tls']): string {
  return `ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;`;
}

function checkLines(kind: NginxKind, variant: Variant): string {
  if (kind === 'proxy') return '';
  const limit = variant === 'limits' ? 'check.limit(token)' : '';
  const rewrite = kind === 'lua-headers' ? 'check.rewrite(token, workspace, environment)' : '';
  const count = kind === 'lua-headers' ? 'log_by_lua_block { check.count() }' : '';
  return `access_by_lua_block { local token, workspace, environment = check.token() ${limit} ${rewrite} } ${count}`;
}

/** The part of the rewriting that needs no Lua: as src/edge/forward/headers.ts has it. */
const HEADER_LINES = `proxy_set_header Authorization '';
      proxy_set_header Via '1.1 nginx';
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Request-Id $request_id;
      proxy_hide_header X-Request-Id;
      add_header Via '1.1 nginx' always;
      add_header X-Request-Id $request_id always;`;

/** What nginx-check.lua reads: lines of fields between tabs. */
function luaFacts(setup: ProxySetup): string {
  const tokens = setup.tokens.map((token, index) => [
    'token',
    Buffer.from(token.hash, 'base64url').toString('hex'),
    token.expiresAtMs / 1000,
    token.state,
    token.scopes.join(','),
    token.workspaces.join(','),
    `tok_${String(index).padStart(29, '0')}`,
    `member_${index}`,
    'acme',
  ]);
  const environments = Object.entries(setup.environments).map((pair) => ['environment', ...pair]);
  return [...tokens, ...environments].map((fields) => `${fields.join('\t')}\n`).join('');
}

async function start(
  owned: Owned,
  core: number,
  folder: string,
  name: string,
  url: string,
  { main, http }: { readonly main: string; readonly http: string },
): Promise<Running> {
  const path = join(folder, `${name}.conf`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, `${name}-${kind}`)};`,
  );
  writeFileSync(
    path,
    `${main}
${process.getuid?.() === 0 ? 'user root root;' : ''}
worker_processes 1; daemon off; pid ${join(folder, `${name}.pid`)}; error_log ${join(folder, `${name}.err`)} error;
events { worker_connections 8192; }
http {
  access_log off; ${temporary.join(' ')}
  ${http}
}
`,
  );
  const tried = spawnSync('nginx', ['-t', '-q', '-c', path], { encoding: 'utf8' });
  if (tried.status !== 0) throw new SetupError(`bench: nginx takes ${name}.conf not: ${tried.stderr}`);
  return startProgram(owned, ['nginx', '-c', path], core, url);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

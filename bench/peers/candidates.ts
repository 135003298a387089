/**
 * The candidates of the comparison with peers: which there are, what each needs, and their start in front of one upstream
 * in the way that a scenario asks for. Measures nothing.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owned } from '../../src/owned.ts';
import { first } from '../../test/support/certificates.ts';
import { MEASURED_CORE, startChild, startScopegate } from '../children.ts';
import type { Dataset } from '../dataset.ts';
import { LIMITS } from '../features.ts';
import { proxySetup } from '../traffic.ts';
import { hasLua, hasNginx, type NginxKind, startNginxProxy } from './nginx.ts';
import type { Variant } from './scenarios.ts';

export const SCOPEGATE = 'scopegate';
export const NGINX_LUA = 'nginx + Lua';
export const HTTP_PROXY_3 = 'http-proxy-3';
export const NGINX_LUA_HEADERS = 'nginx + Lua, headers, counters';
const NGINX_PROXY = 'nginx, proxy only';

export interface Candidate {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly checksTokens: boolean;
  /** It is asked to tell the client of its rate limits, where a scenario has them. */
  readonly limits: boolean;
  /** The file of its access log; null: it writes none. */
  readonly accessLog: string | null;
}

export interface Missing {
  readonly what: string;
  readonly instead: string;
  readonly install: string;
}

interface Start {
  readonly folder: string;
  readonly variant: Variant;
  readonly upstream: string;
  readonly dataset: Dataset;
}

const NGINX_PEERS: ReadonlyArray<readonly [string, NginxKind]> = [
  [NGINX_LUA, 'lua'],
  [NGINX_LUA_HEADERS, 'lua-headers'],
  [NGINX_PROXY, 'proxy'],
];
const LUA_PACKAGES = 'apt-get install nginx libnginx-mod-http-lua lua-resty-core lua-resty-lrucache';

/** Those that cannot be started here. */
export function missingCandidates(): Missing[] {
  const skipped = (what: string, install: string) => ({ what, instead: 'skipped', install });
  if (!hasNginx())
    return NGINX_PEERS.map(([name, kind]) => skipped(name, kind === 'proxy' ? 'apt-get install nginx' : LUA_PACKAGES));
  return hasLua() ? [] : [skipped(NGINX_LUA, LUA_PACKAGES), skipped(NGINX_LUA_HEADERS, LUA_PACKAGES)];
}

export async function startCandidates(owned: Owned, start: Start): Promise<Candidate[]> {
  const { folder, variant, upstream, dataset } = start;
  const tls = { cert: join(folder, 'gateway.crt'), key: join(folder, 'gateway.key') };
  writeFileSync(tls.cert, first.cert);
  writeFileSync(tls.key, first.key);
  const setup = proxySetup(dataset, upstream);
  const candidates = [await startOurs(owned, start, tls)];
  const missing = missingCandidates().map(({ what }) => what);
  for (const [name, kind] of NGINX_PEERS.filter(([name]) => !missing.includes(name))) {
    const accessLog = join(folder, `${kind}.log`);
    const running = await startNginxProxy(owned, { kind, variant, folder, upstream, setup, tls, accessLog });
    const checksTokens = kind !== 'proxy';
    const logs = variant === 'log' ? accessLog : null;
    candidates.push({ ...running, name, checksTokens, limits: checksTokens, accessLog: logs });
  }
  const secured = variant === 'tls' || variant === 'http2' ? { tls: { ...first, http2: variant === 'http2' } } : {};
  const proxy = await startChild(owned, './processes/http-proxy-3.ts', MEASURED_CORE, {
    input: JSON.stringify({ ...setup, ...secured, ...(variant === 'streams' ? { maxSockets: 10_000 } : {}) }),
  });
  const { pid, url } = proxy;
  return [...candidates, { pid, url, name: HTTP_PROXY_3, checksTokens: true, limits: false, accessLog: null }];
}

/** As an operator starts it, with more room at the upstream: 2,000 requests at once would overflow the line before it. */
async function startOurs(
  owned: Owned,
  { folder, variant, upstream }: Start,
  tls: { readonly cert: string; readonly key: string },
): Promise<Candidate> {
  const accessLog = variant === 'log' ? join(folder, 'scopegate.log') : null;
  const sections = {
    upstreams: { platform: { targets: [upstream], maxConnections: 256, maxQueued: 4096 } },
    routes: [
      {
        id: 'workflows',
        match: { methods: ['GET', 'POST'], path: '/api/v1/workflows/{id}' },
        require: {
          scopes: ['workflows:read'],
          workspace: { from: 'query.environmentId', as: 'environment', role: 'member' },
        },
        upstream: 'platform',
      },
    ],
    ...(variant === 'limits' ? { limits: LIMITS } : {}),
    ...(accessLog === null ? {} : { log: { level: 'info', access: 'all' } }),
  };
  const settings = variant === 'tls' || variant === 'http2' ? { tls } : {};
  const output = accessLog ?? undefined;
  const { pid, url } = await startScopegate(owned, folder, upstream, settings, sections, 'gateway', output);
  return { pid, url, name: SCOPEGATE, checksTokens: true, limits: true, accessLog };
}

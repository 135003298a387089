/**
 * A whole gateway inside the test's process: its own folder, free ports, a seeded organization (that of the demo, put
 * in over the sidecar's API) and a log that is kept instead of printed. Nothing of it is a stand-in.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setInterval as every } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { request } from 'undici';
import { parse } from 'yaml';
import type { Configuration } from '../../src/config/load/configuration.ts';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { type Seeded, type SeededTokens, seed } from '../../src/demo/seed.ts';
import { type RunningGateway, startGateway } from '../../src/gateway/gateway.ts';
import type { Clock } from '../../src/observe/clock.ts';
import type { Store } from '../../src/store/store.ts';
import { Bell } from './bell.ts';

const LOG_PATIENCE_MS = 10_000;
const READY_LOOKS = 200;
const READY_LOOK_MS = 25;
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** A part of gateway.yaml, as plain data. */
export type Settings = Readonly<Record<string, unknown>>;

export interface TestGatewayOptions {
  /** The origin behind the gateway: the target of the upstream `platform`. Needed without `yaml` and `fill`. */
  readonly upstreamUrl?: string;
  /** The list under `routes`. Absent: that of the repository's gateway.yaml. A route without `upstream` gets `platform`. */
  readonly routes?: readonly Settings[];
  /** Further settings of the upstream `platform`: timeouts, maxConnections, preserveHost … */
  readonly upstream?: Settings;
  /** Whole sections of gateway.yaml that replace the helper's, e.g. `{ cache: {…} }`; `gateway` and `admin` are merged. */
  readonly settings?: Settings;
  /** The policy file; absent: policies/coze.yaml. */
  readonly policy?: string;
  /** The text of gateway.yaml instead of all of the above. It must take free ports and a `store.path` in its folder. */
  readonly yaml?: string;
  /** Puts gateway.yaml, and all that it names, into the empty folder, instead of all of the above. */
  readonly fill?: (folder: string) => void;
  readonly env?: Readonly<Record<string, string>>;
  /** false: no organization; `tokens` and `seeded` are empty then. */
  readonly seed?: boolean;
  readonly clock?: Clock;
  readonly aroundStore?: (opened: Store) => Store;
}

export interface AdminAnswer {
  readonly status: number;
  /** Parsed JSON, or the text where it is none. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface TestGateway extends AsyncDisposable {
  /** Base URL of the hot path. */
  readonly url: string;
  readonly adminUrl: string;
  readonly adminKey: string;
  /** See src/demo/seed.ts for who may do what. */
  readonly tokens: SeededTokens;
  readonly seeded: Seeded;
  /** Holds gateway.yaml and data/; removed by `stop`. */
  readonly folder: string;
  readonly configuration: Configuration;
  readonly running: RunningGateway;
  /** Every line logged so far. */
  readonly logLines: readonly string[];
  /** Resolves once a line that holds `text` was logged. */
  logged(text: string): Promise<void>;
  /** Lines of level error and above: a test that provokes one has found a bug. */
  readonly errorLines: readonly string[];
  /** Calls the sidecar. `path` starts with `/v1`, or, without it, is below the seeded organization. */
  admin(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<AdminAnswer>;
  /** Creates a token and returns its text; what is left out is a personal token of alice for `ws_sales`, 30 days. */
  mint(token: Settings & { readonly scopes: readonly string[] }): Promise<string>;
  /** Drains and removes the folder. Close clients first, or it waits for them. */
  stop(): Promise<void>;
}

/** `await using gateway = await startTestGateway({ upstreamUrl: upstream.url })` stops it at the end of the block. */
export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-test-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    return await start(options, folder, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

async function start(options: TestGatewayOptions, folder: string, remove: () => void): Promise<TestGateway> {
  const path = join(folder, 'gateway.yaml');
  if (options.fill === undefined) writeFileSync(path, options.yaml ?? gatewayYaml(options));
  else options.fill(folder);
  const adminKey = 'test-admin-key-0123456789-0123456789-0123456789';
  const env = { SCOPEGATE_ADMIN_KEY: adminKey, ...options.env };
  const configuration = loadGateway(path, env);
  const logLines: string[] = [];
  const bell = new Bell();
  const write = (line: string) => {
    logLines.push(line);
    bell.ring();
  };
  const log = pino({ level: 'debug', base: null }, { write });
  const { clock, aroundStore } = options;
  const own = { ...(clock === undefined ? {} : { clock }), ...(aroundStore === undefined ? {} : { aroundStore }) };
  const running = await startGateway({ configuration, env, log, ...own });
  const stop = async () => {
    await running.stop();
    remove();
  };
  const adminUrl = running.adminUrl!;
  const seeded = options.seed === false ? NOTHING_SEEDED : await seedOrStop(running, adminKey, stop);

  const admin: TestGateway['admin'] = async (method, below, body, headers = {}) => {
    const full = below.startsWith('/v1') ? below : `/v1/organizations/${seeded.organization}${below}`;
    const answer = await request(`${adminUrl}${full}`, {
      method: method as 'GET',
      headers: {
        authorization: `Bearer ${adminKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: jsonOr(text), headers: answer.headers };
  };
  const mint: TestGateway['mint'] = async (token) => {
    const expiry = 'neverExpires' in token || 'expiresAt' in token ? {} : { expiresInDays: 30 };
    const wanted = { owner: 'alice', name: 'minted', workspaces: ['ws_sales'], ...expiry, ...token };
    const { status, body } = await admin('POST', '/tokens', wanted);
    if (status !== 201) throw new Error(`the sidecar refused a token: ${JSON.stringify(body)}`);
    return (body as { token: string }).token;
  };
  return {
    url: running.gatewayUrl!,
    adminUrl,
    adminKey,
    tokens: seeded.tokens,
    seeded,
    folder,
    configuration,
    running,
    logLines,
    logged: (text) =>
      bell.until(
        () => logLines.some((line) => line.includes(text)),
        () => `no line with ${JSON.stringify(text)} was logged: ${logLines.join('')}`,
        LOG_PATIENCE_MS,
      ),
    get errorLines() {
      return logLines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
    },
    admin,
    mint,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const NOTHING_SEEDED = { tokens: {}, leakedId: '', organization: 'acme' } as unknown as Seeded;

async function seedOrStop(running: RunningGateway, adminKey: string, stop: () => Promise<void>): Promise<Seeded> {
  try {
    // A store elsewhere may take its time on a busy machine.
    let looks = 0;
    for await (const _ of every(READY_LOOK_MS)) if ((await running.isReady()) || ++looks === READY_LOOKS) break;
    return await seed(running.adminUrl!, adminKey);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** JSON is YAML. */
function gatewayYaml({ upstreamUrl, routes, upstream, settings, policy }: TestGatewayOptions): string {
  const { gateway, admin, ...rest } = (settings ?? {}) as Record<string, Settings>;
  const list =
    routes ?? (parse(readFileSync(join(REPOSITORY, 'gateway.yaml'), 'utf8')) as { routes: Settings[] }).routes;
  return JSON.stringify(
    {
      gateway: { host: '127.0.0.1', port: 0, ...gateway },
      // The names that raw requests of tests say.
      admin: { host: '127.0.0.1', port: 0, allowedHosts: ['api.test', 'a'], ...admin },
      policy: policy ?? join(REPOSITORY, 'policies/coze.yaml'),
      store: { driver: 'sqlite', path: 'data/scopegate.db' },
      // Tests keep idle connections about, and wait for the end.
      drain: { idleMs: 50 },
      upstreams: { platform: { targets: [upstreamUrl], ...upstream } },
      routes: list.map((route) => ({ upstream: 'platform', ...route })),
      ...rest,
    },
    null,
    2,
  );
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

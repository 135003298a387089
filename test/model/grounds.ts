/**
 * The same gateway on every kind of store and in every number of processes, asked as its clients and operators ask it:
 * over HTTP alone. Nothing of it is a stand-in, and nothing is known of how it keeps what it knows.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Owned } from '../../src/owned.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { startHttpUpstream } from '../support/recorder.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { hasTool } from '../support/tools.ts';
import { Harness, workerOf } from '../workers/harness.ts';

export type GroundName =
  | 'memory'
  | 'SQLite, two workers'
  | 'SQLite, two serves'
  | 'Redis, one serve'
  | 'Redis, two serves';

const HAS_REDIS = hasTool('redis-server');

/** What can be tried on this machine. */
export const GROUNDS: readonly GroundName[] = [
  'memory',
  'SQLite, two workers',
  ...(HAS_REDIS ? (['Redis, one serve', 'Redis, two serves'] as const) : []),
];

/** Where somebody else changes the same organization in another process. */
export const SHARED_GROUNDS: readonly GroundName[] = [
  'SQLite, two serves',
  ...(HAS_REDIS ? (['Redis, two serves'] as const) : []),
];

const KEEP_CONNECTIONS = 3;
const CONNECTIONS_MAX = 60;
const WAIT_MS = 20_000;
const LEVEL_ERROR = 50;
const PATTERN = { prefix: 'key-', minLength: 20, maxLength: 60 };

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** One gateway process. */
export interface Gate {
  /** The status of a request with this token: scope alone, or in a workspace. */
  statusOf(token: string, workspace?: string): Promise<number>;
  /** client_credentials. */
  tokenFor(client: Client): Promise<Answer>;
  /** RFC 7009, by a client or, without one, with the admin key. */
  revoke(token: string, client?: Client): Promise<Answer>;
}

export interface Client {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** `path`: below /v1. `actor`: the member for whom the admin key speaks. */
type Call = (method: string, path: string, body?: unknown, actor?: string) => Promise<Answer>;

export interface Ground extends AsyncDisposable {
  readonly name: GroundName;
  /** Every gateway process. */
  readonly gates: readonly Gate[];
  /** Every sidecar. Where there are several, each answers a change once every gateway process has applied it. */
  readonly sidecars: readonly Call[];
  /** One of them, in turn. */
  readonly call: Call;
  /** Lines of the log of level error. */
  errors(): readonly string[];
  readonly redis: RedisServer | null;
}

export interface GroundOptions {
  /** In front of the memory store. */
  readonly aroundMemory?: (store: Store) => Store;
}

export async function openGround(name: GroundName, { aroundMemory }: GroundOptions = {}): Promise<Ground> {
  const owned = new Owned();
  try {
    const policy = owned.add(writePolicy(), (written) => written.remove()).path;
    if (name === 'memory') return await inMemory(owned, policy, aroundMemory);
    const redis = name.startsWith('Redis') ? owned.add(await startRedis(), (server) => server.stop()) : null;
    const serves = name.endsWith('two serves') ? 2 : 1;
    const workers = name.endsWith('two workers') ? 2 : 1;
    const store =
      redis === null
        ? { driver: 'sqlite', path: join(dirname(policy), 'scopegate.db') }
        : { driver: 'redis', url: redis.url, commandTimeoutMs: 5000 };
    const harnesses: Harness[] = [];
    for (let nth = 0; nth < serves; nth++) {
      const settings = { ...settingsOf(policy, { workers }), store };
      harnesses.push(owned.add(await Harness.start(settings), (harness) => harness[Symbol.asyncDispose]()));
    }
    const gates: Gate[] = [];
    for (const harness of harnesses)
      for (const agents of await connect(harness.gateway, workers)) {
        for (const agent of agents) owned.add(agent, (kept) => kept.destroy());
        gates.push(gateAt(harness.gateway, agents, harness.key));
      }
    const sidecars = harnesses.map(
      (harness): Call =>
        (method, path, body, actor) =>
          harness.call(method, serves > 1 && method !== 'GET' ? waiting(path) : path, body, actingAs(actor)),
    );
    let turn = 0;
    return {
      name,
      gates,
      sidecars,
      call: (...args) => sidecars[turn++ % sidecars.length]!(...args),
      redis,
      errors: () => harnesses.flatMap((harness) => errorLines(harness.process.stdout().split('\n'))),
      [Symbol.asyncDispose]: () => owned.release(),
    };
  } catch (error) {
    await owned.release();
    throw error;
  }
}

/** Its answers come to everybody at once, so no connection has to be kept apart. */
async function inMemory(owned: Owned, policy: string, around: GroundOptions['aroundMemory']): Promise<Ground> {
  const upstream = owned.add(await startHttpUpstream((_, answer) => answer.end('ok')), (server) => server.stop());
  const { policy: _, routes, ...settings } = settingsOf(policy, {});
  const gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    policy,
    seed: false,
    routes,
    settings: { ...settings, log: { access: 'none' } },
    aroundStore: (opened) => {
      void opened.close();
      const store = new MemoryStore();
      return around?.(store) ?? store;
    },
  });
  owned.add(gateway, (running) => running.stop());
  const gate = owned.add(gateTo(gateway.url, gateway.adminKey), (kept) => kept.close());
  const call: Call = async (method, path, body, actor) =>
    (await gateway.admin(method, `/v1/${path}`, body, actingAs(actor))) as Answer;
  return {
    name: 'memory',
    gates: [gate],
    sidecars: [call],
    call,
    redis: null,
    errors: () => gateway.errorLines,
    [Symbol.asyncDispose]: () => owned.release(),
  };
}

/** A token of another system with its text, as `tokens/import` takes it without. */
export function importable(owner: string, workspaces: readonly string[] | 'all', kind = 'personal') {
  const token = `${PATTERN.prefix}${randomBytes(20).toString('hex')}`;
  const sha256 = createHash('sha256').update(token).digest('hex');
  return { token, sha256, owner, kind, workspaces, name: 'imported', scopes: ['content:read'], expiresInDays: 30 };
}

export function settingsOf(policy: string, gateway: object) {
  return {
    policy,
    gateway: { ...gateway, guesses: { tokenFailures: 0, clientFailures: 0 } },
    oauth: { accountLimit: { requests: 1_000_000 } },
    import: { patterns: [PATTERN], missesPerMinute: 60_000 },
    routes: [
      { id: 'open', match: { path: '/open/**' }, public: true, upstream: 'platform' },
      { id: 'read', match: { path: '/files/**' }, require: { scopes: ['content:read'] }, upstream: 'platform' },
      {
        id: 'space',
        match: { path: '/spaces/{ws}' },
        require: { scopes: ['content:read'], workspace: { from: 'path.ws', as: 'workspace', role: 'member' } },
        upstream: 'platform',
      },
    ],
  };
}

/** All kinds of token and service accounts; as many as one likes; a transfer ends personal tokens in every edition. */
export function writePolicy() {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-ground-'));
  const path = join(folder, 'policy.yaml');
  const text = readFileSync(join(ROOT, 'policies/default.yaml'), 'utf8')
    .replace(/(perOwner|perOrganization|perEnterprise): \d+/g, '$1: 1000000')
    .replace('tokenMinutes: 15', 'tokenMinutes: 15, liveTokensMax: 1000000')
    .replace('revokedByTransferInEditions: [personal]', 'revokedByTransferInEditions: [personal, team, enterprise]');
  writeFileSync(path, text);
  return {
    path,
    remove: () => rmSync(folder, { recursive: true, force: true }),
    /** A gateway.yaml beside it, with further settings of the store. */
    gatewayFile: (redisUrl: string, store: object = {}) => {
      const file = join(folder, 'gateway.yaml');
      const { routes, ...settings } = settingsOf(path, { port: 0 });
      const upstreams = { platform: { targets: ['http://127.0.0.1:9'] } };
      const redis = { driver: 'redis', url: redisUrl, ...store };
      writeFileSync(file, JSON.stringify({ ...settings, routes, upstreams, admin: { port: 0 }, store: redis }));
      return file;
    },
  };
}

function actingAs(actor: string | undefined): Record<string, string> {
  return actor === undefined ? {} : { 'scopegate-actor': actor };
}

function waiting(path: string): string {
  if (path.includes('wait=')) return path;
  return `${path}${path.includes('?') ? '&' : '?'}wait=${WAIT_MS}`;
}

/** A few kept connections to each of so many processes behind one port. */
async function connect(url: string, processes: number): Promise<Agent[][]> {
  const byProcess = new Map<string, Agent[]>();
  for (let opened = 0; opened < CONNECTIONS_MAX; opened++) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { text } = await send(agent, url, 'GET', '/open/x');
    byProcess.set(workerOf(text), [...(byProcess.get(workerOf(text)) ?? []), agent]);
    const all = [...byProcess.values()];
    if (all.length === processes && all.every((agents) => agents.length >= KEEP_CONNECTIONS)) return all;
  }
  throw new Error(`${CONNECTIONS_MAX} connections did not reach ${processes} processes`);
}

/** One gateway process, over as many connections as it takes. */
export function gateTo(url: string, adminKey: string): Gate & { close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return { ...gateAt(url, [agent], adminKey), close: () => agent.destroy() };
}

function gateAt(url: string, agents: readonly Agent[], adminKey: string): Gate {
  let turn = 0;
  const next = () => agents[turn++ % agents.length]!;
  const form = async (name: string, fields: Record<string, string>, client?: Client): Promise<Answer> => {
    const authorization = client === undefined ? `Bearer ${adminKey}` : basic(client);
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams(fields).toString();
    const { status, text } = await send(next(), url, 'POST', `/api/auth/oauth2/${name}`, headers, body);
    return { status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
  };
  return {
    statusOf: async (token, workspace) => {
      const path = workspace === undefined ? '/files/x' : `/spaces/${workspace}`;
      return (await send(next(), url, 'GET', path, { authorization: `Bearer ${token}` })).status;
    },
    tokenFor: (client) => form('token', { grant_type: 'client_credentials' }, client),
    revoke: (token, client) => form('revoke', { token }, client),
  };
}

function basic({ clientId, clientSecret }: Client): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
}

function send(
  agent: Agent,
  url: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) };
    const asking = request(url + path, { agent, method, headers: { ...headers, ...length } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode!, text }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

function errorLines(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('{') && (JSON.parse(line) as { level: number }).level >= LEVEL_ERROR);
}

/** Several `scopegate serve` processes on one store, each ended by the test in whatever way it likes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENTRY, ROOT, type Started, started } from './process.ts';
import { ask, rawRequest } from './raw.ts';

const ADMIN_KEY = 'k'.repeat(32);

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface Serve {
  readonly process: Started;
  readonly pid: number;
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  /** The status that a request with this token gets, on a connection of its own. */
  statusOf(token: string): Promise<number>;
  /** Calls the sidecar; `path` starts with `/v1` or `/`-something of its own, or is below organization acme. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The text of one metric's sample, by the start of its line. */
  metric(start: string): Promise<number>;
}

/** What a receipt says, where one was asked for. */
export interface Receipt {
  readonly applied: boolean;
  readonly processes: number | null;
  readonly laggards: readonly string[];
  readonly lagMs: number;
  readonly revision: number;
}

export class Serves implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'scopegate-serves-'));
  readonly #configuration = join(this.folder, 'gateway.yaml');
  readonly #running: Started[] = [];

  /** `more`: further lines of gateway.yaml. `store`: the value of its section. */
  constructor(upstreamUrl: string, { more = '', store = '{ driver: sqlite, path: data/scopegate.db }' } = {}) {
    writeFileSync(
      this.#configuration,
      `gateway: { port: 0 }
admin: { port: 0 }
policy: ${join(ROOT, 'policies/coze.yaml')}
store: ${store}
upstreams: { api: { targets: ["${upstreamUrl}"] } }
routes: [{ id: read, match: { path: "/files/**" }, require: { scopes: ["workflows:read"] }, upstream: api }]
${more}`,
    );
  }

  /** `under`: a program with its arguments that is to run it, such as `strace`. */
  start(only?: 'gateway' | 'admin', under: readonly string[] = []): Promise<Serve> {
    return this.#start('"ready:', only, under);
  }

  /** The same, of one that will not be ready. */
  startUnready(only?: 'gateway' | 'admin', under: readonly string[] = []): Promise<Serve> {
    return this.#start('"listening, not ready', only, under);
  }

  async #start(said: string, only: 'gateway' | 'admin' | undefined, under: readonly string[]): Promise<Serve> {
    const options = only === undefined ? [] : ['--only', only];
    const [program, ...args] = [...under, process.execPath, ENTRY, 'serve', '-c', this.#configuration, ...options];
    const running = started(program!, args, { env: { SCOPEGATE_ADMIN_KEY: ADMIN_KEY } });
    this.#running.push(running);
    const lines = (await running.until(said)).trim().split('\n');
    const { admin, gateway } = JSON.parse(lines.find((line) => line.includes(said))!) as Record<string, string>;
    return {
      process: running,
      pid: running.child.pid!,
      gatewayUrl: gateway!,
      adminUrl: admin!,
      statusOf: async (token) =>
        (await ask(gateway!, rawRequest('GET /files/x', [`Authorization: Bearer ${token}`]))).status,
      call: async (method, below, body) => {
        const path = below.startsWith('/v1') ? below : `/v1/organizations/acme${below}`;
        const answer = await fetch(admin + path, {
          method,
          headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
      },
      metric: async (start) => {
        const text = await (await fetch(`${admin}/metrics`)).text();
        const line = text.split('\n').find((each) => each.startsWith(start));
        return Number(line?.split(' ').at(-1));
      },
    };
  }

  [Symbol.dispose](): void {
    for (const { child } of this.#running) {
      // A program that runs it under another clock stays its parent, and would leave it behind.
      if (child.exitCode === null) spawnSync('pkill', ['-KILL', '-P', String(child.pid)]);
      child.kill('SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const TOKEN = {
  owner: 'ann',
  kind: 'service',
  name: 'n',
  workspaces: 'all',
  expiresInDays: 1,
};

/** An organization with one member, ann, who may have tokens. */
export async function settle({ call }: Serve): Promise<void> {
  for (const [path, body] of [
    ['', { name: 'Acme', edition: 'enterprise' }],
    ['/members/ann', { name: 'Ann', role: 'admin' }],
  ] as const) {
    const { status } = await call('PUT', path, body);
    if (status !== 201) throw new Error(`the sidecar refused ${path}: ${status}`);
  }
}

export async function mint(
  { call }: Serve,
  scope = 'workflows:read',
): Promise<{ readonly id: string; readonly token: string }> {
  const { status, body } = await call('POST', '/tokens', { ...TOKEN, scopes: [scope] });
  if (status !== 201) throw new Error(`the sidecar refused a token: ${JSON.stringify(body)}`);
  return body as { id: string; token: string };
}

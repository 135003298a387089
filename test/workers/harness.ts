/** `scopegate serve` with two workers, as processes; clients that know which worker they are connected to. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { ProcessReport } from '../../src/lifecycle/process-group.ts';
import { ROOT, type Started, scopegate } from '../support/process.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/recorder.ts';

const ADMIN_KEY = 'k'.repeat(32);
export const ORGANIZATION = 'organizations/acme';
export const PATIENCE = { timeout: 30_000, interval: 10 };

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export class Harness implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'scopegate-workers-'));
  readonly path = join(this.folder, 'gateway.yaml');
  readonly upstream: HttpUpstream;
  readonly #running: Started[] = [];
  /** What the upstream does: it answers with the id that the gateway gave the request. */
  answer = (asked: IncomingMessage, answer: ServerResponse): void => {
    answer.end(asked.headers['x-request-id']);
  };
  /** Beside the admin key. */
  env: Readonly<Record<string, string>> = {};
  gateway = '';
  admin = '';

  private constructor(upstream: HttpUpstream) {
    this.upstream = upstream;
  }

  /** `settings`: further sections of gateway.yaml. */
  static async start(settings: Readonly<Record<string, unknown>> = {}, args: readonly string[] = []): Promise<Harness> {
    const harness = await Harness.prepare(settings);
    await harness.serve(...args);
    return harness;
  }

  /** All but the process. */
  static async prepare(settings: Readonly<Record<string, unknown>>): Promise<Harness> {
    const upstream = await startHttpUpstream((asked, answer) => {
      asked.resume();
      asked.on('end', () => harness.answer(asked, answer));
    });
    const harness = new Harness(upstream);
    harness.configure(settings);
    return harness;
  }

  configure({ gateway, ...settings }: Readonly<Record<string, unknown>>): void {
    const file = {
      gateway: { port: 0, workers: 2, ...(gateway as object) },
      admin: { port: 0 },
      policy: join(ROOT, 'policies/coze.yaml'),
      store: { driver: 'sqlite', path: 'data/scopegate.db' },
      log: { access: 'none' },
      drain: { idleMs: 50 },
      upstreams: { platform: { targets: [this.upstream.url] } },
      routes: [
        { id: 'open', match: { path: '/open/**' }, public: true, upstream: 'platform' },
        { id: 'read', match: { path: '/files/**' }, require: { scopes: ['workflows:read'] }, upstream: 'platform' },
      ],
      ...settings,
    };
    writeFileSync(this.path, JSON.stringify(file));
  }

  run(...args: string[]): Started {
    const env = { SCOPEGATE_ADMIN_KEY: ADMIN_KEY, ...this.env };
    const started = scopegate(['serve', '-c', this.path, ...args], { env });
    this.#running.push(started);
    return started;
  }

  async serve(...args: string[]): Promise<Started> {
    const running = this.run(...args);
    const lines = (await running.until('"msg":"ready:')).split('\n');
    const ready = JSON.parse(lines.find((line) => line.includes('"msg":"ready:'))!) as Record<string, string>;
    this.gateway = ready.gateway!;
    this.admin = ready.admin!;
    return running;
  }

  get process(): Started {
    return this.#running.at(-1)!;
  }

  get key(): string {
    return ADMIN_KEY;
  }

  /** `path`: below /v1. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const answer = await fetch(`${this.admin}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Answer['body'] };
  }

  /** An organization with one member, ann, who may have tokens. */
  async people(): Promise<void> {
    for (const [path, body] of [
      [ORGANIZATION, { name: 'Acme', edition: 'enterprise' }],
      [`${ORGANIZATION}/members/ann`, { name: 'Ann', role: 'admin' }],
    ] as const)
      expect((await this.call('PUT', path, body)).status).toBe(201);
  }

  async mint(scope = 'workflows:read'): Promise<{ readonly id: string; readonly token: string }> {
    const wanted = { owner: 'ann', kind: 'service', name: 'n', workspaces: 'all', expiresInDays: 1 };
    const { status, body } = await this.call('POST', `${ORGANIZATION}/tokens`, {
      ...wanted,
      scopes: [scope],
    });
    expect(status).toBe(201);
    return body as unknown as { id: string; token: string };
  }

  async processes(): Promise<readonly ProcessReport[]> {
    return (await this.call('GET', 'status')).body.processes as ProcessReport[];
  }

  async pidOf(name: string): Promise<number> {
    return (await this.processes()).find((one) => one.name === name)!.pid!;
  }

  /** Resolves once all processes serve, this one with another pid than `before`. */
  async replaced(name: string, before: number): Promise<void> {
    await vi.waitUntil(async () => {
      const processes = await this.processes().catch(() => []);
      const one = processes.find((candidate) => candidate.name === name);
      return one !== undefined && one.pid !== before && processes.every(({ state }) => state === 'serving');
    }, PATIENCE);
  }

  /** One client for each worker. */
  async clients(): Promise<readonly Client[]> {
    const clients = new Map<string, Client>();
    await vi.waitUntil(async () => {
      const client = new Client(this.gateway);
      const { worker } = await client.get('/open/');
      if (clients.has(worker)) client.close();
      else clients.set(worker, client);
      return clients.size === 2;
    }, PATIENCE);
    return [...clients.values()];
  }

  async metric(line: string): Promise<number> {
    const text = await (await fetch(`${this.admin}/metrics`)).text();
    const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `));
    return found === undefined ? Number.NaN : Number(found.split(' ')[1]);
  }

  /** Ends what still runs, with all of its processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running) {
      if (running.child.exitCode === null && running.child.signalCode === null) await running.stop('SIGTERM');
    }
    await this.upstream.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface WorkerAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What the ids of one process have alike. */
  readonly worker: string;
}

/** Keeps one connection, and with it one worker. */
export class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  get(path: string, token?: string): Promise<WorkerAnswer> {
    return this.send('GET', path, token === undefined ? {} : { authorization: `Bearer ${token}` });
  }

  async send(method: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<WorkerAnswer> {
    const length = body === '' ? {} : { 'content-length': body.length };
    const asking = request(this.#url + path, { method, agent: this.#agent, headers: { ...headers, ...length } });
    asking.end(body);
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of answer) text += chunk;
    const id = (answer.headers['x-request-id'] as string | undefined) ?? text;
    return { status: answer.statusCode!, headers: answer.headers, body: text, worker: workerOf(id) };
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function workerOf(requestId: string): string {
  return requestId.slice(10, 19);
}

/** Is there such a process? One that has ended but was not waited for is none. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

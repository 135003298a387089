/** `scopegate serve` as a process of its own, on a folder that outlives it: for tests that end it the hard way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ENTRY, ROOT, type Started, started } from '../../support/process.ts';

export const ADMIN_KEY = 'k'.repeat(32);

export interface Serving {
  readonly process: Started;
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
}

export class ServeFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'scopegate-process-'));
  readonly configuration = join(this.path, 'gateway.yaml');
  readonly database = join(this.path, 'data', 'scopegate.db');
  readonly #running: Started[] = [];

  /** `more`: further lines of gateway.yaml. */
  constructor(upstreamUrl = 'http://127.0.0.1:9', more = '') {
    writeFileSync(
      this.configuration,
      `gateway: { port: 0 }
admin: { port: 0 }
policy: ${join(ROOT, 'policies/coze.yaml')}
store: { driver: sqlite, path: data/scopegate.db }
upstreams: { api: { targets: ["${upstreamUrl}"] } }
routes: [{ id: read, match: { path: "/files/**" }, require: { scopes: ["workflows:read"] }, upstream: api }]
${more}`,
    );
  }

  /**
   * `limits`: shell words that go before it, such as `ulimit -f 100;`. `under`: a program with its options that runs a
   * shell's command.
   */
  run(limits = '', under: readonly string[] = ['sh', '-c']): Started {
    const [program, ...options] = under;
    const command = `${limits} exec '${process.execPath}' '${ENTRY}' serve -c '${this.configuration}'`;
    const child = started(program!, [...options, command], { env: { SCOPEGATE_ADMIN_KEY: ADMIN_KEY } });
    this.#running.push(child);
    return child;
  }

  async serve(limits = ''): Promise<Serving> {
    const running = this.run(limits);
    const lines = (await running.until('"ready:')).trim().split('\n');
    const { admin, gateway } = JSON.parse(lines.find((line) => line.includes('"ready:'))!) as Record<string, string>;
    return {
      process: running,
      gatewayUrl: gateway!,
      adminUrl: admin!,
      call: async (method, path, body) => {
        const answer = await fetch(`${admin}/v1/organizations/acme${path}`, {
          method,
          headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
      },
    };
  }

  /** Ends what still runs. */
  [Symbol.dispose](): void {
    for (const { child } of this.#running) child.kill('SIGKILL');
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** An organization with one member, ann, who may have tokens. */
export async function people({ call }: Serving): Promise<void> {
  expect((await call('PUT', '', { name: 'Acme', edition: 'enterprise' })).status).toBe(201);
  expect((await call('PUT', '/members/ann', { name: 'Ann', role: 'admin' })).status).toBe(201);
}

export const TOKEN = {
  owner: 'ann',
  kind: 'service',
  name: 'n',
  scopes: ['workflows:read'],
  workspaces: 'all',
  expiresInDays: 1,
};

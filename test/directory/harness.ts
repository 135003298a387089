/** A real sidecar and the command line before it: writes directory files, applies them, looks at what came of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { stringify } from 'yaml';
import { main } from '../../src/main.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT, scopegate } from '../support/process.ts';

export interface Applied {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout. */
  readonly lines: readonly string[];
}

type Json = Record<string, unknown>;

export interface Harness {
  readonly gateway: TestGateway;
  readonly folder: string;
  /** How the commands call the gateway. */
  readonly name: string;
  /** Writes a file, text or data, and returns its path. */
  file(name: string, content: string | object): string;
  /** `scopegate apply` with the gateway's address and key. */
  apply(path: string, ...options: string[]): Promise<Applied>;
  /** The answer's body, or its status where that is an error. */
  get(path: string): Promise<unknown>;
  ok(method: string, path: string, body?: unknown): Promise<Json>;
  /** Everything that the sidecar lists of an organization. */
  snapshot(org: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** With policies/scrydon.yaml, which has service accounts, unless told otherwise. */
export async function startHarness(policyName = 'scrydon'): Promise<Harness> {
  const routes = [{ id: 'all', match: { path: '/**' }, public: true }];
  const policy = join(ROOT, `policies/${policyName}.yaml`);
  const gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', seed: false, policy, routes });
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-apply-'));
  const get: Harness['get'] = async (path) => {
    const { status, body } = await gateway.admin('GET', path);
    return status < 300 ? body : status;
  };
  const items = async (path: string) => ((await get(`${path}?limit=1000`)) as { items?: Json[] }).items;
  return {
    gateway,
    folder,
    name: `the gateway that runs ${join(gateway.folder, 'gateway.yaml')} (sidecar ${gateway.adminUrl})`,
    get,
    file: (name, content) => {
      const path = join(folder, name);
      writeFileSync(path, typeof content === 'string' ? content : stringify(content));
      return path;
    },
    apply: (path, ...options) =>
      run(['apply', path, '--url', gateway.adminUrl, ...options], { SCOPEGATE_ADMIN_KEY: gateway.adminKey }),
    ok: async (method, path, body) => {
      const answer = await gateway.admin(method, path, body);
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body as Json;
    },
    snapshot: async (org) => {
      const below = `/v1/organizations/${org}`;
      const workspaces = (await items(`${below}/workspaces`)) ?? [];
      const contents = workspaces.flatMap(({ id }) =>
        ['environments', 'assignments', 'resources'].map((list) => items(`${below}/workspaces/${id}/${list}`)),
      );
      const [organization, members, teams] = await Promise.all([
        get(below),
        items(`${below}/members`),
        items(`${below}/teams`),
      ]);
      return { organization, members, teams, workspaces, contents: await Promise.all(contents) };
    },
    stop: async () => {
      rmSync(folder, { recursive: true, force: true });
      await gateway.stop();
    },
  };
}

/** The command line within this process, which is much quicker than one of its own. */
export async function run(args: string[], env: Record<string, string> = {}): Promise<Applied> {
  const text = { stdout: '', stderr: '' };
  const keep = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      text[name] += String(chunk);
      return true;
    });
  const spies = [keep('stdout'), keep('stderr')];
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await main(args, env);
    return { code: process.exitCode, ...text, lines: text.stdout.trimEnd().split('\n') };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = before;
  }
}

/** A process of its own, in a folder of its own. */
export async function runIn(cwd: string, args: string[], env: Record<string, string>): Promise<Applied> {
  const started = scopegate(args, { env, cwd });
  const code = await started.exit();
  const stdout = started.stdout();
  return { code, stdout, stderr: started.stderr(), lines: stdout.trimEnd().split('\n') };
}

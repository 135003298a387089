/** A system that starts no process for a while: told at the first start, tried again later, and never waited for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ROOT } from '../support/process.ts';
import { Harness, PATIENCE } from './harness.ts';

const TIMEOUT_MS = 60_000;
const REFUSED = 'the system starts no process for';

let harness: Harness;
/** In there is what processes are started with. */
let bin: string;
beforeEach(async () => {
  harness = await Harness.prepare({});
  bin = join(harness.folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  const preload = join(harness.folder, 'preload.mjs');
  writeFileSync(preload, `process.execPath = ${JSON.stringify(join(bin, 'node'))};`);
  // Sized already, or it would start itself anew.
  harness.env = { NODE_OPTIONS: `--max-semi-space-size=4 --import=${preload}` };
});
afterEach(() => harness[Symbol.asyncDispose]());

const WAYS = [
  // Node tells of the one by an event, and throws the other.
  { way: 'a little later', code: 'ENOENT', refuse: () => renameSync(bin, `${bin}-away`) },
  {
    way: 'at once',
    code: 'ENOTDIR',
    refuse: () => {
      renameSync(bin, `${bin}-away`);
      writeFileSync(bin, '');
    },
  },
];
function allow(): void {
  rmSync(bin, { force: true });
  renameSync(`${bin}-away`, bin);
}
const refusals = (name: string) =>
  harness.process.stdout().split(`could not be started: ${REFUSED} ${name}:`).length - 1;

async function refusedTwice(name: string): Promise<void> {
  await vi.waitUntil(() => refusals(name) >= 2, PATIENCE);
}

it.each(WAYS)(
  'a worker that no process can be started for is tried again until there is one ($way)',
  {
    timeout: TIMEOUT_MS,
  },
  async ({ code, refuse }) => {
    await harness.serve();
    const pid = await harness.pidOf('worker-1');
    refuse();
    process.kill(pid, 'SIGKILL');
    await refusedTwice('worker-1');
    const gone = (await harness.processes()).find(({ name }) => name === 'worker-1')!;
    expect(gone).toMatchObject({ pid: null, state: 'restarting' });
    expect(harness.process.stdout()).toContain(code);
    const lines = harness.process.stdout().split('\n');
    const pauses = lines
      .filter((line) => line.includes('worker-1 has ended'))
      .map((line) => (JSON.parse(line) as { pauseMs: number }).pauseMs);
    expect(pauses.at(-1)).toBeGreaterThan(0);
    allow();
    await harness.replaced('worker-1', pid);
    for (const client of await harness.clients()) {
      expect((await client.get('/open/')).status).toBe(200);
      client.close();
    }
  },
);

it.each(WAYS)(
  'stopping waits for no worker that no process could be started for ($way)',
  {
    timeout: TIMEOUT_MS,
  },
  async ({ refuse }) => {
    const running = await harness.serve();
    const pid = await harness.pidOf('worker-1');
    refuse();
    process.kill(pid, 'SIGKILL');
    await refusedTwice('worker-1');
    expect(await running.stop()).toBe(0);
  },
);

it.each(WAYS)(
  'a first start that no process can be started for says so and ends ($way)',
  {
    timeout: TIMEOUT_MS,
  },
  async ({ code, refuse }) => {
    refuse();
    const running = harness.run();
    expect(await running.exit()).toBe(1);
    expect(running.stderr()).toMatch(new RegExp(`^scopegate: ${REFUSED} sidecar: spawn .*${code}\\n$`));
    expect(running.stdout()).not.toContain('ready:');
  },
);

/** Opens all the files that it may, and ends the process that it could not start: Node would signal anybody then. */
const OUT_OF_FILES = `
  import { closeSync, openSync } from 'node:fs';
  import { WorkerHandle } from ${JSON.stringify(join(ROOT, 'src/workers/worker-handle.ts'))};
  process.stdout.write('begun\\n');
  const parts = { name: 'worker-1', role: 'gateway', log: {}, setup: () => ({ standing: {} }), answers: () => ({}), onGone() {} };
  for (let start = 0; start < 10; start++) {
    const open = [];
    try { for (;;) open.push(openSync('/dev/null')); } catch {}
    const child = new WorkerHandle(parts);
    const started = child.start().catch(({ message }) => message);
    child.destroy();
    const message = await started;
    for (const file of open) closeSync(file);
    process.stdout.write(message + '\\n');
  }
  process.exit();`;

it('out of open files, nothing is started and nobody else is ended', { timeout: TIMEOUT_MS }, async () => {
  const script = join(harness.folder, 'out-of-files.mjs');
  writeFileSync(script, OUT_OF_FILES);
  // On its own, so that a signal to all of its group would meet nobody else.
  const child = spawn('sh', ['-c', 'ulimit -n 100 && exec "$0" "$1"', process.execPath, script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  expect(await once(child, 'close'), said).toEqual([0, null]);
  const lines = said.trim().split('\n').slice(1);
  expect(lines).toHaveLength(10);
  for (const line of lines) expect(line).toMatch(new RegExp(`^${REFUSED} worker-1: spawn .*EMFILE$`));
});

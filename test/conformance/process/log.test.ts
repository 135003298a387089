import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'undici';
import { expect, test, vi } from 'vitest';
import type { Started } from '../../support/process.ts';
import { startHttpUpstream } from '../../support/recorder.ts';
import { freePort } from '../../support/redis.ts';
import { hasTool } from '../../support/tools.ts';
import { isAlive } from '../../workers/harness.ts';
import { attack } from '../attack.ts';
import { ServeFolder } from './serving.ts';

/** Their lines fill whatever holds lines for a reader: a pipe, and what each process keeps. */
const REQUESTS = 3000;
const CLIENTS = 20;
const PATIENCE = { timeout: 20_000, interval: 20 };
const PROCESSES = { 'one process': 1, 'a supervisor, a sidecar and two workers': 2 };

/** A gateway that logs each request by a long line, on ports that are known although nobody can read its log. */
class Talker implements AsyncDisposable {
  readonly folder: ServeFolder;
  readonly gateway: string;
  readonly admin: string;
  readonly #closing: () => Promise<void>;

  private constructor(folder: ServeFolder, ports: readonly number[], closing: () => Promise<void>) {
    this.folder = folder;
    [this.gateway, this.admin] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string];
    this.#closing = closing;
  }

  static async prepare(workers: number): Promise<Talker> {
    const upstream = await startHttpUpstream((_, answer) => answer.end('ok'));
    const folder = new ServeFolder(upstream.url, 'log: { access: all }');
    const ports = [await freePort(), await freePort()];
    const yaml = readFileSync(folder.configuration, 'utf8')
      .replace('gateway: { port: 0 }', `gateway: { port: ${ports[0]}, workers: ${workers} }`)
      .replace('admin: { port: 0 }', `admin: { port: ${ports[1]} }`)
      .replace(
        'routes: [',
        `routes: [{ id: ${'r'.repeat(128)}, match: { path: /open }, public: true, upstream: api }, `,
      );
    writeFileSync(folder.configuration, yaml);
    return new Talker(folder, ports, () => upstream.stop());
  }

  async ready(): Promise<void> {
    await vi.waitUntil(async () => (await fetch(`${this.admin}/readyz`).catch(() => null))?.ok === true, PATIENCE);
  }

  /** Many requests, each of which is answered. */
  async talk(): Promise<void> {
    const pool = new Pool(this.gateway, { connections: CLIENTS, headersTimeout: 10_000 });
    let left = REQUESTS;
    const client = async () => {
      while (left-- > 0) {
        const { statusCode, body } = await pool.request({ method: 'GET', path: '/open' });
        await body.dump();
        expect(statusCode).toBe(200);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    await pool.close();
  }

  async dropped(): Promise<number> {
    const text = await (await fetch(`${this.admin}/metrics`)).text();
    return Number(/^scopegate_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
  }

  /** All that the log may not stop. */
  async holds(): Promise<void> {
    await this.talk();
    expect((await fetch(`${this.admin}/livez`)).status).toBe(200);
    expect((await fetch(`${this.admin}/readyz`)).status).toBe(200);
    expect(await this.dropped()).toBeGreaterThan(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.folder[Symbol.dispose]();
    await this.#closing();
  }
}

/** Standard output is a pipe by name. `end`: ours, which nobody reads unless the test does. */
function pipe({ folder }: Talker): { readonly words: string; readonly end: number } {
  const path = join(folder.path, 'pipe');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  return { words: `exec >${path};`, end: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) };
}

/** What stands in a pipe now. */
function drained(end: number): string {
  const chunk = Buffer.alloc(1 << 20);
  let text = '';
  for (;;) {
    try {
      const length = readSync(end, chunk);
      if (length === 0) return text;
      text += chunk.toString('utf8', 0, length);
    } catch {
      return text;
    }
  }
}

/** A disk of its own, so small that it is soon full; null: we may not make one. */
function smallDisk({ folder }: Talker): { readonly path: string; remove(): void } | null {
  const path = join(folder.path, 'disk');
  mkdirSync(path);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path]).status !== 0) return null;
  return { path, remove: () => void spawnSync('umount', ['-l', path]) };
}

async function endsOrderly(running: Started): Promise<void> {
  expect(await running.stop('SIGTERM')).toBe(0);
}

attack({
  name: 'a log that cannot be written neither stops nor slows a request',
  outcome: 'lines are dropped and counted; all listeners answer, SIGTERM ends every process in order',
  sources: ['CWE-400'],
})(() => {
  test.each(Object.entries(PROCESSES))('a full device; %s', { timeout: 60_000 }, async (_, workers) => {
    await using talker = await Talker.prepare(workers);
    const running = talker.folder.run('exec >/dev/full;');
    await talker.ready();
    await talker.holds();
    await endsOrderly(running);
  });

  test.each(Object.entries(PROCESSES))(
    'a full disk, and lines come again when it has room; %s',
    { timeout: 60_000 },
    async (_, workers) => {
      await using talker = await Talker.prepare(workers);
      const disk = smallDisk(talker);
      if (disk === null) return console.warn('SKIPPED: a full disk needs the right to mount one');
      try {
        const log = join(disk.path, 'log');
        const filler = join(disk.path, 'filler');
        writeFileSync(filler, Buffer.alloc(32 << 10));
        const running = talker.folder.run(`exec >>${log};`);
        await talker.ready();
        await talker.holds();
        expect(spawnSync('mount', ['-o', 'remount,size=4m', disk.path]).status).toBe(0);
        await vi.waitUntil(() => readFileSync(log, 'utf8').includes('lines were dropped'), PATIENCE);
        await endsOrderly(running);
        const lines = readFileSync(log, 'utf8').trim().split('\n');
        // Of one process not one is torn, however the disk cut it. Of several, each may have one that others wrote behind.
        if (workers === 1) for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
        expect(lines.at(-1)).toContain('"stopped"');
      } finally {
        disk.remove();
      }
    },
  );

  test.each(Object.entries(PROCESSES))(
    'a pipe that nobody reads, and lines come again when somebody does; %s',
    { timeout: 60_000 },
    async (_, workers) => {
      await using talker = await Talker.prepare(workers);
      const { words, end } = pipe(talker);
      const running = talker.folder.run(words);
      await talker.ready();
      await talker.holds();
      let text = '';
      await vi.waitUntil(() => {
        text += drained(end);
        return text.includes('lines were dropped');
      }, PATIENCE);
      for (const line of text.trim().split('\n')) expect(() => JSON.parse(line), line).not.toThrow();
      await endsOrderly(running);
      closeSync(end);
    },
  );

  test.each(Object.entries(PROCESSES))('a pipe whose reader is gone; %s', { timeout: 60_000 }, async (_, workers) => {
    await using talker = await Talker.prepare(workers);
    const { words, end } = pipe(talker);
    const running = talker.folder.run(words);
    await talker.ready();
    closeSync(end);
    await talker.holds();
    await endsOrderly(running);
  });

  test.each([
    ['that nobody reads', (running: Started) => void running.child.stdout!.removeAllListeners('data').pause()],
    ['whose reader is gone', (running: Started) => void running.child.stdout!.destroy()],
  ])('a socket %s', { timeout: 60_000 }, async (_, spoil) => {
    for (const workers of Object.values(PROCESSES)) {
      await using talker = await Talker.prepare(workers);
      const running = talker.folder.run();
      await talker.ready();
      spoil(running);
      await talker.holds();
      const ended = once(running.child, 'exit');
      running.child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    }
  });

  test.skipIf(!hasTool('script')).each(Object.entries(PROCESSES))(
    'a terminal that was closed; %s',
    { timeout: 60_000 },
    async (_, workers) => {
      await using talker = await Talker.prepare(workers);
      const pid = join(talker.folder.path, 'pid');
      // The terminal is gone with the one who made it; the gateway is told of that, which means a reload to it.
      const running = talker.folder.run(`echo $$ >${pid};`, ['script', '-qf', '-O', '/dev/null', '-c']);
      await running.until('"ready:');
      running.child.kill('SIGKILL');
      await talker.holds();
      const gateway = Number(readFileSync(pid, 'utf8'));
      process.kill(gateway, 'SIGTERM');
      await vi.waitUntil(() => !isAlive(gateway), PATIENCE);
      rmSync(pid);
    },
  );
});

/** Reloads that are asked for at once: each is a whole, the last word is what stands in the file, and none is forgotten. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ReloadQueue } from '../../src/lifecycle/reload-queue.ts';
import type { Reload, ReloadCause } from '../../src/lifecycle/reloader.ts';
import { Serves } from '../support/serves.ts';
import { open, reloaded } from './reloaded.ts';

/** Each waits for several threads, and on a busy machine for all that else runs. */
const PATIENCE_MS = 120_000;

describe('of one process', () => {
  const ours = reloaded();
  const { write, reload, status } = ours;

  it(
    'two at once end well, and one that is asked for after a change has seen the change',
    async () => {
      write({ routes: [open('/first')] });
      const begun = once(process, 'worker');
      const first = reload();
      // Its thread has begun, so it may have read the file.
      await begun;
      write({ routes: [open('/second')] });
      const second = reload();
      expect([(await first).status, (await second).status]).toEqual([200, 200]);
      expect([await status('/old'), await status('/first'), await status('/second')]).toEqual([404, 404, 200]);
    },
    PATIENCE_MS,
  );

  it(
    'a bad one between two good ones takes nothing with it',
    async () => {
      write({ routes: [open('/first')] });
      expect((await reload()).status).toBe(200);
      write({ routes: [{ ...open('/bad'), upstream: 'nobody' }] });
      const bad = reload();
      expect((await bad).status).toBe(422);
      expect(await status('/first')).toBe(200);
      write({ routes: [open('/third')] });
      const [third] = await Promise.all([reload(), ours.gateway.running.reload('signal')]);
      expect(third.status).toBe(200);
      expect([await status('/first'), await status('/third')]).toEqual([404, 200]);
    },
    PATIENCE_MS,
  );

  it(
    'a stop in the middle of one ends it, and leaves no thread that would keep the process',
    async () => {
      write({ routes: [open('/first')] });
      const reloading = ours.gateway.running.reload('request');
      await ours.gateway.running.stop();
      expect((await reloading).result).toBe('refused');
    },
    PATIENCE_MS,
  );
});

it(
  'SIGHUPs between them are heard, too: what was written last is in force',
  async () => {
    using serves = new Serves('http://127.0.0.1:9');
    const served = await serves.start();
    const file = join(serves.folder, 'gateway.yaml');
    const text = readFileSync(file, 'utf8');
    const write = (path: string) => writeFileSync(file, text.replace('/files/**', path));
    const status = async (path: string) => (await fetch(served.gatewayUrl + path)).status;
    write('/first');
    const first = served.call('POST', '/v1/reload');
    served.process.child.kill('SIGHUP');
    write('/second');
    served.process.child.kill('SIGHUP');
    write('/third');
    const second = served.call('POST', '/v1/reload');
    served.process.child.kill('SIGHUP');
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    expect([await status('/files/x'), await status('/first'), await status('/third')]).toEqual([404, 404, 401]);
  },
  PATIENCE_MS,
);

describe('the queue', () => {
  const ended = (cause: ReloadCause): Reload => ({ result: 'applied', cause, atMs: 0, problems: [] });

  it('joins those of a cause that wait, follows those that have begun, and never runs two', async () => {
    const runs: string[] = [];
    const ends: Array<() => void> = [];
    const queue = new ReloadQueue<ReloadCause, Reload>(async (cause) => {
      runs.push(cause);
      await new Promise<void>((resolve) => ends.push(resolve));
      return ended(cause);
    });
    const first = queue.add('request');
    await vi.waitUntil(() => runs.length === 1);
    const waiting = Array.from({ length: 100 }, () => queue.add('request'));
    const signal = queue.add('signal');
    expect(runs).toEqual(['request']);
    ends.shift()!();
    await first;
    await vi.waitUntil(() => runs.length === 2);
    expect(ends).toHaveLength(1);
    ends.shift()!();
    expect(new Set(await Promise.all(waiting)).size).toBe(1);
    await vi.waitUntil(() => runs.length === 3);
    ends.shift()!();
    expect((await signal).cause).toBe('signal');
    expect(runs).toEqual(['request', 'request', 'signal']);
  });

  it('goes on after one that failed', async () => {
    let fail = true;
    const queue = new ReloadQueue<ReloadCause, Reload>(async (cause) => {
      if (fail) throw new Error('no thread');
      return ended(cause);
    });
    await expect(queue.add('file')).rejects.toThrow('no thread');
    fail = false;
    expect((await queue.add('file')).result).toBe('applied');
  });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isAlive } from '../../workers/harness.ts';
import { attack } from '../attack.ts';
import { ADMIN_KEY, ServeFolder } from './serving.ts';

attack({
  name: 'no signal opens a debugger',
  outcome: 'SIGUSR1 does nothing in any of the processes, however often it comes',
  sources: ['CWE-489'],
})(() => {
  test.each([1, 2])('%i workers', { timeout: 60_000 }, async (workers) => {
    using folder = new ServeFolder();
    const yaml = readFileSync(folder.configuration, 'utf8').replace(
      'gateway: { port: 0 }',
      `gateway: { port: 0, workers: ${workers} }`,
    );
    writeFileSync(folder.configuration, yaml);
    const { adminUrl, gatewayUrl, process: running } = await folder.serve();
    const status = async () => {
      const answer = await fetch(`${adminUrl}/v1/status`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
      return (await answer.json()) as { processes?: ReadonlyArray<{ readonly pid: number }> };
    };
    const before = await status();
    const pids = [running.child.pid!, ...(before.processes ?? []).map(({ pid }) => pid)];
    expect(pids).toHaveLength(workers === 1 ? 1 : 4);
    for (let round = 0; round < 3; round++) {
      for (const pid of pids) process.kill(pid, 'SIGUSR1');
      // Each of them does something meanwhile.
      for (let turn = 0; turn < 20; turn++) {
        expect((await status()).processes?.map(({ pid }) => pid)).toEqual(before.processes?.map(({ pid }) => pid));
        expect((await fetch(`${gatewayUrl}/files/x`)).status).toBe(401);
      }
    }
    for (const pid of pids) expect(isAlive(pid)).toBe(true);
    expect(await running.stop()).toBe(0);
    expect(running.stderr()).not.toContain('Debugger');
  });

  test('nor does it before anything is loaded: the process is started without one', { timeout: 60_000 }, async () => {
    using folder = new ServeFolder();
    const { process: running } = await folder.serve();
    expect(readFileSync(`/proc/${running.child.pid}/cmdline`, 'latin1').split('\0')).toContain('--disable-sigusr1');
  });
});

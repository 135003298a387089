/** Leases in a folder: the suite for every registry, and what only files can promise. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { FileRegistry } from '../../src/store/sqlite/registry.ts';
import { describeRegistry, LONG_MS, someProcess } from './registry.contract.ts';

describeRegistry('FileRegistry', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-leases-'));
  const registry = new FileRegistry(folder);
  return {
    registry,
    peer: () => new FileRegistry(folder),
    dispose: async () => {
      await registry.close();
      rmSync(folder, { recursive: true });
    },
  };
});

describe('the folder of leases', () => {
  let parent: string;
  let folder: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'scopegate-leases-'));
    folder = join(parent, 'leases');
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  const only = () => join(folder, readdirSync(folder)[0]!);
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

  it('and the files in it are their owner’s alone, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await new FileRegistry(folder).renew(someProcess('a'), LONG_MS);
      expect(mode(folder)).toBe('700');
      expect(mode(only())).toBe('600');
    } finally {
      process.umask(before);
    }
  });

  it('is refused when others can open it, saying what to run', () => {
    mkdirSync(folder);
    chmodSync(folder, 0o770);
    expect(() => new FileRegistry(folder)).toThrow(
      new SetupError(`store: ${folder} can be opened by other users; run: chmod 700 ${folder}`),
    );
  });

  it('may be removed under a running process: its next renewal makes it again', async () => {
    const registry = new FileRegistry(folder);
    await registry.renew(someProcess('a'), LONG_MS);
    rmSync(folder, { recursive: true });
    await registry.renew(someProcess('a'), LONG_MS);
    expect(await registry.live()).toEqual([someProcess('a')]);
  });

  it('may be removed also while a process has no lease: as it takes the next, the folder is made again', async () => {
    const registry = new FileRegistry(folder);
    await registry.renew(someProcess('a'), 0);
    rmSync(folder, { recursive: true });
    await registry.renew(someProcess('a'), LONG_MS);
    expect(await registry.live()).toEqual([someProcess('a')]);
    expect(mode(folder)).toBe('700');
  });

  it('a file that is no lease is nobody, and goes after a while', async () => {
    const registry = new FileRegistry(folder);
    for (const [name, text] of [
      ['empty', ''],
      ['zeros', '\0'.repeat(1024)],
      ['text', 'x'.repeat(1024)],
    ] as const)
      writeFileSync(join(folder, `${name}.lease`), text);
    expect(await registry.live()).toEqual([]);
    const longAgo = new Date(Date.now() - 120_000);
    utimesSync(join(folder, 'zeros.lease'), longAgo, longAgo);
    await registry.renew(someProcess('a'), LONG_MS);
    expect(existsSync(join(folder, 'zeros.lease'))).toBe(false);
    expect(existsSync(join(folder, 'text.lease'))).toBe(true);
    expect(await registry.live()).toEqual([someProcess('a')]);
  });

  it('a lease is no lease any more when a byte of it is another', async () => {
    const registry = new FileRegistry(folder);
    await registry.renew(someProcess('a'), LONG_MS);
    writeFileSync(only(), readFileSync(only(), 'utf8').replace('"revision":1', '"revision":9'));
    expect(await registry.live()).toEqual([]);
  });

  it('who lost a lease takes a new file, so that removing old ones can never take a lease away', async () => {
    const registry = new FileRegistry(folder);
    await registry.renew(someProcess('a'), 1);
    const first = only();
    while ((await registry.live()).length > 0);
    await registry.renew(someProcess('a'), LONG_MS);
    expect(existsSync(first)).toBe(false);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('a process that renews all the time is never missed; stopped it holds nobody up; killed it is live until its lease ends', async () => {
    const script = `
      const { FileRegistry } = await import(${JSON.stringify(fileURLToPath(new URL('../../src/store/sqlite/registry.ts', import.meta.url)))});
      const registry = new FileRegistry(${JSON.stringify(folder)});
      await registry.renew({ id: 'busy', host: 'h', pid: 1, startedAtMs: 1, revision: 1 }, 1500);
      process.stdout.write('held');
      for (;;) await registry.renew({ id: 'busy', host: 'h', pid: 1, startedAtMs: 1, revision: 2 }, 1500);`;
    const child = spawn(process.execPath, ['--input-type=module', '--no-warnings', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const registry = new FileRegistry(folder);
    for (let round = 0; round < 5000; round++) expect(await registry.live()).toHaveLength(1);
    // In the middle of writing, most likely, as it does nothing else.
    child.kill('SIGSTOP');
    await registry.renew(someProcess('a'), LONG_MS);
    expect((await registry.live()).map(({ id }) => id)).toEqual(['a', 'busy']);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect((await registry.live()).map(({ id }) => id)).toContain('busy');
    while ((await registry.live()).length > 1);
    expect((await registry.live()).map(({ id }) => id)).toEqual(['a']);
  });
});

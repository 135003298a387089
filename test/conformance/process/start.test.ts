import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { SqliteStore } from '../../../src/store/sqlite/store.ts';
import { attack } from '../attack.ts';
import { ServeFolder } from './serving.ts';

/** What `serve` says when it does not start. */
async function refusal(folder: ServeFolder): Promise<string> {
  const running = folder.run();
  expect(await running.exit(), running.stdout()).toBe(1);
  expect(running.stdout()).not.toContain('"ready:');
  return running.stderr();
}

attack({
  name: 'a database that is cut off or overwritten is never taken for an empty one',
  outcome: 'refused at the start, in one line, and left as it was',
  sources: [],
})(() => {
  test.each([
    ['cut off within its first page', (path: string) => truncateSync(path, 1000)],
    ['overwritten', (path: string) => writeFileSync(path, 'x'.repeat(4096))],
    [
      'overwritten in the middle',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes.fill(0x5a, 10 * 4096, 12 * 4096);
        writeFileSync(path, bytes);
      },
    ],
    [
      'overwritten within',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes.fill(0xff, 100, 8192);
        writeFileSync(path, bytes);
      },
    ],
  ])('%s', async (_, damage) => {
    using folder = new ServeFolder();
    const store = new SqliteStore(folder.database);
    const writes = Array.from({ length: 500 }, (_, nth) => ({ key: `k${nth}`, record: 'x'.repeat(200) }));
    await store.commit({ expects: [], writes });
    await store.close();
    damage(folder.database);
    const before = readFileSync(folder.database);
    expect(await refusal(folder)).toMatch(/^scopegate: store: .*scopegate\.db.*\n$/);
    expect(readFileSync(folder.database).equals(before)).toBe(true);
  });
});

attack({
  name: 'a database that other users can open is refused',
  outcome: 'refused at the start, saying how to mend it; new ones are made for their owner alone',
  sources: ['CWE-732'],
})(() => {
  test('mode 0644', async () => {
    using folder = new ServeFolder();
    mkdirSync(dirname(folder.database));
    writeFileSync(folder.database, '');
    chmodSync(folder.database, 0o644);
    expect(await refusal(folder)).toContain(`run: chmod 600 ${folder.database}`);
  });
});

attack({
  name: 'a data folder that others can change, or data that belongs to somebody else, is refused by root, too',
  outcome: 'refused at the start, saying how to mend it',
  sources: ['CWE-732', 'CWE-283'],
})(() => {
  const served = async (folder: ServeFolder) => {
    const serving = await folder.serve();
    expect(await serving.process.stop()).toBe(0);
  };

  test.each([0o777, 0o770, 0o1777])('a folder with mode %o', async (mode) => {
    using folder = new ServeFolder();
    await served(folder);
    chmodSync(dirname(folder.database), mode);
    expect(await refusal(folder)).toContain(`run: chmod 700 ${dirname(folder.database)}`);
    chmodSync(dirname(folder.database), 0o700);
    await served(folder);
  });

  test.skipIf(process.getuid?.() !== 0).each([
    ['the database', (path: string) => path],
    ['its write-ahead log', (path: string) => `${path}-wal`],
    ['the folder', (path: string) => dirname(path)],
    ['the folder of the leases', (path: string) => `${path}-leases`],
  ])('%s of another user', async (_, of) => {
    using folder = new ServeFolder();
    await served(folder);
    const path = of(folder.database);
    if (!existsSync(path)) writeFileSync(path, '', { mode: 0o600 });
    chownSync(path, 65534, 65534);
    expect(await refusal(folder)).toMatch(
      new RegExp(`^scopegate: store: ${path} belongs to another user .*run: chown 0`),
    );
    chownSync(path, 0, 0);
    await served(folder);
  });
});

attack({
  name: 'a configuration that grows without end when its aliases are followed is refused',
  outcome: 'refused at the start; nothing is expanded',
  sources: ['CWE-776', 'CVE-2026-53550'],
})(() => {
  test('a billion laughs', async () => {
    const lines = Array.from({ length: 9 }, (_, nth) => {
      const from = nth === 0 ? '"ha"' : `*l${nth - 1}`;
      return `l${nth}: &l${nth} [${Array(9).fill(from).join(', ')}]`;
    });
    using folder = new ServeFolder(undefined, lines.join('\n'));
    expect(await refusal(folder)).toMatch(/stand for more than \d+ values/);
  });
});

attack({
  name: 'a configuration with a key twice, an unknown key or a key of every object is refused',
  outcome: 'refused at the start, with line and column: a slip of the pen never widens access',
  sources: ['CWE-1321'],
})(() => {
  test('each is told', async () => {
    using folder = new ServeFolder(
      undefined,
      'admin: { port: 1 }\nstoer: {}\n__proto__: { public: true }\nconstructor: { prototype: { public: true } }',
    );
    const told = await refusal(folder);
    for (const line of [/:7:1: .*admin/, /:9:1: .*__proto__/, /:10:1: .*constructor/]) expect(told).toMatch(line);
    expect(existsSync(folder.database)).toBe(false);
    using other = new ServeFolder(undefined, 'stoer: {}');
    expect(await refusal(other)).toMatch(/:7:1: unknown key "stoer"/);
  });
});

attack({
  name: 'a route with dots, encodings or empty segments in its path is refused',
  outcome: 'refused at the start: no request could match it as its author meant',
  sources: ['RFC 3986 section 6.2.2'],
})(() => {
  test.each([
    [['/files/../admin', '/%2e%2e/x', '/files//x', '/%2fx', '/x?y=1', '/x#y', '/files\\x']],
    [['files/x', '']],
  ])('%j', async (paths) => {
    using folder = new ServeFolder();
    const yaml = readFileSync(folder.configuration, 'utf8');
    const routes = paths.map(
      (path, nth) => `  - { id: r${nth}, match: { path: '${path}' }, public: true, upstream: api }`,
    );
    writeFileSync(
      folder.configuration,
      yaml.replace(/^routes: .*$/m, () => `routes:\n${routes.join('\n')}`),
    );
    const told = await refusal(folder);
    for (const nth of paths.keys()) expect(told, paths[nth]).toMatch(new RegExp(`gateway\\.yaml:${nth + 7}:\\d+: `));
  });
});

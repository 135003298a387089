/** Sentinels are believed, also when the master that they have left knows nothing of it; and they may ask who we are. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort, startRedis } from '../support/redis.ts';
import { openRedis, write } from './redis-world.ts';

it('a master that goes on alone after its Sentinel has named another is left within two seconds', async () => {
  await using old = await startRedis();
  await using next = await startRedis();
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-sentinel-'));
  const [file, port] = [join(folder, 'sentinel.conf'), await freePort()];
  writeFileSync(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${folder}\nrequirepass whoareyou\nsentinel monitor main 127.0.0.1 ${old.port} 1\n`,
  );
  const cliArgs = ['-a', 'whoareyou', '--no-auth-warning'];
  await using sentinel = await startRedis({ program: 'redis-sentinel', file, port, folder, cliArgs });
  const place = { kind: 'sentinel' as const, name: 'main', nodes: [{ host: '127.0.0.1', port }], tls: false };
  await expect(openRedis({ place })).rejects.toThrow('it refuses the user or password');

  const store = await openRedis({ place: { ...place, password: 'whoareyou' } });
  await write(store, 'a');
  expect(await old.cli('exists', 'test:{scopegate}:r:a')).toBe('1');
  await sentinel.cli('sentinel', 'remove', 'main');
  await sentinel.cli('sentinel', 'monitor', 'main', '127.0.0.1', String(next.port), '1');
  const begun = performance.now();
  await expect.poll(() => store.read('a'), { timeout: 5000, interval: 10 }).toEqual({ kind: 'absent' });
  expect(performance.now() - begun).toBeLessThan(2500);
  await expect.poll(() => write(store, 'b').catch(() => null), { timeout: 5000 }).toMatchObject({ ok: true });
  expect(await next.cli('exists', 'test:{scopegate}:r:b')).toBe('1');
  await expect.poll(() => store.rewoundCount).toBe(1);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What loading the client of Redis does to the rest of the process. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { ROOT } from '../support/process.ts';

function printed(script: string): string {
  const flags = ['--allow-natives-syntax', '--disable-warning=ExperimentalWarning', '--input-type=module'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', script], { cwd: ROOT, encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim();
}

it('methods of strings stay as fast as they were', () => {
  const tell = 'console.log(%HasFastProperties(String.prototype))';
  expect(printed(`await import('ioredis'); ${tell}`), 'no need any more for what redis/open-client.ts does').toBe(
    'false',
  );
  expect(printed(`await import('./src/store/redis/store.ts'); ${tell}`)).toBe('true');
});

it('a gateway on SQLite does not load it', () => {
  const loaded = `
    const { registerHooks } = await import('node:module');
    let count = 0;
    registerHooks({ load: (url, context, next) => { count += url.includes('/ioredis/') ? 1 : 0; return next(url, context); } });
    await import('./src/gateway/gateway.ts');
    const before = count;
    await import('./src/store/redis/store.ts');
    console.log(before, count > 0);`;
  expect(printed(loaded)).toBe('0 true');
});

/** What the Dockerfile says, as far as it can be tried without Docker: the health check, and what is sent to the build. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { freePort } from '../support/redis.ts';

const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

it('the health check says yes to a gateway that is ready and no to one that is gone, and starts no Node', async () => {
  const words = JSON.parse(/^HEALTHCHECK .*? CMD (\[.*\])$/m.exec(DOCKERFILE)![1]!) as string[];
  expect(words[0]).toBe('bash');
  expect(words.join(' ')).not.toMatch(/\b(node|curl|wget)\b/);
  const looked = async (port: string) => {
    const [code] = await once(
      spawn(words[0]!, words.slice(1), { env: { ...process.env, SCOPEGATE_ADMIN_PORT: port } }),
      'close',
    );
    return code as number | null;
  };
  expect(await looked(String(await freePort()))).not.toBe(0);
  const gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', seed: false });
  expect(await looked(new URL(gateway.adminUrl).port)).toBe(0);
  await gateway.stop();
});

it('everything that the image is made of is sent to the build, and nothing else is', () => {
  const [everything, ...sent] = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(everything).toBe('*');
  const copied = Array.from(DOCKERFILE.matchAll(/^COPY (?!--from)(.+) \S+$/gm), ([, names]) =>
    names!.split(' '),
  ).flat();
  expect(new Set(sent)).toEqual(new Set(copied.map((name) => `!${name}`)));
  for (const name of copied) expect(existsSync(join(ROOT, name)), name).toBe(true);
});

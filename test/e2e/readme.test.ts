/** The five-minute path of the README, followed to the letter in an empty folder; only ports and the folder are others. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks, readDocument } from '../support/documents.ts';
import { ROOT, type Started, started } from '../support/process.ts';
import { freePort } from '../support/redis.ts';
import { hasTool } from '../support/tools.ts';

const parent = mkdtempSync(join(tmpdir(), 'scopegate-readme-'));
const folder = join(parent, 'my-gateway');
const STEPS = 5;
let steps: string[];
let serving: Started;

beforeAll(async () => {
  const section = readDocument('README.md')
    .split('\n## ')
    .find((text) => text.startsWith('Your own API'))!;
  const ports = { 8080: await freePort(), 8081: await freePort(), 3000: await freePort() };
  steps = codeBlocks(section).map((block) =>
    Object.entries(ports).reduce((text, [named, free]) => text.replaceAll(named, String(free)), block),
  );
  steps[0] = steps[0]!.replaceAll('../my-gateway', folder);
  // What is started with `&` stays until it is killed as the README says.
  const script = [...steps.slice(0, 3), "trap 'kill %2 %1; wait; exit 0' TERM", 'wait'].join('\n');
  serving = started('bash', ['-mec', script], { env: { SCOPEGATE_ADMIN_KEY: '' } });
  await serving.until('"msg":"ready:');
});
afterAll(async () => {
  await serving.stop();
  rmSync(parent, { recursive: true, force: true });
});

/** In the folder that the first step made. */
const bash = async (script: string) =>
  (
    await promisify(execFile)('bash', ['-ec', script], {
      cwd: folder,
      env: { ...process.env, PATH: `${join(ROOT, 'bin')}:${process.env.PATH}`, SCOPEGATE_ADMIN_KEY: '' },
    })
  ).stdout;

describe.skipIf(!hasTool('curl'))(
  'the five minutes of the README',
  () => {
    it('make a folder, check its configuration and start', () => {
      expect(steps).toHaveLength(STEPS);
      expect(serving.stdout()).toContain('gateway.yaml: ok, 2 routes, 1 upstream, policy default');
      expect(existsSync(join(folder, 'data/admin-key'))).toBe(true);
    });

    it('load a directory, make a token, and end with a 200, a 401 and a 403', async () => {
      // In one shell, which keeps the token.
      const used = await bash(`${steps[3]!}\n${steps[4]!}`);
      expect(used).toContain('3 created, 0 changed, 0 removed, 0 unchanged');
      expect(Array.from(used.matchAll(/^HTTP\/1\.1 (\d+)/gm), ([, status]) => status)).toEqual(['200', '401', '403']);
      expect(used).toContain('"x-scopegate-subject": "ann"');
    });

    it('end with the processes that they started', async () => {
      expect(await serving.stop()).toBe(0);
    });
  },
  60_000,
);

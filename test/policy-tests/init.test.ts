/** The folder that `scopegate init` lays has tests, which notice every slip in its routes. */
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { run } from '../directory/harness.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-init-tests-'));
afterAll(() => rmSync(folder, { recursive: true }));

const POLICIES = globSync('policies/*.yaml', { cwd: ROOT })
  .map((name) => basename(name, '.yaml'))
  .filter((name) => !name.includes('.'));

it.each(POLICIES)('with the policy %s', async (policy) => {
  const at = join(folder, policy);
  expect(await run(['init', at, '--yes', '--policy', policy])).toMatchObject({ code: 0 });
  const { code, stdout, stderr } = await run(['test', join(at, 'gateway.test.yaml'), '--mutate']);
  expect(stdout + stderr).toContain('mutants: 16 of 16 noticed');
  expect(code).toBe(0);
});

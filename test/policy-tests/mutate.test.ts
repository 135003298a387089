/** Slips in rules that no test notices, and that our own files have none. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { run } from '../directory/harness.ts';
import { ROOT } from '../support/process.ts';
import { startFolder, testFile } from './folder.ts';

const folder = startFolder();
afterAll(() => folder.remove());

it('a slip that no test notices is named with the line of the rule', async () => {
  const tests = [
    {
      name: 'both',
      token: 'reader',
      allow: ['GET /sales/pages/1'],
      deny: { 'PUT /sales/pages/1': 'scope_missing', 'GET /other/pages/1': 'workspace_not_granted' },
    },
  ];
  folder.file('gateway.test.yaml', testFile({ tests }));
  const { code, lines } = await folder.test('--mutate');
  expect(code).toBe(0);
  const survivors = lines.filter((line) => line.includes('no test notices')).map((line) => line.trim());
  expect(survivors).toContain('gateway.yaml:7:25: no test notices when content:read is not asked for');
  expect(survivors).toContain(
    'gateway.yaml:13:56: no test notices when a member of the workspace suffices instead of an admin',
  );
  expect(survivors).toContain('gateway.yaml:16:23: no test notices when every method is let through');
  expect(survivors.join('\n')).not.toContain('content:read suffices instead of content:write');
  expect(survivors.join('\n')).not.toMatch(
    /gateway.yaml:(?:6|7):.*(?:the workspace is not checked|no token is asked for)/,
  );
});

it('too few noticed slips fail where so many are required, and are judged only once all tests hold', async () => {
  const tests = [{ name: 'one', token: 'reader', allow: ['GET /sales/pages/1'] }];
  folder.file('gateway.test.yaml', testFile({ tests, require: { mutants: 90 } }));
  const lacking = await folder.test('--mutate');
  expect([lacking.code, lacking.stdout]).toEqual([
    2,
    expect.stringMatching(/mutants: \d+ of \d+ noticed, 90 % are required/),
  ]);
  expect((await folder.test()).code).toBe(0);
  folder.file('gateway.test.yaml', testFile({ tests: [{ name: 'one', allow: ['GET /sales/pages/1'] }] }));
  const failing = await folder.test('--mutate');
  expect([failing.code, failing.stdout]).toEqual([2, expect.not.stringContaining('mutants')]);
});

const SHIPPED = ['gateway.test.yaml', ...globSync('test/policy-tests/policies/*.test.yaml', { cwd: ROOT })].toSorted();

it('each shipped policy has tests', () => {
  const policies = globSync('policies/*.yaml', { cwd: ROOT }).filter((name) => !name.endsWith('.routes.yaml'));
  expect(SHIPPED).toEqual(
    expect.arrayContaining(policies.map((name) => `test/policy-tests/${name.replace('.yaml', '.test.yaml')}`)),
  );
});

it.each(SHIPPED)('%s holds, and notices every slip in the rules', async (name) => {
  const { code, stdout, stderr } = await run(['test', join(ROOT, name), '--mutate'], {});
  expect(stdout + stderr).not.toContain('no test notices');
  expect(stdout).toMatch(/mutants: (\d+) of \1 noticed/);
  expect(code, stdout + stderr).toBe(0);
});

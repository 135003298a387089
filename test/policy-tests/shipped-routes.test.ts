/** Whoever begins with a recipe, the demo or the routes of a policy has tests of them, which notice every slip in a route. */
import { copyFileSync, cpSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { run } from '../directory/harness.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-shipped-routes-'));
afterAll(() => rmSync(folder, { recursive: true }));

const RECIPES = globSync('docs/recipes/*/gateway.yaml', { cwd: ROOT }).map((path) => basename(join(path, '..')));
const POLICIES = globSync('policies/*.routes.yaml', { cwd: ROOT }).map((path) => basename(path, '.routes.yaml'));

/** As docs/recipes/README.md says. */
function lay(recipe: string): string {
  const into = join(folder, recipe);
  cpSync(join(ROOT, 'docs/recipes', recipe), into, { recursive: true });
  const policy = POLICIES.includes(recipe) ? recipe : 'default';
  if (!existsSync(join(into, 'policy.yaml')))
    copyFileSync(join(ROOT, `policies/${policy}.yaml`), join(into, 'policy.yaml'));
  if (policy === recipe)
    copyFileSync(join(ROOT, `policies/${recipe}.routes.yaml`), join(into, `${recipe}.routes.yaml`));
  return join(into, 'gateway.test.yaml');
}

interface Told {
  readonly suites: ReadonlyArray<{
    readonly name: string;
    readonly coverage: { readonly routes: number; readonly tried: number };
    readonly mutation: { readonly mutants: number; readonly survivors: readonly object[]; readonly required: number };
  }>;
}

it('the routes of each policy stand in the recipe of its name', () => {
  expect(POLICIES.length).toBeGreaterThan(3);
  expect(RECIPES).toEqual(expect.arrayContaining(POLICIES));
});

// All of them in one process: it is the start of one that takes the time.
it('every recipe and the demo have tests that hold, and that notice every slip', { timeout: 300_000 }, async () => {
  const files = [...RECIPES.map(lay), join(ROOT, 'demo/gateway.test.yaml')];
  const { code, stdout, stderr } = await run(['test', ...files, '--mutate', '--json'], {});
  expect(stderr).toBe('');
  const { suites } = JSON.parse(stdout) as Told;
  expect(suites).toHaveLength(files.length);
  for (const { name, coverage, mutation } of suites) {
    expect(mutation, name).toMatchObject({ survivors: [], required: 100 });
    expect([name, coverage.tried]).toEqual([name, coverage.routes]);
  }
  expect(code).toBe(0);
});

/** Every example of a command is run, and prints what docs/cli.md shows. `vitest -u` writes down what it prints now. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHOWN_COMMANDS } from '../../src/cli/commands.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let token: string;

beforeAll(async () => {
  world = await startWorld();
  const { code, stderr } = await world.shell('scopegate apply directory.yaml');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const made = await world.shell(
    'scopegate token create --name export --owner ann --scope content:read --workspace sales --expires 7d --json',
  );
  const created = JSON.parse(made.stdout) as { id: string; token: string };
  world.variables.ID = created.id;
  token = created.token;
  // Without a token, which would have been used.
  await fetch(`${world.gateway.url}/workspaces/sales/pages/1`, { method: 'PUT' });
  writeFileSync(join(world.gateway.folder, 'found.txt'), `${token}\n`);
  const account = await world.shell('scopegate service-account create --name reports --scope content:read --json');
  world.variables.CLIENT = (JSON.parse(account.stdout) as { clientId: string }).clientId;
});
afterAll(() => world.stop());

/** What differs from run to run, by what is as long. */
function settled(text: string): string {
  const { gateway } = world;
  const ids = new Map<string, string>();
  return text
    .replaceAll(`${gateway.folder}/`, '')
    .replaceAll(gateway.adminUrl, 'http://127.0.0.1:8081')
    .replace(/\btok_[0-9a-z]{24,40}\b/g, (id) => {
      if (!ids.has(id))
        ids.set(
          id,
          `${'tok_0mx3uxi5q35fe4a1e5e31b697403'.padEnd(id.length - 1, '0').slice(0, id.length - 1)}${ids.size}`,
        );
      return ids.get(id)!;
    })
    .replace(/\bsa_[0-9A-Za-z]{12,}\b/g, (id) =>
      `sa_${id === world.variables.CLIENT ? 'Qc7W' : 'Lm8T'}`.padEnd(id.length, 'vXr2Kd94'),
    )
    .replace(/\b([a-z]{2,4}_)[0-9A-Za-z]{40,60}\b/g, '$1…')
    .replace(/\bpat_[0-9A-Za-z]{4}…/g, 'pat_x1Y2…')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-11-30T22:46:17.390Z')
    .replace(/\b20\d\d-\d\d-\d\d\b(?!T)/g, '2026-11-30')
    .replace(/\b[0-9A-Z]{26}\b/g, '01KDZ7Q6E0014R60G0RM000002')
    .replace(/\bafter [\d,]+ ms/g, 'after 12 ms');
}

/** In the order of the table, so that each finds what those before it left. */
describe('the example of', () => {
  for (const { words, example } of SHOWN_COMMANDS) {
    if (example === undefined) continue;
    it(`scopegate ${words} prints what docs/cli.md shows`, async () => {
      const { code, stdout, stderr } = await world.shell(example);
      expect(code, stderr).toBe(0);
      await expect(settled(stdout + stderr)).toMatchFileSnapshot(`examples/${words.replace(' ', '-')}.txt`);
    });
  }
});

it('every command of the table has an example, but those that run until they are stopped, measure, move a store or print a script', () => {
  const without = SHOWN_COMMANDS.filter(({ example }) => example === undefined).map(({ words }) => words);
  expect(without).toEqual(['demo', 'serve', 'bench', 'migrate-store', 'completion']);
});

/** docs/recipes/json-server: the real json-server, and a client that goes where Link and Location send it. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, type Started, started } from '../support/process.ts';
import { freeUrl } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { bash, type Recipe, startRecipe } from './harness.ts';

describe.skipIf(!hasTool('curl'))('json-server through the gateway', () => {
  let recipe: Recipe;
  let server: Started;
  let token: string;

  beforeAll(async () => {
    const url = await freeUrl();
    recipe = await startRecipe('json-server', { API_URL: url });
    token = await recipe.token();
    const command = recipe
      .commands(0)
      .trim()
      .replace(
        /^npx json-server@\S+/,
        `exec "${process.execPath}" "${join(ROOT, 'node_modules/json-server/lib/cli/bin.js')}"`,
      )
      .replace('3000', new URL(url).port);
    server = started('bash', ['-ec', command], { cwd: recipe.work });
    await server.until('Home');
  });
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await server?.stop();
    await recipe?.[Symbol.asyncDispose]();
  });

  it('the commands of the recipe are answered with the pages and the new entry at the gateway', async () => {
    const { code, output } = await bash(recipe.commands(0 + 1), { cwd: recipe.work, env: { TOKEN: token } });
    expect(code, output).toBe(0);
    expect(output).toContain(`<${recipe.url}/api/posts?_page=2&_limit=1>; rel="next"`);
    expect(output).toMatch(new RegExp(`^Location: ${recipe.url}/api/posts/4\r?$`, 'm'));
  });

  it('a client that follows rel="next" comes to the last page without leaving the gateway', async () => {
    const headers = { authorization: `Bearer ${token}` };
    const ids: number[] = [];
    let next: string | undefined = `${recipe.url}/api/posts?_page=1&_limit=2&id_lte=3`;
    while (next !== undefined) {
      expect(new URL(next).origin).toBe(recipe.url);
      const answer: Response = await fetch(next, { headers });
      const page = (await answer.json()) as Array<{ id: number }>;
      ids.push(...page.map(({ id }) => id));
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    expect(ids).toEqual([1, 2, 3]);
  });
});

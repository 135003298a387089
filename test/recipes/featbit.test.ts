/** docs/recipes/featbit: curl, with FeatBit's bare header, and a small API that answers as FeatBit does. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

const [SHOP, BACK_OFFICE] = ['226b9bf8-4aff-4ffa-9b01-3f5fe2a3b001', '226b9bf8-4aff-4ffa-9b01-3f5fe2a3b002'];
const STAGING = '226b9bf8-4aff-4ffa-9b01-3f5fe2a3b003';
const FORBIDDEN = { success: false, errors: ['Forbidden'], data: null };

describe.skipIf(!hasTool('curl'))('FeatBit behind scopegate', () => {
  let featbit: ServedApp;
  let recipe: Recipe;
  const seen: unknown[] = [];
  const ask = async (token: string, method: string, path: string) => {
    const answer = await fetch(`${recipe.url}/api/v1${path}`, { method, headers: { authorization: token } });
    return { status: answer.status, body: await answer.json() };
  };

  beforeAll(async () => {
    featbit = await serveApp(({ headers }, response) => {
      seen.push(headers.authorization);
      response.setHeader('content-type', 'application/json').end('{"success":true,"errors":[],"data":{"items":[]}}');
    });
    recipe = await startRecipe('featbit', { FEATBIT_URL: featbit.url, FEATBIT_TOKEN: 'api-own' }, 'featbit');
  });
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await recipe?.[Symbol.asyncDispose]();
    await featbit?.[Symbol.asyncDispose]();
  });

  it('the commands of the recipe list the flags of a project, by the bare header', async () => {
    const { code, output } = await recipe.run(2, 3);
    expect(code, output).toBe(0);
    expect(output).toContain('{"success":true,"errors":[],"data":{"items":[]}}');
    expect(seen).toEqual(['api-own']);
  });

  it('FEATBIT-3 FEATBIT-4 X-16 a token for reading, in one project, gets Forbidden for everything else', async () => {
    const token = await recipe.gateway.mint({
      ...{ owner: 'dev', kind: 'service', neverExpires: true, scopes: ['flags:read'] },
      workspaces: ['2d6f1a1e-6c2f-4a0e-8d37-0f3a5a5c1b01'],
    });
    expect((await ask(token, 'GET', `/envs/${SHOP}/feature-flags/checkout`)).status).toBe(200);
    for (const [method, path] of [
      ['PUT', `/envs/${SHOP}/feature-flags/checkout/toggle/true`],
      ['GET', `/envs/${BACK_OFFICE}/feature-flags`],
      ['GET', `/envs/${SHOP}/segments`],
      ['GET', '/members'],
    ] as const)
      expect(await ask(token, method, path), path).toEqual({ status: 403, body: FORBIDDEN });
    expect((await ask(token, 'GET', `/envs/${SHOP}/feature-flags/is-key-used/x`)).status).toBe(404);
  });

  it('FEATBIT-4 an integration that must not touch production is limited to other environments, and changes no project', async () => {
    const project = '/projects/2d6f1a1e-6c2f-4a0e-8d37-0f3a5a5c1b01';
    const token = await recipe.gateway.mint({
      ...{ owner: 'ann', scopes: ['flags:write', 'projects:write', 'members:write'], workspaces: [project.slice(10)] },
      environments: [STAGING],
    });
    const status = async (method: string, path: string) => (await ask(token, method, path)).status;
    expect(await status('POST', `/envs/${STAGING}/feature-flags`)).toBe(200);
    expect(await status('PUT', `${project}/envs/${STAGING}`)).toBe(200);
    expect(await ask(token, 'GET', `/envs/${SHOP}/feature-flags`)).toEqual({ status: 403, body: FORBIDDEN });
    expect(await status('PUT', `${project}/envs/${SHOP}`)).toBe(403);
    expect(await status('DELETE', project)).toBe(403);
    expect(await status('POST', `${project}/envs`)).toBe(403);
    expect(await status('GET', '/groups')).toBe(200);
    expect(await status('POST', '/groups')).toBe(403);
  });
});

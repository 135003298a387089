/** docs/recipes/impact: curl, with the Account SID and the token, and a small API that answers as impact.com does. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

describe.skipIf(!hasTool('curl'))('impact.com behind scopegate', () => {
  let impact: ServedApp;
  let recipe: Recipe;
  const seen: unknown[] = [];

  beforeAll(async () => {
    impact = await serveApp(({ headers }, response) => {
      seen.push([headers.authorization, headers['x-scopegate-api-version']]);
      response.setHeader('content-type', 'application/json').end('{"@page":"1","Campaigns":[]}');
    });
    recipe = await startRecipe('impact', { IMPACT_URL: impact.url, IMPACT_CREDENTIALS: 'b3duOm93bg==' }, 'impact');
  });
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await recipe?.[Symbol.asyncDispose]();
    await impact?.[Symbol.asyncDispose]();
  });

  it('IMPACT-4 the commands of the recipe read the campaigns of a brand, for the version of the token', async () => {
    const { code, output } = await recipe.run(2, 3);
    expect(code, output).toBe(0);
    expect(output).toContain('{"@page":"1","Campaigns":[]}');
    expect(seen).toEqual([['Basic b3duOm93bg==', 'v14']]);
  });

  it('IMPACT-7 a token reaches the categories and the brands that it was given, and nothing else', async () => {
    const token = await recipe.gateway.mint({
      ...{ owner: 'ann', contacts: { primary: 'ann' }, neverExpires: true, scopes: ['campaigns:read'] },
      workspaces: ['2747168'],
    });
    const authorization = `Basic ${Buffer.from(`IRq8mWJybvoQ:${token}`).toString('base64')}`;
    const ask = async (method: string, path: string) =>
      (await fetch(`${recipe.url}/Agencies/IRq8mWJybvoQ/${path}`, { method, headers: { authorization } })).status;
    expect(await ask('GET', 'Advertisers/2747168/Campaigns/1000/Contacts')).toBe(200);
    expect(await ask('POST', 'Advertisers/2747168/Campaigns/1000/Contacts')).toBe(403);
    expect(await ask('GET', 'Advertisers/2747168/Invoices')).toBe(403);
    expect(await ask('GET', 'Advertisers/2747169/Campaigns')).toBe(403);
    expect(await ask('GET', 'Reports')).toBe(403);
    expect(await ask('GET', 'Advertisers/2747168/Unknown')).toBe(404);
  });
});

/** docs/recipes/scrydon: the commands of Scrydon's own page, and a small API that answers what it was asked for. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

describe.skipIf(!hasTool('curl'))('Scrydon behind scopegate', () => {
  let scrydon: ServedApp;
  let recipe: Recipe;

  beforeAll(async () => {
    scrydon = await serveApp(({ url }, response) => response.end(`the API was asked for ${url}\n`));
    recipe = await startRecipe('scrydon', { SCRYDON_URL: scrydon.url }, 'scrydon');
  });
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await recipe?.[Symbol.asyncDispose]();
    await scrydon?.[Symbol.asyncDispose]();
  });

  it('SCRYDON-8 SCRYDON-21 the commands of the page fetch a token, ask whose it is, and list workflows of an environment', async () => {
    const { code, output } = await recipe.run(1, 2);
    expect(code, output).toBe(0);
    expect(output).toMatch(/"clientId":"sa_\w+","scopes":\["workflows:read"\]/);
    expect(output).toContain('the API was asked for /api/v1/workflows?environmentId=sales-live\n');
  });

  it('SCRYDON-19 SCRYDON-22 a workspace without a role for the account, and a resource without the scope, are refused', async () => {
    const { body } = await recipe.gateway.admin('POST', '/service-accounts', { name: 'other', scopes: ['chat:write'] });
    const { clientId, clientSecret } = body as Record<'clientId' | 'clientSecret', string>;
    const path = `/workspaces/sales/assignments/service-accounts/${clientId}`;
    await recipe.gateway.admin('PUT', path, { role: 'member' });
    const issued = await fetch(`${recipe.url}/api/auth/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token } = (await issued.json()) as { access_token: string };
    const ask = async (method: string, target: string) => {
      const headers = { authorization: `Bearer ${access_token}` };
      return (await fetch(`${recipe.url}/api/v1/${target}`, { method, headers })).status;
    };
    expect(await ask('POST', 'chat/messages?environmentId=sales-live')).toBe(200);
    expect(await ask('GET', 'chat?environmentId=sales-live')).toBe(200);
    expect(await ask('GET', 'chat?environmentId=legal-live')).toBe(403);
    expect(await ask('GET', 'workflows?environmentId=sales-live')).toBe(403);
    expect(await ask('GET', 'members?environmentId=sales-live')).toBe(404);
  });
});

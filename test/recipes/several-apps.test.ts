/** docs/recipes/several-apps: two applications under names of their own and one under a path, each unaware of the others. */
import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../support/tools.ts';
import { bash, type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

/** Says who it is and what it saw; /old redirects to an address made from Host, as frameworks make them. */
function application(name: string) {
  const app = express();
  app.get('/old', (request, response) => response.redirect(`http://${request.get('host')}/new?from=old`));
  app.get('/{*path}', (request, response) => {
    const prefix = request.get('x-forwarded-prefix') ?? null;
    response.json({
      name,
      host: request.get('host'),
      path: request.originalUrl,
      prefix,
      subject: request.get('x-scopegate-subject'),
    });
  });
  return serveApp(app);
}

describe.skipIf(!hasTool('curl'))('several applications', () => {
  let recipe: Recipe;
  let apps: readonly ServedApp[];
  let port: string;
  let token: string;

  beforeAll(async () => {
    apps = await Promise.all(['wiki', 'shop', 'reports'].map(application));
    const [wiki, shop, reports] = apps.map(({ url }) => url) as [string, string, string];
    recipe = await startRecipe('several-apps', { WIKI_URL: wiki, SHOP_URL: shop, REPORTS_URL: reports });
    port = new URL(recipe.url).port;
    token = await recipe.token();
  });
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await recipe?.[Symbol.asyncDispose]();
    for (const app of apps ?? []) await app[Symbol.asyncDispose]();
  });

  /** Status, where it leads, and the body. */
  const curl = async (host: string, path: string, TOKEN = token) => {
    const command = `curl -sS -w '\\n%{http_code} %{redirect_url}' --resolve ${host}:${port}:127.0.0.1 \
      "http://${host}:${port}${path}" -H "Authorization: Bearer $TOKEN"`;
    const { output } = await bash(command, { cwd: recipe.work, env: { TOKEN } });
    const [body, last] = output.split('\n') as [string, string];
    const [status, location] = last.split(' ') as [string, string];
    return { status: Number(status), location, body };
  };

  it('each is reached by the commands of the recipe, under its name or its path, and sees what it would see alone', async () => {
    const commands = recipe.commands(0).trim().split('\n').join(' -w "\\n"\n');
    const { code, output } = await bash(commands, { cwd: recipe.work, env: { TOKEN: token } });
    expect(code, output).toBe(0);
    const answers = output.trim().split('\n');
    expect(answers.map((line) => JSON.parse(line) as unknown)).toEqual([
      { name: 'wiki', host: `wiki.example.com:${port}`, path: '/start', prefix: null, subject: 'ann' },
      { name: 'shop', host: `eu.shop.example.com:${port}`, path: '/cart', prefix: null, subject: 'ann' },
      { name: 'reports', host: new URL(apps[2]!.url).host, path: '/2026', prefix: '/reports', subject: 'ann' },
    ]);
  });

  it('a redirect leads back to the name or the path under which the client came', async () => {
    const wiki = `wiki.example.com:${port}`;
    expect(await curl('wiki.example.com', '/old')).toMatchObject({
      status: 302,
      location: `http://${wiki}/new?from=old`,
    });
    expect(await curl('gateway.example.com', '/reports/old')).toMatchObject({
      status: 302,
      location: `http://gateway.example.com:${port}/reports/new?from=old`,
    });
  });

  it('no name falls back to the routes of another, and each asks for its own scopes', async () => {
    const seen = () => apps.map((app) => app.seen.length);
    const before = seen();
    const reader = await recipe.token(['content:read']);
    expect((await curl('wiki.example.com', '/reports/2026')).body).toContain('"wiki"');
    expect((await curl('gateway.example.com', '/start')).status).toBe(404);
    expect((await curl('other.example.com', '/cart')).status).toBe(404);
    expect((await curl('shop.example.com', '/cart', reader)).status).toBe(403);
    expect(seen()).toEqual([before[0]! + 1, before[1], before[2]]);
  });
});

/** docs/recipes/encoded-slashes: paths as CouchDB and GitLab have them, in front of an upstream that decodes as they do. */
import type { RequestListener } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { bash, type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

let app: ServedApp;
let recipe: Recipe;
let token: string;

/** Splits at what is a slash on the wire, then decodes each piece: what both applications do, and say so. */
const names: RequestListener = (request, response) => {
  const segments = request.url!.split('/').slice(1).map(decodeURIComponent);
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify({ method: request.method, segments })}\n`);
};

beforeAll(async () => {
  app = await serveApp(names);
  recipe = await startRecipe('encoded-slashes', { COUCHDB_URL: app.url, GITLAB_URL: app.url });
  token = await recipe.token();
});
afterEach(() => expect(recipe.errors).toEqual([]));
afterAll(async () => {
  await recipe?.[Symbol.asyncDispose]();
  await app?.[Symbol.asyncDispose]();
});

const get = (path: string) => fetch(recipe.url + path, { headers: { authorization: `Bearer ${token}` } });

it('the commands of the recipe reach one document and one project each', async () => {
  const { code, output } = await bash(recipe.commands(0), { cwd: recipe.work, env: { TOKEN: token } });
  expect(code, output).toBe(0);
  const answers = output.trim().split('\n');
  expect(answers.map((line) => JSON.parse(line) as unknown)).toEqual([
    { method: 'GET', segments: ['db', '_design/reports'] },
    { method: 'GET', segments: ['api', 'v4', 'projects', 'group/project'] },
    { method: 'PUT', segments: ['db', '_design/reports'] },
  ]);
});

it('a project and a file of it may both hold slashes, and the path is sent as it came', async () => {
  const path = '/api/v4/projects/group%2fsub%2Fproject/repository/files/src%2Fmain.ts?ref=main';
  expect((await get(path)).status).toBe(200);
  expect(app.seen.at(-1)).toBe(`GET ${path}`);
});

it('what another route has with a slash is not reached by an encoded one, and the upstream sees nothing', async () => {
  const before = app.seen.length;
  const statuses: Record<string, number> = {};
  for (const path of [
    '/db/_security',
    '/db%2F_security',
    '/db/x%2F..%2F_security',
    '/db/_design%2F',
    '/db/%2F_security',
  ])
    statuses[path] = (await get(path)).status;
  expect(statuses).toEqual({
    '/db/_security': 403,
    '/db%2F_security': 400,
    '/db/x%2F..%2F_security': 400,
    '/db/_design%2F': 400,
    '/db/%2F_security': 400,
  });
  expect(app.seen.slice(before)).toEqual([]);
});

it('a percent sign that is encoded itself stays text', async () => {
  expect(await (await get('/db/_design%252Freports')).json()).toEqual({
    method: 'GET',
    segments: ['db', '_design%2Freports'],
  });
});

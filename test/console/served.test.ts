/** How the sidecar serves the console: what a page may do, what browsers keep, and how much there is to load. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConsoleFiles } from '../../src/admin/console-files.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';

const BUILT = join(ROOT, 'dist/console');
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'accept-encoding': 'gzip, deflate, br, zstd' };

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', seed: false });
});
afterAll(() => gateway.stop());

async function get(path: string, headers: Record<string, string> = BROWSER) {
  const answer = await request(gateway.adminUrl + path, { headers });
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.from(await answer.body.arrayBuffer()) };
}

it('is built by npm ci', () => {
  expect(existsSync(join(BUILT, 'index.html')), 'npm run build:console').toBe(true);
});

it.each(['/', '/o/acme/tokens', '/o/acme/tokens?state=active', '/no/such/page'])('%s is the page', async (path) => {
  const { status, headers, body } = await get(path);
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-store',
  ]);
  expect(headers['content-security-policy']).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  );
  expect(headers).toMatchObject({
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-encoding': 'br',
    vary: 'Accept-Encoding',
  });
  expect(brotliDecompressSync(body).toString()).toContain('<div id="root">');
});

it('a file of the page is kept for ever, in the form that the browser takes', async () => {
  const page = (await get('/', { accept: 'text/html' })).body.toString();
  const [script] = /\/assets\/[\w-]+\.js/.exec(page)!;
  const forms = { br: brotliDecompressSync, gzip: gunzipSync };
  const plain = await get(script, {});
  expect(plain.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
  });
  expect(plain.headers['content-encoding']).toBeUndefined();
  for (const [encoding, read] of Object.entries(forms)) {
    const { headers, body } = await get(script, { 'accept-encoding': encoding });
    expect(headers['content-encoding']).toBe(encoding);
    expect(read(body).equals(plain.body)).toBe(true);
  }
  expect((await get(script, { 'accept-encoding': 'br;q=0, gzip' })).headers['content-encoding']).toBe('gzip');
});

it.each(['/assets/none.js', '/assets/..%2f..%2fpackage.json', '/assets/index.html'])('%s is nothing', async (path) => {
  const { status, body } = await get(path);
  expect([status, JSON.parse(body.toString())]).toMatchObject([404, { code: 'not_found' }]);
});

it('the API answers as before, whoever accepts pages', async () => {
  expect((await get('/v1/nothing')).status).toBe(401);
  expect((await get('/livez')).headers['content-type']).toMatch(/^application\/json/);
  expect((await get('/x', { accept: 'application/json' })).status).toBe(401);
});

it('names no other host, and where it was not built says so', async () => {
  const page = (await get('/', { accept: 'text/html' })).body.toString();
  expect(page).not.toMatch(/https?:\/\//);
  const empty = mkdtempSync(join(tmpdir(), 'scopegate-console-'));
  const { status, body } = await new ConsoleFiles(empty).page('br');
  rmSync(empty, { recursive: true });
  expect([status, body.toString()]).toEqual([503, expect.stringContaining('npm run build:console')]);
});

it('the first page loads 200 kB at most, all of them 250', () => {
  const page = readFileSync(join(BUILT, 'index.html'), 'utf8');
  const assets = readdirSync(join(BUILT, 'assets')).filter((name) => name.endsWith('.br'));
  const kB = (names: Iterable<string>) =>
    [...names].reduce((sum, name) => sum + readFileSync(join(BUILT, 'assets', name)).length, 0) / 1000;
  const first = new Set(assets.filter((name) => page.includes(name.replace(/\.br$/, ''))));
  // What a script imports at once is waited for, too, whether the page names it or not.
  for (const name of first) {
    if (!name.endsWith('.js.br')) continue;
    const text = brotliDecompressSync(readFileSync(join(BUILT, 'assets', name))).toString();
    for (const [, imported] of text.matchAll(/(?:\bfrom|\bimport) ?["'`]\.\/([\w-]+\.js)["'`]/g))
      first.add(`${imported}.br`);
  }
  expect([...first].some((name) => name.endsWith('.js.br'))).toBe(true);
  expect(kB(first)).toBeLessThanOrEqual(200);
  // Also what is loaded only where it is looked at.
  expect(kB(assets)).toBeLessThanOrEqual(250);
});

it('brings the licences of what it is made of', () => {
  expect(readFileSync(join(BUILT, 'licenses.md'), 'utf8')).toMatch(/react-dom[\s\S]*MIT/);
});

/** docs/recipes/verdaccio: the real verdaccio, the real npm, and its web page in Debian's Chromium. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, type Started, started } from '../support/process.ts';
import { freeUrl } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { bash, type Recipe, startRecipe } from './harness.ts';

/** Programs that start slowly, on a machine that has others to run. */
const SLOW_MS = 120_000;

describe('verdaccio through the gateway', () => {
  let recipe: Recipe;
  let verdaccio: Started;
  let verdaccioUrl: string;
  let token: string;

  /** As somebody at home in the recipe's folder, whose npm knows no other settings. */
  const npm = (script: string, TOKEN = token) => {
    const others = Object.keys(process.env).filter((name) => /^npm_/i.test(name));
    const env = { ...Object.fromEntries(others.map((name) => [name, undefined])), HOME: recipe.work, TOKEN };
    return bash(script, { cwd: recipe.work, env });
  };
  const makePackage = (folder: string, name: string) => {
    mkdirSync(join(recipe.work, folder));
    const manifest = { name, version: '1.0.0', description: `says ${folder}`, main: 'index.js' };
    writeFileSync(join(recipe.work, folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(recipe.work, folder, 'index.js'), `module.exports = '${folder}';\n`);
  };

  beforeAll(async () => {
    verdaccioUrl = await freeUrl();
    recipe = await startRecipe('verdaccio', { VERDACCIO_URL: verdaccioUrl });
    token = await recipe.token();
    for (const [folder, name] of [
      ['hello', '@acme/hello'],
      ['plain', 'plain'],
      ['app', 'app'],
    ] as const)
      makePackage(folder, name);
    const program = `exec "${process.execPath}" "${join(ROOT, 'node_modules/verdaccio/bin/verdaccio')}"`;
    const command = recipe
      .commands(0)
      .trim()
      .replace(/^npx verdaccio@6/, program);
    verdaccio = started('bash', ['-ec', `exec 2>&1; ${command} --listen ${new URL(verdaccioUrl).host}`], {
      cwd: recipe.gateway.folder,
    });
    await verdaccio.until('http address');
  }, SLOW_MS);
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await verdaccio?.stop();
    await recipe?.[Symbol.asyncDispose]();
  });

  it(
    'a scoped package is published, installed and viewed by the commands of the recipe, and its file comes from the gateway',
    async () => {
      const { code, output } = await npm(recipe.commands(1));
      expect(code, output).toBe(0);
      expect(output).toContain('+ @acme/hello@1.0.0');
      expect(output).toContain(`${recipe.url}/@acme/hello/-/hello-1.0.0.tgz`);
      expect(readFileSync(join(recipe.work, 'app/node_modules/@acme/hello/index.js'), 'utf8')).toContain('hello');
      expect(readFileSync(join(recipe.work, 'app/package-lock.json'), 'utf8')).not.toContain(verdaccioUrl);
    },
    SLOW_MS,
  );

  it(
    'a token that may only read installs, and does not publish',
    async () => {
      const reader = await recipe.token(['content:read']);
      const published = await npm('cd plain && npm publish', reader);
      expect(published.code).not.toBe(0);
      expect(published.output).toContain('E403');
      const done = await npm('cd plain && npm publish');
      expect(done.code, done.output).toBe(0);
      const installed = await npm('cd app && npm install plain', reader);
      expect(installed.code, installed.output).toBe(0);
      expect(readFileSync(join(recipe.work, 'app/node_modules/plain/index.js'), 'utf8')).toContain('plain');
    },
    SLOW_MS,
  );

  it.skipIf(!hasTool('chromium'))(
    'the web page lists the packages in Chromium, which gives the token as a password',
    async () => {
      const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
      try {
        await expect((await browser.newPage()).goto(recipe.url)).rejects.toThrow('ERR_INVALID_AUTH_CREDENTIALS');
        const context = await browser.newContext({ httpCredentials: { username: 'ann', password: token } });
        const page = await context.newPage();
        const around: string[] = [];
        page.on('request', (request) => {
          if (new URL(request.url()).host === new URL(verdaccioUrl).host) around.push(request.url());
        });
        await page.goto(recipe.url);
        await page.getByText('@acme/hello').first().waitFor();
        expect(await page.getByText('says hello').count()).toBeGreaterThan(0);
        expect(around, 'asked for around the gateway').toEqual([]);
      } finally {
        await browser.close();
      }
    },
    SLOW_MS,
  );
});

/** docs/recipes/git: git's own server under lighttpd, and the real git on the other side. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Started, started } from '../support/process.ts';
import { freeUrl } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { bash, type Recipe, startRecipe } from './harness.ts';

const LARGE_BYTES = 30 << 20;
/** Programs that start slowly, on a machine that has others to run. */
const SLOW_MS = 90_000;
const canRun = hasTool('git') && hasTool('lighttpd');

/** As somebody who has no settings of their own, and nobody to ask. */
const ALONE = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  // What is random gets no smaller, and trying takes seconds.
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'core.compression',
  GIT_CONFIG_VALUE_0: '0',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
};

let recipe: Recipe;
let server: Started;
let token: string;

const git = (script: string, TOKEN = token) => bash(script, { cwd: recipe.work, env: { ...ALONE, TOKEN } });

describe.skipIf(!canRun)(
  'git through the gateway',
  () => {
    beforeAll(async () => {
      const url = await freeUrl();
      recipe = await startRecipe('git', { GIT_URL: url });
      token = await recipe.token();
      const { folder } = recipe.gateway;
      writeFileSync(join(folder, 'lighttpd.conf'), recipe.file('lighttpd.conf').replace('9418', new URL(url).port));
      server = started('bash', ['-ec', `exec 2>&1\n${recipe.commands(0).replace('lighttpd -D', 'exec lighttpd -D')}`], {
        cwd: folder,
        env: ALONE,
      });
      await server.until('server started');
    });
    afterEach(() => expect(recipe.errors).toEqual([]));
    afterAll(async () => {
      await server?.stop();
      await recipe?.[Symbol.asyncDispose]();
    });

    it('is pushed to and cloned with the token in a header or as a password, by the commands of the recipe', async () => {
      const pushed = await git(`git init -q -b main first && cd first && git commit -q --allow-empty -m begin &&
      git -c http.extraHeader="Authorization: Bearer $TOKEN" push -q ${recipe.url}/demo.git main`);
      expect(pushed.code, pushed.output).toBe(0);
      const cloned = await git(recipe.commands(1));
      expect(cloned.code, cloned.output).toBe(0);
      const same = await git('git -C by-header rev-parse main && git -C by-password rev-parse main');
      expect(new Set(same.output.trim().split('\n')).size, same.output).toBe(1);
    });

    it('a token that may only read clones, and is refused at the push', async () => {
      const reader = await recipe.token(['content:read']);
      const cloned = await git(recipe.commands(1).replaceAll('by-', 'read-by-'), reader);
      expect(cloned.code, cloned.output).toBe(0);
      const pushed = await git('cd read-by-password && git commit -q --allow-empty -m more && git push -q', reader);
      expect(pushed.code).not.toBe(0);
      expect(pushed.output).toContain('error: 403');
    });

    it('30 MB come out as they went in', async () => {
      const large = randomBytes(LARGE_BYTES);
      writeFileSync(join(recipe.work, 'by-password/large.bin'), large);
      const pushed = await git('cd by-password && git add . && git commit -q -m large && git push -q');
      expect(pushed.code, pushed.output).toBe(0);
      const pulled = await git('cd by-header && git -c http.extraHeader="Authorization: Bearer $TOKEN" pull -q');
      expect(pulled.code, pulled.output).toBe(0);
      expect(readFileSync(join(recipe.work, 'by-header/large.bin')).equals(large)).toBe(true);
    });

    it('without a token git asks for a password, and a wrong one it calls wrong', async () => {
      const { host } = new URL(recipe.url);
      const without = await git(`git clone http://${host}/demo.git none`);
      expect(without.output).toContain('could not read Username');
      const wrong = await git(`git clone http://git:wrong@${host}/demo.git none`);
      expect(wrong.output).toContain('Authentication failed');
    });
  },
  SLOW_MS,
);

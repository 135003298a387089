/** docs/recipes/pip: the real pip, and an index as Python's own web server shows it: folders, with links to files. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Started, started } from '../support/process.ts';
import { hasTool } from '../support/tools.ts';
import { bash, type Recipe, startRecipe } from './harness.ts';

/** A wheel is a zip with three files of its own; the server then shows the folders of the index as links. */
const INDEX = `
import functools, http.server, os, zipfile
os.makedirs('simple/hello')
with zipfile.ZipFile('simple/hello/hello-1.0-py3-none-any.whl', 'w') as wheel:
    wheel.writestr('hello.py', 'said = "hello"\\n')
    wheel.writestr('hello-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: hello\\nVersion: 1.0\\n')
    wheel.writestr('hello-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('hello-1.0.dist-info/RECORD', 'hello.py,,\\nhello-1.0.dist-info/METADATA,,\\nhello-1.0.dist-info/WHEEL,,\\nhello-1.0.dist-info/RECORD,,\\n')

class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        print(self.command, self.path, self.headers.get('Authorization'), self.headers.get('X-Scopegate-Subject'), flush=True)

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print('listening on port', server.server_port, 'of 127.0.0.1', flush=True)
server.serve_forever()
`;

/** Programs that start slowly, on a machine that has others to run. */
const SLOW_MS = 90_000;
const canRun = hasTool('python3') && hasTool('pip3');

describe.skipIf(!canRun)(
  'pip through the gateway',
  () => {
    let recipe: Recipe;
    let index: Started;
    let token: string;
    const pip = (script: string, TOKEN = token) => {
      const own = Object.fromEntries(
        Object.keys(process.env).flatMap((name) => (/^PIP_/.test(name) ? [[name, '']] : [])),
      );
      const env = {
        ...own,
        PIP_CONFIG_FILE: '/dev/null',
        PIP_NO_INPUT: '1',
        PIP_DISABLE_PIP_VERSION_CHECK: '1',
        TOKEN,
      };
      return bash(script, { cwd: recipe.work, env });
    };

    beforeAll(async () => {
      const parts = await bash('mktemp -d', { cwd: '/' });
      index = started('python3', ['-c', INDEX], { cwd: parts.output.trim() });
      const [, port] = /port (\d+) of/.exec(await index.until('of 127.0.0.1'))!;
      recipe = await startRecipe('pip', { INDEX_URL: `http://127.0.0.1:${port}` });
      token = await recipe.token(['content:read']);
    });
    afterEach(() => expect(recipe.errors).toEqual([]));
    afterAll(async () => {
      await index?.stop();
      await recipe?.[Symbol.asyncDispose]();
    });

    it('a package is installed with the token in the address, and with it in requirements.txt', async () => {
      for (const [nth, folder] of ['packages', 'more-packages'].entries()) {
        const { code, output } = await pip(recipe.commands(nth));
        expect(code, output).toBe(0);
        expect(existsSync(join(recipe.work, folder, 'hello.py')), output).toBe(true);
      }
      // Its first line is where it listens.
      const [, ...seen] = index.stdout().trim().split('\n');
      expect(new Set(seen)).toEqual(
        new Set(['GET /simple/hello/ None ann', 'GET /simple/hello/hello-1.0-py3-none-any.whl None ann']),
      );
    });

    it('with a token that is none there is no package, and pip does not show the token', async () => {
      const { code, output } = await pip(recipe.commands(0), 'not-a-token-of-ours');
      expect(code).not.toBe(0);
      expect(output).toContain('No matching distribution found');
      expect(output).not.toContain('not-a-token-of-ours');
    });
  },
  SLOW_MS,
);

/** What docs/recipes/README.md says to do before each recipe, to the letter; only ports and the folder are others. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks, readDocument } from '../support/documents.ts';
import { ROOT, type Started, started } from '../support/process.ts';
import { freeUrl } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { bash, type ServedApp, serveApp } from './harness.ts';

const parent = mkdtempSync(join(tmpdir(), 'scopegate-recipe-'));
const folder = join(parent, 'my-gateway');
const [start, makeToken] = codeBlocks(readDocument('docs/recipes/README.md')) as [string, string];
let app: ServedApp;
let serving: Started;
let env: Readonly<Record<'SCOPEGATE_PORT' | 'SCOPEGATE_ADMIN_PORT' | 'SCOPEGATE_ADMIN_KEY' | 'COUCHDB_URL', string>>;

beforeAll(async () => {
  app = await serveApp((request, response) => response.end(request.url));
  env = {
    SCOPEGATE_ADMIN_KEY: '',
    SCOPEGATE_PORT: new URL(await freeUrl()).port,
    SCOPEGATE_ADMIN_PORT: new URL(await freeUrl()).port,
    COUCHDB_URL: app.url,
  };
  const script = `${start.replaceAll('../my-gateway', folder)}\ntrap 'kill %1; wait; exit 0' TERM\nwait`;
  serving = started('bash', ['-mec', script], { env });
  await serving.until('"msg":"ready:');
});
afterAll(async () => {
  await serving?.stop();
  await app?.[Symbol.asyncDispose]();
  rmSync(parent, { recursive: true, force: true });
});

describe.skipIf(!hasTool('curl'))('before each recipe', () => {
  it('a gateway, an organization and a token are made by the commands of the index', async () => {
    const ask = 'curl -sS -w " %{http_code}" http://127.0.0.1:8080/db/one -H "Authorization: Bearer $TOKEN"';
    const script = `export PATH="$SCOPEGATE_BIN:$PATH"\n${makeToken}\n${ask}`
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${env.SCOPEGATE_PORT}`)
      .replaceAll('127.0.0.1:8081', `127.0.0.1:${env.SCOPEGATE_ADMIN_PORT}`);
    const options = { cwd: folder, env: { ...env, SCOPEGATE_BIN: join(ROOT, 'bin') } };
    const { code, output } = await bash(script, options);
    expect(code, output).toBe(0);
    expect(output).toContain('3 created, 0 changed, 0 removed, 0 unchanged');
    expect(output).toMatch(/\/db\/one 200$/);
  });
});

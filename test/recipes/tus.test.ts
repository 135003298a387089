/** docs/recipes/tus: the real @tus/server and tus-js-client, and a connection that breaks in the middle of 200 MB. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bash, type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

const PIECE_BYTES = 1 << 20;
const PIECES = 200;
const BREAKS_AFTER_BYTES = 100 * PIECE_BYTES;

async function digest(path: string): Promise<string> {
  const hash = createHash('sha1');
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

describe('a resumable upload through the gateway', () => {
  const stored = mkdtempSync(join(tmpdir(), 'scopegate-tus-'));
  /** What Authorization the server was sent, of every request. */
  const credentials: Array<string | undefined> = [];
  let breaksAfterBytes = Number.POSITIVE_INFINITY;
  let app: ServedApp;
  let recipe: Recipe;
  let token: string;

  beforeAll(async () => {
    const tus = new Server({ path: '/files', datastore: new FileStore({ directory: stored }) });
    app = await serveApp((request, response) => {
      credentials.push(request.headers.authorization);
      if (request.method === 'PATCH') {
        let bytes = 0;
        request.on('data', (piece: Buffer) => {
          bytes += piece.length;
          if (bytes < breaksAfterBytes) return;
          breaksAfterBytes = Number.POSITIVE_INFINITY;
          request.socket.destroy();
        });
        request.pause();
      }
      void tus.handle(request, response);
    });
    recipe = await startRecipe('tus', { TUS_URL: app.url });
    token = await recipe.token(['content:write']);
  });
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await recipe?.[Symbol.asyncDispose]();
    await app?.[Symbol.asyncDispose]();
    rmSync(stored, { recursive: true, force: true });
  });

  it('200 MB that break off in the middle go on where they were, at the gateway, and the server never sees the token', async () => {
    const large = openSync(join(recipe.work, 'large.bin'), 'w');
    for (let piece = 0; piece < PIECES; piece++) writeSync(large, Buffer.alloc(PIECE_BYTES, `piece ${piece}`));
    breaksAfterBytes = BREAKS_AFTER_BYTES;
    const { code, output } = await bash(recipe.commands(0), { cwd: recipe.work, env: { TOKEN: token } });
    expect(code, output).toBe(0);
    expect(output.trim()).toMatch(new RegExp(`^${recipe.url}/files/[0-9a-f]+$`));
    expect(await digest(join(stored, output.trim().split('/').at(-1)!))).toBe(
      await digest(join(recipe.work, 'large.bin')),
    );
    const methods = app.seen.map((line) => line.split(' ')[0]);
    // It asked how much was there, and sent the rest.
    expect(methods[0]).toBe('POST');
    expect(methods.filter((method) => method === 'PATCH').length).toBeGreaterThanOrEqual(2);
    expect(methods).toContain('HEAD');
    expect(new Set(credentials)).toEqual(new Set([undefined]));
  }, 90_000);

  it('a token that may only read begins no upload and goes on with none', async () => {
    const reader = await recipe.token(['content:read']);
    const before = app.seen.length;
    const { code, output } = await bash('node upload.js upload.js', { cwd: recipe.work, env: { TOKEN: reader } });
    expect(code, output).toBe(1);
    expect(output).toContain('response code: 403');
    expect(app.seen.length).toBe(before);
  }, 30_000);
});

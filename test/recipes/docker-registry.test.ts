/** docs/recipes/docker-registry: the real registry; skopeo, and raw requests as its other clients send them. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Started, started } from '../support/process.ts';
import { freeUrl } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { bash, type Recipe, startRecipe } from './harness.ts';

const LAYER_BYTES = 20 << 20;
/** Programs that start slowly, on a machine that has others to run. */
const SLOW_MS = 90_000;
const canRun = hasTool('docker-registry') && hasTool('skopeo');

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** An image of one layer in OCI's layout, which skopeo takes as it takes one of docker. Returns the layer's digest. */
function makeImage(folder: string, content: Buffer): string {
  const blob = (bytes: Buffer, mediaType: string) => {
    const digest = digestOf(bytes);
    writeFileSync(join(folder, 'blobs/sha256', digest.slice(7)), bytes);
    return { mediaType: `application/vnd.oci.image.${mediaType}`, digest, size: bytes.length };
  };
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
  // What is packed already is sent as it is.
  const layer = blob(gzipSync(content, { level: 0 }), 'layer.v1.tar+gzip');
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const rootfs = { type: 'layers', diff_ids: [digestOf(content)] };
  const config = blob(json({ architecture: 'amd64', os: 'linux', rootfs }), 'config.v1+json');
  const manifest = { schemaVersion: 2, config, layers: [layer] };
  const named = {
    ...blob(json(manifest), 'manifest.v1+json'),
    annotations: { 'org.opencontainers.image.ref.name': 'latest' },
  };
  writeFileSync(join(folder, 'index.json'), json({ schemaVersion: 2, manifests: [named] }));
  writeFileSync(join(folder, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  return layer.digest;
}

describe.skipIf(!canRun)(
  'a docker registry through the gateway',
  () => {
    let recipe: Recipe;
    let registry: Started;
    let token: string;
    let layerDigest: string;
    const skopeo = (script: string, TOKEN = token) => {
      // Where a machine has no policy of its own, skopeo trusts nothing; docker and podman know no such thing.
      const trusting = script.replaceAll('skopeo copy', 'skopeo copy --insecure-policy');
      const env = { TOKEN, REGISTRY_AUTH_FILE: join(recipe.work, 'auth.json') };
      return bash(trusting, { cwd: recipe.work, env });
    };

    beforeAll(async () => {
      const url = await freeUrl();
      recipe = await startRecipe('docker-registry', { REGISTRY_URL: url });
      token = await recipe.token();
      layerDigest = makeImage(join(recipe.work, 'hello'), randomBytes(LAYER_BYTES));
      const command = recipe.commands(0).trim();
      registry = started('bash', ['-ec', `exec 2>&1; exec ${command}`], {
        cwd: recipe.gateway.folder,
        env: { REGISTRY_HTTP_ADDR: new URL(url).host },
      });
      await registry.until('listening on');
    });
    afterEach(() => expect(recipe.errors).toEqual([]));
    afterAll(async () => {
      await registry?.stop();
      await recipe?.[Symbol.asyncDispose]();
    });

    it('skopeo logs in by Basic, pushes a layer of 20 MB and pulls it again', async () => {
      const { code, output } = await skopeo(recipe.commands(1));
      expect(code, output).toBe(0);
      expect(output).toContain('Login Succeeded');
      expect(existsSync(join(recipe.work, 'back/blobs/sha256', layerDigest.slice(7)))).toBe(true);
    });

    it('a wrong password is no login, and a token that may only read pulls and does not push', async () => {
      const [login, push, pull] = recipe.commands(1).trim().split('\n') as [string, string, string];
      expect((await skopeo(login, 'wrong')).output).toContain('invalid username/password');
      const reader = await recipe.token(['content:read']);
      expect((await skopeo(login, reader)).code).toBe(0);
      const pulled = await skopeo(pull.replace('oci:back', 'oci:back-again'), reader);
      expect(pulled.code, pulled.output).toBe(0);
      const pushed = await skopeo(push.replace(/hello:latest$/, 'other:latest'), reader);
      expect(pushed.code).not.toBe(0);
      expect(pushed.output).toMatch(/denied|403|scope/i);
    });

    it('a bearer token uploads in ranges, each where the Location before it said: at the gateway, query and all', async () => {
      const headers = { authorization: `Bearer ${token}` };
      const blob = randomBytes(1 << 20);
      const begun = await fetch(`${recipe.url}/v2/ranged/blobs/uploads/`, { method: 'POST', headers });
      expect(begun.status).toBe(202);
      let location = begun.headers.get('location')!;
      for (const [from, to] of [
        [0, 400_000],
        [400_000, blob.length],
      ] as const) {
        expect(location).toMatch(new RegExp(`^${recipe.url}/v2/ranged/blobs/uploads/[^?]+\\?_state=`));
        const sent = await fetch(location, {
          method: 'PATCH',
          headers: { ...headers, 'content-range': `${from}-${to - 1}`, 'content-type': 'application/octet-stream' },
          body: blob.subarray(from, to),
        });
        expect(sent.status).toBe(202);
        expect(sent.headers.get('range')).toBe(`0-${to - 1}`);
        location = sent.headers.get('location')!;
      }
      const done = await fetch(`${location}&digest=${digestOf(blob)}`, { method: 'PUT', headers });
      expect(done.status).toBe(201);
      const stored = done.headers.get('location')!;
      expect(stored).toBe(`${recipe.url}/v2/ranged/blobs/${digestOf(blob)}`);
      const read = await fetch(stored, { headers: { ...headers, range: 'bytes=399999-400000' } });
      expect(read.status).toBe(206);
      expect(Buffer.from(await read.arrayBuffer())).toEqual(blob.subarray(399_999, 400_001));
    });

    it('whoever comes without a token is told of Basic alone at /v2/', async () => {
      const { status, headers } = await fetch(`${recipe.url}/v2/`);
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Basic realm="scopegate", charset="UTF-8"']);
    });
  },
  SLOW_MS,
);

/** docs/recipes/etcd: the real etcd, whose watches are answers without end. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freeUrl, type RunningProxy, runConfigured } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { bash, type Recipe, startRecipe } from './harness.ts';

const KEY = Buffer.from('foo').toString('base64');

describe.skipIf(!hasTool('etcd'))('etcd behind the gateway', () => {
  let etcd: RunningProxy;
  let recipe: Recipe;
  beforeAll(async () => {
    const [url, peer] = [await freeUrl(), await freeUrl()];
    const listens = ['--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peer];
    const alone = ['--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`];
    const command = ['etcd', '--data-dir', 'data', ...listens, ...alone];
    etcd = await runConfigured(url, {}, command, 'ready to serve client requests');
    recipe = await startRecipe('etcd', { ETCD_URL: url });
  });
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await recipe?.[Symbol.asyncDispose]();
    await etcd?.[Symbol.asyncDispose]();
  });
  const post = (path: string, token: string, body: unknown) =>
    fetch(recipe.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });

  it('what was written is read, by the commands of the recipe', async () => {
    const { code, output } = await bash(recipe.commands(0), {
      cwd: recipe.work,
      env: { TOKEN: await recipe.token() },
    });
    expect(code, output).toBe(0);
    expect(output).toContain('"value":"YmFy"');
    const reader = await recipe.token(['content:read']);
    expect((await post('/v3/kv/put', reader, { key: KEY, value: KEY })).status).toBe(403);
    // Changing the path of the API is no way around it.
    expect((await post('/v3/kv/deleterange', reader, { key: KEY })).status).toBe(404);
  });

  it('a watch tells of each change as it is made, and is reset soon after its token was revoked', async () => {
    const [watcher, writer] = [await recipe.token(['content:read']), await recipe.token()];
    const { admin } = recipe.gateway;
    const { body } = await admin('POST', '/v1/tokens/find', { token: watcher });
    const watch = await post('/v3/watch', watcher, { create_request: { key: KEY } });
    expect(watch.status).toBe(200);
    const began = performance.now();
    const lines = watch.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await lines.read()).value).toContain('"created":true');
    await post('/v3/kv/put', writer, { key: KEY, value: Buffer.from('1').toString('base64') });
    expect((await lines.read()).value).toContain('"value":"MQ=="');
    await admin('POST', `/tokens/${(body as { id: string }).id}/revoke`);
    await expect(lines.read()).rejects.toThrow('terminated');
    // 5 s after its head it counts as a stream; the rest is for a busy machine. Without the rule it would never end.
    expect(performance.now() - began).toBeLessThan(9000);
    expect((await post('/v3/watch', watcher, { create_request: { key: KEY } })).status).toBe(401);
  });
});

/** docs/recipes/prometheus: the real Prometheus scrapes through the gateway, and the gateway. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freeUrl, type RunningProxy, recipeFile, runConfigured } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { type Recipe, type ServedApp, serveApp, startRecipe } from './harness.ts';

interface Target {
  readonly labels: { readonly job: string };
  readonly health: string;
  readonly lastError: string;
}

const METRICS = '# HELP answers_total How many.\n# TYPE answers_total counter\nanswers_total 42\n';

describe.skipIf(!hasTool('prometheus'))('Prometheus', () => {
  let app: ServedApp;
  let recipe: Recipe;
  let prometheus: RunningProxy;
  let token: string;
  beforeAll(async () => {
    app = await serveApp((_, response) => response.setHeader('content-type', 'text/plain; version=0.0.4').end(METRICS));
    recipe = await startRecipe('prometheus', { APP_URL: app.url });
    token = await recipe.token();
    const url = await freeUrl();
    const configuration = recipeFile('prometheus/prometheus.yml', {
      '127.0.0.1:8080': new URL(recipe.url).host,
      '127.0.0.1:8081': new URL(recipe.gateway.adminUrl).host,
      // So that nobody waits: the first scrape comes some time within the first interval.
      '15s': '1s',
    });
    const command = ['prometheus', '--config.file=prometheus.yml', '--storage.tsdb.path=prometheus-data'];
    const here = `--web.listen-address=${new URL(url).host}`;
    prometheus = await runConfigured(url, { 'prometheus.yml': configuration, token }, [...command, here], 'is ready');
  });
  afterEach(() => expect(recipe.errors).toEqual([]));
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await recipe?.[Symbol.asyncDispose]();
    await app?.[Symbol.asyncDispose]();
  });
  const api = async (path: string) => {
    const { data } = (await (await fetch(`${prometheus.url}/api/v1/${path}`)).json()) as { data: unknown };
    return data;
  };
  const health = async () => {
    const { activeTargets } = (await api('targets')) as { activeTargets: readonly Target[] };
    return Object.fromEntries(activeTargets.map(({ labels, health: now }) => [labels.job, now]));
  };

  it('scrapes the application through the gateway, and the gateway itself', async () => {
    await expect.poll(health, { timeout: 15_000 }).toEqual({ app: 'up', scopegate: 'up' });
    const value = async (query: string) =>
      ((await api(`query?query=${encodeURIComponent(query)}`)) as { result: { value: [number, string] }[] }).result[0]
        ?.value[1];
    await expect.poll(() => value('answers_total{job="app"}'), { timeout: 10_000 }).toBe('42');
    // It has counted that Prometheus came through it.
    await expect
      .poll(async () => Number(await value('sum(scopegate_requests_total{outcome="forwarded"})')), { timeout: 10_000 })
      .toBeGreaterThan(0);
  });

  it('is told when its token ends: the application is down, the gateway is not', async () => {
    const { admin } = recipe.gateway;
    const { body } = await admin('POST', '/v1/tokens/find', { token });
    await admin('POST', `/tokens/${(body as { id: string }).id}/revoke`);
    await expect.poll(health, { timeout: 15_000 }).toEqual({ app: 'down', scopegate: 'up' });
  });

  it('its own checker finds no fault with the names and texts of our metrics', async () => {
    const file = join(recipe.work, 'metrics');
    writeFileSync(file, await (await fetch(`${recipe.gateway.adminUrl}/metrics`)).text());
    const checked = spawnSync('sh', ['-c', 'promtool check metrics < "$1"', 'sh', file], { encoding: 'utf8' });
    expect([checked.stdout, checked.stderr, checked.status]).toEqual(['', '', 0]);
  });
});

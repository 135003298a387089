/** Labels of metrics are closed by type: what the compiler refuses here can never make a series of its own. */
import { expect, it } from 'vitest';
import { configuredName } from '../../src/core/configured-name.ts';
import { Metrics, statusClass } from '../../src/observe/metrics.ts';
import { scraped } from '../support/scrape.ts';

const FILES = configuredName('files');
const APP = configuredName('app');

it('a request is counted under an outcome that the code knows, and the compiler takes no other', async () => {
  const metrics = new Metrics();
  metrics.requests.add(FILES, 'forwarded');
  metrics.requests.add('-', 'route_not_found');
  const said: string = 'whatever a client says';
  // @ts-expect-error: any text at all
  const anyText = () => metrics.requests.add(FILES, said);
  // @ts-expect-error: a reason that is misspelt
  const misspelt = () => metrics.requests.add(FILES, 'rate_limted');
  // @ts-expect-error: a route that no configuration names
  const anyRoute = () => metrics.requests.add(said, 'forwarded');
  expect([anyText, misspelt, anyRoute].map((add) => typeof add)).toEqual(['function', 'function', 'function']);
  const text = await scraped(metrics);
  expect(text).toContain('scopegate_requests_total{route="files",outcome="forwarded"} 1');
  expect(text).toContain('scopegate_requests_total{route="-",outcome="route_not_found"} 1');
});

it('an answer is counted under the class of its status, or as broken', async () => {
  const metrics = new Metrics();
  metrics.answers.add(APP, statusClass(204));
  metrics.answers.add(APP, 'broken');
  // @ts-expect-error: a status itself
  const status = () => metrics.answers.add(APP, '204');
  expect(typeof status).toBe('function');
  const text = await scraped(metrics);
  expect(text).toContain('scopegate_upstream_answers_total{upstream="app",class="2xx"} 1');
  expect(text).toContain('scopegate_upstream_answers_total{upstream="app",class="broken"} 1');
});

it('a counter by one label takes names that are a union, not any text', async () => {
  const metrics = new Metrics();
  const outcomes: Partial<Record<'issued' | 'refused', number>> = { issued: 2 };
  metrics.counterBy('given_total', 'Given.', 'outcome', () => outcomes);
  const byAnything: Record<string, number> = {};
  // @ts-expect-error: any text may be a key
  const open = () => metrics.counterBy('open_total', 'Open.', 'key', () => byAnything);
  expect(typeof open).toBe('function');
  expect(await scraped(metrics)).toContain('given_total{outcome="issued"} 2');
});

it('a family takes labels that are unions or configured names, not any text', async () => {
  const metrics = new Metrics();
  metrics.family('places', 'Places.', 'gauge', () => [
    { labels: { upstream: APP, kind: 'stream' as const }, value: 3 },
  ]);
  const said: string = 'whatever a client says';
  // @ts-expect-error: one of its labels may be any text
  const open = () => metrics.family('open', 'Open.', 'gauge', () => [{ labels: { upstream: APP, said }, value: 1 }]);
  expect(typeof open).toBe('function');
  expect(await scraped(metrics)).toContain('places{upstream="app",kind="stream"} 3');
});

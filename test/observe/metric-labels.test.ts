/** Labels of metrics are closed by type: what the compiler refuses here can never make a series of its own. */
import { expect, it } from 'vitest';
import { Metrics, statusClass } from '../../src/observe/metrics.ts';

it('a request is counted under an outcome that the code knows, and the compiler takes no other', async () => {
  const metrics = new Metrics();
  metrics.requests.add('files', 'forwarded');
  metrics.requests.add('-', 'route_not_found');
  const said: string = 'whatever a client says';
  // @ts-expect-error: any text at all
  const anyText = () => metrics.requests.add('files', said);
  // @ts-expect-error: a reason that is misspelt
  const misspelt = () => metrics.requests.add('files', 'rate_limted');
  expect([anyText, misspelt].map((add) => typeof add)).toEqual(['function', 'function']);
  const text = await metrics.registry.metrics();
  expect(text).toContain('scopegate_requests_total{route="files",outcome="forwarded"} 1');
  expect(text).toContain('scopegate_requests_total{route="-",outcome="route_not_found"} 1');
});

it('an answer is counted under the class of its status, or as broken', async () => {
  const metrics = new Metrics();
  metrics.answers.add('app', statusClass(204));
  metrics.answers.add('app', 'broken');
  // @ts-expect-error: a status itself
  const status = () => metrics.answers.add('app', '204');
  expect(typeof status).toBe('function');
  const text = await metrics.registry.metrics();
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
  expect(await metrics.registry.metrics()).toContain('given_total{outcome="issued"} 2');
});

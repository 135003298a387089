/** How long the upstream of a route may take, said in four places (contract 8.1). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-timeouts-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What holds for the one route; null: what its upstream says. */
function load(route: string, upstream = '', defaults = '{}') {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(
    file,
    `policy: ${join(ROOT, 'policies/coze.yaml')}
defaults: ${defaults}
upstreams: { a: { targets: ["http://127.0.0.1:9000"] ${upstream} } }
routes: [{ id: x, match: { path: /x }, public: true, upstream: a ${route} }]
`,
  );
  const match = loadGateway(file, {}).routes.match('', 'GET', ['x']);
  if (match.kind !== 'route') throw new Error('no route');
  return match.route.timeouts;
}

it('a route that says nothing, or what its upstream says, has none of its own', () => {
  expect(load('')).toBeNull();
  expect(load(', timeouts: { headersMs: 60000 }')).toBeNull();
  expect(load(', timeouts: { idleMs: 5 }', ', timeouts: { idleMs: 5 }')).toBeNull();
});

it('each of them is said by itself: by the route, the defaults of its upstream, those of the file, the upstream', () => {
  const upstream = ', timeouts: { connectMs: 1, headersMs: 2, idleMs: 3 }';
  expect(load('', upstream, '{ timeouts: { headersMs: 20 } }')).toEqual({ connectMs: 1, headersMs: 20, idleMs: 3 });
  const both = `${upstream}, defaults: { timeouts: { headersMs: 30, idleMs: 31 } }`;
  const file = '{ timeouts: { connectMs: 21, headersMs: 20 } }';
  expect(load('', both, file)).toEqual({ connectMs: 21, headersMs: 30, idleMs: 31 });
  expect(load(', timeouts: { headersMs: 600000 }', both, file)).toEqual({
    connectMs: 21,
    headersMs: 600_000,
    idleMs: 31,
  });
});

it.each([
  [', timeouts: {}', /4:\d+: must not be empty/],
  [', timeouts: { headersMs: 0 }', /4:\d+: must be at least 1/],
  [', timeouts: { headersMs: 2147483648 }', /4:\d+: must be at most 2147483647/],
  [', timeouts: { queueMs: 5 }', /4:\d+: unknown key "queueMs"/],
])('%s is refused at its place', (route, message) => {
  expect(() => load(route)).toThrow(message);
});

/** What each mistake in `limits` is told, and where; and which limits a route ends up with. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ConfigError } from '../../src/errors.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-limits-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** `limits` in line 3, the route in line 4. */
function load(limits: string, route = '') {
  const path = join(folder, 'gateway.yaml');
  writeFileSync(
    path,
    `policy: ${join(ROOT, 'policies/coze.yaml')}
upstreams: { platform: { targets: ["http://127.0.0.1:9000"] } }
limits: ${limits}
routes: [{ id: a, match: { path: /a }, upstream: platform${route} }]
`,
  );
  return loadGateway(path, {});
}

function problems(limits: string, route?: string): string[] {
  try {
    load(limits, route);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(`${folder}/gateway.yaml:`, ''));
  }
}

const ONE = '{ burst: { requests: 1, window: second, per: token } }';

describe('a mistake is told with its place, and how to mend it', () => {
  it.each<[string, string, string[]]>([
    ['{ a: {} }', '', ['3:14: missing key "requests"', '3:14: missing key "per"']],
    ['{ a: { requests: 1, per: token } }', '', ['3:11: missing key "window"']],
    ['{ a: { requests: 0, window: day, per: token } }', '', ['3:26: must be at least 1']],
    ['{ a: { requests: 1.5, window: day, per: token } }', '', ['3:26: expected integer, found 1.5']],
    [
      '{ a: { requests: 1, window: fortnight, per: token } }',
      '',
      ['3:37: must be one of: second, minute, hour, day, week, month, found "fortnight"'],
    ],
    ['{ a: { requests: 1, windowMs: 1500, per: token } }', '', ['3:39: must be a multiple of 1000']],
    ['{ a: { requests: 1, windowMs: 0, per: token } }', '', ['3:39: must be at least 1000']],
    ['{ a: { requests: 1, windowMs: 31622401000, per: token } }', '', ['3:39: must be at most 31622400000']],
    [
      '{ a: { requests: 1, window: day, windowMs: 1000, per: token } }',
      '',
      ['3:42: either "window" or "windowMs", not both'],
    ],
    [
      '{ a: { requests: 1, window: day, per: tokens } }',
      '',
      ['3:47: expected "token" or "organization" or "address" or "route" or list, found "tokens"'],
    ],
    ['{ a: { requests: 1, window: day, per: [] } }', '', ['3:47: must not be empty']],
    ['{ a: { requests: 1, window: day, per: [token, token] } }', '', ['3:55: "token" is listed twice']],
    [
      '{ a: { requests: 1, window: day, per: token, burst: 2 } }',
      '',
      ['3:54: unknown key "burst" (allowed: requests, window, windowMs, per, everywhere)'],
    ],
    [
      '{ "a b": { requests: 1, window: day, per: token } }',
      '',
      ['3:11: key "a b": must be a letter, then letters, digits, _ and -, at most 64'],
    ],
    [ONE, ', limits: [brust]', ['4:69: there is no limit "brust"; did you mean "burst"?']],
    [ONE, ', limits: [other]', ['4:69: there is no limit "other"']],
    [ONE, ', limits: [burst, burst]', ['4:76: "burst" is listed twice']],
    [ONE, ', limits: []', ['4:68: must not be empty']],
    [ONE, ', limits: nones', ['4:68: expected "none" or list, found "nones"']],
    [ONE, ', public: true, limits: [burst]', ['4:83: the limit "burst" is per token, but a public route has no token']],
    [
      '{ a: { requests: 1, window: day, per: [organization, address], everywhere: true } }',
      ', limits: [a]',
      ['4:69: the limit "a" is for every route already: drop it here, or its "everywhere"'],
    ],
  ])('%s%s', (limits, route, expected) => {
    expect(problems(limits, route)).toEqual(expected);
  });
});

const limitsOf = (limits: string, route = '') => {
  const match = load(limits, route).routes.match('', 'GET', ['a']);
  if (match.kind !== 'route') throw new Error('no route');
  return match.route.limits?.limits.map(({ name }) => name) ?? null;
};
const TWO =
  '{ all: { requests: 1, window: day, per: token, everywhere: true }, some: { requests: 1, windowMs: 1000, per: route } }';

it('a route counts for what is everywhere and for what it names', () => {
  expect(limitsOf(TWO)).toEqual(['all']);
  expect(limitsOf(TWO, ', limits: [some]')).toEqual(['all', 'some']);
  expect(limitsOf(TWO, ', limits: none')).toBeNull();
  expect(limitsOf(TWO, ', public: true')).toBeNull();
  expect(limitsOf(TWO, ', public: true, limits: [some]')).toEqual(['some']);
  expect(limitsOf('{}')).toBeNull();
});

it('a limit that no route counts for is told as a warning, at its place', () => {
  const { warnings } = load(TWO, ', limits: none');
  expect(
    warnings.filter((line) => line.includes('the limit ')).map((line) => line.replace(/^.*gateway.yaml:/, '')),
  ).toEqual([
    '3:16: warning: no route counts for the limit "all": name it in a route\'s "limits", or set "everywhere"',
    '3:82: warning: no route counts for the limit "some": name it in a route\'s "limits", or set "everywhere"',
  ]);
});

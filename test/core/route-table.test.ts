/** Which routes a request may have: the host decides before the path (contract 8.1). */
import { describe, expect, it } from 'vitest';
import { configuredName } from '../../src/core/configured-name.ts';
import { readHostPattern } from '../../src/core/host-name.ts';
import { RouteTable } from '../../src/core/route-table.ts';
import { readTemplate } from '../../src/core/template.ts';
import { route } from '../edge/harness.ts';

const OPTIONS = { caseSensitive: true, ignoreTrailingSlash: false };

/** Each route by its id: its hosts, or none, and its template. */
function table(routes: Readonly<Record<string, readonly [string | null, string]>>, everywhere: string | null = null) {
  const compiled = (id: string, hosts: string | null, path: string) => {
    const template = readTemplate(path);
    if (!template.ok) throw new Error(template.problem);
    const named = hosts?.split(' ').map((host) => readHostPattern(host)!) ?? null;
    return { route: route(id, path, { id: configuredName(id), hosts: named }), segments: template.segments };
  };
  const built = new RouteTable(OPTIONS, everywhere === null ? [] : [compiled('own', null, everywhere)]);
  for (const [id, [hosts, path]] of Object.entries(routes)) {
    const { route: added, segments } = compiled(id, hosts, path);
    const taken = built.add(added, segments);
    if (taken !== undefined) throw new Error(`${id} overlaps ${taken}`);
  }
  return (host: string, path: string) => {
    const match = built.match(host, 'GET', path.slice(1).split('/'));
    return match.kind === 'route' ? String(match.route.id) : null;
  };
}

describe('the most specific host answers, whatever the order in the file', () => {
  const ask = table({
    rest: [null, '/**'],
    wide: ['*.example.com', '/**'],
    exact: ['npm.example.com', '/npm/**'],
    narrow: ['*.pkg.example.com', '/**'],
    v6: ['[2001:db8::1]', '/**'],
  });

  it.each([
    ['npm.example.com', 'exact'],
    ['NPM.example.com.:8443', 'exact'],
    ['a.pkg.example.com', 'narrow'],
    ['a.b.pkg.example.com', 'narrow'],
    ['pkg.example.com', 'wide'],
    ['a.b.c.example.com', 'wide'],
    ['example.com', 'rest'],
    ['notexample.com', 'rest'],
    ['example.com.evil.test', 'rest'],
    ['[2001:DB8:0::1]:80', 'v6'],
    ['', 'rest'],
  ])('%s is asked of %s', (host, id) => {
    expect(ask(host, '/npm/x')).toBe(id);
  });

  it('a path that the routes of the host do not have is not looked for among those of others', () => {
    expect(ask('npm.example.com', '/other')).toBeNull();
  });
});

it('one route may name several hosts, and two routes the same path on different ones', () => {
  const ask = table({ one: ['a.test b.test', '/x'], two: ['c.test', '/x'] });
  expect([ask('a.test', '/x'), ask('b.test', '/x'), ask('c.test', '/x'), ask('d.test', '/x')]).toEqual([
    'one',
    'one',
    'two',
    null,
  ]);
});

it('two routes for one host, path and method are an overlap; so are two of which one names more hosts', () => {
  expect(() => table({ one: ['a.test b.test', '/x'], two: ['b.test', '/x'] })).toThrow('two overlaps one');
});

it('what answers everywhere answers on every host, those that routes name included', () => {
  const ask = table({ one: ['a.test', '/x'], two: ['*.b.test', '/x'] }, '/own');
  expect(['a.test', 'c.b.test', 'other.test'].map((host) => ask(host, '/own'))).toEqual(['own', 'own', 'own']);
});

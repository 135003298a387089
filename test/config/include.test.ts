/** Routes in files of their own, and what `defaults` say of all of them (contract 8.1). */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ConfigError } from '../../src/errors.ts';
import { ROOT } from '../support/process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-include-'));
  mkdirSync(join(folder, 'routes'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
const route = (id: string, path: string, more = '') =>
  `{ id: ${id}, match: { path: ${path} }, public: true, upstream: a${more} }`;

/** The first line of `text` is line 3. */
function load(text: string) {
  const head = `policy: ${join(ROOT, 'policies/coze.yaml')}\nupstreams: { a: { targets: ["http://127.0.0.1:9000"] } }\n`;
  file('gateway.yaml', head + text);
  return loadGateway(join(folder, 'gateway.yaml'), { NAME: 'from-env' });
}

function problems(text: string): string[] {
  try {
    load(text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replaceAll(`${folder}/`, ''));
  }
}

const ids = (text: string) => load(text).file.routes.map(({ id }) => id);

describe('include', () => {
  it('takes the routes of every file that fits, in the order of their names, behind those of the file itself', () => {
    file('routes/b.yaml', `routes: [${route('b', '/b')}]`);
    file('routes/a.yaml', `routes:\n  - ${route(`"\${NAME}"`, '/a')}\n`);
    file('routes/.hidden.yaml', 'not: read');
    file('routes/a.yml', 'not: read');
    file('one.yaml', `routes: [${route('one', '/one')}]`);
    expect(ids(`include: ["routes/*.yaml", one.yaml, routes/a.yaml]\nroutes: [${route('own', '/own')}]\n`)).toEqual([
      'own',
      'from-env',
      'b',
      'one',
    ]);
    expect(ids('include: [one.yaml]\n')).toEqual(['one']);
  });

  it('watches what it has read, and the folder for what may come', () => {
    file('routes/a.yaml', `routes: [${route('a', '/a')}]`);
    const { files } = load('include: ["routes/*.yaml"]\n');
    expect(files).toEqual(expect.arrayContaining([join(folder, 'routes'), join(folder, 'routes/a.yaml')]));
  });

  it('names the file of each mistake, and of both where two of them meet', () => {
    file('routes/a.yaml', `routes:\n  - ${route('a', '/a')}\n  - { id: x, match: { path: /x }, upstream: b }\n`);
    file('routes/b.yaml', `routes:\n  - ${route('a', '/a')}\nlimits: {}\n`);
    expect(problems(`include: ["routes/*.yaml"]\nroutes: [${route('own', '"/{"')}]\n`)).toEqual([
      expect.stringContaining('gateway.yaml:4:36: '),
      'routes/a.yaml:3:45: there is no upstream "b"; did you mean "a"?',
      'routes/b.yaml:2:11: the route id "a" already stands in line 2 of routes/a.yaml',
      'routes/b.yaml:2:29: the route "a" already answers this path for all other methods',
      'routes/b.yaml:3:1: unknown key "limits" (allowed: routes)',
    ]);
  });

  it.each([
    ['[absent.yaml]', 'gateway.yaml:3:11: absent.yaml cannot be read: no such file'],
    ['["nowhere/*.yaml"]', 'gateway.yaml:3:11: nowhere: no such folder'],
    ['[gateway.yaml]', 'gateway.yaml:3:11: gateway.yaml includes this file itself'],
    ['[routes]', 'gateway.yaml:3:11: routes cannot be read: it is a directory'],
    [
      '["*/a.yaml"]',
      'gateway.yaml:3:11: must be a path such as routes/*.yaml; "*" may stand in the name of the file alone',
    ],
  ])('%s is a mistake', (patterns, told) => {
    expect(problems(`include: ${patterns}\nroutes: [${route('own', '/own')}]\n`)).toEqual([told]);
  });

  it('warns where no file fits, and there must be a route somewhere', () => {
    expect(load(`include: ["routes/*.yaml"]\nroutes: [${route('own', '/own')}]\n`).warnings).toEqual([
      `${join(folder, 'gateway.yaml')}:3:11: warning: no file fits routes/*.yaml`,
    ]);
    expect(problems('include: ["routes/*.yaml"]\n')).toEqual(['gateway.yaml:1:1: missing key "routes"']);
    expect(problems('routes: []\n')).toEqual(['gateway.yaml:3:9: must not be empty']);
    expect(problems('rotues: []\n')).toEqual(['gateway.yaml:3:1: unknown key "rotues" (did you mean "routes"?)']);
  });
});

describe('defaults', () => {
  const settings = (text: string) => {
    const match = load(text).routes.match('', 'GET', ['x']);
    if (match.kind !== 'route') throw new Error('no route');
    const { credentials, forwardAuthorization, allowFrom } = match.route;
    return {
      bearer: credentials.bearer,
      raw: credentials.raw,
      forwardAuthorization,
      ranges: allowFrom?.length ?? null,
    };
  };
  const EVERYWHERE = 'defaults: { credentials: [raw], forwardAuthorization: true, allowFrom: [10.0.0.0/8] }\n';

  it('hold for a route that does not say otherwise', () => {
    expect(settings(`${EVERYWHERE}routes: [${route('x', '/x')}]`)).toEqual({
      bearer: false,
      raw: true,
      forwardAuthorization: true,
      ranges: 1,
    });
  });

  it('give way to what a route says itself, setting by setting', () => {
    const said = ', credentials: [bearer], forwardAuthorization: false';
    expect(settings(`${EVERYWHERE}routes: [${route('x', '/x', said)}]`)).toEqual({
      bearer: true,
      raw: false,
      forwardAuthorization: false,
      ranges: 1,
    });
  });

  it('and to those of its upstream, which give way to the route', () => {
    const upstream =
      'upstreams: { a: { targets: ["http://127.0.0.1:9"], defaults: { credentials: [query.authorization], allowFrom: [10.0.0.1, 10.0.0.2] } } }';
    const policy = `policy: ${join(ROOT, 'policies/coze.yaml')}\n`;
    file('gateway.yaml', `${policy}${upstream}\n${EVERYWHERE}routes: [${route('x', '/x', ', allowFrom: ["::1"]')}]`);
    const match = loadGateway(join(folder, 'gateway.yaml'), {}).routes.match('', 'GET', ['x']);
    expect(match).toMatchObject({
      route: {
        credentials: { bearer: false, raw: false, queries: [{ name: 'authorization' }] },
        forwardAuthorization: true,
      },
    });
    expect(match.kind === 'route' && match.route.allowFrom?.length).toBe(1);
  });
});

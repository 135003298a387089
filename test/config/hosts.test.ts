/** What each mistake in `match.hosts` and `oauth.hosts` is told, and where. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ConfigError } from '../../src/errors.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-hosts-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The routes begin in line 4. */
function load(routes: string, oauth = '{}') {
  const path = join(folder, 'gateway.yaml');
  writeFileSync(
    path,
    `policy: ${join(ROOT, 'policies/scrydon.yaml')}
upstreams: { platform: { targets: ["http://127.0.0.1:9000"] } }
oauth: ${oauth}
routes: [${routes}]
`,
  );
  return loadGateway(path, {});
}

function problems(routes: string, oauth?: string): string[] {
  try {
    load(routes, oauth);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(`${folder}/gateway.yaml:`, ''));
  }
}

const route = (id: string, hosts: string, path = '/x') =>
  `{ id: ${id}, match: { hosts: ${hosts}, path: ${path} }, public: true, upstream: platform }`;

describe('a host that no request can name is told with its place, and how to mend it', () => {
  it.each([
    ['"a.test:443"', '"a.test:443": it stands here without its port'],
    ['"[::1]:80"', '"[::1]:80": it stands here without its port'],
    ['"::1"', '"::1": an IPv6 address stands in brackets'],
    ['https://a.test', '"https://a.test": it stands here without its scheme'],
    ['bücher.example', '"bücher.example": clients send it as "xn--bcher-kva.example"'],
    ['"*"', '"*": "*." stands in front of a name, once, for all names below it'],
    ['a.*.test', '"a.*.test": "*." stands in front of a name, once, for all names below it'],
    ['a_b.test', '"a_b.test": it is a name of letters, digits and hyphens, or an address'],
    ['"127.1"', '"127.1": it is a name of letters, digits and hyphens, or an address'],
  ])('%s', (host, told) => {
    expect(problems(route('a', `[ok.test, ${host}]`))).toEqual([`4:45: no request can name the host ${told}`]);
    expect(problems(route('a', '[ok.test]'), `{ hosts: [${host}] }`)).toEqual([
      `3:18: no request can name the host ${told}`,
    ]);
  });

  it('one host in two spellings', () => {
    expect(problems(route('a', '[A.test, a.test.]'))).toEqual(['4:44: this host already stands here, as "A.test"']);
  });
});

describe('two routes for one path', () => {
  it('may stand on different hosts', () => {
    expect(problems([route('a', '[a.test]'), route('b', '["*.test"]'), route('c', '[c.test]')].join())).toEqual([]);
  });

  it('may not both name a host', () => {
    expect(problems(`${route('a', '[a.test, b.test]')}, ${route('b', '[B.test]')}`)).toEqual([
      '4:142: the route "a" already answers this path for all other methods',
    ]);
  });
});

describe('the OAuth endpoints', () => {
  const token = '/api/auth/oauth2/token';
  const match = (oauth: string, host: string, routes: string) => {
    const found = load(routes, oauth).routes.match(host, 'POST', token.slice(1).split('/'));
    return found.kind === 'route' ? found.route.id : null;
  };

  it('answer on every host, those that routes name included', () => {
    expect(match('{}', 'a.test', route('a', '[a.test]', '/**'))).toBe('scopegate-token');
    expect(match('{}', 'other.test', route('a', '[a.test]', '/**'))).toBe('scopegate-token');
    expect(problems(route('a', '[a.test]', token))).toEqual([`4:51: ${token} is answered by the gateway itself`]);
  });

  it('with oauth.hosts answer on these alone, and leave their paths to routes of others', () => {
    const own = '{ hosts: [auth.test] }';
    const routes = `${route('a', '[a.test]', '/**')}, ${route('b', '[b.test]', token)}`;
    expect(match(own, 'AUTH.test:443', routes)).toBe('scopegate-token');
    expect(match(own, 'a.test', routes)).toBe('a');
    expect(match(own, 'b.test', routes)).toBe('b');
    expect(match(own, 'c.test', routes)).toBeNull();
    expect(problems(route('a', '[auth.test]', token), own)).toEqual([
      `4:54: ${token} is answered by the gateway itself`,
    ]);
  });
});

/** What no schema can see in gateway.yaml: names that lead nowhere, routes in each other's way, files that are not there. */

import { createPrivateKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Configuration } from '../../src/config/load/configuration.ts';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { proxyMatcher } from '../../src/config/load/proxy-matcher.ts';
import { ConfigError } from '../../src/errors.ts';
import { first, second } from '../support/certificates.ts';

const POLICY = `name: small
scopes:
  - { name: "bot:read", category: Bot, description: Read bots }
  - { name: "bot:write", category: Bot, description: Change bots }
  - { name: "workflows:read", category: Workflow, description: Read workflows }
organizationRoles:
  member: { scopes: all }
defaultKind: personal
kinds:
  personal:
    description: Short-lived
    prefix: pat
    authority: live
    selectable: [{ listed: joined, all: all-joined }]
    expiry: { minDays: 1, maxDays: 30 }
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-config-'));
  writeFileSync(join(folder, 'policy.yaml'), POLICY);
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(text: string, env = {}): Configuration {
  const path = join(folder, 'gateway.yaml');
  writeFileSync(path, text);
  return loadGateway(path, env);
}

/** Every problem as `file:line:column: message`, the temporary folder left out. */
function problems(text: string): string[] {
  try {
    load(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replaceAll(`${folder}/`, ''));
  }
  return [];
}

const HEAD = `policy: policy.yaml
upstreams:
  platform: { targets: ["http://127.0.0.1:9000"] }
`;
/** The first of the routes stands in line 5. */
const routes = (...lines: string[]) => `${HEAD}routes:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
const route = (id: string, path: string, rest = '') =>
  `{ id: ${id}, match: { path: "${path}" }, upstream: platform${rest} }`;
const withMethods = (id: string, methods: string, path: string) =>
  `{ id: ${id}, match: { methods: [${methods}], path: "${path}" }, upstream: platform }`;

it('a file without mistakes becomes a configuration, its paths relative to the file', () => {
  const configuration = load(routes(route('all', '/**', ', require: { scopes: ["bot:read"] }')));
  expect(configuration).toMatchObject({
    path: join(folder, 'gateway.yaml'),
    policyPath: join(folder, 'policy.yaml'),
    policy: { name: 'small', defaultKind: 'personal' },
    routeCount: 1,
    file: { gateway: { port: 8080 }, store: { driver: 'sqlite', path: 'data/scopegate.db' } },
  });
  expect(configuration.resolvePath('data/x')).toBe(join(folder, 'data/x'));
  expect(configuration.routes.match('', 'GET', ['x'])).toMatchObject({ kind: 'route', route: { id: 'all' } });
});

it('a route without a workspace is told as a warning, at its place; a public one and a guarded one are not', () => {
  const { warnings } = load(
    routes(
      route('open', '/open', ', public: true'),
      route('wide', '/wide', ', require: { scopes: ["bot:read"] }'),
      route('guarded', '/{ws}', ', require: { workspace: { from: path.ws, as: workspace } }'),
    ),
  );
  expect(warnings.map((line) => line.replace(`${folder}/`, ''))).toEqual([
    'gateway.yaml:6:5: warning: the route "wide" names no workspace: roles and workspace grants are not checked',
  ]);
});

it('many routes without a workspace are one warning, at the first of them, with their number', () => {
  const wide = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((id) =>
    route(id, `/${id}`, ', require: { scopes: ["bot:read"] }'),
  );
  const { warnings } = load(routes(...wide));
  expect(warnings.map((line) => line.replace(`${folder}/`, ''))).toEqual([
    'gateway.yaml:5:5: warning: 7 routes name no workspace: roles and workspace grants are not checked ' +
      '("a", "b", "c", "d", "e" and 2 more)',
  ]);
});

describe('a name that leads nowhere', () => {
  it.each([
    [
      'a scope',
      route('x', '/x', ', require: { scopes: ["bot:read", "bot:raed"] }'),
      '5:89: the policy knows no scope "bot:raed"; did you mean "bot:read"?',
    ],
    [
      'a scope of anyOf',
      route('x', '/x', ', require: { anyOf: ["workflow:read"] }'),
      '5:76: the policy knows no scope "workflow:read"; did you mean "workflows:read"?',
    ],
    [
      'a scope like no other',
      route('x', '/x', ', require: { scopes: ["payments:refund"] }'),
      '5:77: the policy knows no scope "payments:refund"',
    ],
    [
      'an upstream',
      '{ id: x, match: { path: "/x" }, upstream: platfrom }',
      '5:47: there is no upstream "platfrom"; did you mean "platform"?',
    ],
    [
      'an upstream that every object has',
      '{ id: x, match: { path: "/x" }, upstream: constructor }',
      '5:47: there is no upstream "constructor"',
    ],
    [
      'a parameter of the path',
      route('x', '/bots/{botId}', ', require: { workspace: { from: path.botID, as: workspace } }'),
      '5:98: the path has no parameter {botID}; did you mean "botId"?',
    ],
    [
      "a resource's parameter",
      route(
        'x',
        '/{ws}',
        ', require: { workspace: { from: path.ws, as: workspace }, resource: { type: bot, from: path.bot, relation: owner } }',
      ),
      '5:145: the path has no parameter {bot}',
    ],
  ])('%s is told at its place', (_name, line, expected) => {
    expect(problems(routes(line))).toEqual([`gateway.yaml:${expected}`]);
  });

  it('a query or header needs to be in no template', () => {
    const require = (from: string) => `, require: { workspace: { from: ${from}, as: workspace } }`;
    expect(problems(routes(route('x', '/x', require('query.ws')), route('y', '/y', require('header.X-Ws'))))).toEqual(
      [],
    );
  });
});

it('a route id that stands twice is told with the line of the first', () => {
  expect(problems(routes(route('x', '/x'), route('y', '/y'), route('x', '/z')))).toEqual([
    'gateway.yaml:7:11: the route id "x" already stands in line 5',
  ]);
});

describe('routes in each other’s way', () => {
  it.each([
    ['the same template', [route('a', '/x'), route('b', '/x')], '6:29', 'all other methods'],
    ['parameters of other names', [route('a', '/x/{id}'), route('b', '/x/{name}')], '6:29', 'all other methods'],
    ['two rests', [route('a', '/x/**'), route('b', '/x/**')], '6:29', 'all other methods'],
    ['the same text once decoded', [route('a', '/x'), route('b', '/%78')], '6:29', 'all other methods'],
    [
      'a method that both name',
      [withMethods('a', 'GET, PUT', '/x'), withMethods('b', 'POST, PUT', '/x')],
      '6:32',
      'one of POST, PUT',
    ],
  ])('%s', (_name, lines, place, methods) => {
    expect(problems(routes(...lines))).toEqual([
      `gateway.yaml:${place}: the route "a" already answers this path for ${methods}`,
    ]);
  });

  it.each([
    ['case', 'caseSensitive: false', '/Admin/{x}', '/aDMIN/{y}'],
    ['a trailing slash', 'ignoreTrailingSlash: true', '/x/{id}', '/x/{id}/'],
  ])('%s makes them one where the upstreams ignore it, and only there', (_name, setting, left, right) => {
    const text = routes(route('a', left), route('b', right));
    expect(problems(text)).toEqual([]);
    expect(problems(`${text}routing: { ${setting} }\n`)).toEqual([
      'gateway.yaml:6:29: the route "a" already answers this path for all other methods',
    ]);
  });

  it('disjoint methods, GET beside HEAD, and narrower templates are not', () => {
    expect(
      problems(
        routes(
          withMethods('a', 'GET', '/x'),
          withMethods('b', 'HEAD', '/x'),
          withMethods('c', 'PUT', '/x'),
          route('d', '/x'),
          route('e', '/{y}'),
          route('f', '/**'),
        ),
      ),
    ).toEqual([]);
  });
});

describe('a path that the gateway answers itself', () => {
  const path = '/api/auth/oauth2/token';
  const reserved = (text: string) => {
    writeFileSync(join(folder, 'policy.yaml'), `${POLICY}serviceAccounts: {}\n`);
    return problems(text);
  };

  it.each([
    ['with its method', withMethods('x', 'POST', path), '5:46'],
    ['with another method', withMethods('x', 'GET', path), '5:45'],
    ['with all other methods', route('x', path), '5:29'],
    ['in another spelling', route('x', '/api/auth/oauth2/%74oken'), '5:29'],
  ])('is no route’s %s', (_name, line, place) => {
    const told = line.includes('%74') ? '/api/auth/oauth2/%74oken' : path;
    expect(reserved(routes(line))).toEqual([`gateway.yaml:${place}: ${told} is answered by the gateway itself`]);
  });

  it.each([
    ['case', 'caseSensitive: false', '/API/auth/OAuth2/token'],
    ['a trailing slash', 'ignoreTrailingSlash: true', `${path}/`],
  ])('nor where %s makes no difference', (_name, setting, other) => {
    const text = routes(route('x', other));
    expect(reserved(text)).toEqual([]);
    expect(reserved(`${text}routing: { ${setting} }\n`)).toEqual([
      `gateway.yaml:5:29: ${other} is answered by the gateway itself`,
    ]);
  });

  it('may stand under a wider template, which does not get it', () => {
    expect(reserved(routes(route('x', '/api/**'), route('y', '/api/auth/oauth2/{x}')))).toEqual([]);
    const { routes: table } = load(routes(route('x', '/api/**')));
    expect(table.match('', 'POST', path.slice(1).split('/'))).toMatchObject({ route: { endpoint: 'token' } });
    expect(table.match('', 'GET', path.slice(1).split('/'))).toMatchObject({ kind: 'method', allow: ['POST'] });
  });

  it('is free where the policy has no service accounts', () => {
    expect(problems(routes(route('x', path)))).toEqual([]);
  });
});

describe('a path that no request could have', () => {
  it.each([
    ['/a//b', '"//" can never be matched: such requests are refused'],
    ['/a/../b', 'the segment ".." can never be matched: requests with it are refused'],
    ['/a/%2e/b', 'the segment "%2e" can never be matched: requests with it are refused'],
    ['/a%2Fb', 'the segment "a%2Fb" can never be matched: requests with it are refused'],
    ['/a b', 'the segment "a b" can never be matched: requests with it are refused'],
    ['/a?b=c', 'a path has no query and no fragment; match on the path alone'],
    ['/**/a', '"**" may only stand at the end, as "/**"'],
    ['/{x}/{x}', 'the parameter {x} stands twice'],
    ['/a*', 'the segment "a*" is neither a literal nor exactly one {name}; "/**" stands only at the end'],
  ])('%s', (path, message) => {
    expect(problems(routes(route('x', path)))).toEqual([`gateway.yaml:5:29: ${message}`]);
  });
});

describe('a method that no request could have', () => {
  it('is told at its place, beside those that one can have', () => {
    expect(problems(routes(withMethods('x', 'GET, FOO, M-SEARCH, PSOT', '/x')))).toEqual([
      'gateway.yaml:5:38: no request can have the method "FOO"',
      'gateway.yaml:5:53: no request can have the method "PSOT"; did you mean "POST"?',
    ]);
  });
});

describe('files', () => {
  it('a missing policy is told where it is named, and does not hide the rest', () => {
    const text = routes(route('x', '/x', ', require: { scopes: ["no:matter"] }'), route('x', '/y')).replace(
      'policy.yaml',
      'p.yaml',
    );
    expect(problems(text)).toEqual([
      'gateway.yaml:1:9: the policy p.yaml cannot be read: no such file',
      'gateway.yaml:6:11: the route id "x" already stands in line 5',
    ]);
  });

  it('a policy that is a folder is no policy', () => {
    mkdirSync(join(folder, 'folder'));
    expect(problems(routes(route('x', '/x')).replace('policy.yaml', 'folder'))).toEqual([
      'gateway.yaml:1:9: the policy folder cannot be read: it is a directory',
    ]);
  });

  it('mistakes in the policy are told together with those of the gateway, each in its own file', () => {
    writeFileSync(
      join(folder, 'policy.yaml'),
      POLICY.replace('defaultKind: personal', 'defaultKind: magic').replace('scopes: all', 'scopes: ["bot:fly"]'),
    );
    expect(problems(routes('{ id: x, match: { path: "/x" }, upstream: nowhere }'))).toEqual([
      'gateway.yaml:5:47: there is no upstream "nowhere"',
      'policy.yaml:7:22: unknown scope "bot:fly"; it must stand in "scopes"',
      'policy.yaml:8:14: there is no kind "magic"',
    ]);
  });

  it.each([
    ['- a', 'a list'],
    ['a', '"a"'],
    ['~', 'nothing'],
  ])('a gateway.yaml that is no mapping is told so, and nothing else of it: %s', (text, found) => {
    expect(problems(text)).toEqual([`gateway.yaml:1:1: expected mapping, found ${found}`]);
  });

  it('a missing gateway.yaml is told in one line', () => {
    const path = join(folder, 'nowhere.yaml');
    expect(() => loadGateway(path, {})).toThrow(`${path}:1:1: cannot be read: no such file`);
  });

  it('HTTP/2 without TLS beside TLS is told to be a contradiction', () => {
    const gateway = 'gateway: { h2c: true, tls: { cert: there.pem, key: there.pem } }';
    expect(problems(`${gateway}\n${routes(route('x', '/x'))}`)).toContain(
      'gateway.yaml:1:17: is HTTP/2 without TLS, which "tls" rules out; over TLS tls.http2 offers it',
    );
  });

  it('certificates and keys that are missing are told each, where they are named', () => {
    writeFileSync(join(folder, 'there.pem'), '');
    const text = `gateway: { tls: { cert: there.pem, key: missing.key } }
policy: policy.yaml
upstreams:
  platform:
    targets: ["https://127.0.0.1:9000"]
    tls: { ca: missing-ca.pem, cert: there.pem, key: missing.key }
routes: [${route('x', '/x')}]
`;
    expect(problems(text)).toEqual([
      'gateway.yaml:1:41: missing.key: no such file',
      'gateway.yaml:6:16: missing-ca.pem: no such file',
      'gateway.yaml:6:54: missing.key: no such file',
    ]);
  });
});

describe('the authorities that an upstream is to trust', () => {
  const at = (ca: string) => {
    writeFileSync(join(folder, 'ca.pem'), ca);
    const upstreams = 'upstreams: { platform: { targets: ["https://127.0.0.1:9000"], tls: { ca: ca.pem } } }';
    return problems(`policy: policy.yaml\n${upstreams}\nroutes: [${route('x', '/x')}]\n`);
  };

  it('may be several, with words between them', () => {
    expect(at(`first\n${first.cert}\nsecond\n${second.cert}`)).toEqual([]);
  });
  it.each([
    ['an empty file', '', 'holds no certificate in PEM form'],
    ['garbage', 'garbage', 'holds no certificate in PEM form'],
    ['a private key', first.key, 'holds no certificate in PEM form'],
    [
      'a second one that is damaged',
      first.cert + second.cert.replace('MII', 'XXX'),
      'certificate 2 of 2 cannot be read',
    ],
  ])('are told where they are named when they are %s', (_name, ca, expected) => {
    expect(at(ca)).toEqual([`gateway.yaml:2:74: ca.pem: ${expected}`]);
  });
});

describe('the pair that gateway.tls names', () => {
  const at = (cert: string, key: string) => {
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key);
    return problems(`gateway: { tls: { cert: cert.pem, key: key.pem } }\n${routes(route('x', '/x'))}`);
  };
  const locked = () =>
    createPrivateKey(first.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes256', passphrase: 'secret' });

  it('may be a certificate with its key', () => {
    expect(at(first.cert, first.key)).toEqual([]);
  });
  it.each([
    ['another key', () => at(first.cert, second.key), '1:40: key.pem: is not the key of the first certificate in'],
    ['no certificate', () => at(first.key, first.key), '1:25: cert.pem: holds no certificate in PEM form'],
    ['no key', () => at(first.cert, first.cert), '1:40: key.pem: holds no private key in PEM form'],
    ['a key with a passphrase', () => at(first.cert, String(locked())), '1:40: key.pem: holds no private key'],
  ])('is refused where it stands: %s', (_name, found, expected) => {
    const said = found();
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(`gateway.yaml:${expected}`);
  });
});

it.each([
  [
    'url: "redis://h/x"',
    '6:30: must be redis://[user:password@]host:port[/database], with host:port,host:port for several',
  ],
  ['url: "redis://a,b"', '6:30: names several nodes; say what they are with "sentinel" or "cluster"'],
  ['url: "redis://a,b", cluster: true, sentinel: { name: m }', '6:54: a Cluster has no Sentinels; leave one out'],
  ['url: "redis://a/1", cluster: true', '6:30: a Cluster has database 0 only'],
  ['url: "redis://a", tls: {}', '6:43: is for rediss:// URLs; this one is redis://'],
])('a Redis that cannot be meant is refused: %s', (settings, expected) => {
  const text = `${routes(route('x', '/x'))}store: { driver: redis, ${settings} }\n`;
  expect(problems(text)).toEqual([`gateway.yaml:${expected}`]);
});

it('what is wrong with the URL of Redis is said without its password', () => {
  const text = `${routes(route('x', '/x'))}store: { driver: redis, url: "redis://u:hunter2@h:0" }\n`;
  expect(problems(text).join()).not.toContain('hunter2');
});

it.each([
  ['h2', 'http', 'protocol h2 is HTTP/2 over TLS: write an https: target, or protocol: h2c for one without TLS'],
  ['h2c', 'https', 'protocol h2c is HTTP/2 without TLS: write an http: target, or protocol: h2 for one with TLS'],
])(
  'protocol %s with a target of %s is refused at the target, and what to write instead is said',
  (protocol, scheme, message) => {
    const text = routes(route('x', '/x')).replace(
      'http://127.0.0.1:9000"]',
      `${scheme}://127.0.0.1:9000"], protocol: ${protocol}`,
    );
    expect(problems(text)).toEqual([`gateway.yaml:3:25: ${message}`]);
    const right = text.replace(`${scheme}:`, scheme === 'http' ? 'https:' : 'http:');
    expect(problems(right)).toEqual([]);
  },
);

it('a breaker that would be open for longer at first than at most is refused', () => {
  const text = routes(route('x', '/x')).replace('9000"]', '9000"], breaker: { openMs: 5000, maxOpenMs: 4000 }');
  expect(problems(text)).toEqual(['gateway.yaml:3:87: must be at least openMs, which is 5000']);
});

it('an upstream whose certificate is not looked at is a warning that says what that means', () => {
  const text = routes(route('x', '/x')).replace(
    'http://127.0.0.1:9000"]',
    'https://a"], tls: { insecureSkipVerify: true }',
  );
  expect(load(text).warnings.join()).toMatch(
    /:3:\d+: warning: the upstream "platform" is believed whatever certificate it shows/,
  );
});

describe('a target that is one of our own listeners', () => {
  const warned = (target: string, more: string) => {
    const text = `${routes(route('x', '/x')).replace('http://127.0.0.1:9000', target)}${more}\n`;
    return load(text).warnings.filter((warning) => warning.includes('comes back'));
  };
  const ours = 'gateway: { host: 127.0.0.1, port: 9000 }';
  const everywhere = 'gateway: { host: "0.0.0.0", port: 9000, publicUrl: "https://api.example.com" }';

  it.each([
    ['http://127.0.0.1:9000', ours],
    ['http://localhost:9000', ours],
    ['http://LOCALHOST:9000', ours],
    ['http://0.0.0.0:9000', ours],
    ['http://127.0.0.1:8081', ''],
    ['http://127.0.0.1:8082', 'decision: { port: 8082, for: nginx }'],
    ['http://127.9.9.9:9000', everywhere],
    ['http://[::1]:9000', 'gateway: { host: "::", port: 9000 }'],
    [`http://${hostname()}:9000`, everywhere],
    ['https://api.example.com', everywhere],
    ['https://api.example.com:443', everywhere],
    ['http://127.0.0.1', 'gateway: { host: 127.0.0.1, port: 80 }'],
  ])('is warned of, with its place: %s (%s)', (target, more) => {
    expect(warned(target, more)).toEqual([
      expect.stringMatching(/gateway\.yaml:3:\d+: warning: this target is (?:our own|gateway\.publicUrl).* \(508\)/),
    ]);
  });

  it.each([
    ['http://127.0.0.1:9001', ours],
    ['http://127.0.0.2:9000', ours],
    ['http://other.example.com:9000', everywhere],
    ['http://api.example.com', everywhere],
    ['http://localhost:9000', 'gateway: { host: 192.0.2.1, port: 9000 }'],
  ])('and another is not: %s (%s)', (target, more) => {
    expect(warned(target, more)).toEqual([]);
  });
});

it('everything that is wrong is told at once, in the order of the file', () => {
  const text = `policy: policy.yaml
upstreams:
  platform: { targets: ["http://127.0.0.1:9000"] }
import: { patterns: [{ prefix: "abc_", minLength: 40, maxLength: 20 }] }
routes:
  - ${route('a', '/x', ', require: { scopes: ["bot:raed"] }')}
  - ${route('a', '/{y}/{y}')}
  - ${route('c', '/x')}
  - { id: d, match: { path: "/d" }, upstream: nowhere }
`;
  expect(problems(text).map((line) => line.split(': ')[0])).toEqual([
    'gateway.yaml:4:66',
    'gateway.yaml:6:77',
    'gateway.yaml:7:11',
    'gateway.yaml:7:29',
    'gateway.yaml:8:29',
    'gateway.yaml:9:47',
  ]);
});

describe('a mistake that its schema sees hides none that only a look at the whole can see,', () => {
  it('in gateway.yaml and in the policy', () => {
    writeFileSync(
      join(folder, 'policy.yaml'),
      POLICY.replace('category: Bot, description: Change', 'kategory: Bot, description: Change')
        .replace('expiry: { minDays: 1, maxDays: 30 }', 'expiry: { minDays: 31, maxDays: 30 }')
        .replace('defaultKind: personal', 'defaultKind: service'),
    );
    const text = `policy: policy.yaml
cache: { maxEntries: 0 }
upstreams:
  platform: { targets: ["http://127.0.0.1:9000"], breaker: { openMs: 2000, maxOpenMs: 1000 } }
  other: { targets: [] }
limits:
  burst: { requests: 0, window: minute, per: token }
routes:
  - { id: a, match: { paht: "/a" }, upstream: platform }
  - { id: b, match: { path: "/b" }, upstream: platfrom, limits: [brust] }
  - { id: b, match: { path: "/c" }, upstream: other, limits: [burst] }
  - { id: d, match: { path: "/c" }, upstream: platform }
`;
    expect(problems(text)).toEqual([
      'gateway.yaml:2:22: must be at least 1',
      'gateway.yaml:4:87: must be at least openMs, which is 2000',
      'gateway.yaml:5:21: must not be empty',
      'gateway.yaml:7:22: must be at least 1',
      'gateway.yaml:9:23: unknown key "paht" (did you mean "path"?)',
      'gateway.yaml:10:47: there is no upstream "platfrom"; did you mean "platform"?',
      'gateway.yaml:10:66: there is no limit "brust"; did you mean "burst"?',
      'gateway.yaml:11:11: the route id "b" already stands in line 10',
      'gateway.yaml:12:29: the route "b" already answers this path for all other methods',
      'policy.yaml:4:26: unknown key "kategory" (did you mean "category"?)',
      'policy.yaml:8:14: there is no kind "service"',
      'policy.yaml:15:24: minDays is greater than maxDays',
    ]);
  });

  it.each([
    [
      'upstreams',
      'upstraems: { platform: { targets: ["http://127.0.0.1:9000"] } }\nroutes: [{ id: a, match: { path: "/a" }, upstream: platform }]',
    ],
    ['upstreams', 'upstreams: []\nroutes: [{ id: a, match: { path: "/a" }, upstream: platform }]'],
    [
      'routes',
      'upstreams: { platform: { targets: ["http://127.0.0.1:9000"] } }\nroutes: { id: a, match: { path: "/a" }, upstream: platform }',
    ],
    [
      'a policy',
      'upstreams: { platform: { targets: ["http://127.0.0.1:9000"] } }\nroutes: [{ id: a, match: { path: "/a" }, upstream: platform, require: { scopes: ["bot:raed"] } }]',
    ],
  ])('and one of %s that cannot be read is told once', (part, text) => {
    expect(problems(`policy: ${part === 'a policy' ? '[policy.yaml]' : 'policy.yaml'}\n${text}\n`)).toHaveLength(1);
  });

  it('in a policy whose roles, scopes or kinds cannot be read', () => {
    const broken = (from: string, to: string) => {
      writeFileSync(
        join(folder, 'policy.yaml'),
        POLICY.replace(from, to).replace('all-joined }', 'all-joined, roles: [member] }'),
      );
      return problems(routes(route('x', '/x', ', require: { scopes: ["bot:raed"] }')));
    };
    expect(broken('member: { scopes: all }', 'member: { scope: all }')).toHaveLength(1);
    expect(broken('scopes: all }', 'scopes: ["bot:raed"] }')).toEqual([
      expect.stringContaining('unknown scope "bot:raed"'),
    ]);
    expect(broken('"bot:write"', 'botwrite')).toHaveLength(1);
    expect(broken('authority: live', 'authority: dead')).toHaveLength(1);
  });

  it('in a policy whose actions cannot be read; where there are none, each that is named is unknown', () => {
    const named = POLICY.replace('{ scopes: all }', '{ scopes: all, actions: [List] }').replace(
      'authority: live',
      'authority: live\n    manageAction: Manage',
    );
    const withActions = (actions: string) => {
      writeFileSync(join(folder, 'policy.yaml'), `${named}listAction: List\n${actions}`);
      return problems(routes(route('x', '/x')));
    };
    expect(withActions('actions: { List: See all, Manage: Change all }')).toEqual([]);
    expect(withActions('actions: [List, Manage]')).toEqual(['policy.yaml:18:10: expected mapping, found a list']);
    expect(withActions('actoins: { List: See all, Manage: Change all }')).toEqual([
      'policy.yaml:18:1: unknown key "actoins" (did you mean "actions"?)',
    ]);
    expect(withActions('')).toEqual([
      'policy.yaml:7:36: unknown action "List"; it must stand in "actions"',
      'policy.yaml:14:19: unknown action "Manage"; it must stand in "actions"',
      'policy.yaml:17:13: unknown action "List"; it must stand in "actions"',
    ]);
  });
});

it('one broken route does not make another one look right', () => {
  expect(problems(routes(route('a', '/a//b', ', require: { scopes: ["bot:raed"] }')))).toEqual([
    'gateway.yaml:5:29: "//" can never be matched: such requests are refused',
    'gateway.yaml:5:80: the policy knows no scope "bot:raed"; did you mean "bot:read"?',
  ]);
});

describe('a policy', () => {
  const policyProblems = (change: (text: string) => string) => {
    writeFileSync(join(folder, 'policy.yaml'), change(POLICY));
    return problems(routes(route('x', '/x')));
  };
  it.each([
    ['a scope that stands twice', ['name: "bot:write"', 'name: "bot:read"'], '4:13: the scope "bot:read" stands twice'],
    [
      'a kind to begin with that does not exist',
      ['defaultKind: personal', 'defaultKind: x'],
      '8:14: there is no kind "x"',
    ],
    ['days that contradict each other', ['minDays: 1', 'minDays: 31'], '15:24: minDays is greater than maxDays'],
    [
      'a choice of days that would be refused',
      ['maxDays: 30', 'maxDays: 30, presetsDays: [7, 90]'],
      '15:57: 90 days is outside minDays and maxDays',
    ],
    [
      'a rule for a role that does not exist',
      ['listed: joined', 'roles: [king], listed: joined'],
      '14:28: there is no organization role "king"',
    ],
    [
      'a frozen kind that would have nobody to follow',
      ['authority: live', 'authority: frozen\n    scopes: optional'],
      '14:13: a frozen kind needs scopes of its own: it has no owner to follow',
    ],
  ])('%s is told at its place', (_name, [from, to], expected) => {
    expect(policyProblems((text) => text.replace(from!, to!))).toEqual([`policy.yaml:${expected}`]);
  });

  it('two kinds may not share a prefix', () => {
    const twin = POLICY.slice(POLICY.indexOf('  personal:')).replace('personal', 'twin');
    expect(policyProblems((text) => text + twin)).toEqual([
      'policy.yaml:18:13: the prefix "pat" already belongs to the kind "personal"',
    ]);
  });
});

describe('trusted proxies', () => {
  it('an empty list believes nobody', () => {
    expect(proxyMatcher([])('127.0.0.1')).toBe(false);
  });

  it.each([
    [['10.0.0.0/8'], '10.255.0.1', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['127.0.0.1'], '127.0.0.1', true],
    [['127.0.0.1'], '127.0.0.2', false],
    [['127.0.0.1'], '::ffff:127.0.0.1', true],
    [['127.0.0.1'], '::ffff:127.0.0.2', false],
    [['fd00::/8'], 'fd12::1', true],
    [['fd00::/8'], 'fe80::1', false],
    [['0.0.0.0/0'], '::1', false],
    [['10.0.0.0/8'], 'not an address', false],
  ])('%j and %s: %s', (networks, address, expected) => {
    expect(proxyMatcher(networks)(address)).toBe(expected);
  });
});

describe('two listeners on one port', () => {
  const ROUTE = routes(route('x', '/x', ', public: true'));
  const told = (listeners: string) => {
    const text = `${ROUTE}${listeners}\n`;
    const found = problems(text);
    return found.length > 0 ? found : load(text).warnings.map((line) => line.replace(`${folder}/`, ''));
  };

  it.each([
    [
      'of the gateway and the sidecar, which --only can keep apart, are a warning',
      'gateway: { port: 8090 }\nadmin: { port: 8090 }',
      '7:16: warning: gateway listens on 127.0.0.1:8090, too; set another port, or serve them apart with --only',
    ],
    [
      'are told where one is written, if the other has it by default',
      'gateway: { port: 8081 }',
      '6:18: warning: admin listens on 127.0.0.1:8081, too; set another port, or serve them apart with --only',
    ],
    [
      'of the gateway and the decision listener, which every serve opens, are a mistake',
      'decision: { for: caddy, port: 8080 }',
      '6:31: gateway listens on 127.0.0.1:8080, too; set another port',
    ],
    [
      'on every address are on each',
      'gateway: { port: 8082, host: 0.0.0.0 }\ndecision: { for: caddy }',
      '7:11: gateway listens on 0.0.0.0:8082, too; set another port',
    ],
    [
      'on every address of IPv6 are on those of IPv4, too',
      'decision: { for: caddy }\ngateway: { host: "::", port: 8082 }',
      '7:30: decision listens on 127.0.0.1:8082, too; set another port',
    ],
  ])('%s', (_name, listeners, expected) => {
    expect(told(listeners)).toEqual([`gateway.yaml:${expected}`]);
  });

  it.each([
    'gateway: { port: 0 }\nadmin: { port: 0 }',
    'gateway: { host: 127.0.0.2, port: 8081 }',
    'gateway: { host: 0.0.0.0, port: 8081 }\nadmin: { host: "::1" }',
    'decision: { for: caddy }',
  ])('are none in %j', (listeners) => {
    expect(told(listeners)).toEqual([]);
  });
});

describe('upstreams and who needs them', () => {
  const one = '{ id: x, match: { path: /x }, public: true }';

  it('a file without any is told so, and a route without one', () => {
    expect(problems(`policy: policy.yaml\nroutes: [${one}]\n`)).toEqual([
      'gateway.yaml:1:1: missing key "upstreams"',
      'gateway.yaml:2:10: missing key "upstream"',
    ]);
    expect(problems(routes(one))).toEqual(['gateway.yaml:5:5: missing key "upstream"']);
  });

  it('where other proxies ask, none is needed; one that is named must be there all the same', () => {
    expect(problems(`policy: policy.yaml\nroutes: [${one}]\ndecision: { for: nginx }\n`)).toEqual([]);
    const named = one.replace('public: true', 'public: true, upstream: y');
    expect(problems(`policy: policy.yaml\nroutes: [${named}]\ndecision: { for: nginx }\n`)).toEqual([
      'gateway.yaml:2:64: there is no upstream "y"',
    ]);
  });
});

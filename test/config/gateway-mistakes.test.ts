/** What each mistake in gateway.yaml is told, and where: exact positions and words. */
import { describe, expect, it } from 'vitest';
import { GatewaySchema } from '../../src/config/schema/gateway-schema.ts';
import { validate } from '../../src/config/schema/validate.ts';
import { parseYaml } from '../../src/config/yaml/yaml-file.ts';

const minimal = `policy: policies/default.yaml
upstreams: { platform: { targets: ["http://127.0.0.1:9000"] } }
routes: [{ id: all, match: { path: "/**" }, upstream: platform }]
`;

function read(text: string) {
  const file = parseYaml(text, 'gateway.yaml', {});
  validate(file, GatewaySchema);
  return { problems: file.problems.map((p) => `${p.line}:${p.column}: ${p.message}`) };
}

/** Lines put after the least file's three, so that the first of them is line 4. */
const additions: [string, string[]][] = [
  ['gatway: {}', ['4:1: unknown key "gatway" (did you mean "gateway"?)']],
  [
    'plugins: []',
    [
      '4:1: unknown key "plugins" (allowed: include, defaults, gateway, admin, decision, oauth, audit, leaks, import, policy, store, cache, routing, log, explain, shadow, drain, reload, upstreams, limits, routes)',
    ],
  ],
  ['gateway: { port: abc }', ['4:18: expected integer, found "abc"']],
  ['gateway: { port: 65536 }', ['4:18: must be at most 65535']],
  ['gateway: { port: -1 }', ['4:18: must be at least 0']],
  ['gateway: { port: "8080" }', ['4:18: expected integer, found "8080"']],
  ['gateway: { host: "" }', ['4:18: must not be empty']],
  ['gateway: { workers: 0 }', ['4:21: must be at least 1']],
  ['gateway: { workers: many }', ['4:21: expected integer or "auto", found "many"']],
  ['gateway: { trustedProxies: [10.0.0.0/33] }', ['4:29: must be an IP address or a network such as 10.0.0.0/8']],
  ['gateway: { trustedProxies: [localhost] }', ['4:29: must be an IP address or a network such as 10.0.0.0/8']],
  ['gateway: { trustedProxies: 10.0.0.1 }', ['4:28: expected list, found "10.0.0.1"']],
  [
    'gateway: { publicUrl: api.example.com }',
    ['4:23: must be a URL without query and fragment, such as https://api.example.com'],
  ],
  ['gateway: { tls: { cert: c.pem } }', ['4:17: missing key "key"']],
  ['leaks: { action: revoke }', ['4:8: missing key "keys"']],
  ['gateway: { h2c: prior-knowledge }', ['4:17: expected boolean, found "prior-knowledge"']],
  ['gateway:', ['4:9: expected mapping, found nothing']],
  ['decision: {}', ['4:11: missing key "for"']],
  ['decision: { for: apache }', ['4:18: must be one of: nginx, caddy, traefik, envoy, found "apache"']],
  ['oauth: { prefix: /api/ }', ['4:18: must be a path such as /api, without a slash at its end']],
  ['oauth: { prefix: /../x }', ['4:18: must be a path such as /api, without a slash at its end']],
  ['store: { driver: mysql, dsn: x }', ['4:18: must be one of: sqlite, redis, found "mysql"']],
  ['store: { driver: redis }', ['4:8: missing key "url"']],
  ['store: { driver: redis, url: "http://x" }', ['4:30: must be a redis:// or rediss:// URL']],
  ['store: { driver: sqlite, url: x }', ['4:26: unknown key "url" (allowed: driver, path, reserveBytes)']],
  ['store: { path: x }', ['4:8: missing key "driver"']],
  ['cache: { maxEntries: 0 }', ['4:22: must be at least 1']],
  ['cache: { maxStalenessMs: 1.5 }', ['4:26: expected integer, found 1.5']],
  ['cache: { absentTtlMs: 2147483648 }', ['4:23: must be at most 2147483647']],
  ['routing: { caseSensitive: yes }', ['4:27: expected boolean, found "yes" (write true or false)']],
  ['log: { level: verbose }', ['4:15: must be one of: trace, debug, info, warn, error, silent, found "verbose"']],
  ['policy: other.yaml', ['4:1: duplicate key "policy"']],
];

const upstreams: [string, string[]][] = [
  ['{}', ['1:12: must not be empty']],
  ['[]', ['1:12: expected mapping, found a list']],
  ['{ a: {} }', ['1:17: missing key "targets"']],
  ['{ a: { targets: [] } }', ['1:28: must not be empty']],
  ['{ a: { targets: http://x } }', ['1:28: expected list, found "http://x"']],
  [
    '{ a: { targets: [x:80] } }',
    ['1:29: must be an origin such as http://127.0.0.1:9000, without path and credentials'],
  ],
  [
    '{ a: { targets: [http://x/p] } }',
    ['1:29: must be an origin such as http://127.0.0.1:9000, without path and credentials'],
  ],
  [
    '{ a: { targets: [http://u:p@x] } }',
    ['1:29: must be an origin such as http://127.0.0.1:9000, without path and credentials'],
  ],
  ['{ a: { targets: [http://x, http://x] } }', ['1:39: "http://x" is listed twice']],
  [
    '{ a: { targets: [http://x], timeouts: { connectMS: 1 } } }',
    ['1:52: unknown key "connectMS" (did you mean "connectMs"?)'],
  ],
  ['{ a: { targets: [http://x], timeouts: { idleMs: 0 } } }', ['1:60: must be at least 1']],
  ['{ a: { targets: [http://x], maxConnections: 0 } }', ['1:56: must be at least 1']],
  ['{ a: { targets: [http://x], maxShare: 25 } }', ['1:50: must be at most 1']],
  ['{ a: { targets: [http://x], maxStreams: 0 } }', ['1:52: must be at least 1']],
  ['{ a: { targets: [http://x], health: { path: healthz } } }', ['1:56: must start with "/"']],
  ['{ a: { targets: [http://x], health: {} } }', ['1:48: missing key "path"']],
  ['{ a: { targets: [http://x], tls: { cert: c } } }', ['1:47: "cert" needs "key"']],
  [
    '{ a: { targets: [http://x], tls: { insecure: true } } }',
    ['1:47: unknown key "insecure" (allowed: ca, cert, key, servername, insecureSkipVerify)'],
  ],
];

/** One route in flow style; its first column is 11. */
const routes: [string, string[]][] = [
  ['{}', ['1:11: missing key "id"', '1:11: missing key "match"']],
  ['{ id: "", match: { path: / }, upstream: a }', ['1:17: must be 1 to 128 printable characters']],
  ['{ id: x, match: { path: v1 }, upstream: a }', ['1:35: must start with "/"']],
  ['{ id: x, match: {}, upstream: a }', ['1:27: missing key "path"']],
  ['{ id: x, match: { path: /, methods: [] }, upstream: a }', ['1:47: must not be empty']],
  [
    '{ id: x, match: { path: /, methods: [get] }, upstream: a }',
    ['1:48: must be a method in capitals, and neither CONNECT nor TRACE'],
  ],
  [
    '{ id: x, match: { path: /, methods: [TRACE] }, upstream: a }',
    ['1:48: must be a method in capitals, and neither CONNECT nor TRACE'],
  ],
  [
    '{ id: x, match: { path: /, methods: [CONNECT] }, upstream: a }',
    ['1:48: must be a method in capitals, and neither CONNECT nor TRACE'],
  ],
  ['{ id: x, match: { path: /, methods: [GET, GET] }, upstream: a }', ['1:53: "GET" is listed twice']],
  ['{ id: x, match: { path: / }, upstrem: a }', ['1:40: unknown key "upstrem" (did you mean "upstream"?)']],
  ['{ id: x, match: { path: / }, upstream: a, public: 1 }', ['1:61: expected boolean, found 1']],
  [
    '{ id: x, match: { path: / }, upstream: a, public: true, require: {} }',
    ['1:67: a public route requires nothing: drop "require" or "public"'],
  ],
  ['{ id: x, match: { path: / }, upstream: a, allowFrom: [] }', ['1:64: must not be empty']],
  ['{ id: x, match: { path: / }, upstream: a, allowFrom: 10.0.0.0/8 }', ['1:64: expected list, found "10.0.0.0/8"']],
  [
    '{ id: x, match: { path: / }, upstream: a, allowFrom: [10.0.0.0/8, 10.0.0.1/8, office] }',
    [
      '1:77: must be an IP address, or a network such as 10.0.0.0/8 with nothing behind its prefix',
      '1:89: must be an IP address, or a network such as 10.0.0.0/8 with nothing behind its prefix',
    ],
  ],
  [
    '{ id: x, match: { path: / }, upstream: a, allowedFrom: [] }',
    ['1:53: unknown key "allowedFrom" (did you mean "allowFrom"?)'],
  ],
  ['{ id: x, match: { path: / }, upstream: a, credentials: [] }', ['1:66: must not be empty']],
  [
    '{ id: x, match: { path: / }, upstream: a, credentials: [cookie] }',
    ['1:67: must be bearer, raw, basic, header.NAME or query.NAME'],
  ],
  ['{ id: x, match: { path: / }, upstream: a, require: { scopes: [] } }', ['1:72: must not be empty']],
  ['{ id: x, match: { path: / }, upstream: a, require: { anyOf: [] } }', ['1:71: must not be empty']],
  [
    '{ id: x, match: { path: / }, upstream: a, require: { scope: [a] } }',
    ['1:64: unknown key "scope" (did you mean "scopes"?)'],
  ],
  [
    '{ id: x, match: { path: / }, upstream: a, require: { scopes: [a], anyOf: [b] } }',
    ['1:77: either "scopes" or "anyOf", not both'],
  ],
  [
    '{ id: x, match: { path: / }, upstream: a, require: { workspace: { from: cookie.x, as: workspace } } }',
    ['1:83: must be path.NAME, query.NAME, header.NAME or body.NAME'],
  ],
  [
    '{ id: x, match: { path: / }, upstream: a, require: { workspace: { from: query.x, as: team } } }',
    ['1:96: must be one of: workspace, environment, resource, found "team"'],
  ],
  [
    '{ id: x, match: { path: / }, upstream: a, require: { workspace: { from: query.x, as: resource } } }',
    ['1:75: missing key "type"'],
  ],
  [
    '{ id: x, match: { path: / }, upstream: a, require: { workspace: { from: query.x, as: resource, typ: b } } }',
    ['1:106: unknown key "typ" (did you mean "type"?)'],
  ],
  [
    '{ id: x, match: { path: / }, upstream: a, require: { workspace: { from: query.x, as: workspace, type: b } } }',
    ['1:107: "type" goes with "as: resource" only'],
  ],
  [
    '{ id: x, match: { path: / }, upstream: a, require: { workspace: { from: query.x, as: workspace, role: owner } } }',
    ['1:113: must be one of: member, admin, found "owner"'],
  ],
  [
    '{ id: x, match: { path: / }, upstream: a, require: { resource: { type: b, from: query.x, relation: owner } } }',
    ['1:64: "resource" needs "workspace"'],
  ],
];

describe('a mistake is told at its place, and once', () => {
  it.each(additions)('%s', (line, expected) => {
    expect(read(minimal + line).problems).toEqual(expected);
  });

  it.each(upstreams)('upstreams: %s', (value, expected) => {
    const rest = 'policy: p\nroutes: [{ id: x, match: { path: / }, upstream: a }]\n';
    expect(read(`upstreams: ${value}\n${rest}`).problems).toEqual(expected);
  });

  it.each(routes)('a route %s', (route, expected) => {
    const rest = 'policy: p\nupstreams: { a: { targets: [http://x] } }\n';
    expect(read(`routes: [ ${route} ]\n${rest}`).problems).toEqual(expected);
  });

  it('a file without its required key is told so', () => {
    expect(read('# comment\nadmin: {}\n').problems).toEqual(['2:1: missing key "policy"']);
  });
});

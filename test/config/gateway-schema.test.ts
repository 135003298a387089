/** What gateway.yaml may say and what it gets by default. */
import { expect, it } from 'vitest';
import { GatewaySchema } from '../../src/config/schema/gateway-schema.ts';
import { validate } from '../../src/config/schema/validate.ts';
import { parseYaml } from '../../src/config/yaml/yaml-file.ts';

const minimal = `policy: policies/default.yaml
upstreams: { platform: { targets: ["http://127.0.0.1:9000"] } }
routes: [{ id: all, match: { path: "/**" }, upstream: platform }]
`;

function read(text: string, env: Record<string, string> = {}) {
  const file = parseYaml(text, 'gateway.yaml', env);
  const value = validate(file, GatewaySchema);
  const problems = file.problems
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map((p) => `${p.line}:${p.column}: ${p.message}`);
  return { value, problems };
}

it('the least file gets every default', () => {
  const { value, problems } = read(minimal);
  expect(problems).toEqual([]);
  expect(value).toEqual({
    include: [],
    reload: { tests: 'off', testFiles: ['*.test.yaml'] },
    defaults: {},
    gateway: {
      host: '127.0.0.1',
      port: 8080,
      workers: 1,
      trustedProxies: [],
      serverTiming: false,
      h2c: false,
      timeouts: { headersMs: 10_000, idleMs: 30_000, keepAliveMs: 72_000 },
      limits: {
        headerBytes: 16_384,
        inspectedBodyBytes: 1_048_576,
        inspectedBodyTotalBytes: 67_108_864,
        minBytesPerSecond: 500,
      },
      guesses: { tokenFailures: 100, clientFailures: 20, windowMs: 60_000 },
    },
    drain: { delayMs: 0, deadlineMs: 30_000, idleMs: 2000 },
    explain: { keep: 10_000, forMinutes: 1440 },
    admin: { host: '127.0.0.1', port: 8081, allowedHosts: [], trustedProxies: [] },
    import: { patterns: [], missesPerMinute: 60 },
    oauth: { prefix: '/api', accountLimit: { requests: 600, windowMs: 60_000 } },
    audit: { keepDays: 365, maxEvents: 50_000, issuedTokens: false, refusedPerMinute: 60 },
    policy: 'policies/default.yaml',
    store: { driver: 'sqlite', path: 'data/scopegate.db', reserveBytes: 8_388_608 },
    cache: { maxEntries: 100_000, maxStalenessMs: 2000, absentTtlMs: 5000, serveDuringOutageMs: 0 },
    routing: { caseSensitive: true, ignoreTrailingSlash: false },
    limits: {},
    log: { level: 'info', access: 'refusals', decisions: { refused: 0, allowed: 0 } },
    upstreams: {
      platform: {
        targets: ['http://127.0.0.1:9000'],
        timeouts: { connectMs: 2000, headersMs: 60_000, idleMs: 60_000, queueMs: 2000 },
        maxConnections: 128,
        maxStreams: 10_000,
        maxUpgrades: 10_000,
        maxShare: 0.25,
        maxConnectionAgeMs: 60_000,
        protocol: 'http1',
        breaker: { failures: 5, openMs: 1000, maxOpenMs: 30_000 },
      },
    },
    routes: [{ id: 'all', match: { path: '/**' }, upstream: 'platform' }],
  });
});

it('a file that says everything is accepted', () => {
  const { value, problems } = read(`
gateway:
  { host: "::", port: 0, workers: auto, trustedProxies: [10.0.0.0/8, "::1", "fd00::/8", 192.0.2.1], publicUrl: "https://x.org/gw", tls: { cert: c.pem, key: k.pem } }
admin: { host: 0.0.0.0, port: 65535 }
decision: { for: envoy, trustedProxies: [127.0.0.1] }
oauth: { prefix: "" }
policy: p.yaml
store: { driver: redis, url: "rediss://user:pw@redis:6379/1" }
cache: { maxEntries: 1, maxStalenessMs: 1, absentTtlMs: 0, serveDuringOutageMs: 60000 }
routing: { caseSensitive: false, ignoreTrailingSlash: true }
log: { level: silent, access: none }
upstreams:
  a:
    targets: [http://a:1, https://b]
    timeouts: { connectMs: 1 }
    maxConnections: 1
    preserveHost: true
    health: { path: /healthz }
    retries: {}
    tls: { ca: ca.pem, cert: c.pem, key: k.pem, servername: a.internal }
routes:
  - id: bots
    match: { methods: [GET, M-SEARCH], path: "/v1/{bot}/**" }
    credentials: [bearer, raw, query.authorization]
    require:
      anyOf: [bot:read, bot:write]
      workspace: { from: path.bot, as: resource, type: bot }
      resource: { type: bot, from: path.bot, relation: owner }
    upstream: a
    forwardAuthorization: true
  - { id: open, match: { path: / }, public: true, upstream: a }
`);
  expect(problems).toEqual([]);
  expect(value?.store).toEqual({
    driver: 'redis',
    url: 'rediss://user:pw@redis:6379/1',
    cluster: false,
    keyPrefix: 'scopegate:',
    memoryReservePercent: 5,
    waitReplicas: 'all',
    commandTimeoutMs: 200,
    commitTimeoutMs: 2000,
    acceptEviction: false,
  });
  expect(value?.decision).toEqual({ host: '127.0.0.1', port: 8082, for: 'envoy', trustedProxies: ['127.0.0.1'] });
  expect(value?.upstreams?.a?.health).toEqual({
    path: '/healthz',
    intervalMs: 5000,
    timeoutMs: 2000,
    failures: 2,
  });
  expect(value?.upstreams?.a?.breaker).toEqual({ failures: 5, openMs: 1000, maxOpenMs: 30_000 });
  expect(value?.upstreams?.a?.retries).toEqual({ attempts: 1, budgetPercent: 20, minPerSecond: 10 });
  expect(value?.routes[0]?.require?.workspace?.role).toBe('member');
});

it('a variable may stand wherever a value may, in block and in flow style', () => {
  const { value, problems } = read(
    `${minimal}gateway:\n  port: \${PORT}\n  workers: \${WORKERS:-auto}\nrouting: { caseSensitive: "\${CASE:-false}" }\nlog: { level: "\${LEVEL}" }\n`,
    { PORT: '9999', LEVEL: 'debug' },
  );
  expect(problems).toEqual([]);
  expect(value?.gateway).toMatchObject({ port: 9999, workers: 'auto' });
  expect(value?.routing.caseSensitive).toBe(false);
  expect(value?.log.level).toBe('debug');
});

it('every problem in a file is reported at once, each with line and column', () => {
  const { problems } = read(`gateway:
  port: \${UNSET}
polcy: p.yaml
store: { driver: redis }
log:
  level: loud
  level: info
upstreams:
  a:
    targets: []
routes:
  - id: x
    match: { methods: [get], path: x }
    constructor: y
    upstream: a
`);
  expect(problems).toEqual([
    '2:9: the environment variable UNSET is not set and has no default',
    '3:1: unknown key "polcy" (did you mean "policy"?)',
    '4:8: missing key "url"',
    '6:10: must be one of: trace, debug, info, warn, error, silent, found "loud"',
    '7:3: duplicate key "level"',
    '10:14: must not be empty',
    '13:24: must be a method in capitals, and neither CONNECT nor TRACE',
    '13:36: must start with "/"',
    '14:5: the key "constructor" is not allowed',
  ]);
});

/**
 * The shape of gateway.yaml: validation, types, defaults and the editors' JSON Schema all come from here.
 * Judges one file by itself; that names resolve, ids are unique and routes can be reached is checked elsewhere.
 */
import type { Static } from 'typebox';
import { file, host, milliseconds, networks, port, section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';
import { StoreSchema } from '../../store/adapters.ts';
import { ClientLimitsSchema, ClientTimeoutsSchema, GuessesSchema } from './client-limits-schema.ts';
import { ImportSchema } from './import-schema.ts';
import { LimitsSchema, RouteLimitsSchema } from './limits-schema.ts';
import { RouteDefaultsSchema, RouteSchema, UpstreamSchema } from './routes-schema.ts';

const CERTIFICATE = {
  cert: file('The certificate, PEM, followed by its chain.'),
  key: file('Its private key, PEM.'),
  minVersion: Type.Enum(['TLSv1.2', 'TLSv1.3'], {
    default: 'TLSv1.2',
    description: 'The oldest version of TLS that is spoken.',
  }),
};

const Listener = section(
  {
    host: host(
      'The address that the gateway listens on. SCOPEGATE_HOST of the environment wins, as in the container image.',
    ),
    port: port('The port that the gateway listens on.', 8080),
    workers: Type.Union([Type.Integer({ minimum: 1, maximum: 1024 }), Type.Literal('auto')], {
      default: 1,
      description:
        'Gateway processes; auto: one per available processor. More than one: they and the sidecar are processes of their own, and whoever ends is replaced.',
    }),
    trustedProxies: networks('Proxies in front whose X-Forwarded-For, -Proto and -Host are believed.', []),
    publicUrl: Type.Optional(
      Type.String({
        pattern: '^https?://[^/?#@\\s]+(?:/[^?#\\s]*)?$',
        errorMessage: 'must be a URL without query and fragment, such as https://api.example.com',
        description:
          'The URL under which clients reach the gateway; the OAuth issuer. A proxy in front takes its path away. Never taken from the Host header.',
      }),
    ),
    timeouts: ClientTimeoutsSchema,
    limits: ClientLimitsSchema,
    guesses: GuessesSchema,
    serverTiming: Type.Boolean({
      default: false,
      description:
        "Shows clients where a request's time went, in a Server-Timing header: auth, upstream (up to its head), total; ms.",
    }),
    h2c: Type.Boolean({
      default: false,
      description:
        'Without TLS: serves HTTP/2 to clients that begin with its preface (prior knowledge), beside HTTP/1.1. Over TLS it is tls.http2 that says so.',
    }),
    tls: Type.Optional(
      section(
        {
          ...CERTIFICATE,
          http2: Type.Boolean({ default: true, description: 'Offers HTTP/2 beside HTTP/1.1.' }),
        },
        { description: 'Serves HTTPS; changed files are used as soon as they are a pair. Absent: HTTP.' },
      ),
    ),
  },
  { default: {}, description: 'The hot path: proxied routes, the OAuth endpoints, whoami.' },
);

const Admin = section(
  {
    host: host('The address that the sidecar listens on. SCOPEGATE_ADMIN_HOST of the environment wins.'),
    port: port('The port that the sidecar listens on.', 8081),
    allowedHosts: Type.Array(
      Type.String({
        pattern: '^(?:\\*\\.)?[A-Za-z0-9_-]{1,63}(?:\\.[A-Za-z0-9_-]{1,63})*\\.?$',
        errorMessage:
          'must be a host name without port, such as scopegate.internal, or *.internal for all names below one',
      }),
      {
        uniqueItems: true,
        default: [],
        description:
          'The names under which clients reach the sidecar, beside localhost, admin.host and the name of the machine; *. in front: all names below it. Addresses always pass. Other Host headers are refused (421), since a browser may have been led here.',
      },
    ),
    trustedProxies: networks(
      'Proxies in front of the sidecar whose X-Forwarded-For and X-Forwarded-Proto are believed. Over plain HTTP the console is signed in to from this machine alone, or through them.',
      [],
    ),
    tls: Type.Optional(
      section(CERTIFICATE, {
        description:
          'Serves the sidecar, and the console with it, over HTTPS; changed files are used as soon as they are a pair. Absent: HTTP.',
      }),
    ),
  },
  { default: {}, description: 'The sidecar: token management, OpenAPI, console, health and metrics.' },
);

const Decision = section(
  {
    host: host('The address that the decision listener listens on.'),
    port: port('The port that the decision listener listens on.', 8082),
    for: Type.Enum(['nginx', 'caddy', 'traefik', 'envoy'], {
      description: 'Who asks. Sets which headers carry method, URI and host, and which statuses may be sent.',
    }),
    trustedProxies: networks('Who may ask.', ['127.0.0.0/8', '::1']),
  },
  { description: 'Forward-auth: the same decision for another proxy. Absent: off.' },
);

const Oauth = section(
  {
    prefix: Type.String({
      pattern: '^(?:/(?!\\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*$',
      default: '/api',
      errorMessage: 'must be a path such as /api, without a slash at its end',
      description: 'The path under which the OAuth endpoints stand.',
    }),
    hosts: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        minItems: 1,
        uniqueItems: true,
        description: 'The hosts on which they answer, written as in match.hosts of a route. Absent: on every host.',
      }),
    ),
    limits: Type.Optional(
      Type.Union([...RouteLimitsSchema.anyOf], {
        description:
          'Names of limits that the OAuth endpoints and whoami count for, beside those of everywhere; what needs a token counts whoami alone. none: not even those.',
      }),
    ),
    accountLimit: section(
      {
        requests: Type.Integer({
          minimum: 1,
          maximum: 1_000_000_000,
          default: 600,
          description: 'Most requests in one window; further ones get 429.',
        }),
        windowMs: Type.Integer({
          minimum: 1000,
          maximum: 86_400_000,
          multipleOf: 1000,
          default: 60_000,
          description: 'How long a window is; whole seconds. It opens with the first request.',
        }),
      },
      {
        default: {},
        description:
          'What one service account may ask of the token endpoint, of introspection and of whoami, each by itself. Revocation is never refused for it.',
      },
    ),
  },
  { default: {}, description: 'The OAuth endpoints of the gateway.' },
);

const Audit = section(
  {
    keepDays: Type.Integer({
      minimum: 1,
      maximum: 36_500,
      default: 365,
      description: 'How many days an event is kept. Older ones are removed in the background.',
    }),
    maxEvents: Type.Integer({
      minimum: 1,
      maximum: 100_000_000,
      default: 50_000,
      description: 'Most events kept of one organization, of about 1 kB each; beyond it the oldest are removed.',
    }),
    issuedTokens: Type.Boolean({
      default: false,
      description:
        'true: each access token that the OAuth endpoint issues leaves an event. false: they are counted, by account and in a metric.',
    }),
    refusedPerMinute: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 60,
      description:
        'Most refused attempts of one caller that leave an event in a minute; the next event says how many were left out.',
    }),
  },
  { default: {}, description: 'The audit trail of each organization.' },
);

const Leaks = section(
  {
    keys: file(
      'The public keys of whoever may report tokens that leaked, as GitHub publishes its own: {"public_keys":[{"key_identifier","key"}]}. Nobody is asked for newer ones: whoever replaces the file puts them into force.',
    ),
    action: Type.Enum(['report', 'deactivate', 'revoke'], {
      default: 'deactivate',
      description:
        'What happens to a token that was reported: nothing but an event in the audit trail, or it works no more until somebody activates it, or never again. An old value in its grace ends alone.',
    }),
  },
  {
    description:
      'POST /v1/leaks of the sidecar: reports of leaked tokens, signed as by GitHub secret scanning. Absent: off.',
  },
);

const Cache = section(
  {
    maxEntries: Type.Integer({
      minimum: 1,
      maximum: 16_000_000,
      default: 100_000,
      description: 'Most tokens kept in memory, per process.',
    }),
    maxStalenessMs: milliseconds('How long facts are believed without a sign of life from the change feed.', 2000),
    absentTtlMs: milliseconds('How long an unknown token stays unknown. 0: asked every time.', 5000, 0),
    serveDuringOutageMs: milliseconds(
      'While the store cannot be asked, how long what was known last goes on serving beyond maxStalenessMs, marked X-Scopegate-Degraded: revocations made elsewhere meanwhile are not seen. 0: not at all.',
      0,
      0,
    ),
  },
  { default: {}, description: 'What the gateway remembers of the store.' },
);

const Routing = section(
  {
    caseSensitive: Type.Boolean({ default: true, description: 'false: /V1/Bots matches /v1/bots, for lax upstreams.' }),
    ignoreTrailingSlash: Type.Boolean({
      default: false,
      description: 'true: /v1/bots/ matches /v1/bots, for lax upstreams.',
    }),
  },
  { default: {}, description: 'How paths are compared; set it as the upstreams read them.' },
);

const share = (description: string) =>
  Type.Number({ minimum: 0, maximum: 1, default: 0, description: `${description} 0: none; 1: all.` });

const Log = section(
  {
    level: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
      default: 'info',
      description: 'The least severe messages that are written.',
    }),
    access: Type.Enum(['none', 'refusals', 'all'], {
      default: 'refusals',
      description: 'Which requests leave a line in the log.',
    }),
    decisions: section(
      {
        refused: share('Of refusals, whatever their number.'),
        allowed: share('Of allowed requests.'),
      },
      {
        default: {},
        description: 'Which share of decisions leaves a line that they can be explained and judged again by.',
      },
    ),
  },
  { default: {}, description: 'The log, one JSON line per message on standard output.' },
);

const Explain = section(
  {
    keep: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 10_000,
      description: 'How many refusals each gateway process remembers, of 1 kB at most each. 0: none.',
    }),
    forMinutes: Type.Integer({
      minimum: 1,
      maximum: 525_600,
      default: 1440,
      description: 'For how long.',
    }),
  },
  {
    default: {},
    description: 'Refusals that can be explained by their id afterwards. Neither queries, bodies nor tokens are kept.',
  },
);

const Shadow = section(
  {
    rules: file(
      'Another gateway.yaml, such as the next one. Its routes and its policy are tried out, with what they are read by: include, defaults, routing, import.patterns, gateway.trustedProxies. The rest of it is checked and does nothing.',
    ),
    perSecond: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 100,
      description: 'How many requests of a second each gateway process judges by them at most: the first ones.',
    }),
  },
  {
    description:
      'Rules that requests are judged by beside those in force, to see what would change. They decide nothing. Absent: none.',
  },
);

const Drain = section(
  {
    delayMs: milliseconds(
      'How long to go on accepting after /readyz turned 503, so that load balancers can notice. 0: stop accepting at once.',
      0,
      0,
    ),
    deadlineMs: milliseconds(
      'From then on, how long requests and streams in progress may take; what is left is cut.',
      30_000,
      0,
    ),
    idleMs: milliseconds(
      'How long a connection without a request is kept meanwhile, for its client to use it once more or to close it.',
      2000,
      0,
    ),
  },
  { default: {}, description: 'What happens on SIGTERM and SIGINT. A second signal ends the process at once.' },
);

const Reload = section(
  {
    tests: Type.Enum(['off', 'required'], {
      default: 'off',
      description:
        'required: a start and a reload run the policy tests of testFiles, within 2 s, and are refused where one fails.',
    }),
    testFiles: Type.Array(
      Type.String({
        pattern: '^(?:[^*]*/)?[^/]+$',
        errorMessage: 'must be a path such as tests/*.test.yaml; "*" may stand in the name of the file alone',
      }),
      {
        minItems: 1,
        uniqueItems: true,
        default: ['*.test.yaml'],
        description:
          'Files of policy tests, relative to this one; * in a name: every file that fits it and tests this one.',
      },
    ),
  },
  { default: {}, description: 'What has to hold before a configuration comes into force.' },
);

const Include = Type.Array(
  Type.String({
    pattern: '^(?:[^*]*/)?[^/]+$',
    errorMessage: 'must be a path such as routes/*.yaml; "*" may stand in the name of the file alone',
  }),
  {
    uniqueItems: true,
    default: [],
    description:
      'Further files, relative to this one, that hold `routes:` alone; * in a name: every file that fits it.',
  },
);

/** A file that gateway.yaml includes. */
export const RoutesFileSchema = section(
  { routes: Type.Array(RouteSchema, { description: 'Further routes, as in gateway.yaml.' }) },
  { title: 'Routes', description: 'Routes of a gateway.yaml that includes this file.' },
);

export const GatewaySchema = section(
  {
    include: Include,
    defaults: RouteDefaultsSchema,
    gateway: Listener,
    admin: Admin,
    decision: Type.Optional(Decision),
    oauth: Oauth,
    audit: Audit,
    leaks: Type.Optional(Leaks),
    import: ImportSchema,
    policy: file('The policy: which tokens there are and how refusals look.'),
    store: StoreSchema,
    cache: Cache,
    routing: Routing,
    log: Log,
    explain: Explain,
    shadow: Type.Optional(Shadow),
    drain: Drain,
    reload: Reload,
    upstreams: Type.Optional(
      Type.Record(Type.String(), UpstreamSchema, {
        minProperties: 1,
        propertyNames: Type.String({ minLength: 1, maxLength: 128 }),
        description:
          'The services behind the gateway, by name. Absent, with `decision`: nothing is forwarded, other proxies are answered.',
      }),
    ),
    limits: LimitsSchema,
    routes: Type.Array(RouteSchema, {
      default: [],
      description:
        'What is forwarded, and what it asks of the caller. What no route names is refused. At least one, here or in a file of `include`.',
    }),
  },
  { title: 'gateway.yaml', description: 'The configuration of a scopegate gateway.' },
);

/** As the schema has it. */
export type Validated = Static<typeof GatewaySchema>;

/** A gateway.yaml that passed validation: every default is filled in. */
export type GatewayFile = Omit<Validated, 'upstreams'> & { upstreams: NonNullable<Validated['upstreams']> };

/**
 * The shape of an upstream and of a route in gateway.yaml. Whether a template is well formed, a scope exists or a
 * parameter stands in the path is not for a schema to say.
 */

import { addressRanges, file, milliseconds, section, TIMER_MAX_MS } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';
import { RouteLimitsSchema } from './limits-schema.ts';

const Target = Type.String({
  pattern: '^https?://[^/?#@\\s]+$',
  errorMessage: 'must be an origin such as http://127.0.0.1:9000, without path and credentials',
  description: 'An origin, scheme://host:port, without path.',
});

const HeaderName = Type.String({
  pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
  errorMessage: 'must be the name of a header',
});

/** `what`: whose headers. */
const Headers = (what: string) =>
  section(
    {
      set: Type.Optional(
        Type.Record(Type.String(), Type.String(), {
          propertyNames: HeaderName,
          description: 'Names and values; what came under such a name, in any spelling, is replaced.',
        }),
      ),
      remove: Type.Optional(
        Type.Array(HeaderName, {
          minItems: 1,
          uniqueItems: true,
          description: 'Names that do not cross, in any spelling.',
        }),
      ),
    },
    { description: what },
  );

const Literal = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: '^(?:/[^/?#{}*]+)+$',
      errorMessage: 'must be a path such as /npm, without a slash at its end',
      description,
    }),
  );

const Cors = section(
  {
    origins: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      uniqueItems: true,
      description:
        'Origins whose scripts may read answers: https://app.example.com, https://*.example.com, or * for all.',
    }),
    headers: Type.Optional(
      Type.Array(HeaderName, { description: 'Headers that scripts may send. Absent: those that they ask for.' }),
    ),
    exposeHeaders: Type.Array(HeaderName, { default: [], description: 'Headers of answers that scripts may read.' }),
    credentials: Type.Boolean({
      default: false,
      description: 'true: browsers send along cookies and what they remember of passwords. Not with *.',
    }),
    maxAgeSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400,
        description: 'How long browsers may keep the answer to a preflight.',
      }),
    ),
  },
  { description: 'Which scripts may read what is answered; preflights are answered by the gateway.' },
);

/** `what`: of what; absent keys are the upstream's own. */
const timeout = (what: string) => Type.Optional(Type.Integer({ minimum: 1, maximum: TIMER_MAX_MS, description: what }));

/** What a route says of itself, its upstream for all its routes, or `defaults` for every route. */
const Settings = {
  allowFrom: Type.Optional(
    addressRanges(
      'Where clients may be, on public routes too; behind trustedProxies the address that they name. Absent: anywhere.',
    ),
  ),
  credentials: Type.Optional(
    Type.Array(
      Type.String({
        pattern: '^(?:bearer|raw|basic|header\\.[A-Za-z0-9-]{1,64}|query\\.[A-Za-z0-9_.~-]{1,64})$',
        errorMessage: 'must be bearer, raw, basic, header.NAME or query.NAME',
      }),
      {
        minItems: 1,
        uniqueItems: true,
        description:
          'How the token may be sent; absent: bearer alone. raw: the bare token in Authorization. basic: the token as password, or as user name without one. header.NAME and query.NAME: the bare token there. What was sent is removed, wherever it stood.',
      },
    ),
  ),
  dialect: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        "In whose words requests are refused: problem, oauth, openai, or one of the policy's `dialects`. Absent: the policy's own.",
    }),
  ),
  encodedSlashes: Type.Optional(
    Type.Enum(['refuse', 'keep'], {
      description:
        'keep: %2F in a path stays a part of its segment, and is sent as it came. Absent or refuse: such a request gets 400.',
    }),
  ),
  rewrite: Type.Optional(
    section(
      {
        strip: Literal("Taken away from the front of the path: the first segments of the route's own, literally."),
        add: Literal('Put in front of what is left.'),
      },
      {
        description: 'The path that the upstream gets instead; it learns what was taken away from X-Forwarded-Prefix.',
      },
    ),
  ),
  rewriteLocations: Type.Optional(
    Type.Boolean({
      description:
        'false: Location, Content-Location and Link stay as the upstream wrote them. Absent or true: those that name the upstream name the gateway instead.',
    }),
  ),
  headers: Type.Optional(Headers('Headers towards the upstream, after those of the gateway.')),
  answerHeaders: Type.Optional(Headers('Headers of answers, those of the gateway included.')),
  cors: Type.Optional(
    Type.Union([Type.Literal('none'), Cors], {
      description: "Which scripts may read what is answered. Absent or none: the upstream's own business.",
    }),
  ),
  timeouts: Type.Optional(
    section(
      {
        connectMs: timeout('For a connection to stand, TLS included.'),
        headersMs: timeout("For the answer's head, from the end of the request."),
        idleMs: timeout('Between two pieces of a body, or of what an open WebSocket says in either direction.'),
      },
      {
        minProperties: 1,
        description: 'How long the upstream may take, key by key. Absent keys: as its own `timeouts` say.',
      },
    ),
  ),
  forwardAuthorization: Type.Optional(
    Type.Boolean({
      description: "true: the client's Authorization is passed on. Absent or false: the upstream never sees the token.",
    }),
  ),
} as const;

/** For every route that does not say otherwise itself. */
export const RouteDefaultsSchema = section(Settings, {
  default: {},
  description:
    'Settings of every route that does not say otherwise itself; `defaults` of its upstream come between the two.',
});

export const UpstreamSchema = section({
  targets: Type.Array(Target, {
    minItems: 1,
    uniqueItems: true,
    description: 'Origins; of several that are well, the one with the fewest requests pending is taken.',
  }),
  protocol: Type.Enum(['http1', 'h2', 'h2c'], {
    default: 'http1',
    description:
      'What its targets speak: HTTP/1.1; h2: HTTP/2 over TLS, agreed on by ALPN; h2c: HTTP/2 without TLS. gRPC needs one of the last two.',
  }),
  timeouts: section(
    {
      connectMs: milliseconds('For a connection to stand, TLS included.', 2000),
      headersMs: milliseconds("For the answer's head, from the end of the request.", 60_000),
      idleMs: milliseconds(
        'Between two pieces of a body, or of what an open WebSocket says in either direction.',
        60_000,
      ),
      queueMs: milliseconds('For a connection to become free, when all are taken. Then 503.', 2000),
    },
    { default: {}, description: 'How long the upstream may take.' },
  ),
  maxConnections: Type.Integer({
    minimum: 1,
    maximum: 65_535,
    default: 128,
    description:
      'Most requests at each target at once, per process: over HTTP/1.1 each on a connection of its own. Streams and upgrades are counted by themselves.',
  }),
  maxStreams: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 10_000,
    description:
      'Most streams of each target at once: event streams, and other answers of unknown length from 5 s on. Further event streams get 503.',
  }),
  maxUpgrades: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 10_000,
    description: 'Most WebSockets and other upgraded connections to each target at once; further ones get 503.',
  }),
  maxShare: Type.Number({
    minimum: 0.01,
    maximum: 1,
    default: 0.25,
    description:
      'Of each of these three, what one token, or one address on public routes, may have while less than a quarter is free; what is more gets 503. 1: all.',
  }),
  maxQueued: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      description: 'Most requests that wait for a connection; more get 503. Absent: as many as maxConnections.',
    }),
  ),
  maxConnectionAgeMs: milliseconds(
    'How old a connection may get before a new one, to whatever address the name has then, takes its place.',
    60_000,
  ),
  breaker: section(
    {
      failures: Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 5,
        description: 'Requests in a row without a valid answer that eject a target.',
      }),
      openMs: milliseconds('How long it gets no requests, at first. Every failed try doubles it.', 1000),
      maxOpenMs: milliseconds('And how long at most.', 30_000),
    },
    {
      default: {},
      description: 'When a target gets no more requests for a while. One that is alone always gets them.',
    },
  ),
  retries: Type.Optional(
    section(
      {
        attempts: Type.Integer({ minimum: 1, maximum: 10, default: 1, description: 'Further tries of one request.' }),
        budgetPercent: Type.Integer({
          minimum: 0,
          maximum: 100,
          default: 20,
          description: 'Most retries, as a share of all requests to this upstream.',
        }),
        minPerSecond: Type.Integer({
          minimum: 0,
          maximum: 10_000,
          default: 10,
          description: 'Retries that are allowed whatever the share.',
        }),
      },
      {
        description:
          'Sends GET, HEAD and OPTIONS without a body again when the connection broke before any answer. Absent: only a connection that could not be made is tried at another target.',
      },
    ),
  ),
  preserveHost: Type.Optional(
    Type.Boolean({
      description:
        "true: the upstream sees the client's Host instead of its own; false: never. Absent: where match.hosts of the route named it.",
    }),
  ),
  health: Type.Optional(
    section(
      {
        path: Type.String({
          pattern: '^/\\S*$',
          errorMessage: 'must start with "/"',
          description: 'Asked with GET; any 2xx or 3xx is healthy.',
        }),
        intervalMs: milliseconds('Between two checks, give or take a tenth.', 5000),
        timeoutMs: milliseconds('For the answer, connecting included.', 2000),
        failures: Type.Integer({
          minimum: 1,
          maximum: 100,
          default: 2,
          description: 'Failed checks in a row until the target gets no more requests; one good one ends that.',
        }),
      },
      { description: 'Active health checks. Absent: none.' },
    ),
  ),
  defaults: Type.Optional(
    section(Settings, { description: 'Settings of every route to this upstream that does not say otherwise itself.' }),
  ),
  tls: Type.Optional(
    section(
      {
        ca: Type.Optional(file("The authorities to trust instead of the system's, PEM.")),
        cert: Type.Optional(file('The certificate we show, PEM.')),
        key: Type.Optional(file('Its private key, PEM.')),
        servername: Type.Optional(
          Type.String({
            minLength: 1,
            description: "The name to expect in the target's certificate, if not its host.",
          }),
        ),
        insecureSkipVerify: Type.Boolean({
          default: false,
          description: 'true: any certificate will do, so anybody in between can read and change everything.',
        }),
      },
      {
        dependencies: { cert: ['key'], key: ['cert'] },
        description: 'For https targets. Certificates are verified unless insecureSkipVerify says otherwise.',
      },
    ),
  ),
});

const Scopes = (description: string) =>
  Type.Array(Type.String({ minLength: 1 }), { minItems: 1, uniqueItems: true, description });

const Place = Type.String({
  pattern: '^(?:(?:path|query|header)\\.[A-Za-z0-9_.-]+|body(?:\\.[A-Za-z0-9_-]{1,64}){1,8})$',
  errorMessage: 'must be path.NAME, query.NAME, header.NAME or body.NAME',
  description:
    'Where the id stands: path.NAME, query.NAME, header.NAME, or body.NAME of JSON and forms (body.a.b: a member of a member).',
});

const Selector = Type.Union(
  [
    Place,
    Type.Array(Place, {
      minItems: 1,
      maxItems: 8,
      uniqueItems: true,
      description: 'Several places: the first that is there counts, and the others must say the same or be absent.',
    }),
  ],
  { description: 'Where the id stands: a place, or a list of places.' },
);

const ResourceType = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._@|-]{0,127}$',
  errorMessage: 'must be letters, digits and . _ @ | -, at most 128',
  description: 'The type of resource, as registered in the directory.',
});

const Workspace = section(
  {
    from: Selector,
    as: Type.Enum(['workspace', 'environment', 'resource'], { description: 'What the id names.' }),
    type: Type.Optional(ResourceType),
    role: Type.Enum(['member', 'admin'], {
      default: 'member',
      description: 'The role the caller needs there, at least.',
    }),
  },
  {
    if: { properties: { as: { const: 'resource' } }, required: ['as'] },
    // biome-ignore lint/suspicious/noThenProperty: the JSON Schema keyword
    then: { required: ['type'] },
    else: { not: { required: ['type'], errorMessage: '"type" goes with "as: resource" only' } },
    description: 'The workspace that the request is about, and the role it takes.',
  },
);

const Environment = Type.Union(
  [
    Type.Literal('all'),
    section(
      { from: Selector },
      { description: 'Where the id of the environment stands; it belongs to the workspace.' },
    ),
  ],
  {
    description:
      'The environment that the request touches, where the workspace is named by another value; without `workspace`, its workspace is the one that counts, with the role member. all: it may touch any, so a token that is limited to some environments does not do. `workspace: { as: environment }` needs none of this.',
  },
);

const Resource = section(
  {
    type: ResourceType,
    from: Selector,
    relation: Type.Enum(['owner', 'collaborator', 'named'], {
      description:
        'collaborator: the owner or a collaborator. owner: the owner alone. named: anybody, and nothing is looked up; named policies may speak of it.',
    }),
  },
  { description: 'What the caller must be to the resource.' },
);

export const RouteSchema = section(
  {
    id: Type.String({
      pattern: '^[^\\x00-\\x1f\\x7f]{1,128}$',
      errorMessage: 'must be 1 to 128 printable characters',
      description: 'Names the route in logs, metrics and explanations; unique.',
    }),
    match: section(
      {
        hosts: Type.Optional(
          Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
            minItems: 1,
            uniqueItems: true,
            description:
              'Names or addresses by which clients ask for the route, without port; *. in front of a name: all names below it. The most specific host decides first, then the path. Absent: every host that no route names.',
          }),
        ),
        methods: Type.Optional(
          Type.Array(
            Type.String({
              pattern: '^(?!(?:CONNECT|TRACE)$)[A-Z]+(?:-[A-Z]+)*$',
              errorMessage: 'must be a method in capitals, and neither CONNECT nor TRACE',
            }),
            {
              minItems: 1,
              uniqueItems: true,
              description: 'Absent: every method that no other route with this path names.',
            },
          ),
        ),
        path: Type.String({
          pattern: '^/',
          errorMessage: 'must start with "/"',
          description: 'Literal segments, {name} for one segment, a final /** for the rest.',
        }),
      },
      { description: 'The requests that the route is for.' },
    ),
    public: Type.Optional(Type.Boolean({ description: 'true: no token is needed. The only way to need none.' })),
    ...Settings,
    require: Type.Optional(
      section(
        {
          scopes: Type.Optional(Scopes('Scopes of which the token needs all.')),
          anyOf: Type.Optional(Scopes('Scopes of which the token needs one.')),
          apiVersion: Type.Optional(
            Type.Array(Type.String({ minLength: 1 }), {
              minItems: 1,
              uniqueItems: true,
              description: "The policy's API versions for one of which the token has to be made.",
            }),
          ),
          workspace: Type.Optional(Workspace),
          environment: Type.Optional(Environment),
          resource: Type.Optional(Resource),
        },
        {
          not: { required: ['scopes', 'anyOf'], errorMessage: 'either "scopes" or "anyOf", not both' },
          dependencies: { resource: ['workspace'] },
          description: 'What the token must allow. Absent: any valid token.',
        },
      ),
    ),
    upstream: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The name of the upstream that answers; required where there are any.',
      }),
    ),
    register: Type.Optional(
      section(
        {
          type: ResourceType,
          id: Type.String({
            pattern: '^answer(?:\\.[A-Za-z0-9_-]{1,64}){1,8}$',
            errorMessage: 'must be answer.NAME',
            description: 'Where the id stands in the JSON of the answer: answer.NAME, answer.data.NAME.',
          }),
          workspace: Selector,
        },
        {
          description:
            "A 2xx answer in JSON registers this resource for the token's owner, before the client gets it. workspace: what require.workspace.from says.",
        },
      ),
    ),
    unregister: Type.Optional(
      section(
        { type: ResourceType, id: Selector },
        { description: 'A 2xx answer removes this resource. id: what require.resource.from says.' },
      ),
    ),
    limits: Type.Optional(RouteLimitsSchema),
  },
  {
    if: { properties: { public: { const: true } }, required: ['public'] },
    // biome-ignore lint/suspicious/noThenProperty: the JSON Schema keyword
    then: {
      not: { required: ['require'], errorMessage: 'a public route requires nothing: drop "require" or "public"' },
    },
  },
);

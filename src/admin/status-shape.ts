/** What the process says about itself: the shape of it, with an example. What it leaves open is for people, and free to grow. */
import { Type } from '../schema-type.ts';
import type { Shaped } from './route.ts';

const open = { additionalProperties: true } as const;
const textOrNull = (description?: string) =>
  Type.Union([Type.String(), Type.Null()], description === undefined ? {} : { description });
const numberOrNull = (description?: string) =>
  Type.Union([Type.Number(), Type.Null()], description === undefined ? {} : { description });

const ProblemPlace = Type.Object(
  {
    file: Type.String(),
    line: Type.Integer({ description: '0: of the file as a whole' }),
    column: Type.Integer(),
    message: Type.String(),
  },
  { ...open, title: 'ConfigurationProblem' },
);

const LastReload = Type.Object(
  {
    result: Type.Enum(['applied', 'refused']),
    cause: Type.Enum(['signal', 'file', 'request']),
    at: Type.String(),
    problems: Type.Array(ProblemPlace, { description: 'why it was refused' }),
  },
  { title: 'LastReload' },
);

const ConfigurationStatus = Type.Object(
  {
    path: Type.String(),
    policy: Type.String(),
    routes: Type.Integer(),
    generation: Type.Integer({ description: 'counts the configurations that have been in force since the start' }),
    digest: Type.String({ description: 'of its files; a decision names the configuration by it' }),
    loadedAt: Type.String(),
    policyPath: Type.String(),
    warnings: Type.Array(Type.String(), { description: 'file:line:column: message' }),
    lastReload: Type.Union([LastReload, Type.Null()], { description: 'null: none was asked for yet' }),
  },
  { title: 'ConfigurationStatus' },
);

const ProcessStatus = Type.Object(
  {
    id: Type.String(),
    host: Type.String(),
    pid: Type.Integer(),
    startedAt: Type.String(),
    revision: Type.Integer({ description: 'it has applied every change up to this one' }),
    behind: Type.Integer({ description: 'by how many changes, seen from the process that knows most' }),
    version: textOrNull('null, as all that follows: it has not said yet'),
    configuration: textOrNull('the digest of its files'),
    leaseAgeMs: numberOrNull('since its lease was renewed, as it said'),
    degraded: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'true: it decides by what it knew before the store was lost',
    }),
    heardMsAgo: numberOrNull('how long ago it said so'),
  },
  { title: 'GatewayProcess' },
);

export const StatusAnswer = Type.Object(
  {
    version: Type.String(),
    phase: Type.Enum(['starting', 'serving', 'draining']),
    startedAt: Type.String(),
    uptimeMs: Type.Number(),
    configuration: ConfigurationStatus,
    listeners: Type.Object(
      { gateway: textOrNull(), decision: textOrNull(), admin: textOrNull() },
      { title: 'Listeners', description: 'null: none of that kind' },
    ),
    store: Type.Object(
      {
        driver: Type.String(),
        fresh: Type.Boolean({ description: 'what is cached of it may be believed' }),
        staleMs: numberOrNull('since every change up to then had been heard of'),
        degraded: Type.Boolean({ description: 'decisions rest on what was known before it was lost' }),
        fault: Type.Optional(Type.Any({ description: 'what keeps it from taking changes' })),
      },
      { title: 'StoreStatus' },
    ),
    clock: Type.Object(
      { skewMs: numberOrNull("how far ours is ahead of the store's"), right: Type.Boolean() },
      { title: 'ClockStatus' },
    ),
    fleet: Type.Object(
      {
        self: textOrNull('this process among them; null: it serves no requests'),
        leaseAgeMs: numberOrNull(),
        processes: Type.Union([Type.Array(ProcessStatus), Type.Null()], {
          description: 'that hold a lease; null: nobody could be asked',
        }),
      },
      { title: 'Fleet' },
    ),
    certificates: Type.Array(
      Type.Object(
        {
          listener: Type.String({ description: 'gateway or admin' }),
          file: Type.String(),
          validFrom: Type.String(),
          endsAt: Type.String(),
          current: Type.Boolean({
            description: 'false: its files hold something that cannot serve; the last good one does',
          }),
        },
        { title: 'CertificateStatus' },
      ),
      { description: 'that are served' },
    ),
    limits: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          requests: Type.Integer(),
          windowMs: Type.Integer(),
          per: Type.Array(Type.String(), { description: 'one count for each combination' }),
        },
        { title: 'LimitInForce' },
      ),
    ),
    cache: Type.Object({}, open),
    upstreams: Type.Object({}, open),
    processes: Type.Optional(
      Type.Array(Type.Object({}, open), {
        description: 'of this serve, where it has several: who was started how often',
      }),
    ),
  },
  { title: 'Status' },
);

export const STATUS: Shaped<typeof StatusAnswer> = {
  ...{ version: '1.0.0', phase: 'serving', startedAt: '2030-01-01T06:00:00.000Z', uptimeMs: 10_800_000 },
  configuration: {
    ...{ path: '/etc/scopegate/gateway.yaml', policy: 'example', routes: 61, generation: 3, digest: '9f86d081884c' },
    ...{ loadedAt: '2030-01-01T08:00:00.000Z', policyPath: '/etc/scopegate/policies/example.yaml', warnings: [] },
    lastReload: { result: 'applied', cause: 'file', at: '2030-01-01T08:00:00.000Z', problems: [] },
  },
  listeners: { gateway: 'http://127.0.0.1:8080', decision: null, admin: 'http://127.0.0.1:8081' },
  store: { driver: 'example', fresh: true, staleMs: 12, degraded: false },
  clock: { skewMs: null, right: true },
  fleet: {
    ...{ self: 'gw1_4711_x1Y2z3', leaseAgeMs: 180 },
    processes: [
      {
        ...{ id: 'gw1_4711_x1Y2z3', host: 'gw1', pid: 4711, startedAt: '2030-01-01T06:00:00.000Z', revision: 42 },
        ...{
          behind: 0,
          version: '1.0.0',
          configuration: '9f86d081884c',
          leaseAgeMs: 180,
          degraded: false,
          heardMsAgo: 0,
        },
      },
    ],
  },
  certificates: [
    {
      ...{ listener: 'gateway', file: '/etc/scopegate/tls/cert.pem', validFrom: '2029-12-01T00:00:00.000Z' },
      ...{ endsAt: '2030-03-01T00:00:00.000Z', current: true },
    },
  ],
  limits: [{ name: 'per-token', requests: 600, windowMs: 60_000, per: ['token'] }],
  cache: { present: 120 },
  upstreams: { platform: { available: 1 } },
};

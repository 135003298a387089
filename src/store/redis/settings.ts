/** The `store` section of gateway.yaml for Redis. Says what may stand there; what belongs together is looked at in check.ts. */
import type { Static } from 'typebox';
import { file, milliseconds, section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';

const Login = {
  username: Type.Optional(Type.String({ minLength: 1, description: 'The ACL user, if not in the URL.' })),
  password: Type.Optional(
    Type.String({ minLength: 1, description: 'Its password, if not in the URL; best from the environment.' }),
  ),
};

const Sentinel = section(
  {
    name: Type.String({ minLength: 1, description: 'What the Sentinels call the master.' }),
    username: Type.Optional(Type.String({ minLength: 1, description: "The Sentinels' own ACL user." })),
    password: Type.Optional(Type.String({ minLength: 1, description: "The Sentinels' own password." })),
    tls: Type.Boolean({ default: false, description: 'Whether the Sentinels speak TLS too.' }),
  },
  { description: 'The nodes of the URL are Sentinels, asked for the master. Absent: they are not.' },
);

const Tls = section(
  {
    ca: Type.Optional(file("The authorities to trust instead of the system's, PEM.")),
    cert: Type.Optional(file('The certificate we show, PEM.')),
    key: Type.Optional(file('Its private key, PEM.')),
    servername: Type.Optional(
      Type.String({ minLength: 1, description: "The name to expect in the server's certificate, if not its host." }),
    ),
    insecureSkipVerify: Type.Boolean({
      default: false,
      description: 'true: any certificate will do, so anybody in between can read and change everything.',
    }),
  },
  {
    dependencies: { cert: ['key'], key: ['cert'] },
    description: 'For rediss:// URLs. Certificates are verified unless insecureSkipVerify says otherwise.',
  },
);

export const RedisSettingsSchema = section({
  driver: Type.Literal('redis', { description: 'Shared by several machines.' }),
  url: Type.String({
    pattern: '^rediss?://\\S+$',
    errorMessage: 'must be a redis:// or rediss:// URL',
    description:
      'redis://[user:password@]host:port[/database]; rediss for TLS. Several nodes, for Sentinel and Cluster: host:port,host:port.',
  }),
  ...Login,
  sentinel: Type.Optional(Sentinel),
  cluster: Type.Boolean({
    default: false,
    description: 'true: the nodes of the URL are nodes of a Redis Cluster; one of them will hold everything.',
  }),
  tls: Type.Optional(Tls),
  keyPrefix: Type.String({
    pattern: '^[^{}\\s]*$',
    default: 'scopegate:',
    errorMessage: 'must be text without braces and spaces',
    description: 'The first characters of every key.',
  }),
  waitReplicas: Type.Union([Type.Integer({ minimum: 0, maximum: 100 }), Type.Literal('all')], {
    default: 'all',
    description:
      'Replicas that must have a change before it is acknowledged. all: those connected at the moment. 0: none, so a failover may undo it.',
  }),
  acceptEviction: Type.Boolean({
    default: false,
    description:
      'true: a server whose maxmemory-policy evicts is used, though tokens vanish and limits start again when its memory is short. It is refused otherwise.',
  }),
  memoryReservePercent: Type.Integer({
    minimum: 0,
    maximum: 50,
    default: 5,
    description:
      'The part of maxmemory in which nothing new is taken (507 store_full); revocations and deletions are made in it, and beyond. 0: none.',
  }),
  commandTimeoutMs: milliseconds(
    'How long a look-up may take. Past it requests get 503 at once, until Redis answers again.',
    200,
  ),
  commitTimeoutMs: milliseconds(
    'How long a change may take, replicas included. Past it the answer is 503 outcome_unknown.',
    2000,
  ),
});

export type RedisSettings = Static<typeof RedisSettingsSchema>;

/**
 * The shape of a policy file (policies/*.yaml). Everything in which one token system differs from another stands here
 * as data; the meaning of each setting is in core/policy.ts. Reads nothing and checks nothing across fields.
 */
import type { Static } from 'typebox';
import { API_VERSION_PATTERN } from '../../core/facts.ts';
import { REASON_NAMES } from '../../core/reason.ts';
import { SCOPE_PATTERN } from '../../core/scope.ts';
import { section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';
import { KindSchema } from './policy-kind-schema.ts';

const strict = { additionalProperties: false } as const;

const ScopeName = Type.String({
  pattern: SCOPE_PATTERN,
  errorMessage: 'must be resource:action in lower case, such as workflows:read, or words with dots, such as Bot.edit',
  description:
    "A scope: resource:action in lower case, such as workflows:read, where write implies read; or another system's name, such as Bot.edit, which implies nothing.",
});

const LevelName = (usual: string, description: string) =>
  Type.String({ default: usual, pattern: '^[A-Za-z][A-Za-z0-9_-]{0,62}$', description });

const DialectRowSchema = Type.Object(
  {
    status: Type.Integer({ minimum: 200, maximum: 599, description: 'HTTP status of the answer.' }),
    code: Type.Union([Type.Integer(), Type.String({ minLength: 1 })], {
      description: 'The code that {code} stands for.',
    }),
    message: Type.String({ minLength: 1, description: 'The public text that {message} stands for.' }),
    type: Type.Optional(
      Type.String({ minLength: 1, description: 'What {type} stands for. Absent: the name of the reason.' }),
    ),
  },
  strict,
);

const Look = {
  contentType: Type.String({
    pattern: '^[\\w!#$&^.+-]+/[\\w!#$&^.+-]+(?: *;[ -~]*)?$',
    errorMessage: 'must be a media type such as application/json',
    description: 'Content-Type of a refusal; application/json where nobody says.',
  }),
  headers: Type.Record(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }), Type.String(), {
    description: 'Extra headers of a refusal; values may hold {requestId} and the other placeholders.',
  }),
  body: Type.Record(Type.String(), Type.Unknown(), {
    description:
      'The body as JSON; strings may hold {reason}, {status}, {code}, {message}, {type}, {requestId}, {scopes}. A string that is exactly one placeholder keeps its type.',
  }),
  reasons: Type.Object(Object.fromEntries(REASON_NAMES.map((reason) => [reason, Type.Optional(DialectRowSchema)])), {
    ...strict,
    default: {},
    description:
      'Rows by reason. One that is left out has the status of `problem`, the name of the reason as code, and its usual text.',
  }),
};

const DialectSchema = Type.Object(
  {
    contentType: Type.Optional(Look.contentType),
    headers: Type.Optional(Look.headers),
    body: Look.body,
    reasons: Look.reasons,
  },
  strict,
);

/** Further dialects, which routes may name. */
const NamedDialectSchema = Type.Object(
  {
    extends: Type.Optional(
      Type.Enum(['problem', 'oauth', 'openai'], {
        description: 'What is not said here is as in this one. Absent: the body has to be said.',
      }),
    ),
    contentType: Type.Optional(Look.contentType),
    headers: Type.Optional(Look.headers),
    body: Type.Optional(Look.body),
    reasons: Look.reasons,
  },
  strict,
);

export const PolicySchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$', description: "The policy's name." }),
    dialect: Type.Union([Type.String({ minLength: 1 }), DialectSchema], {
      default: 'problem',
      description:
        "How refusals are rendered: problem (RFC 9457), oauth (RFC 6750), openai (OpenAI's error object), one of `dialects`, or a dialect of your own.",
    }),
    dialects: Type.Record(Type.String(), NamedDialectSchema, {
      propertyNames: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }),
      default: {},
      description: 'Further dialects, by name, for routes that say `dialect: NAME`.',
    }),
    scopes: Type.Array(
      Type.Object({ name: ScopeName, category: Type.String({ minLength: 1 }), description: Type.String() }, strict),
      { minItems: 1, description: 'The scope catalogue. A route or token may name only these.' },
    ),
    organizationRoles: Type.Record(
      Type.String({ pattern: '^[a-z][a-z0-9_-]{0,31}$' }),
      Type.Object(
        {
          scopes: Type.Union(
            [
              Type.Literal('all'),
              Type.Array(ScopeName),
              Type.Object({ allBut: Type.Array(ScopeName, { minItems: 1, uniqueItems: true }) }, strict),
            ],
            {
              description:
                'What members of this role may do; all: every scope of the catalogue. allBut: every one but these.',
            },
          ),
          actions: Type.Union([Type.Literal('all'), Type.Array(Type.String())], {
            default: [],
            description: 'What members of this role may manage; all: every action of the policy.',
          }),
          administrator: Type.Boolean({
            default: false,
            description:
              'Manages members, teams, workspaces and service accounts, giving nobody what they do not have themselves, and sees and ends every token.',
          }),
          workspaceRole: Type.Optional(
            Type.Union([Type.Literal('member'), Type.Literal('admin')], {
              description:
                'The role they have in every workspace of the organization. Never applies in edition personal.',
            }),
          ),
          joinsAs: Type.Optional(
            Type.Union([Type.Literal('member'), Type.Literal('admin')], {
              description:
                'The highest role that administrators of this role may take or give in any workspace, whatever they have there. Absent: what they have there.',
            }),
          ),
        },
        strict,
      ),
      {
        minProperties: 1,
        description: 'The roles a member of an organization may have, from the highest to the lowest.',
      },
    ),
    actions: Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9:_-]{0,63}$' }), Type.String(), {
      default: {},
      description: 'Actions that roles and members may hold, each with what it allows.',
    }),
    iam: Type.Optional(
      section(
        {
          resources: section(
            {
              workspace: LevelName('workspace', 'A workspace, in patterns: project/ID.'),
              environment: LevelName('environment', 'An environment, in patterns: env/ID.'),
              token: LevelName('token', 'The tokens that management asks about.'),
            },
            { default: {}, description: 'How patterns of resources name things.' },
          ),
          actions: Type.Record(
            Type.String({ pattern: '^[A-Za-z][A-Za-z0-9:_-]{0,63}$' }),
            Type.Array(ScopeName, { minItems: 1 }),
            {
              default: {},
              description:
                'Actions of the source, each with the scopes that it stands for; routes may require them, too.',
            },
          ),
        },
        {
          description:
            'Named policies: allow and deny statements on actions with patterns of resources, attached to members and teams. Absent: there are none, and none is looked at.',
        },
      ),
    ),
    listAction: Type.Optional(
      Type.String({ description: "The action that shows a member everybody's tokens; without it they see their own." }),
    ),
    importAction: Type.Optional(
      Type.String({
        description:
          'The action that lets administrators import tokens by their hash; without it only the admin key does.',
      }),
    ),
    apiVersions: Type.Array(
      Type.String({
        pattern: API_VERSION_PATTERN,
        errorMessage: 'must be 1 to 50 printable ASCII characters',
      }),
      {
        default: [],
        uniqueItems: true,
        description:
          'API versions that a token may be made for, oldest first; the last is the default. Empty: none is kept. A token whose version is taken out of here goes on, and says so at the sidecar.',
      },
    ),
    serviceAccounts: Type.Optional(
      section(
        {
          tokenMinutes: Type.Number({
            default: 15,
            exclusiveMinimum: 0,
            maximum: 1440,
            description: 'Life of an access token.',
          }),
          liveTokensMax: Type.Integer({
            default: 1000,
            minimum: 1,
            maximum: 1_000_000,
            description:
              'Most access tokens of one account that live at once; beyond it none is issued (429) until one ends.',
          }),
        },
        { description: 'Machine identities with OAuth client_credentials. Absent: there are none.' },
      ),
    ),
    kinds: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }), KindSchema, {
      minProperties: 1,
      description: 'The kinds of token.',
    }),
    defaultKind: Type.String({ description: 'The kind of a token created without one.' }),
  },
  strict,
);

export type PolicyFile = Static<typeof PolicySchema>;

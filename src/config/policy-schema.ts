/**
 * The shape of a policy file (policies/*.yaml). Everything in which one token system differs from another stands here
 * as data; the meaning of each setting is in core/policy.ts. Reads nothing and checks nothing across fields.
 */
import { type Static, Type } from 'typebox';
import { REASON_NAMES } from '../core/reason.ts';
import { SCOPE_PATTERN } from '../core/scope.ts';

const strict = { additionalProperties: false } as const;

const ScopeName = Type.String({
  pattern: SCOPE_PATTERN,
  description: 'A scope, resource:action in lower case, such as workflows:read.',
});

const DialectRowSchema = Type.Object(
  {
    status: Type.Integer({ minimum: 200, maximum: 599, description: 'HTTP status of the answer.' }),
    code: Type.Union([Type.Integer(), Type.String({ minLength: 1 })], {
      description: 'The code that {code} stands for.',
    }),
    message: Type.String({ minLength: 1, description: 'The public text that {message} stands for.' }),
  },
  strict,
);

export const DialectSchema = Type.Object(
  {
    contentType: Type.String({ default: 'application/json', description: 'Content-Type of a refusal.' }),
    headers: Type.Record(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }), Type.String(), {
      default: {},
      description: 'Extra headers of a refusal; values may hold {requestId} and the other placeholders.',
    }),
    body: Type.Record(Type.String(), Type.Unknown(), {
      description:
        'The body as JSON; strings may hold {reason}, {status}, {code}, {message}, {requestId}, {scopes}. A string that is exactly one placeholder keeps its type.',
    }),
    reasons: Type.Object(Object.fromEntries(REASON_NAMES.map((reason) => [reason, DialectRowSchema])), {
      ...strict,
      description: 'One row for every reason that the gateway can refuse for.',
    }),
  },
  strict,
);

const EditionName = Type.Union([Type.Literal('personal'), Type.Literal('team'), Type.Literal('enterprise')]);
const AllGrantName = Type.Union(
  [Type.Literal('all-owned'), Type.Literal('all-joined'), Type.Literal('all-organization')],
  {
    description:
      'The widest all-grant that may be selected; it is evaluated on every request, so it covers future workspaces.',
  },
);

const DurationDays = Type.Number({ exclusiveMinimum: 0, maximum: 36_500 });

const KindSchema = Type.Object(
  {
    description: Type.String({ description: 'What this kind of token is for.' }),
    prefix: Type.String({
      pattern: '^[a-z][a-z0-9]{1,15}$',
      description: 'First characters of every token of this kind, before the underscore.',
    }),
    authority: Type.Union([Type.Literal('live'), Type.Literal('frozen')], {
      description: 'live: follows its owner on every request. frozen: keeps what it was granted at creation.',
    }),
    scopes: Type.Union([Type.Literal('required'), Type.Literal('optional')], {
      default: 'required',
      description: 'optional: a token created without scopes may do whatever its owner may.',
    }),
    workspaces: Type.Union([Type.Literal('required'), Type.Literal('optional')], {
      default: 'required',
      description: 'optional: a token created without workspaces reaches all that its owner may select.',
    }),
    selectable: Type.Array(
      Type.Object(
        {
          editions: Type.Optional(Type.Array(EditionName, { minItems: 1 })),
          roles: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
          listed: Type.Union(
            [Type.Literal('owned'), Type.Literal('joined'), Type.Literal('organization'), Type.Literal('none')],
            {
              description:
                'Workspaces that may be listed by id: owned, joined (or owned), all of the organization, none.',
            },
          ),
          listedMax: Type.Integer({
            default: 100,
            minimum: 1,
            maximum: 100,
            description: 'How many workspaces one token may list.',
          }),
          all: Type.Optional(AllGrantName),
        },
        strict,
      ),
      {
        minItems: 1,
        description: 'What an owner may select. The first rule that fits edition and organization role counts.',
      },
    ),
    expiry: Type.Object(
      {
        required: Type.Boolean({
          default: true,
          description: 'Creation must say when the token ends (or never, where allowed).',
        }),
        minDays: Type.Optional(DurationDays),
        maxDays: Type.Optional(DurationDays),
        presetsDays: Type.Array(DurationDays, { default: [], description: 'Choices that a console offers first.' }),
        never: Type.Boolean({ default: false, description: 'A token may live for ever.' }),
        editable: Type.Boolean({ default: false, description: 'The expiry may be changed after creation.' }),
      },
      { ...strict, description: 'When a token of this kind ends; a day is 86,400,000 ms and bounds are inclusive.' },
    ),
    mutable: Type.Array(
      Type.Union([
        Type.Literal('name'),
        Type.Literal('description'),
        Type.Literal('scopes'),
        Type.Literal('workspaces'),
      ]),
      { default: ['name', 'description'], uniqueItems: true, description: 'Fields that may be edited after creation.' },
    ),
  },
  strict,
);

export const PolicySchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$', description: "The policy's name." }),
    dialect: Type.Union([Type.Literal('problem'), Type.Literal('oauth'), DialectSchema], {
      default: 'problem',
      description: 'How refusals are rendered: problem (RFC 9457), oauth (RFC 6750), or a dialect of your own.',
    }),
    scopes: Type.Array(
      Type.Object({ name: ScopeName, category: Type.String({ minLength: 1 }), description: Type.String() }, strict),
      { minItems: 1, description: 'The scope catalogue. A route or token may name only these.' },
    ),
    organizationRoles: Type.Record(
      Type.String({ pattern: '^[a-z][a-z0-9_-]{0,31}$' }),
      Type.Object(
        {
          scopes: Type.Union([Type.Literal('all'), Type.Array(ScopeName)], {
            description: 'What members of this role may do; all: every scope of the catalogue.',
          }),
          workspaceRole: Type.Optional(
            Type.Union([Type.Literal('member'), Type.Literal('admin')], {
              description:
                'The role they have in every workspace of the organization. Never applies in edition personal.',
            }),
          ),
        },
        strict,
      ),
      { minProperties: 1, description: 'The roles a member of an organization may have.' },
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

/**
 * The shape of a file of policy tests (`scopegate test`): a gateway, a directory, tokens, and requests with what is to become
 * of them. Reads nothing; whether its names resolve and its expectations hold is for src/policy-tests to say.
 */
import type { Static, TSchema } from 'typebox';
import { REASON_NAMES } from '../../core/reason.ts';
import { file, section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';
import { DirectorySchema } from './directory-schema.ts';

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$' });
const Words = (description: string) =>
  Type.Array(Type.String({ minLength: 1 }), { maxItems: 1000, uniqueItems: true, description });
const Instant = (description: string) => Type.String({ description: `${description} RFC 3339.` });

const Token = section({
  like: Type.Optional(
    Type.String({ description: 'Another token of this file, whose fields are taken where none stand here.' }),
  ),
  organization: Type.Optional(Type.String({ description: 'Needed where the directory has several.' })),
  owner: Type.Optional(Type.String({ description: 'A member of the directory.' })),
  account: Type.Optional(
    Type.String({
      description: 'Instead of an owner: a service account of `accounts`, which fetches an access token.',
    }),
  ),
  kind: Type.Optional(Type.String({ description: "One of the policy's kinds. Absent: its default." })),
  scopes: Type.Optional(Words('Scopes.')),
  workspaces: Type.Optional(
    Type.Union([Words('Ids of workspaces.'), Type.Enum(['all', 'all-owned', 'all-joined', 'all-organization'])], {
      description: 'Ids of workspaces, or one of all, all-owned, all-joined, all-organization.',
    }),
  ),
  environments: Type.Optional(Words('Ids of the environments that it is limited to. Absent: to none.')),
  expiresInDays: Type.Optional(Type.Number({ description: 'Days from `now`.' })),
  expiresAt: Type.Optional(Instant('The end of the token.')),
  neverExpires: Type.Optional(Type.Boolean({ description: 'true: it never ends.' })),
  apiVersion: Type.Optional(Type.String({ description: "One of the policy's API versions." })),
  allowedAddresses: Type.Optional(Words('Addresses and networks that it may be used from.')),
  contacts: Type.Optional(Type.Any({ description: 'As at the sidecar.' })),
  state: Type.Optional(Type.Enum(['active', 'inactive', 'revoked'], { description: 'Absent: active.' })),
  refused: Type.Optional(
    Type.String({
      description: 'It must not be made: the code with which the sidecar refuses it, such as scope_unknown.',
    }),
  ),
});

const Account = section({
  organization: Type.Optional(Type.String({ description: 'Needed where the directory has several.' })),
  scopes: Words('Scopes that it may ask for.'),
  roles: Type.Optional(
    Type.Record(Type.String(), Type.Enum(['member', 'admin']), { description: 'Its role, by workspace.' }),
  ),
});

const Reason = Type.Enum(REASON_NAMES, { description: 'Why it is refused: docs/refusals.md lists them.' });

const requestParts = {
  headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Further headers.' })),
  body: Type.Optional(Type.Any({ description: 'A mapping is sent as JSON, a text as a form.' })),
  route: Type.Optional(
    Type.String({ description: 'The id of the route that is to take it: where another one would take it, too.' }),
  ),
};
const refusalParts = {
  reason: Reason,
  status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599, description: 'The status of the answer.' })),
  code: Type.Optional(
    Type.Union([Type.Integer(), Type.String()], { description: 'The code in the answer, as the dialect has it.' }),
  ),
};
const RequestLine = Type.String({
  pattern: '^[A-Z][A-Z-]* (?:/|https?://)\\S*$',
  errorMessage: 'must be a method and a URL, such as GET /v1/bots/b1 or GET https://api.example.com/v1/bots/b1',
  description: 'A method and a URL: a path with its query, or a whole address.',
});

const Allow = Type.Array(Type.Union([RequestLine, section({ request: RequestLine, ...requestParts })]), {
  minItems: 1,
  description: 'Requests that are to be let through.',
});
const Deny = Type.Union(
  [
    Type.Record(Type.String(), Type.Union([Reason, section({ ...refusalParts, ...requestParts })]), {
      minProperties: 1,
      propertyNames: RequestLine,
    }),
    Type.Record(Type.String(), Type.Array(RequestLine, { minItems: 1 }), {
      minProperties: 1,
      propertyNames: Reason,
    }),
    Type.Array(section({ request: RequestLine, ...refusalParts, ...requestParts }), { minItems: 1 }),
  ],
  {
    description:
      'Requests that are to be refused: each with its reason, or each reason with its requests; a list where one stands more than once.',
  },
);

const byReason = (description: string, propertyNames: TSchema) =>
  Type.Record(Type.String(), Reason, { minProperties: 1, propertyNames, description });

const Test = section({
  name: Type.String({ minLength: 1, maxLength: 200, description: 'What it promises.' }),
  token: Type.Optional(
    Type.String({ description: 'A token of `tokens`; none: no token is sent; unknown: one that nobody has made.' }),
  ),
  at: Type.Optional(Instant('When the requests come. Absent: at `now`.')),
  address: Type.Optional(Type.String({ description: 'Where the client is. Absent: nobody knows.' })),
  headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Of each of its requests.' })),
  allow: Type.Optional(Allow),
  deny: Type.Optional(Deny),
  refusedTo: Type.Optional(
    byReason(
      'Why each request of `allow` is to be refused with another token, by its name; none and unknown, too.',
      Type.String({ minLength: 1 }),
    ),
  ),
  refusedAs: Type.Optional(
    byReason(
      'Why each request of `allow` is to be refused with another method, such as PURGE: method_not_allowed.',
      Type.String({ pattern: '^[A-Z][A-Z-]*$' }),
    ),
  ),
  skip: Type.Optional(Type.String({ minLength: 1, description: 'Why it is not run for now.' })),
});

const percent = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 100, default: 0, description: `${description} Percent.` });

function byName<T extends TSchema>(what: T, description: string) {
  return Type.Record(Type.String(), what, { propertyNames: Name, default: {}, description });
}

export const TestFileSchema = section(
  {
    gateway: Type.Optional(file('The gateway.yaml that is tested.')),
    policy: Type.Optional(file('Instead of a gateway: a policy, with the `routes` beside it.')),
    routes: Type.Optional(
      Type.Array(file('A file that holds `routes:` alone.'), {
        minItems: 1,
        description: 'With `policy`: its routes.',
      }),
    ),
    env: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Variables for the gateway, before those of the environment.',
      }),
    ),
    now: Instant('The moment at which everything stands.'),
    directory: Type.Union([file('A file as `scopegate apply` reads it.'), DirectorySchema], {
      description:
        'Organizations, members, teams and workspaces: a file as `scopegate apply` reads it, or the same here.',
    }),
    accounts: byName(Account, 'Service accounts, by a name of yours.'),
    tokens: byName(Token, 'Tokens, by a name of yours. Each is made by the rules of the policy.'),
    tests: Type.Array(Test, { minItems: 1, description: 'Requests, and what is to become of them.' }),
    require: section(
      {
        routes: percent(
          'How many routes have an allowed and a refused request, at least; a public one an allowed one.',
        ),
        mutants: percent('How many mutants are noticed, at least; judged with --mutate.'),
      },
      { default: {}, description: 'What the tests have to reach. Counted over all files of one gateway.' },
    ),
  },
  { title: 'Policy tests', description: 'Tests of a gateway.yaml and its policy.' },
);

export type TestFileData = Static<typeof TestFileSchema>;
export type TestToken = TestFileData['tokens'][string];

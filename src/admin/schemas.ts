/**
 * The sidecar's shapes, once: validation, types and OpenAPI all come from here. Unknown fields and wrong types are
 * refused, never dropped or coerced.
 */

import type { TSchema } from 'typebox';
import { ID_PATTERN } from '../core/facts.ts';
import { FINDINGS, type TokenFinding } from '../manage/tokens/findings.ts';
import { Type } from '../schema-type.ts';

const strict = { additionalProperties: false } as const;
/** `title` is the name of the shape in /openapi.json, and of its type in generated clients: it never changes. */
const named = (title: string) => ({ ...strict, title });

const Id = (description: string) => Type.String({ pattern: ID_PATTERN, description });
/** What people write for people is judged in manage/written-text: it is well-formed JSON, whatever it says. */
const Name = Type.String({ description: '1 to 128 characters in one line, one of which can be seen' });
const Description = Type.Union([Type.String({ description: 'at most 2000 characters' }), Type.Null()]);
const Email = Type.String({ description: 'an e-mail address' });
/** Of a policy's own words: scopes, actions, kinds, roles. */
const Word = (options = {}) => Type.String({ maxLength: 128, ...options });
const ScopeList = Type.Array(Word(), { maxItems: 1000, uniqueItems: true });
const Role = Type.Union([Type.Literal('member'), Type.Literal('admin')]);
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const NoParams = Type.Object({});
export const OrganizationParams = Type.Object({ org: Type.String() });
export const ItemParams = Type.Object({ org: Type.String(), id: Type.String() });
export const WorkspaceParams = Type.Object({ org: Type.String(), ws: Type.String() });
export const WorkspaceItemParams = Type.Object({ org: Type.String(), ws: Type.String(), id: Type.String() });
export const ResourceParams = Type.Object({
  org: Type.String(),
  ws: Type.String(),
  type: Type.String(),
  id: Type.String(),
});
export const AssignmentParams = Type.Object({
  org: Type.String(),
  ws: Type.String(),
  kind: Type.Union([Type.Literal('members'), Type.Literal('teams'), Type.Literal('service-accounts')]),
  id: Type.String(),
});

export const EnterpriseParams = Type.Object({ id: Type.String() });
export const EnterpriseBody = Type.Object({ name: Name }, named('EnterpriseInput'));
export const OrganizationBody = Type.Object(
  {
    name: Name,
    edition: Type.Union([Type.Literal('personal'), Type.Literal('team'), Type.Literal('enterprise')]),
    enterprise: Type.Optional(
      Nullable(Word({ description: 'the enterprise that it belongs to; null, or not given: none' })),
    ),
  },
  named('OrganizationInput'),
);

const memberFields = {
  email: Type.Optional(Nullable(Email)),
  scopes: Type.Optional(Type.Union([ScopeList, Type.Null()], { description: "given: replaces the role's scopes" })),
  actions: Type.Optional(Type.Union([ScopeList, Type.Null()], { description: "given: replaces the role's actions" })),
};
export const MemberBody = Type.Object({ name: Name, role: Word(), ...memberFields }, named('MemberInput'));
export const MemberPatchBody = Type.Object(
  { name: Type.Optional(Name), role: Type.Optional(Word()), ...memberFields },
  named('MemberPatch'),
);

export const TeamBody = Type.Object(
  { name: Name, members: Type.Array(Id('a member'), { maxItems: 10_000 }) },
  named('TeamInput'),
);
export const IamPolicyBody = Type.Object(
  {
    name: Name,
    statements: Type.Array(
      Type.Object(
        {
          effect: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
          actions: Type.Array(Word(), {
            minItems: 1,
            maxItems: 1000,
            description: "scopes, actions, or the policy's names for several scopes; *: every one",
          }),
          resources: Type.Array(Type.String({ minLength: 1, maxLength: 600 }), {
            minItems: 1,
            maxItems: 100,
            description: 'patterns such as project/web:env/prod:flag/*; *: everything',
          }),
        },
        strict,
      ),
      { minItems: 1, maxItems: 100 },
    ),
  },
  named('IamPolicyInput'),
);
export const IamPolicyParams = Type.Object({ org: Type.String(), policy: Type.String() });
export const AttachmentParams = Type.Object({
  org: Type.String(),
  policy: Type.String(),
  kind: Type.Union([Type.Literal('members'), Type.Literal('teams')]),
  id: Type.String(),
});
export const WorkspaceBody = Type.Object({ name: Name, owner: Id('a member') }, named('WorkspaceInput'));
export const WorkspacePatchBody = Type.Object({ name: Type.Optional(Name) }, named('WorkspacePatch'));
export const EnvironmentBody = Type.Object({ name: Name }, named('EnvironmentInput'));
export const AssignmentBody = Type.Object({ role: Role }, named('AssignmentInput'));
export const ResourceBody = Type.Object(
  { owner: Id('a member'), collaborators: Type.Array(Id('a member'), { maxItems: 10_000 }) },
  named('ResourceInput'),
);

const AllGrants = ['all', 'all-owned', 'all-joined', 'all-organization'] as const;
const WorkspaceGrantSchema = Type.Union(
  [
    Type.Array(Word(), { minItems: 1, maxItems: 100 }),
    Type.Literal(AllGrants[0]),
    Type.Literal(AllGrants[1]),
    Type.Literal(AllGrants[2]),
    Type.Literal(AllGrants[3]),
  ],
  {
    title: 'WorkspaceGrantInput',
    description: 'workspace ids, or an all-grant: present and future workspaces; all is the widest the policy gives',
  },
);

const ContactsInput = Type.Union([
  Type.Object(
    {
      primary: Type.Optional(Type.Union([Word({ description: 'a member' }), Type.Null()])),
      emails: Type.Optional(
        Type.Union([Type.Array(Email, { maxItems: 50, description: 'people who need not be members' }), Type.Null()]),
      ),
    },
    strict,
  ),
  Type.Null(),
]);

const AllowedAddresses = Type.Union([Type.Array(Word(), { minItems: 1, maxItems: 100 }), Type.Null()], {
  description: 'IP addresses and networks (10.0.0.0/8) that the token may be used from; null: anywhere',
});

const Environments = Type.Union([Type.Array(Word(), { minItems: 1, maxItems: 100 }), Type.Null()], {
  description: 'environments of its workspaces that the token is limited to; null: it reaches every one',
});

const tokenInput = {
  kind: Type.Optional(Word()),
  name: Name,
  description: Type.Optional(Description),
  owner: Type.Optional(Word()),
  scopes: Type.Optional(ScopeList),
  workspaces: Type.Optional(WorkspaceGrantSchema),
  environments: Type.Optional(Environments),
  expiresInDays: Type.Optional(Type.Number({ description: 'from now; a day is 86,400,000 ms' })),
  expiresAt: Type.Optional(Word()),
  neverExpires: Type.Optional(Type.Literal(true)),
  apiVersion: Type.Optional(Word()),
  contacts: Type.Optional(ContactsInput),
  allowedAddresses: Type.Optional(AllowedAddresses),
};
export const TokenBody = Type.Object(tokenInput, named('TokenInput'));

/** A token of another system, known by its hash alone. */
export const ImportedTokenBody = Type.Object(
  {
    sha256: Type.String({
      pattern: '^[0-9a-f]{64}$',
      description: "the SHA-256 of the token's text: 64 hexadecimal digits in lower case",
    }),
    hint: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9._~+/-]{1,68}$',
        description: "the token's first characters, for people to know it by: its prefix and 4 more at most",
      }),
    ),
    createdAt: Type.Optional(Word({ description: 'RFC 3339; absent: now' })),
    ...tokenInput,
  },
  named('ImportedToken'),
);
export const ImportBody = Type.Object(
  { tokens: Type.Array(ImportedTokenBody, { minItems: 1, maxItems: 1000 }) },
  named('ImportInput'),
);

export const TokenPatchBody = Type.Object(
  {
    name: Type.Optional(Name),
    description: Type.Optional(Description),
    contacts: Type.Optional(ContactsInput),
    scopes: Type.Optional(ScopeList),
    workspaces: Type.Optional(WorkspaceGrantSchema),
    environments: Type.Optional(Environments),
    expiresAt: Type.Optional(Nullable(Word())),
    allowedAddresses: Type.Optional(AllowedAddresses),
  },
  named('TokenPatch'),
);

export const RotateBody = Type.Union(
  [
    Type.Object(
      {
        graceSeconds: Type.Optional(
          Type.Integer({ minimum: 0, description: 'how long the old value goes on working' }),
        ),
      },
      strict,
    ),
    Type.Null(),
  ],
  { title: 'RotateInput' },
);
export const FindBody = Type.Union(
  [
    Type.Object({ token: Type.String({ minLength: 1, maxLength: 4096 }) }, strict),
    Type.Object(
      { sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: "of the token's text, in hexadecimal digits" }) },
      strict,
    ),
  ],
  { title: 'FindInput' },
);

/** As GitHub sends it. What else it says some day is nothing to us. */
export const LeaksBody = Type.Array(
  Type.Object(
    {
      token: Type.String({ minLength: 1, maxLength: 4096 }),
      type: Type.String({ maxLength: 256, description: "the reporter's name for the form of the token" }),
      url: Type.Optional(Type.String({ maxLength: 4096, description: 'where it was found; may be empty' })),
      source: Type.Optional(Type.String({ maxLength: 256, description: 'in what, such as commit or issue_comment' })),
    },
    { title: 'Leak' },
  ),
  { minItems: 1, maxItems: 1000, title: 'LeakReport' },
);

export const TokenStateSchema = Type.Union(
  [Type.Literal('active'), Type.Literal('inactive'), Type.Literal('expired'), Type.Literal('revoked')],
  { title: 'TokenState' },
);

export const TokenStateReasonSchema = Type.Union(
  [
    Type.Literal('expired'),
    Type.Literal('revoked'),
    Type.Literal('deactivated'),
    Type.Literal('owner_removed'),
    Type.Literal('ownership_transferred'),
    Type.Literal('rotated'),
    Type.Null(),
  ],
  {
    title: 'TokenStateReason',
    description: 'why it does not work: revoked and deactivated are by hand; null while it is active',
  },
);

/** Query values are text; numbers are given as digits. What a pattern asks for is said by the description. */
const Digits = (description: string) => Type.String({ pattern: '^[0-9]{1,6}$', description });
const page = {
  limit: Type.Optional(Digits('a whole number from 1 to 1000')),
  cursor: Type.Optional(Type.String({ maxLength: 2000, description: 'the nextCursor of an earlier page' })),
};
export const PageQuery = Type.Object(page, strict);
const PartOfName = Word({ description: 'a part of the name or the id, in any case' });
export const NamedPageQuery = Type.Object({ ...page, name: Type.Optional(PartOfName) }, strict);
const trailFilters = {
  ended: Type.Optional(
    Type.Enum(['true', 'false'], {
      description: 'true: of the organizations that had this id before; for the operator',
    }),
  ),
  order: Type.Optional(Type.Enum(['newest', 'oldest'], { description: 'which comes first; default oldest' })),
  actor: Type.Optional(Type.String({ maxLength: 300, description: 'an id, or kind/id such as member/ann; admin-key' })),
  object: Type.Optional(Type.String({ maxLength: 300, description: 'an id, or type/id such as token/tok_1' })),
  kind: Type.Optional(Word({ description: 'what was done, such as token.revoked, or to what, such as token' })),
  outcome: Type.Optional(Type.Enum(['done', 'refused'])),
  since: Type.Optional(Word({ description: 'RFC 3339: not before' })),
  until: Type.Optional(Word({ description: 'RFC 3339: not after' })),
};
export const AuditQuery = Type.Object({ ...page, ...trailFilters }, strict);
export const AuditExportQuery = Type.Object(trailFilters, strict);
export const FindingSchema = Type.Enum([...FINDINGS], {
  description:
    'never_used: for all of the time; dormant: not within it; unused_scopes: some of its scopes not within it; ' +
    'never_expires; expires_soon_in_use: within a week; broad_workspaces: nobody has said in which; owner_inactive: ' +
    'who has left, or has no role in any workspace of it; rotated_value_in_use: the one that was replaced. ' +
    'The time is unusedDays, else 90 days',
});

/** How many tokens each is found at. */
export const FindingCounts = Type.Object(
  Object.fromEntries(FINDINGS.map((finding) => [finding, Type.Integer()])) as Record<
    TokenFinding,
    ReturnType<typeof Type.Integer>
  >,
  { title: 'FindingCounts' },
);

export const TokenQuery = Type.Object(
  {
    ...page,
    name: Type.Optional(Word({ description: 'what the name begins with, in any case' })),
    kind: Type.Optional(Word()),
    owner: Type.Optional(Word()),
    state: Type.Optional(TokenStateSchema),
    scope: Type.Optional(Word({ description: 'that the token lists' })),
    workspace: Type.Optional(Word({ description: 'that the token lists, or may reach by a grant of all' })),
    expiringWithinDays: Type.Optional(Digits('a whole number from 0 to 999999')),
    unusedForDays: Type.Optional(Digits('neither made nor used for so many days: a whole number from 0 to 999999')),
    neverUsed: Type.Optional(Type.Enum(['true', 'false'], { description: 'true: whom nobody has used yet' })),
    apiVersion: Type.Optional(Word()),
    apiVersionWithdrawn: Type.Optional(
      Type.Enum(['true', 'false'], { description: 'true: whose API version the policy has no longer' }),
    ),
    contactGone: Type.Optional(Type.Enum(['true', 'false'], { description: 'true: whose primary contact has left' })),
    finding: Type.Optional(FindingSchema),
    unusedDays: Type.Optional(Digits('for findings: how long not to be used is too long; default 90')),
  },
  strict,
);

export const PrincipalTypeSchema = Type.Union([
  Type.Literal('member'),
  Type.Literal('team'),
  Type.Literal('service-account'),
]);
export const PrincipalQuery = Type.Object(
  {
    ...page,
    name: Type.Optional(Word({ description: 'a part of the name, in any case' })),
    type: Type.Optional(PrincipalTypeSchema),
  },
  strict,
);

/** An empty body, or none. */
export const NoBody = Type.Union([Type.Object({}, strict), Type.Null()]);

export const AccountParams = Type.Object({ org: Type.String(), clientId: Type.String() });
export const AccountBody = Type.Object(
  {
    name: Name,
    scopes: ScopeList,
    roles: Type.Optional(
      Type.Array(Type.Object({ workspace: Id('a workspace'), role: Role }, strict), {
        maxItems: 1000,
        description: 'that it has in workspaces from the beginning',
      }),
    ),
  },
  named('AccountInput'),
);
export const AccountPatchBody = Type.Object(
  { name: Type.Optional(Name), scopes: Type.Optional(ScopeList) },
  named('AccountPatch'),
);
/** `dryRun=true`: say what would happen, change nothing. */
const dryRun = { dryRun: Type.Optional(Type.Enum(['true', 'false'])) };
export const DryRunQuery = Type.Object(dryRun, strict);
export const TokensQuery = Type.Object(
  {
    tokens: Type.Optional(Type.Literal('revoke', { description: 'end the access tokens already issued, too' })),
    ...dryRun,
  },
  strict,
);
export const TransferBody = Type.Object({ owner: Id('a member') }, named('TransferInput'));

/** Endpoints without parameters of their own refuse any. */
export const NoQuery = Type.Object({}, strict);

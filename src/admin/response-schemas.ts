/** The shapes that the sidecar answers with. What a view lets through and these do not name never leaves. */
import type { TObject } from 'typebox';
import { Type } from '../schema-type.ts';
import {
  AssignmentParams,
  FindingSchema,
  Nullable,
  PrincipalTypeSchema,
  TokenStateReasonSchema,
  TokenStateSchema,
} from './schemas.ts';

const Instant = Type.String({ description: 'RFC 3339, UTC, to the millisecond' });
export const RevisionAnswer = Type.Object(
  { revision: Type.Integer({ description: 'grows with every change' }) },
  { title: 'Revision' },
);

const tokenFields = {
  id: Type.String(),
  kind: Type.String(),
  name: Type.String(),
  description: Nullable(Type.String()),
  ownerId: Nullable(Type.String()),
  createdBy: Nullable(Type.String()),
  scopes: Type.Union([Type.Array(Type.String()), Type.Null()]),
  workspaces: Type.Union([Type.Array(Type.String()), Type.String()]),
  environments: Type.Union([Type.Array(Type.String()), Type.Null()], {
    description: 'that it is limited to; null: it reaches every one',
  }),
  state: TokenStateSchema,
  stateReason: TokenStateReasonSchema,
  createdAt: Instant,
  expiresAt: Nullable(Instant),
  lastUsedAt: Nullable(Instant),
  scopesUsed: Type.Array(
    Type.Object({
      scope: Type.String(),
      lastUsedOn: Type.String({ description: 'the day, UTC: 2030-01-31' }),
    }),
    { description: 'which of its scopes let a request through, and when last' },
  ),
  scopesUsedSince: Type.Union([Type.String(), Type.Null()], {
    description: 'the day from which on that is known; null: it is not known of any use',
  }),
  findings: Type.Array(FindingSchema, { description: 'what of its use is worth a look' }),
  allowedAddresses: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'null: from anywhere' }),
  hint: Type.Union([Type.String(), Type.Null()], {
    description: 'first characters of the token; null: imported without them',
  }),
  apiVersion: Nullable(Type.String()),
  apiVersionWithdrawn: Type.Boolean({ description: 'the policy does not have its version any more' }),
  contacts: Type.Union([
    Type.Object({ primary: Nullable(Type.String()), emails: Type.Array(Type.String()) }),
    Type.Null(),
  ]),
};
export const TokenAnswer = Type.Object(tokenFields, { title: 'Token' });
export const FoundTokenAnswer = Type.Object({ ...tokenFields, organizationId: Type.String() }, { title: 'FoundToken' });
export const ChangedTokenAnswer = Type.Object({ ...tokenFields, revision: Type.Integer() }, { title: 'ChangedToken' });
export const CreatedTokenAnswer = Type.Object(
  {
    ...tokenFields,
    token: Type.String({ description: 'shown this once' }),
    revision: Type.Integer(),
  },
  { title: 'CreatedToken' },
);
export const RotatedTokenAnswer = Type.Object(
  {
    ...tokenFields,
    token: Type.String({ description: 'shown this once' }),
    values: Type.Array(
      Type.Object({
        value: Type.Union([Type.Literal('current'), Type.Literal('replaced'), Type.Literal('earlier')], {
          description: 'earlier: replaced before, and in its grace until this rotation ended it',
        }),
        hint: Nullable(Type.String()),
        worksUntil: Type.Union([Instant, Type.Null()], { description: 'null: until somebody ends it' }),
      }),
      { description: 'which value works until when' },
    ),
    revision: Type.Integer(),
  },
  { title: 'RotatedToken' },
);
export const TokenListAnswer = Type.Object(
  { items: Type.Array(TokenAnswer), nextCursor: Nullable(Type.String()) },
  { title: 'TokenList' },
);

export const ImportReportAnswer = Type.Object(
  {
    imported: Type.Integer(),
    existing: Type.Integer(),
    refused: Type.Integer(),
    tokens: Type.Array(
      Type.Object({
        outcome: Type.String({ description: 'imported, existing (it was here already) or refused' }),
        id: Type.Optional(Type.String()),
        differs: Type.Optional(
          Type.Array(Type.String(), { description: 'fields in which the existing one differs; nothing was changed' }),
        ),
        code: Type.Optional(Type.String()),
        detail: Type.Optional(Type.String()),
        field: Type.Optional(Type.String()),
      }),
      { description: 'one for each that was sent, in the same order' },
    ),
    dryRun: Type.Boolean(),
    revision: Type.Optional(Type.Integer()),
  },
  { title: 'ImportReport' },
);

const Ids = Type.Array(Type.String());
export const RemovedMemberAnswer = Type.Object(
  {
    cascade: Type.Object({
      deactivatedTokens: Ids,
      keptTokens: Ids,
      contactlessTokens: Ids,
      leftTeams: Ids,
      ownedWorkspaces: Ids,
    }),
    dryRun: Type.Boolean(),
    revision: Type.Optional(Type.Integer()),
  },
  { title: 'RemovedMember' },
);
export const TransferredWorkspaceAnswer = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    owner: Type.String(),
    cascade: Type.Object({ revokedTokens: Ids, keptTokens: Ids }),
    dryRun: Type.Boolean(),
    revision: Type.Optional(Type.Integer()),
  },
  { title: 'TransferredWorkspace' },
);

export const LeakVerdictsAnswer = Type.Array(
  Type.Object(
    {
      token_hash: Type.String({ description: 'SHA-256 in hexadecimal digits' }),
      token_type: Type.String({ description: 'as it was reported' }),
      label: Type.Enum(['true_positive', 'false_positive'], {
        description: 'true_positive: it is the value of a token of this gateway, which may have ended before',
      }),
    },
    { title: 'LeakVerdict' },
  ),
  { title: 'LeakVerdicts' },
);

export const DeletedWorkspaceAnswer = Type.Object(
  {
    cascade: Type.Object(
      {
        strandedTokens: Type.Array(Type.String(), { description: 'tokens that list no other workspace' }),
        narrowedTokens: Type.Array(Type.String(), { description: 'tokens that keep the others that they list' }),
        environments: Ids,
      },
      { title: 'WorkspaceCascade' },
    ),
    dryRun: Type.Boolean(),
    revision: Type.Optional(Type.Integer()),
  },
  { title: 'DeletedWorkspace' },
);
export const DeletedTeamAnswer = Type.Object(
  {
    cascade: Type.Object(
      {
        members: Ids,
        lostRoles: Type.Array(Type.String(), { description: 'workspaces in which its members lose its role' }),
      },
      { title: 'TeamCascade' },
    ),
    dryRun: Type.Boolean(),
    revision: Type.Optional(Type.Integer()),
  },
  { title: 'DeletedTeam' },
);

/** A way by which somebody has a role in a workspace. */
const RoleSource = Type.Object({
  source: Type.Enum(['owner', 'direct', 'team']),
  team: Type.Union([Type.String(), Type.Null()], { description: 'whose role it is' }),
  role: Type.String(),
});
export const MembershipsAnswer = Type.Object(
  {
    teams: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
    everywhere: Type.Union([Type.String(), Type.Null()], {
      description: 'the role that their role in the organization gives them in every workspace',
    }),
    workspaces: Type.Array(
      Type.Object({ id: Type.String(), name: Type.String(), role: Type.String(), sources: Type.Array(RoleSource) }),
      { description: 'in which they have a role of their own; role: the highest' },
    ),
    more: Type.Boolean({ description: 'they own more workspaces than are shown' }),
  },
  { title: 'Memberships' },
);

const AuditEvent = Type.Object({
  id: Type.String(),
  at: Instant,
  actor: Type.Object({ kind: Type.String(), id: Nullable(Type.String()), tokenId: Nullable(Type.String()) }),
  action: Type.String(),
  outcome: Type.String({ description: 'done or refused' }),
  target: Type.Union([Type.Object({ type: Type.String(), id: Type.String() }), Type.Null()]),
  before: Type.Any(),
  after: Type.Any(),
  code: Nullable(Type.String()),
  detail: Nullable(Type.String()),
});
export const AuditListAnswer = Type.Object(
  { items: Type.Array(AuditEvent), nextCursor: Nullable(Type.String()) },
  { title: 'AuditList' },
);

/** Somebody or something with a role in a workspace. */
const Assigned = Type.Object({
  kind: AssignmentParams.properties.kind,
  id: Type.String(),
  role: Type.String(),
});

/** Whom a role can be given to. */
const Principal = Type.Object({ type: PrincipalTypeSchema, id: Type.String(), name: Type.String() });

const pageOf = <Item extends TObject>(item: Item) =>
  Type.Object({ items: Type.Array(item), nextCursor: Nullable(Type.String()) });

/** A change's answer carries the revision, a read's does not. */
const revision = Type.Optional(Type.Integer());

export const EnterpriseAnswer = Type.Object(
  { id: Type.String(), name: Type.String(), revision },
  { title: 'Enterprise' },
);
export const OrganizationAnswer = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    edition: Type.String(),
    enterprise: Type.Union([Type.String(), Type.Null()], { description: 'that it belongs to; null: none' }),
    revision,
  },
  { title: 'Organization' },
);
export const MemberAnswer = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    email: Nullable(Type.String()),
    role: Type.String(),
    scopes: Type.Union([Type.Array(Type.String()), Type.Null()]),
    actions: Type.Union([Type.Array(Type.String()), Type.Null()]),
    teams: Type.Array(Type.String()),
    policies: Type.Array(Type.String(), { description: 'named policies that are attached to them' }),
    revision,
  },
  { title: 'Member' },
);
export const TeamAnswer = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    members: Type.Array(Type.String()),
    policies: Type.Array(Type.String(), { description: 'named policies that are attached to it' }),
    revision,
  },
  { title: 'Team' },
);
export const IamPolicyAnswer = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    statements: Type.Array(
      Type.Object({
        effect: Type.String(),
        actions: Type.Array(Type.String()),
        resources: Type.Array(Type.String()),
      }),
    ),
    revision,
  },
  { title: 'IamPolicy' },
);
export const AttachmentAnswer = Type.Object(
  { kind: Type.String(), id: Type.String(), revision },
  { title: 'Attachment' },
);
export const WorkspaceAnswer = Type.Object(
  { id: Type.String(), name: Type.String(), owner: Type.String(), revision },
  { title: 'Workspace' },
);
export const EnvironmentAnswer = Type.Object(
  { id: Type.String(), name: Type.String(), workspace: Type.String(), revision },
  { title: 'Environment' },
);
export const AssignmentAnswer = Type.Object({ role: Type.String(), revision }, { title: 'Assignment' });
export const ResourceAnswer = Type.Object(
  {
    type: Type.String(),
    id: Type.String(),
    owner: Type.String(),
    collaborators: Type.Array(Type.String()),
    revision,
  },
  { title: 'Resource' },
);

const accountFields = {
  clientId: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  state: Type.String({ description: 'active or disabled' }),
  createdBy: Nullable(Type.String()),
  createdAt: Instant,
};
export const AccountAnswer = Type.Object({ ...accountFields, revision }, { title: 'Account' });
const accountCascade = {
  cascade: Type.Object(
    {
      endedTokens: Type.Integer({ description: 'access tokens that end at once' }),
      drainingTokens: Type.Integer({ description: 'access tokens that live on until they expire' }),
      lostRoles: Type.Array(Type.String(), { description: 'workspaces in which its role ends' }),
    },
    { title: 'AccountCascade' },
  ),
  dryRun: Type.Boolean(),
  revision,
};
export const EndedAccountAnswer = Type.Object(accountCascade, { title: 'EndedAccount' });
export const DisabledAccountAnswer = Type.Object({ ...accountFields, ...accountCascade }, { title: 'DisabledAccount' });
export const AccountWithTokensAnswer = Type.Object(
  {
    ...accountFields,
    roles: Type.Array(Type.Object({ workspace: Type.String(), role: Type.String() }), {
      description: 'that it has in workspaces',
    }),
    tokens: Type.Object({
      live: Type.Integer({ description: 'access tokens that have not ended' }),
      issued: Type.Integer({ description: 'access tokens issued so far' }),
      lastIssuedAt: Nullable(Instant),
    }),
  },
  { title: 'AccountWithTokens' },
);
export const CreatedAccountAnswer = Type.Object(
  {
    ...accountFields,
    clientSecret: Type.String({ description: 'shown this once' }),
    revision: Type.Integer(),
  },
  { title: 'CreatedAccount' },
);
export const AccountListAnswer = Type.Object(
  { items: Type.Array(AccountWithTokensAnswer), nextCursor: Nullable(Type.String()) },
  { title: 'AccountList' },
);

export const EnterpriseListAnswer = pageOf(EnterpriseAnswer);
export const IamPolicyListAnswer = pageOf(IamPolicyAnswer);
export const AttachmentListAnswer = pageOf(AttachmentAnswer);
export const OrganizationListAnswer = pageOf(OrganizationAnswer);
export const MemberListAnswer = pageOf(MemberAnswer);
export const TeamListAnswer = pageOf(TeamAnswer);
export const WorkspaceListAnswer = pageOf(WorkspaceAnswer);
export const EnvironmentListAnswer = pageOf(EnvironmentAnswer);
export const ResourceListAnswer = pageOf(ResourceAnswer);
export const AssignmentListAnswer = pageOf(Assigned);
export const PrincipalListAnswer = pageOf(Principal);

/** What the process says about itself, or about its policy: for people, and free to grow. */
export const OpenAnswer = Type.Object({}, { additionalProperties: true });
export const LiveAnswer = Type.Object({ live: Type.Boolean() });
export const ReadyAnswer = Type.Object({ ready: Type.Boolean() }, { additionalProperties: true });
export const TextAnswer = Type.String();

const Strings = Type.Array(Type.String());
/** null: no bound, or every one. */
const KindAnswer = Type.Object(
  {
    description: Type.String(),
    prefix: Type.String(),
    authority: Type.String(),
    default: Type.Boolean(),
    scopesRequired: Type.Boolean(),
    workspacesRequired: Type.Boolean(),
    contactRequired: Type.Boolean(),
    mutable: Type.Array(Type.String(), { description: 'fields that may be changed' }),
    expiry: Type.Object(
      {
        required: Type.Boolean(),
        minMs: Type.Number(),
        maxMs: Type.Union([Type.Number(), Type.Null()]),
        presetsDays: Type.Array(Type.Number(), { description: 'what to offer first; no rule' }),
        never: Type.Boolean(),
        editable: Type.Boolean(),
      },
      { title: 'KindExpiry' },
    ),
    graceMaxMs: Type.Union([Type.Number(), Type.Null()], {
      description: 'how long a replaced value may go on working; null: values cannot be replaced',
    }),
    selectable: Type.Array(
      Type.Object(
        {
          editions: Type.Union([Strings, Type.Null()]),
          roles: Type.Union([Strings, Type.Null()]),
          listed: Type.Enum(['owned', 'joined', 'organization', 'none']),
          listedMax: Type.Union([Type.Number(), Type.Null()]),
          all: Nullable(Type.String({ description: 'the widest all-grant' })),
        },
        { title: 'SelectableRule' },
      ),
      { description: 'which workspaces may be granted: the first rule that fits the owner counts' },
    ),
  },
  { title: 'TokenKind' },
);
export const PolicyAnswer = Type.Object(
  {
    name: Type.String(),
    dialect: Type.String(),
    apiVersions: Strings,
    organizationRoles: Strings,
    workspaceRoles: Strings,
    kinds: Type.Object({}, { additionalProperties: KindAnswer, description: 'by name' }),
    scopes: Type.Array(
      Type.Object(
        { name: Type.String(), category: Type.String(), description: Type.String() },
        { title: 'PolicyScope' },
      ),
    ),
    actions: Type.Array(Type.Object({ name: Type.String(), description: Type.String() })),
    serviceAccounts: Type.Boolean({ description: 'there may be some' }),
    namedPolicies: Type.Boolean({ description: 'decisions look at them' }),
  },
  { title: 'Policy' },
);

/** The shapes that the sidecar answers with. What a view lets through and these do not name never leaves. */
import { Type } from 'typebox';
import { Nullable, TokenState, TokenStateReason } from './schemas.ts';

const Instant = Type.String({ description: 'RFC 3339, UTC, to the millisecond' });
export const Revision = Type.Object({ revision: Type.Integer({ description: 'grows with every change' }) });

const tokenFields = {
  id: Type.String(),
  kind: Type.String(),
  name: Type.String(),
  description: Nullable(Type.String()),
  ownerId: Nullable(Type.String()),
  createdBy: Nullable(Type.String()),
  scopes: Type.Union([Type.Array(Type.String()), Type.Null()]),
  workspaces: Type.Union([Type.Array(Type.String()), Type.String()]),
  state: TokenState,
  stateReason: TokenStateReason,
  createdAt: Instant,
  expiresAt: Nullable(Instant),
  lastUsedAt: Nullable(Instant),
  allowedAddresses: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'null: from anywhere' }),
  hint: Type.Union([Type.String(), Type.Null()], {
    description: 'first characters of the token; null: imported without them',
  }),
  apiVersion: Nullable(Type.String()),
  contacts: Type.Union([
    Type.Object({ primary: Nullable(Type.String()), emails: Type.Array(Type.String()) }),
    Type.Null(),
  ]),
};
export const Token = Type.Object(tokenFields);
export const FoundToken = Type.Object({ ...tokenFields, organizationId: Type.String() });
export const ChangedToken = Type.Object({ ...tokenFields, revision: Type.Integer() });
export const CreatedToken = Type.Object({
  ...tokenFields,
  token: Type.String({ description: 'shown this once' }),
  revision: Type.Integer(),
});
export const RotatedToken = Type.Object({
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
});
export const TokenList = Type.Object({ items: Type.Array(Token), nextCursor: Nullable(Type.String()) });

export const ImportReport = Type.Object({
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
});

const Ids = Type.Array(Type.String());
export const RemovedMember = Type.Object({
  cascade: Type.Object({ deactivatedTokens: Ids, keptTokens: Ids, leftTeams: Ids, ownedWorkspaces: Ids }),
  dryRun: Type.Boolean(),
  revision: Type.Optional(Type.Integer()),
});
export const TransferredWorkspace = Type.Object({
  id: Type.String(),
  name: Type.String(),
  owner: Type.String(),
  cascade: Type.Object({ revokedTokens: Ids, keptTokens: Ids }),
  dryRun: Type.Boolean(),
  revision: Type.Optional(Type.Integer()),
});

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
export const AuditList = Type.Object({ items: Type.Array(AuditEvent), nextCursor: Nullable(Type.String()) });

/** A change's answer carries the revision, a read's does not. */
const revision = Type.Optional(Type.Integer());

export const Organization = Type.Object({ id: Type.String(), name: Type.String(), edition: Type.String(), revision });
export const Member = Type.Object({
  id: Type.String(),
  name: Type.String(),
  email: Nullable(Type.String()),
  role: Type.String(),
  scopes: Type.Union([Type.Array(Type.String()), Type.Null()]),
  actions: Type.Union([Type.Array(Type.String()), Type.Null()]),
  teams: Type.Array(Type.String()),
  revision,
});
export const Team = Type.Object({
  id: Type.String(),
  name: Type.String(),
  members: Type.Array(Type.String()),
  revision,
});
export const Workspace = Type.Object({ id: Type.String(), name: Type.String(), owner: Type.String(), revision });
export const Environment = Type.Object({ id: Type.String(), name: Type.String(), workspace: Type.String(), revision });
export const Assignment = Type.Object({ role: Type.String(), revision });
export const Resource = Type.Object({
  type: Type.String(),
  id: Type.String(),
  owner: Type.String(),
  collaborators: Type.Array(Type.String()),
  revision,
});

const accountFields = {
  clientId: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  state: Type.String({ description: 'active or disabled' }),
  createdBy: Nullable(Type.String()),
  createdAt: Instant,
};
export const Account = Type.Object({ ...accountFields, revision });
export const AccountWithTokens = Type.Object({
  ...accountFields,
  tokens: Type.Object({
    live: Type.Integer({ description: 'access tokens that have not ended' }),
    issued: Type.Integer({ description: 'access tokens issued so far' }),
    lastIssuedAt: Nullable(Instant),
  }),
});
export const CreatedAccount = Type.Object({
  ...accountFields,
  clientSecret: Type.String({ description: 'shown this once' }),
  revision: Type.Integer(),
});
export const AccountList = Type.Object({ items: Type.Array(Account), nextCursor: Nullable(Type.String()) });

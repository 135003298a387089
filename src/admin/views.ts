/** How stored records look from outside. The only place that decides which fields a caller sees; hashes never do. */
import { DAY_MS, type KindPolicy, type Policy } from '../core/policy.ts';
import type { KnownAccount } from '../manage/organization/accounts.ts';
import { findingsOf } from '../manage/tokens/findings.ts';
import { isVersionWithdrawn } from '../manage/tokens/metadata.ts';
import type { RotatedToken } from '../manage/tokens/token-changes.ts';
import { reasonShown, stateShown } from '../manage/tokens/token-state.ts';
import type { TokenUsage } from '../manage/tokens/usage.ts';
import type {
  AccountDoc,
  AuditDoc,
  EnterpriseDoc,
  EnvironmentDoc,
  IamPolicyDoc,
  MemberDoc,
  OrganizationDoc,
  ResourceDoc,
  TeamDoc,
  TokenDoc,
  WorkspaceDoc,
} from '../manage/unit-of-work/records.ts';

const instant = (ms: number): string => new Date(ms).toISOString();
const dateOf = (day: number): string => instant(day * DAY_MS).slice(0, 10);
const instantOrNull = (ms: number | null): string | null => (ms === null ? null : instant(ms));

export const enterpriseView = ({ id, name }: EnterpriseDoc) => ({ id, name });

export const organizationView = ({ id, name, edition, enterpriseId }: OrganizationDoc) => ({
  ...{ id, name, edition },
  enterprise: enterpriseId ?? null,
});

const idOf = ([id]: readonly [string, ...unknown[]]): string => id;

export const memberView = ({ id, name, email, role, scopes, actions, teams, policies }: MemberDoc) => ({
  id,
  name,
  email,
  role,
  scopes,
  actions,
  teams: teams.map(idOf),
  policies: (policies ?? []).map(idOf),
});

export const teamView = ({ id, name, members, policies }: TeamDoc) => ({
  ...{ id, name, members },
  policies: (policies ?? []).map(idOf),
});

export const iamPolicyView = ({ id, name, statements }: IamPolicyDoc) => ({ id, name, statements });

export const workspaceView = ({ id, name, ownerId }: WorkspaceDoc) => ({ id, name, owner: ownerId });

export const environmentView = ({ id, name, workspaceId }: EnvironmentDoc) => ({ id, name, workspace: workspaceId });

export const resourceView = ({ type, id, owner, collaborators }: ResourceDoc) => ({
  type,
  id,
  owner: idOf(owner),
  collaborators: collaborators.map(idOf),
});

export const accountView = ({ clientId, name, scopes, state, createdBy, createdAtMs }: AccountDoc) => ({
  clientId,
  name,
  scopes,
  state,
  createdBy,
  createdAt: instant(createdAtMs),
});

export const knownAccountView = ({ doc, roles, issued }: KnownAccount) => ({
  ...accountView(doc),
  roles,
  tokens: {
    live: issued.live,
    issued: issued.issuedCount,
    lastIssuedAt: instantOrNull(issued.lastIssuedAtMs),
  },
});

export const auditView = ({ id, atMs, actor, action, outcome, target, before, after, code, detail }: AuditDoc) => ({
  id,
  at: instant(atMs),
  actor,
  action,
  outcome,
  target,
  before,
  after,
  code,
  detail,
});

/** `world`: the moment, and the policy in force. */
export function tokenView(
  doc: TokenDoc,
  world: { readonly nowMs: () => number; readonly policy: () => Policy },
  usage: TokenUsage,
  unusedDays?: number,
) {
  const nowMs = world.nowMs();
  return {
    id: doc.id,
    kind: doc.kind,
    name: doc.name,
    description: doc.description,
    ownerId: doc.ownerId,
    createdBy: doc.createdBy,
    scopes: doc.scopes,
    workspaces: typeof doc.workspaces === 'string' ? doc.workspaces : doc.workspaces.map(idOf),
    environments: doc.environments?.map(idOf) ?? null,
    state: stateShown(doc, nowMs),
    stateReason: reasonShown(doc, nowMs),
    createdAt: instant(doc.createdAtMs),
    expiresAt: instantOrNull(doc.expiresAtMs),
    lastUsedAt: instantOrNull(usage.lastUsedAtMs),
    scopesUsed: Array.from(usage.scopes.days, ([scope, day]) => ({ scope, lastUsedOn: dateOf(day) })),
    scopesUsedSince: usage.scopes.sinceDay === null ? null : dateOf(usage.scopes.sinceDay),
    findings: findingsOf(doc, usage, nowMs, unusedDays),
    allowedAddresses: doc.allowedAddresses ?? null,
    hint: doc.hint,
    apiVersion: doc.apiVersion,
    apiVersionWithdrawn: isVersionWithdrawn(world.policy(), doc),
    contacts: doc.contacts && { primary: doc.contacts.primary, emails: doc.contacts.emails },
  };
}

export const rotatedValueView = ({ worksUntilMs, ...rest }: RotatedToken['values'][number]) => ({
  ...rest,
  worksUntil: instantOrNull(worksUntilMs),
});

function kindView(kind: KindPolicy, isDefault: boolean) {
  const { description, prefix, authority, expiry, mutable, rotation, selectable } = kind;
  const { scopesRequired, workspacesRequired, contactRequired } = kind;
  return {
    ...{ description, prefix, authority, scopesRequired, workspacesRequired, contactRequired },
    default: isDefault,
    mutable: [...mutable],
    expiry: { ...expiry, maxMs: Number.isFinite(expiry.maxMs) ? expiry.maxMs : null },
    graceMaxMs: rotation === null ? null : rotation.maxGraceMs,
    selectable: selectable.map(({ editions, roles, listedMax, ...rule }) => ({
      ...rule,
      editions: editions && [...editions],
      roles: roles && [...roles],
      listedMax: Number.isFinite(listedMax) ? listedMax : null,
    })),
  };
}

export function policyView(policy: Policy) {
  return {
    name: policy.name,
    dialect: policy.dialectName,
    apiVersions: policy.apiVersions,
    organizationRoles: [...policy.organizationRoles.keys()],
    workspaceRoles: ['member', 'admin'],
    kinds: Object.fromEntries(
      Array.from(policy.kinds.values(), (kind) => [kind.name, kindView(kind, kind.name === policy.defaultKind)]),
    ),
    scopes: [...policy.scopes.values()],
    actions: Array.from(policy.actions, ([name, description]) => ({ name, description })),
    serviceAccounts: policy.serviceAccounts !== null,
    namedPolicies: policy.iam !== null,
  };
}

/**
 * The API's own description, made fit for generators of clients: every operation has a name of its own that never
 * changes, and shapes that stand in several places have one. Describes; what is answered is decided elsewhere.
 */
import { type TSchema, Type } from 'typebox';
import { Bug } from '../errors.ts';
import { RECEIPT_FIELDS } from './receipts.ts';
import * as answers from './response-schemas.ts';
import * as schemas from './schemas.ts';

/** `METHOD path`, as in the description. */
const OPERATIONS: Readonly<Record<string, string>> = {
  'PUT /v1/organizations/{org}': 'putOrganization',
  'GET /v1/organizations/{org}': 'getOrganization',
  'DELETE /v1/organizations/{org}': 'deleteOrganization',
  'PUT /v1/organizations/{org}/members/{id}': 'putMember',
  'GET /v1/organizations/{org}/members/{id}': 'getMember',
  'PATCH /v1/organizations/{org}/members/{id}': 'patchMember',
  'DELETE /v1/organizations/{org}/members/{id}': 'deleteMember',
  'GET /v1/organizations/{org}/members': 'listMembers',
  'PUT /v1/organizations/{org}/teams/{id}': 'putTeam',
  'GET /v1/organizations/{org}/teams/{id}': 'getTeam',
  'DELETE /v1/organizations/{org}/teams/{id}': 'deleteTeam',
  'GET /v1/organizations/{org}/teams': 'listTeams',
  'PUT /v1/organizations/{org}/workspaces/{id}': 'putWorkspace',
  'GET /v1/organizations/{org}/workspaces/{id}': 'getWorkspace',
  'PATCH /v1/organizations/{org}/workspaces/{id}': 'patchWorkspace',
  'DELETE /v1/organizations/{org}/workspaces/{id}': 'deleteWorkspace',
  'POST /v1/organizations/{org}/workspaces/{id}/transfer': 'transferWorkspace',
  'GET /v1/organizations/{org}/workspaces': 'listWorkspaces',
  'PUT /v1/organizations/{org}/workspaces/{ws}/environments/{id}': 'putEnvironment',
  'GET /v1/organizations/{org}/workspaces/{ws}/environments/{id}': 'getEnvironment',
  'DELETE /v1/organizations/{org}/workspaces/{ws}/environments/{id}': 'deleteEnvironment',
  'GET /v1/organizations/{org}/workspaces/{ws}/environments': 'listEnvironments',
  'PUT /v1/organizations/{org}/workspaces/{ws}/assignments/{kind}/{id}': 'putAssignment',
  'GET /v1/organizations/{org}/workspaces/{ws}/assignments/{kind}/{id}': 'getAssignment',
  'DELETE /v1/organizations/{org}/workspaces/{ws}/assignments/{kind}/{id}': 'deleteAssignment',
  'GET /v1/organizations/{org}/workspaces/{ws}/assignments': 'listAssignments',
  'PUT /v1/organizations/{org}/workspaces/{ws}/resources/{type}/{id}': 'putResource',
  'GET /v1/organizations/{org}/workspaces/{ws}/resources/{type}/{id}': 'getResource',
  'DELETE /v1/organizations/{org}/workspaces/{ws}/resources/{type}/{id}': 'deleteResource',
  'GET /v1/organizations/{org}/workspaces/{ws}/resources': 'listResources',
  'POST /v1/organizations/{org}/tokens': 'createToken',
  'GET /v1/organizations/{org}/tokens': 'listTokens',
  'GET /v1/organizations/{org}/tokens/{id}': 'getToken',
  'PATCH /v1/organizations/{org}/tokens/{id}': 'patchToken',
  'DELETE /v1/organizations/{org}/tokens/{id}': 'deleteToken',
  'POST /v1/organizations/{org}/tokens/{id}/activate': 'activateToken',
  'POST /v1/organizations/{org}/tokens/{id}/deactivate': 'deactivateToken',
  'POST /v1/organizations/{org}/tokens/{id}/revoke': 'revokeToken',
  'POST /v1/organizations/{org}/tokens/{id}/rotate': 'rotateToken',
  'POST /v1/organizations/{org}/tokens/import': 'importTokens',
  'POST /v1/tokens/find': 'findToken',
  'POST /v1/organizations/{org}/service-accounts': 'createServiceAccount',
  'GET /v1/organizations/{org}/service-accounts': 'listServiceAccounts',
  'GET /v1/organizations/{org}/service-accounts/{clientId}': 'getServiceAccount',
  'PATCH /v1/organizations/{org}/service-accounts/{clientId}': 'patchServiceAccount',
  'DELETE /v1/organizations/{org}/service-accounts/{clientId}': 'deleteServiceAccount',
  'POST /v1/organizations/{org}/service-accounts/{clientId}/rotate-secret': 'rotateServiceAccountSecret',
  'POST /v1/organizations/{org}/service-accounts/{clientId}/disable': 'disableServiceAccount',
  'POST /v1/organizations/{org}/service-accounts/{clientId}/enable': 'enableServiceAccount',
  'POST /v1/organizations/{org}/service-accounts/{clientId}/revoke-tokens': 'revokeServiceAccountTokens',
  'GET /v1/organizations/{org}/audit-events': 'listAuditEvents',
  'GET /livez': 'isLive',
  'GET /readyz': 'isReady',
  'GET /metrics': 'getMetrics',
  'GET /v1/policy': 'getPolicy',
  'GET /v1/status': 'getStatus',
  'POST /v1/reload': 'reload',
};

const Receipt = Type.Object(RECEIPT_FIELDS, { description: 'with wait: how far the change has got' });
const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'stable; what a program should look at' }),
    detail: Type.String(),
    field: Type.Optional(Type.String({ description: 'which part of the call is meant' })),
  },
  { description: 'a refusal (RFC 9457)' },
);

const { Revision, Token, FoundToken, ChangedToken, CreatedToken, RotatedToken, TokenList, ImportReport } = answers;
const { RemovedMember, TransferredWorkspace, AuditList, Organization, Member, Team, Workspace } = answers;
const { Environment, Assignment, Resource, Account, CreatedAccount, AccountList } = answers;
const { OrganizationInput, MemberInput, MemberPatch, TeamInput, WorkspaceInput, WorkspacePatch } = schemas;
const { EnvironmentInput, AssignmentInput, ResourceInput, WorkspaceGrantInput, TokenInput, ImportedToken } = schemas;
const { ImportInput, TokenPatch, RotateInput, FindInput, TokenState, TokenStateReason } = schemas;
const { AccountInput, AccountPatch, TransferInput } = schemas;

const SHAPES: Readonly<Record<string, TSchema>> = {
  ...{ Revision, Token, FoundToken, ChangedToken, CreatedToken, RotatedToken, TokenList, ImportReport },
  ...{ RemovedMember, TransferredWorkspace, AuditList, Organization, Member, Team, Workspace },
  ...{ Environment, Assignment, Resource, Account, CreatedAccount, AccountList },
  ...{ OrganizationInput, MemberInput, MemberPatch, TeamInput, WorkspaceInput, WorkspacePatch },
  ...{ EnvironmentInput, AssignmentInput, ResourceInput, WorkspaceGrantInput, TokenInput, ImportedToken },
  ...{ ImportInput, TokenPatch, RotateInput, FindInput, TokenState, TokenStateReason },
  ...{ AccountInput, AccountPatch, TransferInput, Receipt, Problem },
};

type Plain = Record<string, unknown>;
interface Description {
  paths?: Record<string, Record<string, Plain>>;
  components?: { schemas?: Plain };
}

const METHODS = new Set(['get', 'put', 'post', 'patch', 'delete']);

/** The framework's description, with names. */
export function nameParts<T extends object>(described: T): T {
  const description = described as Description;
  const names = new Map(Object.entries(SHAPES).map(([name, shape]) => [canonical(plain(shape)), name]));
  for (const [path, methods] of Object.entries(description.paths ?? {})) {
    for (const [method, operation] of Object.entries(methods)) {
      if (!METHODS.has(method)) continue;
      const id = OPERATIONS[`${method.toUpperCase()} ${path}`];
      if (id === undefined) throw new Bug(`${method} ${path} has no name in admin/openapi.ts`);
      const { responses, ...rest } = named(operation, names) as { responses?: Plain } & Plain;
      const refused = { description: 'a refusal', content: { 'application/problem+json': { schema: ref('Problem') } } };
      methods[method] = { operationId: id, ...rest, responses: { ...responses, default: refused } };
    }
  }
  const shapes = Object.entries(SHAPES).map(([name, shape]) => [name, insideNamed(plain(shape), names)] as const);
  description.components = { ...description.components, schemas: Object.fromEntries(shapes) };
  return described;
}

/** As the framework describes it: a constant is an enumeration of one. */
function plain(shape: TSchema): Plain {
  return JSON.parse(JSON.stringify(shape), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('const' in value)) return value;
    const { const: only, ...rest } = value;
    return { ...rest, enum: [only] };
  }) as Plain;
}

function named(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => named(item, names));
  if (typeof value !== 'object' || value === null) return value;
  const whole = names.get(canonical(value));
  if (whole !== undefined) return ref(whole);
  const answer = names.get(canonical(withoutReceipt(value as Plain)));
  if (answer !== undefined) return { allOf: [ref(answer), ref('Receipt')] };
  return insideNamed(value as Plain, names);
}

function insideNamed(value: Plain, names: ReadonlyMap<string, string>): Plain {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, named(inner, names)]));
}

/** What every change may answer with, beside what it is about. */
function withoutReceipt(value: Plain): Plain {
  if (typeof value.properties !== 'object' || value.properties === null) return value;
  const own = Object.entries(value.properties).filter(([name]) => !Object.hasOwn(RECEIPT_FIELDS, name));
  return { ...value, properties: Object.fromEntries(own) };
}

function ref(name: string): Plain {
  return { $ref: `#/components/schemas/${name}` };
}

/** The same text for the same shape, in whatever order it is told. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}

/** Workspaces, environments, resources and assignments over HTTP. Parses and renders; the rules are in manage/. */
import { deleteAssignment, getAssignment, putAssignment } from '../manage/organization/assignments.ts';
import {
  deleteEnvironment,
  deleteResource,
  getEnvironment,
  getResource,
  putEnvironment,
  putResource,
} from '../manage/organization/workspace-contents.ts';
import {
  deleteWorkspace,
  getWorkspace,
  patchWorkspace,
  putWorkspace,
  transferWorkspace,
} from '../manage/organization/workspaces.ts';
import { ENVIRONMENT, RESOURCE, REVISION, WORKSPACE } from './examples.ts';
import {
  AssignmentAnswer,
  DeletedWorkspaceAnswer,
  EnvironmentAnswer,
  ResourceAnswer,
  RevisionAnswer,
  TransferredWorkspaceAnswer,
  WorkspaceAnswer,
} from './response-schemas.ts';
import { type AdminRoute, put, route } from './route.ts';
import {
  AssignmentBody,
  AssignmentParams,
  DryRunQuery,
  EnvironmentBody,
  ItemParams,
  ResourceBody,
  ResourceParams,
  TransferBody,
  WorkspaceBody,
  WorkspaceItemParams,
  WorkspacePatchBody,
} from './schemas.ts';
import { environmentView, resourceView, workspaceView } from './views.ts';

const tag = 'workspaces';
const workspace = { path: '/v1/organizations/:org/workspaces/:id', params: ItemParams, tag };

const ownRoutes: readonly AdminRoute[] = [
  route({
    ...workspace,
    id: 'putWorkspace',
    method: 'PUT',
    summary: 'Make a workspace, or rename it',
    description:
      'Any member may make one of their own; administrators also for others. Its owner changes by a transfer.',
    body: WorkspaceBody,
    answer: WorkspaceAnswer,
    errors: { 400: ['invalid_id'], 409: ['owner_fixed', 'still_deleting'], 422: ['owner_unknown'] },
    example: { body: { name: 'Handbook', owner: 'ann' }, answer: { ...WORKSPACE, ...REVISION } },
    async run({ manage, params, body }) {
      const { value, revision } = await putWorkspace(manage, params.org, params.id, body);
      return put(value.created, { ...workspaceView(value.item), revision });
    },
  }),
  route({
    ...workspace,
    id: 'getWorkspace',
    method: 'GET',
    summary: 'Read a workspace',
    answer: WorkspaceAnswer,
    example: { answer: WORKSPACE },
    run: async ({ manage, params }) => workspaceView(await getWorkspace(manage, params.org, params.id)),
  }),
  route({
    ...workspace,
    id: 'patchWorkspace',
    method: 'PATCH',
    summary: 'Rename a workspace',
    description: 'For administrators of the organization and admins of the workspace.',
    body: WorkspacePatchBody,
    answer: WorkspaceAnswer,
    example: { body: { name: 'Handbook' }, answer: { ...WORKSPACE, ...REVISION } },
    async run({ manage, params, body }) {
      const { value, revision } = await patchWorkspace(manage, params.org, params.id, body);
      return { ...workspaceView(value), revision };
    },
  }),
  route({
    ...workspace,
    id: 'deleteWorkspace',
    method: 'DELETE',
    summary: 'Delete a workspace and what stands in it, or preview what that takes along',
    description:
      'For its owner, and for administrators of the organization who are admins there. Whatever names it loses it at once.',
    query: DryRunQuery,
    answer: DeletedWorkspaceAnswer,
    example: {
      answer: {
        cascade: { strandedTokens: ['tok_1'], narrowedTokens: [], environments: ['prod'] },
        ...{ dryRun: false, ...REVISION },
      },
    },
    async run({ manage, params, query }) {
      const dryRun = query.dryRun === 'true';
      const { value, revision } = await deleteWorkspace(manage, params.org, params.id, { dryRun });
      return { cascade: value, dryRun, ...(dryRun ? {} : { revision }) };
    },
  }),
  route({
    ...workspace,
    path: `${workspace.path}/transfer`,
    id: 'transferWorkspace',
    method: 'POST',
    summary: 'Give a workspace to another owner, or preview what that ends',
    description: 'Tokens that list the workspace end, where the policy says so of their kind.',
    query: DryRunQuery,
    body: TransferBody,
    answer: TransferredWorkspaceAnswer,
    errors: { 422: ['owner_unknown'] },
    example: {
      body: { owner: 'bob' },
      answer: {
        ...WORKSPACE,
        ...{ owner: 'bob', cascade: { revokedTokens: ['tok_1'], keptTokens: [] }, dryRun: false },
        ...REVISION,
      },
    },
    async run({ manage, params, query, body }) {
      const dryRun = query.dryRun === 'true';
      const { value, revision } = await transferWorkspace(manage, params.org, params.id, body.owner, { dryRun });
      return { ...workspaceView(value.item), cascade: value.cascade, dryRun, ...(dryRun ? {} : { revision }) };
    },
  }),
];

const inside = '/v1/organizations/:org/workspaces/:ws';
const forAdmins = 'For admins of the workspace.';

const environment = { path: `${inside}/environments/:id`, params: WorkspaceItemParams, tag };

const environmentRoutes: readonly AdminRoute[] = [
  route({
    ...environment,
    id: 'putEnvironment',
    method: 'PUT',
    summary: 'Make an environment, or rename it',
    description: `${forAdmins} Ids are unique in the organization.`,
    body: EnvironmentBody,
    answer: EnvironmentAnswer,
    errors: { 400: ['invalid_id'], 409: ['id_taken', 'still_deleting'] },
    example: { body: { name: 'Production' }, answer: { ...ENVIRONMENT, ...REVISION } },
    async run({ manage, params, body }) {
      const { value, revision } = await putEnvironment(manage, params.org, params.ws, params.id, body);
      return put(value.created, { ...environmentView(value.item), revision });
    },
  }),
  route({
    ...environment,
    id: 'getEnvironment',
    method: 'GET',
    summary: 'Read an environment',
    answer: EnvironmentAnswer,
    example: { answer: ENVIRONMENT },
    run: async ({ manage, params }) => environmentView(await getEnvironment(manage, params.org, params.ws, params.id)),
  }),
  route({
    ...environment,
    id: 'deleteEnvironment',
    method: 'DELETE',
    summary: 'Delete an environment',
    description: forAdmins,
    answer: RevisionAnswer,
    example: { answer: REVISION },
    async run({ manage, params }) {
      const { revision } = await deleteEnvironment(manage, params.org, params.ws, params.id);
      return { revision };
    },
  }),
];

const assignment = { path: `${inside}/assignments/:kind/:id`, params: AssignmentParams, tag };

const assignmentRoutes: readonly AdminRoute[] = [
  route({
    ...assignment,
    id: 'putAssignment',
    method: 'PUT',
    summary: 'Give a member, a team or a service account a role in a workspace',
    description:
      'For admins of the workspace and administrators of the organization, who give no role above their own.',
    body: AssignmentBody,
    answer: AssignmentAnswer,
    example: { body: { role: 'admin' }, answer: { role: 'admin', ...REVISION } },
    async run({ manage, params, body }) {
      const { org, ws, kind, id } = params;
      const { value, revision } = await putAssignment(manage, org, ws, kind, id, body.role);
      return put(value.created, { ...value.item, revision });
    },
  }),
  route({
    ...assignment,
    id: 'getAssignment',
    method: 'GET',
    summary: 'Read the role that somebody is assigned in a workspace',
    answer: AssignmentAnswer,
    example: { answer: { role: 'admin' } },
    run: ({ manage, params: { org, ws, kind, id } }) => getAssignment(manage, org, ws, kind, id),
  }),
  route({
    ...assignment,
    id: 'deleteAssignment',
    method: 'DELETE',
    summary: 'Take an assigned role away',
    description: 'For admins of the workspace and administrators of the organization.',
    answer: RevisionAnswer,
    example: { answer: REVISION },
    async run({ manage, params: { org, ws, kind, id } }) {
      const { revision } = await deleteAssignment(manage, org, ws, kind, id);
      return { revision };
    },
  }),
];

const resource = { path: `${inside}/resources/:type/:id`, params: ResourceParams, tag };

const resourceRoutes: readonly AdminRoute[] = [
  route({
    ...resource,
    id: 'putResource',
    method: 'PUT',
    summary: 'Make a resource, or replace its owner and collaborators',
    description: `${forAdmins} A type and an id together are unique in the organization.`,
    body: ResourceBody,
    answer: ResourceAnswer,
    errors: { 400: ['invalid_id'], 409: ['id_taken'], 422: ['owner_unknown', 'collaborator_unknown'] },
    example: { body: { owner: 'ann', collaborators: ['bob'] }, answer: { ...RESOURCE, ...REVISION } },
    async run({ manage, params, body }) {
      const { org, ws, type, id } = params;
      const { value, revision } = await putResource(manage, org, ws, type, id, body);
      return put(value.created, { ...resourceView(value.item), revision });
    },
  }),
  route({
    ...resource,
    id: 'getResource',
    method: 'GET',
    summary: 'Read a resource',
    answer: ResourceAnswer,
    example: { answer: RESOURCE },
    run: async ({ manage, params: { org, ws, type, id } }) =>
      resourceView(await getResource(manage, org, ws, type, id)),
  }),
  route({
    ...resource,
    id: 'deleteResource',
    method: 'DELETE',
    summary: 'Delete a resource',
    description: forAdmins,
    answer: RevisionAnswer,
    example: { answer: REVISION },
    async run({ manage, params: { org, ws, type, id } }) {
      const { revision } = await deleteResource(manage, org, ws, type, id);
      return { revision };
    },
  }),
];

export const workspaceRoutes: readonly AdminRoute[] = [
  ...ownRoutes,
  ...environmentRoutes,
  ...assignmentRoutes,
  ...resourceRoutes,
];

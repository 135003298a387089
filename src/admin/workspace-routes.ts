/** Workspaces, environments, resources and assignments over HTTP. Parses and renders; the rules are in manage/. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
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
import type { ContextOf } from './caller.ts';
import { Assignment, Environment, Resource, Revision, TransferredWorkspace, Workspace } from './response-schemas.ts';
import {
  AssignmentInput,
  AssignmentParams,
  DryRunQuery,
  EnvironmentInput,
  ItemParams,
  NoQuery,
  ResourceInput,
  ResourceParams,
  TransferInput,
  WorkspaceInput,
  WorkspaceItemParams,
  WorkspacePatch,
} from './schemas.ts';
import { environmentView, resourceView, workspaceView } from './views.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

export function workspaceRoutes(app: App, manage: ContextOf): void {
  const workspaces = '/v1/organizations/:org/workspaces/:id';
  const workspace = { params: ItemParams, querystring: NoQuery, tags: ['workspaces'] };
  app.put(
    workspaces,
    { schema: { ...workspace, body: WorkspaceInput, response: { '2xx': Workspace } } },
    async (request, reply) => {
      const { value, revision } = await putWorkspace(
        manage(request),
        request.params.org,
        request.params.id,
        request.body,
      );
      return reply.code(value.created ? 201 : 200).send({ ...workspaceView(value.item), revision });
    },
  );
  app.get(workspaces, { schema: { ...workspace, response: { '2xx': Workspace } } }, async (request) =>
    workspaceView(await getWorkspace(manage(request), request.params.org, request.params.id)),
  );
  app.patch(
    workspaces,
    { schema: { ...workspace, body: WorkspacePatch, response: { '2xx': Workspace } } },
    async (request) => {
      const { value, revision } = await patchWorkspace(
        manage(request),
        request.params.org,
        request.params.id,
        request.body,
      );
      return { ...workspaceView(value), revision };
    },
  );
  app.delete(workspaces, { schema: { ...workspace, response: { '2xx': Revision } } }, async (request) => {
    const { revision } = await deleteWorkspace(manage(request), request.params.org, request.params.id);
    return { revision };
  });

  app.post(
    `${workspaces}/transfer`,
    {
      schema: {
        ...workspace,
        querystring: DryRunQuery,
        body: TransferInput,
        response: { '2xx': TransferredWorkspace },
      },
    },
    async (request) => {
      const { org, id } = request.params;
      const dryRun = request.query.dryRun === 'true';
      const { value, revision } = await transferWorkspace(manage(request), org, id, request.body.owner, { dryRun });
      return { ...workspaceView(value.item), cascade: value.cascade, dryRun, ...(dryRun ? {} : { revision }) } as never;
    },
  );

  const environments = '/v1/organizations/:org/workspaces/:ws/environments/:id';
  const environment = { params: WorkspaceItemParams, querystring: NoQuery, tags: ['workspaces'] };
  app.put(
    environments,
    { schema: { ...environment, body: EnvironmentInput, response: { '2xx': Environment } } },
    async (request, reply) => {
      const { org, ws, id } = request.params;
      const { value, revision } = await putEnvironment(manage(request), org, ws, id, request.body);
      return reply.code(value.created ? 201 : 200).send({ ...environmentView(value.item), revision });
    },
  );
  app.get(environments, { schema: { ...environment, response: { '2xx': Environment } } }, async (request) =>
    environmentView(await getEnvironment(manage(request), request.params.org, request.params.ws, request.params.id)),
  );
  app.delete(environments, { schema: { ...environment, response: { '2xx': Revision } } }, async (request) => {
    const { revision } = await deleteEnvironment(
      manage(request),
      request.params.org,
      request.params.ws,
      request.params.id,
    );
    return { revision };
  });

  const assignments = '/v1/organizations/:org/workspaces/:ws/assignments/:kind/:id';
  const assignment = { params: AssignmentParams, querystring: NoQuery, tags: ['workspaces'] };
  app.put(
    assignments,
    { schema: { ...assignment, body: AssignmentInput, response: { '2xx': Assignment } } },
    async (request, reply) => {
      const { org, ws, kind, id } = request.params;
      const { value, revision } = await putAssignment(manage(request), org, ws, kind, id, request.body.role);
      return reply.code(value.created ? 201 : 200).send({ ...value.item, revision });
    },
  );
  app.get(assignments, { schema: { ...assignment, response: { '2xx': Assignment } } }, async (request) => {
    const { org, ws, kind, id } = request.params;
    return getAssignment(manage(request), org, ws, kind, id);
  });
  app.delete(assignments, { schema: { ...assignment, response: { '2xx': Revision } } }, async (request) => {
    const { org, ws, kind, id } = request.params;
    const { revision } = await deleteAssignment(manage(request), org, ws, kind, id);
    return { revision };
  });

  const resources = '/v1/organizations/:org/workspaces/:ws/resources/:type/:id';
  const resource = { params: ResourceParams, querystring: NoQuery, tags: ['workspaces'] };
  app.put(
    resources,
    { schema: { ...resource, body: ResourceInput, response: { '2xx': Resource } } },
    async (request, reply) => {
      const { org, ws, type, id } = request.params;
      const { value, revision } = await putResource(manage(request), org, ws, type, id, request.body);
      return reply.code(value.created ? 201 : 200).send({ ...resourceView(value.item), revision } as never);
    },
  );
  app.get(resources, { schema: { ...resource, response: { '2xx': Resource } } }, async (request) => {
    const { org, ws, type, id } = request.params;
    return resourceView(await getResource(manage(request), org, ws, type, id)) as never;
  });
  app.delete(resources, { schema: { ...resource, response: { '2xx': Revision } } }, async (request) => {
    const { org, ws, type, id } = request.params;
    const { revision } = await deleteResource(manage(request), org, ws, type, id);
    return { revision };
  });
}

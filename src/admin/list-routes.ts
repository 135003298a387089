/**
 * What stands in an organization and in a workspace, page by page, for administrators. Reads only; what may be changed
 * and how is in manage/.
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type TObject, Type } from 'typebox';
import { requireAdministrator } from '../manage/actor.ts';
import { enter, type ManageContext, reader, requireWorkspace } from '../manage/context.ts';
import { list, type Page } from '../manage/listing.ts';
import { lists } from '../manage/unit-of-work/places.ts';
import type { AccountDoc, MemberDoc, TeamDoc } from '../manage/unit-of-work/records.ts';
import type { ContextOf } from './caller.ts';
import { readPage } from './paging.ts';
import { Environment, Member, Resource, Team, Workspace } from './response-schemas.ts';
import { AssignmentParams, Nullable, OrganizationParams, PageQuery } from './schemas.ts';
import { environmentView, memberView, resourceView, teamView, workspaceView } from './views.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

const WorkspaceParams = Type.Object({ org: Type.String(), ws: Type.String() });
const Assigned = Type.Object({
  kind: AssignmentParams.properties.kind,
  id: Type.String(),
  role: Type.String(),
});

const pageOf = (item: TObject) => Type.Object({ items: Type.Array(item), nextCursor: Nullable(Type.String()) });

/** Somebody with a role in a workspace. */
type Assignee = MemberDoc | TeamDoc | AccountDoc;

export function listRoutes(app: App, manage: ContextOf): void {
  const shape = (item: TObject, tags: string[]) => ({
    querystring: PageQuery,
    response: { '2xx': pageOf(item) },
    tags,
  });
  const below = '/v1/organizations/:org';
  const all = { params: OrganizationParams };
  app.get(`${below}/members`, { schema: { ...all, ...shape(Member, ['members']) } }, async (request) => {
    const { org } = request.params;
    await mayList(manage(request), org, 'list members');
    return show(await list(manage(request).store, 'member', lists.members(org), readPage(request.query)), memberView);
  });
  app.get(`${below}/teams`, { schema: { ...all, ...shape(Team, ['teams']) } }, async (request) => {
    const { org } = request.params;
    await mayList(manage(request), org, 'list teams');
    return show(await list(manage(request).store, 'team', lists.teams(org), readPage(request.query)), teamView);
  });
  app.get(`${below}/workspaces`, { schema: { ...all, ...shape(Workspace, ['workspaces']) } }, async (request) => {
    const { org } = request.params;
    await mayList(manage(request), org, 'list workspaces');
    const page = await list(manage(request).store, 'workspace', lists.workspaces(org), readPage(request.query));
    return show(page, workspaceView);
  });

  const inside = `${below}/workspaces/:ws`;
  const one = { params: WorkspaceParams };
  const tags = ['workspaces'];
  app.get(`${inside}/environments`, { schema: { ...one, ...shape(Environment, tags) } }, async (request) => {
    const { org, ws } = request.params;
    await mayList(manage(request), org, 'list environments', ws);
    const index = lists.environments(org, ws);
    return show(await list(manage(request).store, 'environment', index, readPage(request.query)), environmentView);
  });
  app.get(`${inside}/resources`, { schema: { ...one, ...shape(Resource, tags) } }, async (request) => {
    const { org, ws } = request.params;
    await mayList(manage(request), org, 'list resources', ws);
    const index = lists.resources(org, ws);
    return show(await list(manage(request).store, 'resource', index, readPage(request.query)), resourceView);
  });
  app.get(`${inside}/assignments`, { schema: { ...one, ...shape(Assigned, tags) } }, async (request) => {
    const { org, ws } = request.params;
    await mayList(manage(request), org, 'list assignments', ws);
    // The list holds whoever has a role, of all three kinds; a deleted account stays in it until it is purged.
    const pick = (doc: Assignee) => ('state' in doc && doc.state === 'deleted' ? null : doc);
    const index = lists.assigned(org, ws);
    const page = await list(manage(request).store, ['member', 'team', 'account'], index, {
      ...readPage(request.query),
      pick,
    });
    return show<Assignee>(page, (doc) => assignmentView(doc, ws));
  });
}

/** Throws Rejection: 403 for everybody but administrators, 404 for an organization or workspace that is not there. */
async function mayList(context: ManageContext, org: string, what: string, workspaceId?: string): Promise<void> {
  const unit = reader(context.store);
  const { rights } = await enter(context, unit, org);
  requireAdministrator(rights, what);
  if (workspaceId !== undefined) await requireWorkspace(unit, org, workspaceId);
}

function show<T>(page: Page<T>, view: (doc: T) => object): never {
  return { items: page.items.map(view), nextCursor: page.nextCursor } as never;
}

function assignmentView(doc: Assignee, workspaceId: string) {
  const role = doc.assignments.find(([id]) => id === workspaceId)?.[1];
  if ('clientId' in doc) return { kind: 'service-accounts', id: doc.clientId, role };
  return { kind: 'role' in doc ? 'members' : 'teams', id: doc.id, role };
}

/** Organizations, members and teams over HTTP. Parses and renders; the rules are in manage/. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import {
  deleteMember,
  deleteTeam,
  getMember,
  getTeam,
  patchMember,
  putMember,
  putTeam,
} from '../manage/organization/members.ts';
import { deleteOrganization, getOrganization, putOrganization } from '../manage/organization/organizations.ts';
import type { ContextOf } from './caller.ts';
import { Member, Organization, RemovedMember, Revision, Team } from './response-schemas.ts';
import {
  DryRunQuery,
  ItemParams,
  MemberInput,
  MemberPatch,
  NoQuery,
  OrganizationInput,
  OrganizationParams,
  TeamInput,
} from './schemas.ts';
import { memberView, organizationView, teamView } from './views.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

export function directoryRoutes(app: App, manage: ContextOf): void {
  const organization = { params: OrganizationParams, querystring: NoQuery, tags: ['organizations'] };
  const organizations = '/v1/organizations/:org';
  app.put(
    organizations,
    { schema: { ...organization, body: OrganizationInput, response: { '2xx': Organization } } },
    async (request, reply) => {
      const { value, revision } = await putOrganization(manage(request), request.params.org, request.body);
      return reply.code(value.created ? 201 : 200).send({ ...organizationView(value.item), revision });
    },
  );
  app.get(organizations, { schema: { ...organization, response: { '2xx': Organization } } }, async (request) =>
    organizationView(await getOrganization(manage(request), request.params.org)),
  );
  app.delete(organizations, { schema: { ...organization, response: { '2xx': Revision } } }, async (request) => {
    const { revision } = await deleteOrganization(manage(request), request.params.org);
    return { revision };
  });

  const item = { params: ItemParams, querystring: NoQuery, tags: ['members'] };
  const members = '/v1/organizations/:org/members/:id';
  app.put(members, { schema: { ...item, body: MemberInput, response: { '2xx': Member } } }, async (request, reply) => {
    const { value, revision } = await putMember(manage(request), request.params.org, request.params.id, request.body);
    return reply.code(value.created ? 201 : 200).send({ ...memberView(value.item), revision } as never);
  });
  app.get(
    members,
    { schema: { ...item, response: { '2xx': Member } } },
    async (request) => memberView(await getMember(manage(request), request.params.org, request.params.id)) as never,
  );
  app.patch(members, { schema: { ...item, body: MemberPatch, response: { '2xx': Member } } }, async (request) => {
    const { value, revision } = await patchMember(manage(request), request.params.org, request.params.id, request.body);
    return { ...memberView(value), revision } as never;
  });
  app.delete(
    members,
    { schema: { ...item, querystring: DryRunQuery, response: { '2xx': RemovedMember } } },
    async (request) => {
      const dryRun = request.query.dryRun === 'true';
      const { value, revision } = await deleteMember(manage(request), request.params.org, request.params.id, {
        dryRun,
      });
      return { cascade: value, dryRun, ...(dryRun ? {} : { revision }) } as never;
    },
  );

  const teams = '/v1/organizations/:org/teams/:id';
  const team = { ...item, tags: ['teams'] };
  app.put(teams, { schema: { ...team, body: TeamInput, response: { '2xx': Team } } }, async (request, reply) => {
    const { value, revision } = await putTeam(manage(request), request.params.org, request.params.id, request.body);
    return reply.code(value.created ? 201 : 200).send({ ...teamView(value.item), revision } as never);
  });
  app.get(
    teams,
    { schema: { ...team, response: { '2xx': Team } } },
    async (request) => teamView(await getTeam(manage(request), request.params.org, request.params.id)) as never,
  );
  app.delete(teams, { schema: { ...team, response: { '2xx': Revision } } }, async (request) => {
    const { revision } = await deleteTeam(manage(request), request.params.org, request.params.id);
    return { revision };
  });
}

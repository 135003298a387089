/** What stands in an organization and in a workspace, page by page, over HTTP. Parses and renders; the rules are in manage/. */
import {
  listAssignments,
  listEnvironments,
  listMembers,
  listOrganizations,
  listResources,
  listTeams,
  listWorkspaces,
} from '../manage/organization/directory-lists.ts';
import { listPrincipals } from '../manage/organization/principals.ts';
import { ENVIRONMENT, MEMBER, ORGANIZATION, RESOURCE, TEAM, WORKSPACE } from './examples.ts';
import { readPage, showPage } from './paging.ts';
import {
  AssignmentListAnswer,
  EnvironmentListAnswer,
  MemberListAnswer,
  OrganizationListAnswer,
  PrincipalListAnswer,
  ResourceListAnswer,
  TeamListAnswer,
  WorkspaceListAnswer,
} from './response-schemas.ts';
import { type AdminRoute, route } from './route.ts';
import { NamedPageQuery, OrganizationParams, PageQuery, PrincipalQuery, WorkspaceParams } from './schemas.ts';
import { environmentView, memberView, organizationView, resourceView, teamView, workspaceView } from './views.ts';

const organization = '/v1/organizations/:org';
const workspace = `${organization}/workspaces/:ws`;
const description = 'For administrators of the organization.';

export const listRoutes: readonly AdminRoute[] = [
  route({
    id: 'listOrganizations',
    method: 'GET',
    path: '/v1/organizations',
    tag: 'organizations',
    summary: 'List all organizations',
    description: 'For the operator.',
    query: PageQuery,
    answer: OrganizationListAnswer,
    errors: { 403: ['forbidden'] },
    example: { answer: { items: [ORGANIZATION], nextCursor: null } },
    run: async ({ manage, query }) => showPage(await listOrganizations(manage, readPage(query)), organizationView),
  }),
  route({
    id: 'listMembers',
    method: 'GET',
    path: `${organization}/members`,
    tag: 'members',
    summary: 'List the members of an organization',
    description,
    params: OrganizationParams,
    query: NamedPageQuery,
    answer: MemberListAnswer,
    example: { answer: { items: [MEMBER], nextCursor: null } },
    run: async ({ manage, params, query: { name, ...page } }) =>
      showPage(await listMembers(manage, params.org, readPage(page), name), memberView),
  }),
  route({
    id: 'listTeams',
    method: 'GET',
    path: `${organization}/teams`,
    tag: 'teams',
    summary: 'List the teams of an organization',
    description,
    params: OrganizationParams,
    query: NamedPageQuery,
    answer: TeamListAnswer,
    example: { answer: { items: [TEAM], nextCursor: null } },
    run: async ({ manage, params, query: { name, ...page } }) =>
      showPage(await listTeams(manage, params.org, readPage(page), name), teamView),
  }),
  route({
    id: 'listPrincipals',
    method: 'GET',
    path: `${organization}/principals`,
    tag: 'members',
    summary: 'Find members, teams and service accounts by name',
    description:
      'Whom a role in a workspace can be given to. For administrators of the organization and admins of any of its workspaces; in edition personal for the operator alone.',
    params: OrganizationParams,
    query: PrincipalQuery,
    answer: PrincipalListAnswer,
    example: { answer: { items: [{ type: 'member', id: 'ann', name: 'Ann' }], nextCursor: null } },
    async run({ manage, params, query }) {
      const { limit, cursor, ...filter } = query;
      const page = await listPrincipals(manage, params.org, filter, readPage({ limit, cursor }));
      return showPage(page, (principal) => principal);
    },
  }),
  route({
    id: 'listWorkspaces',
    method: 'GET',
    path: `${organization}/workspaces`,
    tag: 'workspaces',
    summary: 'List the workspaces of an organization',
    description,
    params: OrganizationParams,
    query: NamedPageQuery,
    answer: WorkspaceListAnswer,
    example: { answer: { items: [WORKSPACE], nextCursor: null } },
    run: async ({ manage, params, query: { name, ...page } }) =>
      showPage(await listWorkspaces(manage, params.org, readPage(page), name), workspaceView),
  }),
  route({
    id: 'listEnvironments',
    method: 'GET',
    path: `${workspace}/environments`,
    tag: 'workspaces',
    summary: 'List the environments of a workspace',
    description,
    params: WorkspaceParams,
    query: PageQuery,
    answer: EnvironmentListAnswer,
    example: { answer: { items: [ENVIRONMENT], nextCursor: null } },
    run: async ({ manage, params, query }) =>
      showPage(await listEnvironments(manage, params.org, params.ws, readPage(query)), environmentView),
  }),
  route({
    id: 'listResources',
    method: 'GET',
    path: `${workspace}/resources`,
    tag: 'workspaces',
    summary: 'List the resources of a workspace',
    description,
    params: WorkspaceParams,
    query: PageQuery,
    answer: ResourceListAnswer,
    example: { answer: { items: [RESOURCE], nextCursor: null } },
    run: async ({ manage, params, query }) =>
      showPage(await listResources(manage, params.org, params.ws, readPage(query)), resourceView),
  }),
  route({
    id: 'listAssignments',
    method: 'GET',
    path: `${workspace}/assignments`,
    tag: 'workspaces',
    summary: 'List who has which role in a workspace',
    description:
      'For administrators of the organization and admins of the workspace. Members, teams and service accounts, all in one list.',
    params: WorkspaceParams,
    query: PageQuery,
    answer: AssignmentListAnswer,
    example: { answer: { items: [{ kind: 'members', id: 'ann', role: 'admin' }], nextCursor: null } },
    run: async ({ manage, params, query }) =>
      showPage(await listAssignments(manage, params.org, params.ws, readPage(query)), (assigned) => assigned),
  }),
];

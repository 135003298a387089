/** Organizations, members and teams over HTTP. Parses and renders; the rules are in manage/. */
import {
  deleteMember,
  deleteTeam,
  getMember,
  getTeam,
  patchMember,
  putMember,
  putTeam,
} from '../manage/organization/members.ts';
import { readMemberships } from '../manage/organization/memberships.ts';
import { deleteOrganization, getOrganization, putOrganization } from '../manage/organization/organizations.ts';
import { MEMBER, ORGANIZATION, REVISION, TEAM } from './examples.ts';
import {
  DeletedTeamAnswer,
  MemberAnswer,
  MembershipsAnswer,
  OrganizationAnswer,
  RemovedMemberAnswer,
  RevisionAnswer,
  TeamAnswer,
} from './response-schemas.ts';
import { type AdminRoute, put, route } from './route.ts';
import {
  DryRunQuery,
  ItemParams,
  MemberBody,
  MemberPatchBody,
  OrganizationBody,
  OrganizationParams,
  TeamBody,
} from './schemas.ts';
import { memberView, organizationView, teamView } from './views.ts';

const organization = { path: '/v1/organizations/:org', params: OrganizationParams, tag: 'organizations' } as const;

const organizationRoutes: readonly AdminRoute[] = [
  route({
    ...organization,
    id: 'putOrganization',
    method: 'PUT',
    summary: 'Make an organization, rename it, or say which enterprise it belongs to',
    description:
      'For the operator. The edition of an organization never changes. In an enterprise its tokens count with those of the others; it joins only where they have room.',
    body: OrganizationBody,
    answer: OrganizationAnswer,
    errors: {
      400: ['invalid_id'],
      409: ['edition_fixed', 'still_deleting', 'limit_reached'],
      422: ['enterprise_unknown', 'enterprise_not_for_edition'],
    },
    example: { body: { name: 'Acme', edition: 'team' }, answer: { ...ORGANIZATION, ...REVISION } },
    async run({ manage, params, body }) {
      const { value, revision } = await putOrganization(manage, params.org, body);
      return put(value.created, { ...organizationView(value.item), revision });
    },
  }),
  route({
    ...organization,
    id: 'getOrganization',
    method: 'GET',
    summary: 'Read an organization',
    answer: OrganizationAnswer,
    example: { answer: ORGANIZATION },
    run: async ({ manage, params }) => organizationView(await getOrganization(manage, params.org)),
  }),
  route({
    ...organization,
    id: 'deleteOrganization',
    method: 'DELETE',
    summary: 'Delete an organization and everything in it',
    description: 'For the operator. Its tokens are unknown from the next request on.',
    answer: RevisionAnswer,
    example: { answer: REVISION },
    async run({ manage, params }) {
      const { revision } = await deleteOrganization(manage, params.org);
      return { revision };
    },
  }),
];

const member = { path: '/v1/organizations/:org/members/:id', params: ItemParams, tag: 'members' } as const;

const memberRoutes: readonly AdminRoute[] = [
  route({
    ...member,
    id: 'putMember',
    method: 'PUT',
    summary: 'Make a member, or replace what they may',
    description: 'For administrators. What is not given is what the role gives.',
    body: MemberBody,
    answer: MemberAnswer,
    errors: { 400: ['invalid_id'], 422: ['role_unknown', 'scope_unknown', 'action_unknown', 'email_invalid'] },
    example: {
      body: { name: 'Ann', email: 'ann@acme.example', role: 'member' },
      answer: { ...MEMBER, ...REVISION },
    },
    async run({ manage, params, body }) {
      const { value, revision } = await putMember(manage, params.org, params.id, body);
      return put(value.created, { ...memberView(value.item), revision });
    },
  }),
  route({
    ...member,
    id: 'getMember',
    method: 'GET',
    summary: 'Read a member',
    description: 'For administrators, and for the member.',
    answer: MemberAnswer,
    example: { answer: MEMBER },
    run: async ({ manage, params }) => memberView(await getMember(manage, params.org, params.id)),
  }),
  route({
    ...member,
    path: `${member.path}/memberships`,
    id: 'getMemberships',
    method: 'GET',
    summary: 'Read the teams of a member, and their roles in workspaces with where each comes from',
    description: 'For administrators, and for the member.',
    answer: MembershipsAnswer,
    example: {
      answer: {
        teams: [{ id: 'writers', name: 'Writers' }],
        everywhere: null,
        workspaces: [
          {
            ...{ id: 'w1', name: 'Handbook', role: 'admin' },
            sources: [
              { source: 'owner', team: null, role: 'admin' },
              { source: 'team', team: 'writers', role: 'member' },
            ],
          },
        ],
        more: false,
      },
    },
    run: ({ manage, params }) => readMemberships(manage, params.org, params.id),
  }),
  route({
    ...member,
    id: 'patchMember',
    method: 'PATCH',
    summary: 'Change some fields of a member',
    description: 'For administrators. Nobody changes their own role, scopes or actions.',
    body: MemberPatchBody,
    answer: MemberAnswer,
    errors: { 422: ['role_unknown', 'scope_unknown', 'action_unknown', 'email_invalid'] },
    example: { body: { scopes: ['bot:read'] }, answer: { ...MEMBER, scopes: ['bot:read'], ...REVISION } },
    async run({ manage, params, body }) {
      const { value, revision } = await patchMember(manage, params.org, params.id, body);
      return { ...memberView(value), revision };
    },
  }),
  route({
    ...member,
    id: 'deleteMember',
    method: 'DELETE',
    summary: 'Remove a member, or preview what that takes along',
    description: 'For administrators. Their personal tokens end for good, even if the same id joins again.',
    query: DryRunQuery,
    answer: RemovedMemberAnswer,
    example: {
      answer: {
        cascade: {
          deactivatedTokens: ['tok_1'],
          keptTokens: [],
          contactlessTokens: ['tok_2'],
          leftTeams: ['writers'],
          ownedWorkspaces: ['w1'],
        },
        dryRun: false,
        ...REVISION,
      },
    },
    async run({ manage, params, query }) {
      const dryRun = query.dryRun === 'true';
      const { value, revision } = await deleteMember(manage, params.org, params.id, { dryRun });
      return { cascade: value, dryRun, ...(dryRun ? {} : { revision }) };
    },
  }),
];

const team = { path: '/v1/organizations/:org/teams/:id', params: ItemParams, tag: 'teams' } as const;

const teamRoutes: readonly AdminRoute[] = [
  route({
    ...team,
    id: 'putTeam',
    method: 'PUT',
    summary: 'Make a team, or replace its members',
    description: 'For administrators. Its members have the roles that the team is assigned in workspaces.',
    body: TeamBody,
    answer: TeamAnswer,
    errors: { 400: ['invalid_id'], 422: ['member_unknown'] },
    example: { body: { name: 'Writers', members: ['ann', 'bob'] }, answer: { ...TEAM, ...REVISION } },
    async run({ manage, params, body }) {
      const { value, revision } = await putTeam(manage, params.org, params.id, body);
      return put(value.created, { ...teamView(value.item), revision });
    },
  }),
  route({
    ...team,
    id: 'getTeam',
    method: 'GET',
    summary: 'Read a team',
    answer: TeamAnswer,
    example: { answer: TEAM },
    run: async ({ manage, params }) => teamView(await getTeam(manage, params.org, params.id)),
  }),
  route({
    ...team,
    id: 'deleteTeam',
    method: 'DELETE',
    summary: 'Delete a team, or preview what that takes along',
    description: 'For administrators. What it gave its members ends with it.',
    query: DryRunQuery,
    answer: DeletedTeamAnswer,
    example: { answer: { cascade: { members: ['ann'], lostRoles: ['w1'] }, dryRun: false, ...REVISION } },
    async run({ manage, params, query }) {
      const dryRun = query.dryRun === 'true';
      const { value, revision } = await deleteTeam(manage, params.org, params.id, { dryRun });
      return { cascade: value, dryRun, ...(dryRun ? {} : { revision }) };
    },
  }),
];

export const directoryRoutes: readonly AdminRoute[] = [...organizationRoutes, ...memberRoutes, ...teamRoutes];

/** Where the pages of members, teams and workspaces are, and what they ask of the API. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '../api/client.ts';
import { type TypedId, withNames } from '../api/names.ts';
import { accountPath } from '../service-accounts/account-queries.ts';

type Area = 'members' | 'teams' | 'workspaces' | 'policies';
interface NamedFilters {
  readonly name?: string;
  readonly cursor?: string;
}

/** Where more is told of somebody who has a role. */
export function assignedHref(org: string, kind: keyof typeof ASSIGNEE_TYPES, id: string): string {
  return kind === 'service-accounts' ? accountPath(org, id) : directoryPath(org, kind, id);
}

export function directoryPath(org: string, area: Area, id?: string): string {
  const list = `/o/${encodeURIComponent(org)}/${area}`;
  return id === undefined ? list : `${list}/${encodeURIComponent(id)}`;
}

const page = (org: string, filters: NamedFilters) => ({
  params: { path: { org }, query: { limit: '50', ...filters } },
});

export const membersQuery = (org: string, filters: NamedFilters) =>
  queryOptions({
    queryKey: ['directory', org, 'members', filters],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/members', page(org, filters))),
  });

export const teamsQuery = (org: string, filters: NamedFilters) =>
  queryOptions({
    queryKey: ['directory', org, 'teams', filters],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/teams', page(org, filters))),
  });

export const workspaceListQuery = (org: string, filters: NamedFilters) =>
  queryOptions({
    queryKey: ['directory', org, 'workspaces', filters],
    queryFn: () =>
      withNames(org, answerOf(api.GET('/v1/organizations/{org}/workspaces', page(org, filters))), ({ items }) =>
        items.map(({ owner }): TypedId => `member/${owner}`),
      ),
  });

const one = (org: string, id: string) => ({ params: { path: { org, id } } });

export const memberQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'member', id],
    queryFn: () =>
      withNames(org, answerOf(api.GET('/v1/organizations/{org}/members/{id}', one(org, id))), ({ teams, policies }) => [
        ...teams.map((team): TypedId => `team/${team}`),
        ...policies.map((policy): TypedId => `iam-policy/${policy}`),
      ]),
  });

export const membershipsQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'memberships', id],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/members/{id}/memberships', one(org, id))),
  });

export const teamQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'team', id],
    queryFn: () =>
      withNames(org, answerOf(api.GET('/v1/organizations/{org}/teams/{id}', one(org, id))), ({ members, policies }) => [
        ...members.map((member): TypedId => `member/${member}`),
        ...policies.map((policy): TypedId => `iam-policy/${policy}`),
      ]),
  });

export const workspaceQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'workspace', id],
    queryFn: () =>
      withNames(org, answerOf(api.GET('/v1/organizations/{org}/workspaces/{id}', one(org, id))), ({ owner }) => [
        `member/${owner}`,
      ]),
  });

/** Somebody, or something, with a role in a workspace. */
export interface ShownAssignment {
  readonly kind: keyof typeof ASSIGNEE_TYPES;
  readonly id: string;
  readonly role: string;
}

export const ASSIGNEE_TYPES = {
  members: 'member',
  teams: 'team',
  'service-accounts': 'service-account',
} as const;

const inside = (org: string, ws: string) => ({ params: { path: { org, ws }, query: { limit: '200' } } });

export const assignmentsQuery = (org: string, ws: string) =>
  queryOptions({
    queryKey: ['directory', org, 'assignments', ws],
    queryFn: () =>
      withNames(
        org,
        answerOf(api.GET('/v1/organizations/{org}/workspaces/{ws}/assignments', inside(org, ws))),
        ({ items }) => items.map(({ kind, id }): TypedId => `${ASSIGNEE_TYPES[kind]}/${id}`),
      ),
  });

export const environmentsQuery = (org: string, ws: string) =>
  queryOptions({
    queryKey: ['directory', org, 'environments', ws],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/workspaces/{ws}/environments', inside(org, ws))),
  });

export const environmentQuery = (org: string, ws: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'environment', ws, id],
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/workspaces/{ws}/environments/{id}', { params: { path: { org, ws, id } } }),
      ),
  });

export const resourcesQuery = (org: string, ws: string) =>
  queryOptions({
    queryKey: ['directory', org, 'resources', ws],
    queryFn: () =>
      withNames(
        org,
        answerOf(api.GET('/v1/organizations/{org}/workspaces/{ws}/resources', inside(org, ws))),
        ({ items }) =>
          items.flatMap(({ owner, collaborators }) => [owner, ...collaborators]).map((id): TypedId => `member/${id}`),
      ),
  });

export const resourceQuery = (org: string, ws: string, type: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'resource', ws, type, id],
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/workspaces/{ws}/resources/{type}/{id}', {
          params: { path: { org, ws, type, id } },
        }),
      ),
  });

export const workspaceTokensQuery = (org: string, workspace: string) =>
  queryOptions({
    queryKey: ['tokens', org, 'workspace', workspace],
    queryFn: () =>
      withNames(
        org,
        answerOf(
          api.GET('/v1/organizations/{org}/tokens', {
            params: { path: { org }, query: { limit: '50', workspace, state: 'active' } },
          }),
        ),
        ({ items }) => items.flatMap(({ ownerId }): TypedId[] => (ownerId === null ? [] : [`member/${ownerId}`])),
      ),
  });

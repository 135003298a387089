/** Where the pages of members, teams and workspaces are, and what they ask of the API. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '../api/client.ts';

type Area = 'members' | 'teams' | 'workspaces';
interface NamedFilters {
  readonly name?: string;
  readonly cursor?: string;
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
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/workspaces', page(org, filters))),
  });

const one = (org: string, id: string) => ({ params: { path: { org, id } } });

export const memberQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'member', id],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/members/{id}', one(org, id))),
  });

export const membershipsQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'memberships', id],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/members/{id}/memberships', one(org, id))),
  });

export const teamQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'team', id],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/teams/{id}', one(org, id))),
  });

export const workspaceQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['directory', org, 'workspace', id],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/workspaces/{id}', one(org, id))),
  });

export const assignmentsQuery = (org: string, ws: string) =>
  queryOptions({
    queryKey: ['directory', org, 'assignments', ws],
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/workspaces/{ws}/assignments', {
          params: { path: { org, ws }, query: { limit: '200' } },
        }),
      ),
  });

export const workspaceTokensQuery = (org: string, workspace: string) =>
  queryOptions({
    queryKey: ['tokens', org, 'workspace', workspace],
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/tokens', {
          params: { path: { org }, query: { limit: '50', workspace, state: 'active' } },
        }),
      ),
  });

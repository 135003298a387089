/** What the pages of service accounts ask of the API. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { type KnownNames, type TypedId, withNames } from '../api/names.ts';

export type ShownAccount = Shapes['AccountWithTokens'];

/** One, with the names of its workspaces. */
export type OneAccount = ShownAccount & { readonly names: KnownNames };

export function accountsPath(org: string): string {
  return `/o/${encodeURIComponent(org)}/service-accounts`;
}

export function accountPath(org: string, clientId: string): string {
  return `${accountsPath(org)}/${encodeURIComponent(clientId)}`;
}

export const accountsQuery = (org: string, filters: { readonly name?: string; readonly cursor?: string }) =>
  queryOptions({
    queryKey: ['accounts', org, 'list', filters],
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/service-accounts', {
          params: { path: { org }, query: { limit: '50', ...filters } },
        }),
      ),
  });

export const accountQuery = (org: string, clientId: string) =>
  queryOptions({
    queryKey: ['accounts', org, 'one', clientId],
    queryFn: () =>
      withNames(
        org,
        answerOf(
          api.GET('/v1/organizations/{org}/service-accounts/{clientId}', { params: { path: { org, clientId } } }),
        ),
        ({ roles }) => roles.map(({ workspace }): TypedId => `workspace/${workspace}`),
      ),
  });

/** Workspaces whose name or id holds `name`: enough of them to choose from. */
export const workspacesNamedQuery = (org: string, name: string) =>
  queryOptions({
    queryKey: ['workspaces', org, 'named', name],
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/workspaces', {
          params: { path: { org }, query: { limit: '20', ...(name === '' ? {} : { name }) } },
        }),
      ),
  });

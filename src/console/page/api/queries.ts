/** What pages ask of the API, each question under one name, so that an answer is known wherever it is asked again. */
import { QueryClient, queryOptions } from '@tanstack/react-query';
import { ApiError, answerOf, api, type Shapes } from './client.ts';
import { type TypedId, withNames } from './names.ts';
import type { paths } from './openapi.d.ts';

export const SESSION = ['session'] as const;

/** A session that ended in the middle of something is asked for again (app.tsx). */
export function newQueryClient(): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (failures, error) => failures < 2 && error instanceof ApiError && [0, 503].includes(error.status),
        // What the window shows is asked anew by whoever looks.
        refetchOnWindowFocus: true,
      },
    },
  });
  const isOver = (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) void client.invalidateQueries({ queryKey: SESSION });
  };
  client.getQueryCache().config.onError = isOver;
  client.getMutationCache().config.onError = isOver;
  return client;
}

export const sessionQuery = queryOptions({
  queryKey: SESSION,
  queryFn: () => answerOf(api.GET('/v1/session')),
  staleTime: 60_000,
});

export const organizationsQuery = queryOptions({
  queryKey: ['organizations'],
  queryFn: () => answerOf(api.GET('/v1/organizations', { params: { query: { limit: '1000' } } })),
});

export const policyQuery = queryOptions({
  queryKey: ['policy'],
  queryFn: () => answerOf(api.GET('/v1/policy')),
  staleTime: 60_000,
});

export type TokenFilters = NonNullable<paths['/v1/organizations/{org}/tokens']['get']['parameters']['query']>;

export const tokensQuery = (org: string, filters: TokenFilters) =>
  queryOptions({
    queryKey: ['tokens', org, 'list', filters],
    queryFn: () => {
      const params = { path: { org }, query: { limit: '50', ...filters } };
      return withNames(org, answerOf(api.GET('/v1/organizations/{org}/tokens', { params })), ({ items }) =>
        items.flatMap(({ ownerId }) => memberIds(ownerId)),
      );
    },
  });

export const tokenQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['tokens', org, 'one', id],
    queryFn: () =>
      withNames(
        org,
        answerOf(api.GET('/v1/organizations/{org}/tokens/{id}', { params: { path: { org, id } } })),
        idsIn,
      ),
  });

function idsIn({ ownerId, createdBy, contacts, workspaces, environments }: Shapes['Token']): readonly TypedId[] {
  return [
    ...memberIds(ownerId, createdBy, contacts?.primary ?? null),
    ...(typeof workspaces === 'string' ? [] : workspaces.map((each): TypedId => `workspace/${each}`)),
    ...(environments ?? []).map((each): TypedId => `environment/${each}`),
  ];
}

function memberIds(...ids: readonly (string | null)[]): readonly TypedId[] {
  return ids.flatMap((id): TypedId[] => (id === null ? [] : [`member/${id}`]));
}

/** The last of them. */
export const tokenRefusalsQuery = (organization: string, token: string) =>
  queryOptions({
    queryKey: ['refusals', organization, token],
    queryFn: () => answerOf(api.GET('/v1/refusals', { params: { query: { organization, token, limit: '10' } } })),
    staleTime: 0,
  });

/** Which routes a token reaches: as many as one answer has; its numbers are of all. */
export const reachQuery = (org: string, id: string) =>
  queryOptions({
    queryKey: ['tokens', org, 'reach', id],
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/tokens/{id}/reach', {
          params: { path: { org, id }, query: { limit: '1000' } },
        }),
      ),
  });

/** The same of one that nobody has made yet. */
export const previewQuery = (org: string, draft: Shapes['TokenInput']) =>
  queryOptions({
    queryKey: ['preview', org, draft],
    queryFn: () =>
      answerOf(
        api.POST('/v1/organizations/{org}/tokens/preview', {
          params: { path: { org }, query: { limit: '1000' } },
          body: draft,
        }),
      ),
  });

/** What an owner may give a token; `owner` undefined: the caller. */
export const grantableQuery = (org: string, asked: { owner?: string; kind: string; workspace?: string }) =>
  queryOptions({
    queryKey: ['grantable', org, asked],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/grantable', { params: { path: { org }, query: asked } })),
    staleTime: 60_000,
  });

/** Those whose name holds `name`: enough of them to choose from. */
export const principalsNamedQuery = (org: string, type: 'member' | 'team' | 'service-account', name: string) =>
  queryOptions({
    queryKey: ['principals', org, type, name],
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/principals', {
          params: { path: { org }, query: { limit: '20', type, ...(name === '' ? {} : { name }) } },
        }),
      ),
  });

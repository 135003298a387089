/** What the pages of named policies ask of the API, and send it. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '../api/client.ts';
import { type TypedId, withNames } from '../api/names.ts';
import { WAIT } from '../parts/receipt.tsx';

export const namedPoliciesQuery = (org: string, filters: { readonly cursor?: string }) =>
  queryOptions({
    queryKey: ['directory', org, 'policies', filters],
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/iam-policies', {
          params: { path: { org }, query: { limit: '50', ...filters } },
        }),
      ),
  });

export const namedPolicyQuery = (org: string, policy: string) =>
  queryOptions({
    queryKey: ['directory', org, 'policy', policy],
    queryFn: () =>
      answerOf(api.GET('/v1/organizations/{org}/iam-policies/{policy}', { params: { path: { org, policy } } })),
  });

export const attachmentsQuery = (org: string, policy: string) =>
  queryOptions({
    queryKey: ['directory', org, 'attachments', policy],
    queryFn: () =>
      withNames(
        org,
        answerOf(
          api.GET('/v1/organizations/{org}/iam-policies/{policy}/attachments', {
            params: { path: { org, policy }, query: { limit: '200' } },
          }),
        ),
        ({ items }) => items.map(({ kind, id }): TypedId => `${kind === 'teams' ? 'team' : 'member'}/${id}`),
      ),
  });

/** A statement as it is written: its lists one a line. */
export interface DraftStatement {
  /** Tells those apart that say the same. */
  readonly line: number;
  readonly effect: 'allow' | 'deny';
  readonly actions: string;
  readonly resources: string;
}

const wordsOf = (text: string) => text.split(/\s+/).filter((each) => each !== '');

export function putNamedPolicy(org: string, policy: string, name: string, statements: readonly DraftStatement[]) {
  const body = {
    name,
    statements: statements.map(({ effect, actions, resources }) => ({
      ...{ effect, actions: wordsOf(actions), resources: wordsOf(resources) },
    })),
  };
  const params = { path: { org, policy }, query: WAIT };
  return answerOf(api.PUT('/v1/organizations/{org}/iam-policies/{policy}', { params, body }));
}

type HolderKind = 'members' | 'teams';

export function attachNamedPolicy(org: string, policy: string, kind: HolderKind, id: string) {
  const params = { path: { org, policy, kind, id }, query: WAIT };
  return answerOf(api.PUT('/v1/organizations/{org}/iam-policies/{policy}/attachments/{kind}/{id}', { params }));
}

export function detachNamedPolicy(org: string, policy: string, kind: HolderKind, id: string) {
  const params = { path: { org, policy, kind, id }, query: WAIT };
  return answerOf(api.DELETE('/v1/organizations/{org}/iam-policies/{policy}/attachments/{kind}/{id}', { params }));
}

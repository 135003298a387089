/** What the page of the audit trail asks of the API. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { type KnownNames, type TypedId, withNames } from '../api/names.ts';
import type { UrlFilters } from '../parts/url-filters.ts';

export type AuditEvent = Shapes['AuditList']['items'][number];
export const AUDIT_FILTERS = ['actor', 'object', 'kind', 'outcome', 'since', 'until'] as const;
export type AuditFilters = UrlFilters<(typeof AUDIT_FILTERS)[number]>['filters'];

const OUTCOMES = ['done', 'refused'] as const;

/** What is in no list of outcomes is not asked for: somebody has typed it into the address. */
function queryOf({ outcome, ...filters }: AuditFilters) {
  const known = OUTCOMES.find((each) => each === outcome);
  return { order: 'newest' as const, ...filters, ...(known === undefined ? {} : { outcome: known }) };
}

export const auditQuery = (org: string, filters: AuditFilters, limit = '50') =>
  queryOptions({
    queryKey: ['audit', org, filters, limit],
    queryFn: () => {
      const params = { path: { org }, query: { limit, ...queryOf(filters) } };
      return withNames(org, answerOf(api.GET('/v1/organizations/{org}/audit-events', { params })), ({ items }) =>
        items.flatMap((event) => [actorIdOf(event), targetIdOf(event)]).filter((each) => each !== null),
      );
    },
    staleTime: 0,
  });

const ACTOR_TYPES = { member: 'member', token: 'member', client: 'service-account' } as const;

/** By whom; null: by nobody who has a name. */
export function actorIdOf({ actor: { kind, id } }: AuditEvent): TypedId | null {
  return id !== null && kind in ACTOR_TYPES ? `${ACTOR_TYPES[kind as keyof typeof ACTOR_TYPES]}/${id}` : null;
}

const NAMED_TARGETS = [
  ...(['member', 'team', 'workspace', 'environment', 'token', 'service-account', 'iam-policy'] as const),
];

function targetIdOf({ target }: AuditEvent): TypedId | null {
  const type = NAMED_TARGETS.find((each) => each === target?.type);
  return type === undefined ? null : `${type}/${target!.id}`;
}

/** As it is called now; what is no more, as it was called then. */
export function targetNameOf(event: AuditEvent, names: KnownNames): string | null {
  const id = targetIdOf(event);
  const then = [event.after, event.before].map((each) => (each as { readonly name?: unknown } | null)?.name);
  return (id === null ? undefined : names.get(id)) ?? then.find((each) => typeof each === 'string') ?? null;
}

/** The same list whole, whatever page is shown. */
export function auditExportPath(org: string, { cursor: _, ...filters }: AuditFilters): string {
  const query = new URLSearchParams(queryOf(filters));
  return `/v1/organizations/${encodeURIComponent(org)}/audit-events/export?${query}`;
}

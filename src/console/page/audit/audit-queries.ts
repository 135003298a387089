/** What the page of the audit trail asks of the API. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api, type Shapes } from '../api/client.ts';
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
    queryFn: () =>
      answerOf(
        api.GET('/v1/organizations/{org}/audit-events', {
          params: { path: { org }, query: { limit, ...queryOf(filters) } },
        }),
      ),
    staleTime: 0,
  });

/** The same list whole, whatever page is shown. */
export function auditExportPath(org: string, { cursor: _, ...filters }: AuditFilters): string {
  const query = new URLSearchParams(queryOf(filters));
  return `/v1/organizations/${encodeURIComponent(org)}/audit-events/export?${query}`;
}

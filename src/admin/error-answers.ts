/**
 * How each operation may refuse: HTTP statuses, each with the codes that a program finds in `code`. What follows from
 * the method, the path and the body is said here once; what only one operation can say stands with it.
 */
import type { RejectionKind } from '../manage/rejection.ts';
import type { AdminRoute } from './route.ts';
import { NoBody } from './schemas.ts';

/** The only place where what is wrong becomes a status. */
export const STATUS_OF_KIND: Readonly<Record<RejectionKind, number>> = {
  malformed: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  unacceptable: 422,
};

/** What an operation may answer with beside its success, by status, in rising order. */
export function errorsOf(route: AdminRoute): ReadonlyMap<number, readonly string[]> {
  const found: Array<readonly [number, readonly string[]]> = [
    [400, malformedIn(route)],
    ...(route.open ? [] : route.anybody ? forAnybody() : forCallers(route)),
    ...(route.body === null ? [] : inBodies(route)),
    ...Object.entries(route.errors).map(([status, codes]) => [Number(status), codes] as const),
    [421, ['host_not_allowed']],
    [500, ['internal']],
  ];
  const byStatus = new Map<number, Set<string>>();
  for (const [status, codes] of found.toSorted(([left], [right]) => left - right))
    byStatus.set(status, new Set([...(byStatus.get(status) ?? []), ...codes]));
  return new Map(Array.from(byStatus, ([status, codes]) => [status, [...codes]]));
}

function malformedIn({ open, params, body }: AdminRoute): string[] {
  const headers = ['header_ambiguous', 'header_missing'];
  if (open) return headers;
  const names = Object.keys(params.properties).length > 0;
  return [
    ...headers,
    ...['invalid_actor', 'invalid_field', 'unknown_field'],
    // A path or a body that cannot be read at all.
    ...(names || body !== null ? ['bad_request'] : []),
    ...(body === null ? ['body_not_taken'] : ['malformed_json', 'duplicate_field']),
  ];
}

/** Of a managing token, and of a session, whatever they ask for. */
const ELSEWHERE = [403, ['address_not_allowed', 'not_same_origin']] as const;

function forAnybody(): Array<readonly [number, readonly string[]]> {
  return [ELSEWHERE, [503, ['store_unavailable']]];
}

function forCallers(route: AdminRoute): Array<readonly [number, readonly string[]]> {
  const unavailable = ['store_unavailable'];
  const known = [401, ['credential_missing', 'credential_unknown', 'session_ended']] as const;
  if (!isOfOrganization(route) && !isOfEnterprise(route)) return [known, ELSEWHERE, [503, unavailable]];
  const inside = [known, ELSEWHERE, [403, ['not_allowed']], [404, ['not_found']]] as const;
  if (route.method === 'GET') return [...inside, [503, unavailable]];
  return [...inside, [503, [...unavailable, 'outcome_unknown']], [507, ['store_full']]];
}

function inBodies({ body, takesToken }: AdminRoute): Array<readonly [number, readonly string[]]> {
  const mayHoldText = body !== NoBody && takesToken !== true;
  const hasName = 'properties' in body! && 'name' in (body.properties as object);
  return [
    [413, ['body_too_large']],
    [415, ['unsupported_media_type']],
    ...(mayHoldText ? [[422, ['token_pasted']] as const] : []),
    ...(hasName ? [[422, ['text_invalid']] as const] : []),
  ];
}

function isOfEnterprise({ path }: AdminRoute): boolean {
  return path.startsWith('/v1/enterprises/');
}

/** Its rules are those of an organization that its path or a token names. */
function isOfOrganization({ params, takesToken }: AdminRoute): boolean {
  return 'org' in params.properties || takesToken === true;
}

/** A call as the audit trail names it, should it be refused. Reads the path; what is written is decided in manage/. */
import type { FastifyRequest } from 'fastify';
import type { Attempt } from '../manage/refused-attempts.ts';

export function attemptOf({ method, params, routeOptions }: FastifyRequest): Attempt {
  const named = params as Readonly<Record<string, string>>;
  const path = routeOptions.url ?? '';
  return {
    action: `${method} ${path}`,
    reads: routeOptions.config.changesNothing === true,
    organizationId: named.org,
    target: targetOf(path, named),
  };
}

function targetOf(path: string, params: Readonly<Record<string, string>>): Attempt['target'] {
  const named = [...path.matchAll(/\/([a-z-]+)(?:\/:(?:type|kind))?\/:(org|ws|policy|id|clientId)(?=\/|$)/g)].at(-1);
  const endsInCollection = path.endsWith('/tokens') || path.endsWith('/service-accounts');
  if (named === undefined || endsInCollection) return null;
  return { type: named[1]!.replace(/s$/, ''), id: params[named[2]!]! };
}

/** What the gateway answers itself, ahead of any route, for each configuration that comes into force. Judges nothing. */
import { isAdmin } from '../admin/admin-key.ts';
import type { Configuration } from '../config/load/configuration.ts';
import { issuerOf } from '../config/load/own-routes.ts';
import { accountLimit } from '../core/rate-limit.ts';
import type { Endpoint } from '../edge/endpoint.ts';
import type { AuthFailureThrottle } from '../edge/throttles/auth-failure-throttle.ts';
import type { RateLimiter } from '../edge/throttles/rate-limiter.ts';
import { AccountLimit } from '../oauth/account-limit.ts';
import { ClientAuthentication } from '../oauth/client-authentication.ts';
import { oauthEndpoints } from '../oauth/endpoints.ts';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Store } from '../store/store.ts';

export interface EndpointParts {
  readonly log: Log;
  readonly store: Store;
  readonly adminKeys: readonly string[];
  readonly guesses: AuthFailureThrottle;
  /** Asked for when the first request is counted. */
  readonly limiter: () => RateLimiter;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export function ownEndpoints({ log, store, adminKeys, guesses, limiter, metrics, clock }: EndpointParts) {
  // Counts failures, which outlive a reload.
  const clients = new ClientAuthentication(store, guesses);
  const outcomes = { issued: 0, too_many_live: 0 };
  metrics.counterBy(
    'scopegate_access_tokens_total',
    'Requests of service accounts for a token: issued, or refused because as many live as may.',
    'outcome',
    () => outcomes,
  );
  return ({ file: { gateway, oauth, audit }, policy }: Configuration): ReadonlyMap<string, Endpoint> =>
    new Map(
      Object.entries(
        oauthEndpoints({
          store,
          policy: () => policy,
          nowMs: clock.nowMs,
          clients,
          isAdmin: (authorization) => isAdmin(adminKeys, authorization),
          issuer:
            gateway.publicUrl !== undefined
              ? issuerOf(gateway.publicUrl)
              : `${gateway.tls === undefined ? 'http' : 'https'}://${gateway.host}:${gateway.port}`,
          prefix: oauth.prefix,
          onError: (error) => log.error({ err: error }, 'oauth: unexpected error'),
          limit: new AccountLimit(accountLimit(oauth.accountLimit), limiter, clock.monotonicMs),
          tellsIssued: audit.issuedTokens,
          onIssue: (outcome) => {
            outcomes[outcome]++;
          },
        }),
      ),
    );
}

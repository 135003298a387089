/** What the gateway answers itself, ahead of any route, for each configuration that comes into force. Judges nothing. */
import { isAdmin } from '../admin/admin-key.ts';
import type { Configuration } from '../config/load-gateway.ts';
import { issuerOf } from '../config/own-routes.ts';
import type { Endpoint } from '../edge/endpoint.ts';
import type { GuessThrottle } from '../edge/guess-throttle.ts';
import { ClientAuthentication } from '../oauth/client-authentication.ts';
import { oauthEndpoints } from '../oauth/endpoints.ts';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Store } from '../store/store.ts';

export function ownEndpoints(
  log: Log,
  store: Store,
  adminKeys: readonly string[],
  guesses: GuessThrottle,
  clock: Clock,
) {
  // Counts failures, which outlive a reload.
  const clients = new ClientAuthentication(store, guesses);
  return ({ file: { gateway, oauth }, policy }: Configuration): ReadonlyMap<string, Endpoint> =>
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
        }),
      ),
    );
}

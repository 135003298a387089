/**
 * Where gateway and sidecar listen when the environment says so: in a container, loopback reaches nobody, whatever the
 * mounted gateway.yaml says of hosts. Judges nothing else, and never touches the decision listener.
 */
import type { GatewayFile } from '../schema/gateway-schema.ts';
import type { Env } from '../yaml/expand.ts';

type Listeners = { readonly [S in 'gateway' | 'admin']?: GatewayFile[S] | undefined };

/** The same with `SCOPEGATE_HOST` and `SCOPEGATE_ADMIN_HOST` in place of the hosts; an empty one says nothing. */
export function withHostsOf<T extends Listeners>(env: Env, file: T): T {
  const { gateway, admin } = file;
  const { SCOPEGATE_HOST: host = '', SCOPEGATE_ADMIN_HOST: adminHost = '' } = env;
  return {
    ...file,
    ...(gateway === undefined || host === '' ? {} : { gateway: { ...gateway, host } }),
    ...(admin === undefined || adminHost === '' ? {} : { admin: { ...admin, host: adminHost } }),
  };
}

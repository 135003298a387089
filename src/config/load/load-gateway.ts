/** gateway.yaml and its policy, from files to a compiled configuration, in this thread and at once: what a start needs. */
import type { Env } from '../yaml/expand.ts';
import { checkGateway, type GatewayCheckOptions } from './check-gateway.ts';
import { assemble } from './compile-gateway.ts';
import type { Configuration } from './configuration.ts';

/** Throws ConfigError with every problem of gateway.yaml and of the policy that it names. */
export function loadGateway(path: string, env: Env, options: GatewayCheckOptions = {}): Configuration {
  const { plain, policy, compiled, keyPairs } = checkGateway(path, env, options);
  const { embedded = false, contents } = options;
  const source = { path: contents === undefined ? plain.path : path, env, embedded, contents };
  return assemble(plain, source, policy, compiled, keyPairs);
}

/** gateway.yaml and its policy, from files to a compiled configuration, in this thread and at once: what a start needs. */
import type { Env } from '../yaml/expand.ts';
import { checkGateway, type Found, type GatewayCheckOptions } from './check-gateway.ts';
import { assemble } from './compile-gateway.ts';
import type { Configuration, Source } from './configuration.ts';

/** Throws ConfigError with every problem of gateway.yaml and of the policy that it names. */
export function loadGateway(path: string, env: Env, options: GatewayCheckOptions = {}): Configuration {
  const found = checkGateway(path, env, options);
  const { embedded = false, contents } = options;
  return assembled(found, { path: contents === undefined ? found.plain.path : path, env, embedded, contents });
}

function assembled({ plain, policy, compiled, keyPairs, shadow }: Found, source: Source): Configuration {
  const tried = shadow === null ? null : assembled(shadow, source);
  return assemble(plain, source, policy, compiled, keyPairs, tried);
}

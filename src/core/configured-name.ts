/**
 * A name out of the configuration: a route's, an upstream's, a target's, a limit's. A type of its own, so that no text that
 * a client sent can take the place of one, as the label of a metric. Looks nothing up.
 */
declare const CONFIGURED: unique symbol;

export type ConfiguredName = string & { readonly [CONFIGURED]: true };

/** Called with what a configuration says, in the files that test/structure.test.ts lists, and nowhere else. */
export function configuredName(name: string): ConfiguredName {
  return name as ConfiguredName;
}

/** Which of the listeners could not be opened: because another one would have the same port, or two settings exclude each other. */
import { isIPv6 } from 'node:net';
import { formatProblem } from '../../errors.ts';
import type { Validated } from '../schema/gateway-schema.ts';
import type { YamlFile } from '../yaml/yaml-file.ts';

type Listeners = { readonly [S in 'gateway' | 'admin' | 'decision']?: Validated[S] | undefined };
type Address = { readonly host: string; readonly port: number };

const NO_BODIES = { inspectedBodyBytes: 0, inspectedBodyTotalBytes: 0 };

/** A problem where every `serve` opens both, and a warning where two can share the work with `--only`. */
export function checkListeners(yaml: YamlFile, listeners: Listeners, warnings: string[]): void {
  const { gateway, admin, decision } = listeners;
  if (gateway?.h2c === true && gateway.tls !== undefined)
    yaml.problem(['gateway', 'h2c'], 'is HTTP/2 without TLS, which "tls" rules out; over TLS tls.http2 offers it');
  const { inspectedBodyBytes: one, inspectedBodyTotalBytes: all } = gateway?.limits ?? NO_BODIES;
  if (one > all / 8)
    yaml.problem(
      ['gateway', 'limits'],
      `one token may have an eighth of inspectedBodyTotalBytes, ${Math.floor(all / 8)}, and inspectedBodyBytes is ${one}: no such body could be read`,
    );
  const named = Object.entries({ gateway, admin, decision }).filter(([, address]) => address !== undefined);
  for (const [index, [name, address]] of named.entries()) {
    for (const [other, otherAddress] of named.slice(index + 1)) {
      if (!collide(address!, otherAddress!)) continue;
      // One of them may be nowhere in the file.
      const [here, there] = isBehind(yaml, name, other) ? [name, other] : [other, name];
      const { host, port } = here === name ? otherAddress! : address!;
      const message = `${there} listens on ${host}:${port}, too; set another port`;
      if (name !== 'admin' && other !== 'admin') yaml.problem([here, 'port'], message);
      else
        warnings.push(
          formatProblem({
            ...yaml.at([here, 'port']),
            message: `warning: ${message}, or serve them apart with --only`,
          }),
        );
    }
  }
}

function isBehind(yaml: YamlFile, name: string, other: string): boolean {
  const [at, otherAt] = [yaml.at([name, 'port']), yaml.at([other, 'port'])];
  return at.line > otherAt.line || (at.line === otherAt.line && at.column > otherAt.column);
}

function collide(one: Address, other: Address): boolean {
  if (one.port === 0 || one.port !== other.port) return false;
  return one.host === other.host || coversHost(one.host, other.host) || coversHost(other.host, one.host);
}

/** "::" is every address, also those of IPv4. */
function coversHost(wildcard: string, host: string): boolean {
  return wildcard === '::' || (wildcard === '0.0.0.0' && !isIPv6(host));
}

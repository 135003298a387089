/**
 * Which targets are listeners of our own: what is sent there comes back. A warning, since a port may be shared by the
 * machine's name only; what does come back is refused with 508. Looks at names and addresses, asks no DNS.
 */
import { hostname, networkInterfaces } from 'node:os';
import { formatProblem } from '../../errors.ts';
import type { GatewayFile, Validated } from '../schema/gateway-schema.ts';
import type { YamlFile } from '../yaml/yaml-file.ts';

type Listeners = { readonly [S in 'gateway' | 'admin' | 'decision']?: Validated[S] | undefined };

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|::1|::ffff:7f[0-9a-f]{2}:[0-9a-f]+)$/;
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

export function checkLoops(
  yaml: YamlFile,
  upstreams: GatewayFile['upstreams'],
  listeners: Listeners,
  warnings: string[],
): void {
  for (const [name, { targets }] of Object.entries(upstreams))
    for (const [index, target] of targets.entries()) {
      const leadsTo = listenerAt(target, listeners);
      if (leadsTo === undefined) continue;
      const message =
        `warning: this target is ${leadsTo}: what is sent there comes back and is refused (508). Name the server ` +
        'behind the gateway instead';
      warnings.push(formatProblem({ ...yaml.at(['upstreams', name, 'targets', index]), message }));
    }
}

function listenerAt(target: string, listeners: Listeners): string | undefined {
  const url = URL.parse(target);
  if (url === null) return undefined;
  const { publicUrl } = listeners.gateway ?? {};
  if (publicUrl !== undefined && URL.parse(publicUrl)?.origin === url.origin) return 'gateway.publicUrl';
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port;
  for (const [name, listener] of Object.entries(listeners))
    if (listener !== undefined && String(listener.port) === port && answersTo(listener.host.toLowerCase(), host))
      return `our own ${name} listener`;
  return undefined;
}

/** Would a connection to `host` reach a listener on `listening`? */
function answersTo(listening: string, host: string): boolean {
  if (host === listening) return true;
  if (WILDCARDS.includes(listening)) return LOOPBACK.test(host) || WILDCARDS.includes(host) || ownNames().has(host);
  // These reach whichever of the two is there.
  const isAnyLoopback = /(?:^|\.)localhost$/.test(host) || WILDCARDS.includes(host);
  return isAnyLoopback && ['127.0.0.1', '::1', 'localhost'].includes(listening);
}

function ownNames(): ReadonlySet<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return new Set([hostname().toLowerCase(), ...addresses.map(({ address }) => address.toLowerCase())]);
}

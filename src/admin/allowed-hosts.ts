/**
 * Under which names the sidecar answers. A browser that was led to it by a name of somebody else's (DNS rebinding) says
 * that name in Host; addresses cannot be rebound, so probes by address always pass. Looks up nothing.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { hostname } from 'node:os';

/** Of this machine, for whoever is on it. */
const LOOPBACK = /^(?:.+\.)?localhost$/;
const HOST = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+)(?::\d{1,5})?$/;

/** `host`: the header's value. `own`: where the sidecar listens. `allowed`: names, `*.` in front for all below one. */
export function isAllowedHost(host: string | undefined, own: string, allowed: readonly string[]): boolean {
  // HTTP/1.0 needs none, and no browser speaks it.
  if (host === undefined) return true;
  const name = HOST.exec(host.toLowerCase())?.[1];
  if (name === undefined) return false;
  if (name.startsWith('[')) return isIPv6(name.slice(1, -1));
  const plain = withoutDot(name);
  if (isIPv4(plain) || LOOPBACK.test(plain)) return true;
  return [...(isIP(own) === 0 ? [own] : []), hostname(), ...allowed].some((pattern) =>
    matches(plain, withoutDot(pattern.toLowerCase())),
  );
}

function matches(name: string, pattern: string): boolean {
  return pattern.startsWith('*.')
    ? name.length > pattern.length - 1 && name.endsWith(pattern.slice(1))
    : name === pattern;
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, '');
}

/** How a host and a port are written together. */
import { isIPv6 } from 'node:net';

export function hostAndPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

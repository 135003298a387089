/**
 * Where a Redis is and how to get in: the words and types for it. Never connects, and never loads the client, which who
 * keeps the store in a file has no use for.
 */
import type { ConnectionOptions } from 'node:tls';

export interface Node {
  readonly host: string;
  readonly port: number;
}

export interface SentinelAddress {
  readonly kind: 'sentinel';
  /** What the Sentinels call the master. */
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
}

export interface RedisAccess {
  readonly place:
    | { readonly kind: 'server'; readonly node: Node }
    | SentinelAddress
    | { readonly kind: 'cluster'; readonly nodes: readonly Node[] };
  readonly username?: string;
  readonly password?: string;
  readonly database?: number;
  /** Absent: in the clear. */
  readonly tls?: ConnectionOptions;
}

/** Without user and password. */
export function describeAddress({ place }: RedisAccess): string {
  if (place.kind === 'server') return `Redis at ${place.node.host}:${place.node.port}`;
  const nodes = place.nodes.map(({ host, port }) => `${host}:${port}`).join(', ');
  return place.kind === 'sentinel' ? `Redis ${place.name} of Sentinel at ${nodes}` : `Redis Cluster at ${nodes}`;
}

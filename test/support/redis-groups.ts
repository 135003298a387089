/** Groups of real Redis processes: a master with its replica and Sentinels, and a Cluster of three masters with replicas. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort, type RedisServer, startRedis } from './redis.ts';

const KEEPS = ['--appendonly', 'yes', '--appendfsync', 'always', '--repl-diskless-sync-delay', '0'];
const PATIENCE = { timeout: 20_000, interval: 50 };

export interface SentinelGroup extends AsyncDisposable {
  /** The two that can be master; the first is, to begin with. */
  readonly servers: readonly [RedisServer, RedisServer];
  readonly sentinels: readonly RedisServer[];
  readonly name: string;
  /** The port of the one that the Sentinels call master. */
  masterPort(): Promise<number>;
  stop(): Promise<void>;
}

/** Ready when all know each other. A master is taken for dead after `downMs`. */
export async function startSentinelGroup(downMs = 500): Promise<SentinelGroup> {
  const name = 'mymaster';
  const master = await startRedis({ args: KEEPS });
  const replica = await startRedis({ args: [...KEEPS, '--replicaof', '127.0.0.1', String(master.port)] });
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-sentinel-'));
  const sentinels: RedisServer[] = [];
  for (let number = 0; number < 3; number++) {
    const file = join(folder, `${number}.conf`);
    const port = await freePort();
    // It writes its own state into the file.
    writeFileSync(
      file,
      `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor ${name} 127.0.0.1 ${master.port} 2\n` +
        `sentinel down-after-milliseconds ${name} ${downMs}\nsentinel failover-timeout ${name} 3000\n`,
    );
    sentinels.push(await startRedis({ program: 'redis-sentinel', file, port, folder }));
  }
  for (const sentinel of sentinels) {
    // As they come they look for replicas every ten seconds, and for each other every two.
    await sentinel.cli('sentinel', 'debug', 'info-period', '1000', 'publish-period', '300');
  }
  for (const sentinel of sentinels) {
    await expect
      .poll(() => sentinel.cli('info', 'sentinel'), PATIENCE)
      .toContain(`status=ok,address=127.0.0.1:${master.port},slaves=1,sentinels=3`);
  }
  await expect.poll(() => master.cli('info', 'replication'), PATIENCE).toContain('state=online');
  const stop = async () => {
    for (const each of [...sentinels, master, replica]) await each.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    servers: [master, replica],
    sentinels,
    name,
    masterPort: async () =>
      Number((await sentinels[0]!.cli('sentinel', 'get-master-addr-by-name', name)).split('\n')[1]),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

export interface ClusterGroup extends AsyncDisposable {
  /** Three masters, then a replica of each. */
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

/** Ready when every node says so. */
export async function startCluster(nodeTimeoutMs = 1000): Promise<ClusterGroup> {
  const args = [...KEEPS, '--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeoutMs)];
  // The bus takes a port of its own; ten thousand above ours may be beyond all ports.
  const start = async () => startRedis({ args: [...args, '--cluster-port', String(await freePort())] });
  const nodes = await Promise.all(Array.from({ length: 6 }, start));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await nodes[0]!.cli('--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes');
  for (const node of nodes)
    await expect.poll(() => node.cli('cluster', 'info'), PATIENCE).toContain('cluster_state:ok');
  const stop = async () => {
    for (const node of nodes) await node.stop();
  };
  return { nodes, stop, [Symbol.asyncDispose]: stop };
}

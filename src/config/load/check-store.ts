/** What a schema cannot say of the store: a URL that is none, settings that contradict each other, files that are not there. */
import { existsSync, readFileSync } from 'node:fs';
import { authoritiesProblem } from '../../authorities.ts';
import { formatProblem } from '../../errors.ts';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import { utf8Fault } from '../yaml/utf8.ts';
import type { YamlFile } from '../yaml/yaml-file.ts';
import { parseRedisUrl } from './redis-url.ts';

/** Notes problems in `yaml`; what is legal but dangerous goes to `warnings`. Never shows the URL, which may hold a password. */
export function checkStore(
  yaml: YamlFile,
  store: GatewayFile['store'],
  resolvePath: (path: string) => string,
  warnings: string[],
): void {
  if (store.driver !== 'redis') return;
  const { sentinel, cluster, tls } = store;
  const url = parseRedisUrl(store.url, 6379);
  if (url === null) {
    yaml.problem(
      ['store', 'url'],
      'must be redis://[user:password@]host:port[/database], with host:port,host:port for several',
    );
    return;
  }
  if (sentinel !== undefined && cluster)
    yaml.problem(['store', 'cluster'], 'a Cluster has no Sentinels; leave one out');
  if (url.nodes.length > 1 && sentinel === undefined && !cluster)
    yaml.problem(['store', 'url'], 'names several nodes; say what they are with "sentinel" or "cluster"');
  if (cluster && (url.database ?? 0) !== 0) yaml.problem(['store', 'url'], 'a Cluster has database 0 only');
  const untrusting = url.tls && tls?.ca === undefined && tls?.insecureSkipVerify !== true ? authoritiesProblem() : null;
  if (untrusting !== null)
    warnings.push(
      formatProblem({ file: yaml.name, ...yaml.at(['store', 'url']), message: `warning: Redis: ${untrusting}` }),
    );
  if (tls === undefined) return;
  if (!url.tls) yaml.problem(['store', 'tls'], 'is for rediss:// URLs; this one is redis://', { key: true });
  for (const part of ['ca', 'cert', 'key'] as const) {
    const path = tls[part] === undefined ? null : resolvePath(tls[part]);
    const fault = path === null ? null : faultOf(path);
    if (fault !== null) yaml.problem(['store', 'tls', part], fault);
  }
  if (!tls.insecureSkipVerify) return;
  const message =
    'warning: Redis is believed whatever certificate it shows: anybody in between can read and change every token. ' +
    'Name its authority in "ca" instead';
  warnings.push(formatProblem({ file: yaml.name, ...yaml.at(['store', 'tls', 'insecureSkipVerify']), message }));
}

function faultOf(path: string): string | null {
  if (!existsSync(path)) return `${path}: no such file`;
  try {
    return utf8Fault(path, readFileSync(path));
  } catch (error) {
    return `${path}: ${(error as Error).message}`;
  }
}

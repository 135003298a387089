/** What a schema cannot say of Redis: a URL that is none, settings that contradict each other, files that are not there. */
import { authoritiesProblem } from '../../authorities.ts';
import type { SettingsReview } from '../adapter.ts';
import type { RedisSettings } from './settings.ts';
import { parseRedisUrl, REDIS_PORT } from './url.ts';

/** Never shows the URL, which may hold a password. */
export function checkRedis({ url: text, sentinel, cluster, tls }: RedisSettings, review: SettingsReview): void {
  const url = parseRedisUrl(text, REDIS_PORT);
  if (url === null) {
    review.problem(
      ['url'],
      'must be redis://[user:password@]host:port[/database], with host:port,host:port for several',
    );
    return;
  }
  if (sentinel !== undefined && cluster) review.problem(['cluster'], 'a Cluster has no Sentinels; leave one out');
  if (url.nodes.length > 1 && sentinel === undefined && !cluster)
    review.problem(['url'], 'names several nodes; say what they are with "sentinel" or "cluster"');
  if (cluster && (url.database ?? 0) !== 0) review.problem(['url'], 'a Cluster has database 0 only');
  const untrusting = url.tls && tls?.ca === undefined && tls?.insecureSkipVerify !== true ? authoritiesProblem() : null;
  if (untrusting !== null) review.warning(['url'], `Redis: ${untrusting}`);
  if (tls === undefined) return;
  if (!url.tls) review.problem(['tls'], 'is for rediss:// URLs; this one is redis://', true);
  for (const part of ['ca', 'cert', 'key'] as const) {
    const fault = tls[part] === undefined ? null : review.fileProblem(review.resolvePath(tls[part]));
    if (fault !== null) review.problem(['tls', part], fault);
  }
  if (tls.insecureSkipVerify)
    review.warning(
      ['tls', 'insecureSkipVerify'],
      'Redis is believed whatever certificate it shows: anybody in between can read and change every token. ' +
        'Name its authority in "ca" instead',
    );
}

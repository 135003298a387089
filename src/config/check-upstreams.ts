/** What a schema cannot say of the upstreams: targets that are none, settings that contradict each other, dangerous ones. */
import { formatProblem } from '../errors.ts';
import type { GatewayFile } from './gateway-schema.ts';
import type { YamlFile } from './yaml-file.ts';
import type { Path } from './yaml-tree.ts';

/** Notes problems in `yaml`; what is legal but dangerous goes to `warnings`. */
export function checkUpstreams(yaml: YamlFile, upstreams: GatewayFile['upstreams'], warnings: string[]): void {
  for (const [name, { targets, breaker, tls }] of Object.entries(upstreams)) {
    const at = ['upstreams', name];
    checkTargets(yaml, [...at, 'targets'], targets);
    if (breaker.maxOpenMs < breaker.openMs)
      yaml.problem([...at, 'breaker', 'maxOpenMs'], `must be at least openMs, which is ${breaker.openMs}`);
    if (tls?.insecureSkipVerify !== true) continue;
    const message =
      `warning: the upstream "${name}" is believed whatever certificate it shows: anybody in between can read and ` +
      'change everything. Name its authority in "ca" instead';
    warnings.push(formatProblem({ file: yaml.name, ...yaml.at([...at, 'tls', 'insecureSkipVerify']), message }));
  }
}

/** Two spellings of one origin would be one target with twice its share, and one metric with two values. */
function checkTargets(yaml: YamlFile, at: Path, targets: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const [index, target] of targets.entries()) {
    const url = URL.canParse(target) ? new URL(target) : null;
    if (url === null || url.port === '0') {
      yaml.problem([...at, index], `${target} is no origin that can be reached: check its host and port`);
      continue;
    }
    const same = seen.get(url.origin);
    if (same !== undefined) yaml.problem([...at, index], `${target} is the same target as ${same}`);
    else seen.set(url.origin, target);
  }
}

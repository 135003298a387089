/** What a schema cannot say of the upstreams: settings that contradict each other, and one that nobody should need. */
import { authoritiesProblem } from '../../authorities.ts';
import { formatProblem } from '../../errors.ts';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import type { YamlFile } from '../yaml/yaml-file.ts';

/** Notes problems in `yaml`; what is legal but dangerous goes to `warnings`. */
export function checkUpstreams(yaml: YamlFile, upstreams: GatewayFile['upstreams'], warnings: string[]): void {
  for (const [name, { breaker, targets, tls }] of Object.entries(upstreams)) {
    const at = ['upstreams', name];
    if (breaker.maxOpenMs < breaker.openMs)
      yaml.problem([...at, 'breaker', 'maxOpenMs'], `must be at least openMs, which is ${breaker.openMs}`);
    if (tls?.insecureSkipVerify !== true) {
      const relies = tls?.ca === undefined && targets.some((target) => /^https:/i.test(target));
      const problem = relies ? authoritiesProblem() : null;
      if (problem !== null)
        warnings.push(
          formatProblem({
            ...yaml.at([...at, 'targets']),
            message: `warning: upstream "${name}": ${problem}`,
          }),
        );
      continue;
    }
    const message =
      `warning: the upstream "${name}" is believed whatever certificate it shows: anybody in between can read and ` +
      'change everything. Name its authority in "ca" instead';
    warnings.push(formatProblem({ ...yaml.at([...at, 'tls', 'insecureSkipVerify']), message }));
  }
}

/** What a schema cannot say of the upstreams: settings that contradict each other, and one that nobody should need. */
import { authoritiesProblem } from '../../authorities.ts';
import { formatProblem } from '../../errors.ts';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import type { YamlFile } from '../yaml/yaml-file.ts';

/** Notes problems in `yaml`; what is legal but dangerous goes to `warnings`. */
export function checkUpstreams(yaml: YamlFile, upstreams: GatewayFile['upstreams'], warnings: string[]): void {
  for (const [name, { breaker, protocol, targets, tls }] of Object.entries(upstreams)) {
    const at = ['upstreams', name];
    checkProtocol(yaml, at, protocol, targets);
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

/** HTTP/2 is agreed on over TLS, and without it known beforehand. */
function checkProtocol(
  yaml: YamlFile,
  at: readonly string[],
  protocol: GatewayFile['upstreams'][string]['protocol'],
  targets: readonly string[],
): void {
  for (const [index, target] of targets.entries()) {
    const isSecure = /^https:/i.test(target);
    const path = [...at, 'targets', index];
    if (protocol === 'h2' && !isSecure)
      yaml.problem(
        path,
        'protocol h2 is HTTP/2 over TLS: write an https: target, or protocol: h2c for one without TLS',
      );
    if (protocol === 'h2c' && isSecure)
      yaml.problem(path, 'protocol h2c is HTTP/2 without TLS: write an http: target, or protocol: h2 for one with TLS');
  }
}

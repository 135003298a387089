/** `scopegate check`: reads a configuration the way `serve` does, and starts nothing. */
import { loadGateway } from '../config/load/load-gateway.ts';
import type { Env } from '../config/yaml/expand.ts';
import { ConfigError } from '../errors.ts';
import type { Invocation } from './command.ts';
import { summary } from './summary.ts';

export async function checkCommand({ values, args, env }: Invocation<{ readonly json: boolean }>): Promise<void> {
  const path = args[0] ?? 'gateway.yaml';
  if (values.json) return checkAsJson(path, env);
  const configuration = loadGateway(path, env);
  for (const warning of configuration.warnings) process.stderr.write(`${warning}\n`);
  process.stdout.write(`${path}: ok, ${summary(configuration)}\n`);
}

function checkAsJson(path: string, env: Env): void {
  try {
    const { warnings } = loadGateway(path, env);
    process.stdout.write(`${JSON.stringify({ ok: true, problems: [], warnings })}\n`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stdout.write(`${JSON.stringify({ ok: false, problems: error.problems, warnings: [] })}\n`);
    process.exitCode = 1;
  }
}

/** `scopegate lint`: what is legal in a configuration and surely not meant. Exit code 2: something was found. */
import { type LintFormat, renderLint } from '../lint/formats.ts';
import { lintGateway } from '../lint/lint.ts';
import { version } from '../package-files.ts';
import type { Invocation } from './command.ts';
import { bad } from './terminal.ts';

interface LintValues {
  readonly openapi: string | undefined;
  readonly format: string;
  readonly json: boolean;
  readonly 'exit-zero': boolean;
}

export async function lintCommand({ values, args, env }: Invocation<LintValues>): Promise<void> {
  const result = lintGateway(args[0] ?? 'gateway.yaml', env, values.openapi);
  const format = values.json ? 'json' : (values.format as LintFormat);
  const paint = (text: string, severity: string) => (severity === 'note' ? text : bad(text));
  process.stdout.write(renderLint(result, format, { version: version(), paint }));
  if (!values['exit-zero'] && result.findings.some(({ severity }) => severity !== 'note')) process.exitCode = 2;
}

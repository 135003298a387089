/**
 * The command line: words in, exit code out. Every error an operator can mend ends here as clear lines and exit 1;
 * anything else is our fault and shows its stack.
 */
import { HELP } from './cli/help.ts';
import { closest } from './config/yaml/closest.ts';
import type { Env } from './config/yaml/expand.ts';
import { ConfigError, SetupError } from './errors.ts';
import { version } from './version.ts';

type Command = (args: readonly string[], env: Env) => Promise<void>;

/** Loaded when it is asked for: reading all of them takes longer than most of them run. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./cli/serve.ts')).serveCommand,
  demo: async () => (await import('./cli/demo.ts')).demoCommand,
  check: async () => (await import('./cli/check.ts')).checkCommand,
  apply: async () => (await import('./cli/apply.ts')).applyCommand,
  import: async () => (await import('./cli/import.ts')).importCommand,
  'migrate-store': async () => (await import('./cli/migrate-store.ts')).migrateStoreCommand,
  generate: async () => (await import('./cli/generate.ts')).generateCommand,
  child: async () => (await import('./cli/worker.ts')).childCommand,
};

export async function main(args: readonly string[], env: Env): Promise<void> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-v') return print(version());
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    return print(HELP[rest[0] ?? 'scopegate'] ?? HELP.scopegate!);
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    return fail(`there is no command "${name}"${meant(name, Object.keys(COMMANDS))}; scopegate --help lists them`);
  if (rest.includes('--help') || rest.includes('-h')) return print(HELP[name] ?? HELP.scopegate!);
  try {
    await (await command())(rest, env);
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    else if (error instanceof SetupError) fail(`scopegate: ${error.message}`);
    else if (isUsageError(error)) fail(`scopegate ${name}: ${usageProblem(error, name)}; see scopegate ${name} --help`);
    else throw error;
  }
}

function isUsageError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
}

/** Node's words, but for an option that it does not know: the help knows which there are. */
function usageProblem(error: NodeJS.ErrnoException, command: string): string {
  const [, option] = /^Unknown option '([^']*)'/.exec(error.message) ?? [];
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || option === undefined) return error.message;
  const options = HELP[command]?.match(/--[a-z][a-z-]*/g) ?? [];
  return `there is no option ${option}${meant(option, options)}`;
}

function meant(word: string, candidates: Iterable<string>): string {
  const candidate = closest(word, candidates);
  return candidate === undefined ? '' : ` (did you mean ${candidate}?)`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

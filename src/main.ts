/**
 * The command line: words in, exit code out. Every error an operator can mend ends here as clear lines and exit 1;
 * anything else is our fault and shows its stack.
 */
import type { Run } from './cli/command.ts';
import { COMMANDS, commandOf, commandsBelow, type Named, SHOWN_COMMANDS } from './cli/commands.ts';
import { commandHelp, groupHelp, overview } from './cli/help.ts';
import { meant, parseWords, UsageError } from './cli/parse-words.ts';
import type { Env } from './config/yaml/expand.ts';
import { SidecarRefusal } from './directory/sidecar.ts';
import { ConfigError, SetupError } from './errors.ts';
import { version } from './package-files.ts';

const HELP = new Set(['--help', '-h']);

export async function main(args: readonly string[], env: Env): Promise<void> {
  stopQuietly();
  const words = args[0] === 'help' ? [...args.slice(1), '--help'] : args;
  const [name] = words;
  if (name === '--version' || name === '-v') return print(version());
  if (name === undefined || HELP.has(name)) return print(overview());
  const named = commandOf(words);
  if (named === null) return noCommand(words);
  if (named.rest.some((word) => HELP.has(word))) return print(commandHelp(named.command));
  await run(named, env);
}

async function run({ command, rest }: Named, env: Env): Promise<void> {
  try {
    const { values, args } = parseWords(command, rest);
    if (rest.includes('--no-color')) withoutColour();
    await ((await command.load()) as Run<unknown>)({ values, args, env, commands: SHOWN_COMMANDS });
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    else if (error instanceof UsageError)
      fail(`scopegate ${command.words}: ${error.message}; see scopegate ${command.words} --help`);
    else if (error instanceof SetupError) fail(`scopegate: ${error.message}`);
    else if (error instanceof SidecarRefusal) fail(`scopegate: ${error.message} (${error.status} ${error.code})`);
    else throw error;
  }
}

function noCommand(words: readonly string[]): void {
  const [name, second] = words as [string, string?];
  const below = commandsBelow(name);
  if (below.length === 0) {
    const names = new Set(COMMANDS.flatMap(({ words: all }) => [all, all.split(' ')[0]!]));
    return fail(`there is no command "${name}"${meant(name, names)}; scopegate --help lists them`);
  }
  if (second === undefined || HELP.has(second)) return print(groupHelp(name, below));
  const seconds = below.map(({ words: all }) => all.split(' ')[1]!);
  fail(`there is no command "${name} ${second}"${meant(second, seconds)}; scopegate ${name} --help lists them`);
}

/** Whoever reads our output may stop reading: `scopegate token list | head`. */
function stopQuietly(): void {
  if (process.stdout.listenerCount('error') > 0) return;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

function withoutColour(): void {
  process.env.NO_COLOR = '1';
  delete process.env.FORCE_COLOR;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

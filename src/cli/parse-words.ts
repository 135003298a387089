/**
 * Reads the words behind a command by its row of the table. What the row does not know is an error that names what was
 * probably meant; a token among the words is refused, since whoever lists processes or reads a shell's history sees it.
 */
import { parseArgs } from 'node:util';
import { closest } from '../config/yaml/closest.ts';
import { holdsToken } from '../core/token-format.ts';
import { SetupError } from '../errors.ts';
import type { Argument, Command, Options } from './command.ts';

export interface Words {
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly args: readonly string[];
}

/** The words are not what the command takes. */
export class UsageError extends SetupError {}

/** Every command has these, though none is told of them. */
const ALWAYS = { help: { type: 'boolean', short: 'h' }, 'no-color': { type: 'boolean' } } as const;

/** Throws UsageError for words that the command does not take. */
export function parseWords(command: Command, words: readonly string[]): Words {
  const { values, positionals } = parsed(command, words);
  const taken = Object.entries(command.options).map(([name, option]) => {
    const value = (values as Words['values'])[name];
    if (option.choices !== undefined && typeof value === 'string' && !option.choices.includes(value))
      throw new UsageError(
        `--${name} takes ${orList(option.choices)}, not ${JSON.stringify(value)}${meant(value, option.choices)}`,
      );
    return [name, value ?? (option.value === undefined ? false : option.many ? [] : option.default)] as const;
  });
  checkCount(command, positionals);
  return { values: Object.fromEntries(taken), args: positionals };
}

function parsed(command: Command, words: readonly string[]) {
  // Before anything is repeated in a message.
  if (words.some(holdsToken))
    throw new UsageError(
      'a token stands among the words: whoever lists processes here or reads the history of the shell sees it. ' +
        'It is read from standard input, or from a file: scopegate token find < FILE',
    );
  try {
    return parseArgs({
      args: [...words],
      options: { ...nodeOptions(command.options), ...ALWAYS },
      allowPositionals: true,
    });
  } catch (error) {
    if (!isUsageError(error)) throw error;
    throw new UsageError(usageProblem(error, command));
  }
}

function nodeOptions(options: Options) {
  return Object.fromEntries(
    Object.entries(options).map(([name, { value, short, many }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
        ...(many === undefined ? {} : { multiple: true }),
      },
    ]),
  );
}

function checkCount({ words, args = [] }: Command, given: readonly string[]): void {
  const needed = args.filter(({ optional }) => optional !== true);
  const most = args.at(-1)?.many === true ? Number.POSITIVE_INFINITY : args.length;
  if (given.length >= needed.length && given.length <= most) return;
  const extra = given[args.length];
  if (args.length === 0 && extra !== undefined)
    throw new UsageError(`${words} takes options only, not ${JSON.stringify(extra)}`);
  throw new UsageError(`${words} takes ${args.length === 1 ? 'one' : 'these:'} ${args.map(argumentName).join(' ')}`);
}

export function argumentName({ name, optional, many }: Argument): string {
  const names = many === true ? `${name}…` : name;
  return optional === true ? `[${names}]` : names;
}

function isUsageError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
}

/** Node's words, but for an option that it does not know: the table knows which there are. */
function usageProblem(error: NodeJS.ErrnoException, { options }: Command): string {
  const [, option] = /^Unknown option '([^']*)'/.exec(error.message) ?? [];
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || option === undefined) return error.message.split('\n', 1)[0]!;
  const known = Object.keys({ ...options, ...ALWAYS }).map((name) => `--${name}`);
  return `there is no option ${option}${meant(option, known)}`;
}

export function meant(word: string, candidates: Iterable<string>): string {
  const candidate = closest(word, candidates);
  return candidate === undefined ? '' : ` (did you mean ${candidate}?)`;
}

function orList(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

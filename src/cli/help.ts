/** What `--help` says, made from the table of commands. */
import type { Command, Option } from './command.ts';
import { SHOWN_COMMANDS } from './commands.ts';
import { argumentName } from './parse-words.ts';

/** Of groups of commands, by their first word. */
const GROUPS: Readonly<Record<string, string>> = {
  token: 'make, list, change and end tokens',
  'service-account': 'the same for programs that fetch access tokens by OAuth',
  member: 'who is in an organization',
  workspace: 'which workspaces an organization has',
  organization: 'which organizations there are',
  enterprise: 'which enterprises there are',
};

const OPTION_WIDTH = 24;
const TEXT_WIDTH = 120;

/** Of all of them. */
export function overview(): string {
  const rows: Array<readonly [string, string]> = [];
  for (const command of SHOWN_COMMANDS) {
    const [first, second] = command.words.split(' ');
    // A word that is a command by itself is not the name of a group.
    const isAlone = second === undefined || GROUPS[first!] === undefined;
    if (isAlone) rows.push([[command.words, ...arguments_(command)].join(' '), command.summary]);
    else if (!rows.some(([name]) => name === `${first} …`)) rows.push([`${first} …`, GROUPS[first!]!]);
  }
  return `scopegate: a gateway that checks every bearer token before a request reaches your API

${rows.map(([name, about]) => `  scopegate ${name.padEnd(20)} ${about}`).join('\n')}

  scopegate COMMAND --help       more about one of them
  scopegate --version

FILE defaults to ./gateway.yaml. From a checkout: bin/scopegate COMMAND, in any folder.
Results go to standard output, everything else to standard error. Exit code 0: done, or yes; 1: it could not be done;
2: it was done, and the answer is no.`;
}

/** Of a word that begins several commands. */
export function groupHelp(word: string, commands: readonly Command[]): string {
  const rows = commands.map(
    (row) => `  scopegate ${[row.words, ...arguments_(row)].join(' ').padEnd(38)} ${row.summary}`,
  );
  return `scopegate ${word}: ${GROUPS[word]}\n\n${rows.join('\n')}\n\n  scopegate ${word} COMMAND --help       more about one of them`;
}

export function commandHelp(command: Command): string {
  const { about, options, more, example } = command;
  const lines = Object.entries(options).map(([name, option]) => optionLine(name, option));
  return [
    usage(command),
    about ?? `${command.summary[0]!.toUpperCase()}${command.summary.slice(1)}.`,
    ...(lines.length === 0 ? [] : [lines.join('\n')]),
    ...(more === undefined ? [] : [more]),
    ...(example === undefined ? [] : [`  ${example}`]),
  ].join('\n\n');
}

/** One line, or more where it is long. */
export function usage(command: Command): string {
  const words = ['scopegate', command.words, ...arguments_(command), ...optionWords(command)];
  const lines = [''];
  for (const word of words) {
    const line = lines.at(-1)!;
    if (line.length + word.length + 1 <= TEXT_WIDTH) lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
    else lines.push(`    ${word}`);
  }
  return lines.join('\n');
}

function arguments_({ args = [] }: Command): string[] {
  return args.map(argumentName);
}

/** Which gateway is asked is said of every one alike, below. */
function optionWords({ options }: Command): string[] {
  return Object.entries(options).map(([name, option]) => `[${optionName(name, option)}]${option.many ? '…' : ''}`);
}

function optionName(name: string, { value, short, choices }: Option): string {
  const behind = value === undefined ? '' : ` ${choices?.join('|') ?? value}`;
  return `${short === undefined ? '' : `-${short}, `}--${name}${behind}`.replace(/^-\w, (?=--)/, '');
}

function optionLine(name: string, option: Option): string {
  const { value, short, about, choices } = option;
  const shown = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
  const among = choices === undefined || about.includes(choices[0]!) ? '' : ` (${choices.join(', ')})`;
  return `  ${shown.padEnd(OPTION_WIDTH)} ${about}${among}`;
}

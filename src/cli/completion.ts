/** `scopegate completion SHELL`: scripts for bash, zsh and fish, made from the table of commands. */
import { SetupError } from '../errors.ts';
import type { Command, Invocation, Option } from './command.ts';

const SHELLS: Readonly<Record<string, (commands: readonly Command[]) => string>> = { bash, zsh, fish };

export async function completionCommand({ args, commands }: Invocation<object>): Promise<void> {
  const shell = args[0]!;
  if (!Object.hasOwn(SHELLS, shell))
    throw new SetupError(`completion takes bash, zsh or fish, not ${JSON.stringify(shell)}`);
  process.stdout.write(SHELLS[shell]!(commands));
}

/** What may follow which words: the second words of a group, by its first. */
function groups(all: readonly Command[]): ReadonlyMap<string, readonly Command[]> {
  const found = new Map<string, Command[]>();
  for (const command of all) {
    const [first, second] = command.words.split(' ');
    if (second !== undefined) found.set(first!, [...(found.get(first!) ?? []), command]);
  }
  return found;
}

/** What may stand behind a word that is a command itself, too. */
const ownCommand = (all: readonly Command[], first: string) => all.find(({ words }) => words === first);

const firstWords = (all: readonly Command[]) => [...new Set(all.map(({ words }) => words.split(' ')[0]!))];
const optionsOf = ({ options }: Command) => [
  ...Object.keys(options).map((name) => `--${name}`),
  '--help',
  '--no-color',
];
const takesFile = ({ value }: Option) => value === 'FILE';
const fileArgument = ({ args = [] }: Command) => args.some(({ name }) => name === 'FILE');

function bash(all: readonly Command[]): string {
  const seconds = [...groups(all)].map(([first, commands]) => {
    const own = ownCommand(all, first);
    const seconds = commands.map(({ words }) => words.split(' ')[1]!);
    const words = [...seconds, ...(own === undefined ? [] : optionsOf(own))].join(' ');
    return `    "${first}") [ "$COMP_CWORD" -eq 2 ] && { COMPREPLY=($(compgen -W "${words}" -- "$word")); return; } ;;`;
  });
  const commands = all.map((command) => {
    const values = Object.entries(command.options)
      .filter(([, option]) => option.choices !== undefined)
      .map(
        ([name, { choices }]) => `--${name}) COMPREPLY=($(compgen -W "${choices!.join(' ')}" -- "$word")); return ;;`,
      );
    const files = Object.entries(command.options)
      .filter(([, option]) => takesFile(option))
      .map(([name]) => `--${name}`);
    const file = files.length === 0 ? [] : [`${files.join('|')}) COMPREPLY=($(compgen -f -- "$word")); return ;;`];
    const cases = [...values, ...file].map((line) => `\n        ${line}`).join('');
    const before = cases === '' ? '' : `\n      case "$before" in${cases}\n      esac`;
    const positional = fileArgument(command)
      ? '\n      [[ "$word" != -* ]] && { COMPREPLY=($(compgen -f -- "$word")); return; }'
      : '';
    return `    "${command.words}")${before}${positional}
      COMPREPLY=($(compgen -W "${optionsOf(command).join(' ')}" -- "$word"))
      return ;;`;
  });
  return `# bash completion of scopegate, made by: scopegate completion bash
_scopegate() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local first="\${COMP_WORDS[1]}" second="\${COMP_WORDS[2]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${firstWords(all).join(' ')} --help --version" -- "$word"))
    return
  fi
  case "$first" in
${seconds.join('\n')}
  esac
  local command="$first"
  case "$first $second" in
    ${[...groups(all).values()]
      .flat()
      .map(({ words }) => `"${words}"`)
      .join('|')}) command="$first $second" ;;
  esac
  case "$command" in
${commands.join('\n')}
  esac
}
complete -F _scopegate scopegate
`;
}

/** As zsh wants a description: on one line, without what it would read as its own. */
const described = (text: string) => text.replaceAll(/['"\\[\]:$`]/g, ' ');
/** As fish wants it, between single quotes. */
const quoted = (text: string) => text.replaceAll(/['\\]/g, '\\$&');

function zsh(all: readonly Command[]): string {
  const line = (command: Command) => {
    const options = Object.entries(command.options).map(([name, { value, about, choices, many }]) => {
      const behind =
        value === undefined
          ? ''
          : `:${value}:${choices === undefined ? (value === 'FILE' ? '_files' : ' ') : `(${choices.join(' ')})`}`;
      return `'${many ? '*' : ''}--${name}[${described(about)}]${behind}'`;
    });
    const positional = (command.args ?? []).map(
      ({ name, many }) => `'${many ? '*' : ''}::${name}:${name === 'FILE' ? '_files' : ' '}'`,
    );
    const all = [...options, "'--help[more about it]'", ...positional];
    return `    '${command.words}') _arguments ${all.join(' \\\n      ')} ;;`;
  };
  const mixed = [...groups(all)].filter(([first]) => ownCommand(all, first) !== undefined);
  const both = mixed
    .flatMap(([, commands]) => commands)
    .map(({ words }) => {
      const [first, then] = words.split(' ');
      return `    ${first})
      if [[ "\${words[3]}" == ${then} ]]; then command="${words}"; shift words; (( CURRENT-- )); fi ;;`;
    })
    .join('\n');
  const second = [...groups(all)].map(([first, commands]) => {
    const words = commands.map(({ words, summary }) => `'${words.split(' ')[1]}:${described(summary)}'`);
    return `      ${first}) choices=(${words.join(' ')}) ;;`;
  });
  return `#compdef scopegate
# zsh completion of scopegate, made by: scopegate completion zsh
_scopegate() {
  local -a words_
  local command="\${words[2]}"
  if (( CURRENT == 2 )); then
    words_=(${firstWords(all).join(' ')})
    compadd -a words_
    return
  fi
  case "$command" in
    ${[...groups(all).keys()].filter((first) => ownCommand(all, first) === undefined).join('|')})
      if (( CURRENT == 3 )); then
        local -a choices
        case "$command" in
${second.join('\n')}
        esac
        _describe command choices
        return
      fi
      command="$command \${words[3]}"
      shift words; (( CURRENT-- )) ;;
${both}
  esac
  shift words; (( CURRENT-- ))
  case "$command" in
${all.map(line).join('\n')}
  esac
}
if [ "\${funcstack[1]}" = "_scopegate" ]; then _scopegate "$@"; else compdef _scopegate scopegate; fi
`;
}

function fish(all: readonly Command[]): string {
  const lines = ['# fish completion of scopegate, made by: scopegate completion fish', 'complete -c scopegate -f'];
  const seen = new Set<string>();
  for (const command of all) {
    const [first, second] = command.words.split(' ') as [string, string?];
    if (!seen.has(first))
      lines.push(
        `complete -c scopegate -n '__fish_use_subcommand' -a '${first}' -d '${second === undefined ? quoted(command.summary) : ''}'`,
      );
    seen.add(first);
    let when = `__fish_seen_subcommand_from ${first}`;
    if (second !== undefined) {
      const others = groups(all)
        .get(first)!
        .map(({ words }) => words.split(' ')[1]!)
        .join(' ');
      lines.push(
        `complete -c scopegate -n '${when}; and not __fish_seen_subcommand_from ${others}' -a '${second}' -d '${quoted(command.summary)}'`,
      );
      when += `; and __fish_seen_subcommand_from ${second}`;
    }
    if (fileArgument(command)) lines.push(`complete -c scopegate -n '${when}' -F`);
    for (const [name, { value, short, choices, about }] of Object.entries(command.options)) {
      const taken =
        value === undefined
          ? ''
          : choices !== undefined
            ? ` -x -a '${choices.join(' ')}'`
            : value === 'FILE'
              ? ' -r -F'
              : ' -x';
      lines.push(
        `complete -c scopegate -n '${when}' -l ${name}${short === undefined ? '' : ` -s ${short}`}${taken} -d '${quoted(about)}'`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

/** docs/cli.md: every command as `--help` tells of it, and what its example prints (test/cli/examples, held by a test). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from '../../src/cli/command.ts';
import { SHOWN_COMMANDS } from '../../src/cli/commands.ts';
import { usage } from '../../src/cli/help.ts';

const INTRODUCTION = `# The command line

\`scopegate COMMAND --help\` says the same as this page, which is made from the same table by \`npm run generate\`.

- Results go to standard output alone; notes, progress and receipts go to standard error. So
  \`TOKEN=$(scopegate token create …)\` works, and so does \`scopegate token list --jsonl | jq\`.
- Exit code 0: done, or yes. 1: it could not be done. 2: it was done, and the answer is no (nothing found, or a change that
  not every gateway process has applied yet).
- Commands that manage ask a running sidecar, which is named by \`--url\`, by \`-c FILE\` (the configuration that it runs), by
  \`SCOPEGATE_ADMIN_URL\`, or by \`./gateway.yaml\`. The admin key comes from \`--key-file\` (\`-\`: standard input),
  \`SCOPEGATE_ADMIN_KEY\`, or the file that \`serve\` made; a member's managing token does as well, with what that member may do.
- No key and no token is ever taken from the words of a command: whoever lists processes could read it there.
- A change waits until every gateway process has applied it (\`--wait\`), and says so.
- Tables fit the terminal; what is piped is never cut. \`--no-color\`, or \`NO_COLOR\` in the environment, prints without colour.
- \`$ID\` and \`$CLIENT\` stand for an id of a token and of a service account.
`;

export function cliDocument(root: string): string {
  return `${INTRODUCTION}\n${SHOWN_COMMANDS.map((command) => section(root, command)).join('\n')}`;
}

function section(root: string, command: Command): string {
  const { words, summary, about, more, example, options } = command;
  const rows = Object.entries(options).map(([name, option]) => row(name, option));
  const shown = join(root, `test/cli/examples/${words.replace(' ', '-')}.txt`);
  const printed = existsSync(shown) ? readFileSync(shown, 'utf8').trimEnd() : '';
  return [
    `## ${words}\n\n${about ?? sentence(summary)}\n`,
    `\`\`\`\n${usage(command)}\n\`\`\`\n`,
    ...(rows.length === 0 ? [] : [`| option | |\n| --- | --- |\n${rows.join('\n')}\n`]),
    ...(more === undefined ? [] : [`${more.replace(/(?:^ {2}.*\n?)+/gm, (block) => fenced(block))}\n`]),
    ...(example === undefined ? [] : [`\`\`\`\n$ ${example}\n${printed}\n\`\`\`\n`]),
  ].join('\n');
}

const fenced = (block: string) =>
  `\`\`\`\n${block.replace(/^ {2}/gm, '').trimEnd()}\n\`\`\`${block.endsWith('\n') ? '\n' : ''}`;

const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

function row(name: string, { value, short, about, choices }: Option): string {
  const behind = value === undefined ? '' : ` ${value}`;
  const among = choices === undefined ? '' : ` (${choices.join(', ')})`;
  return `| \`${short === undefined ? '' : `-${short}, `}--${name}${behind}\` | ${(about + among).replaceAll('|', '\\|')} |`;
}

/** Every command, in the order of `--help`. */
import type { Command } from './command.ts';
import { BENCH_COMMANDS } from './command-table/bench-commands.ts';
import { DIRECTORY_COMMANDS } from './command-table/directory-commands.ts';
import { EXPLAIN_COMMANDS } from './command-table/explain-commands.ts';
import { init, lint } from './command-table/file-commands.ts';
import {
  apply,
  check,
  completion,
  demo,
  HIDDEN,
  healthcheck,
  importCommandRow,
  migrateStore,
  serve,
} from './command-table/gateway-commands.ts';
import { RULES_COMMANDS } from './command-table/rules-commands.ts';
import { TOKEN_COMMANDS } from './command-table/token-commands.ts';

export const COMMANDS: readonly Command[] = [
  demo,
  init,
  check,
  lint,
  ...RULES_COMMANDS,
  serve,
  apply,
  importCommandRow,
  ...EXPLAIN_COMMANDS,
  ...TOKEN_COMMANDS,
  ...DIRECTORY_COMMANDS,
  ...BENCH_COMMANDS,
  healthcheck,
  migrateStore,
  completion,
  ...HIDDEN,
];

/** Those that are for people. */
export const SHOWN_COMMANDS: readonly Command[] = COMMANDS.filter(({ hidden }) => hidden !== true);

export interface Named {
  readonly command: Command;
  /** What stands behind its words. */
  readonly rest: readonly string[];
}

/** Which command the words begin with; null: none. */
export function commandOf(words: readonly string[]): Named | null {
  for (const length of [2, 1]) {
    const named = words.slice(0, length).join(' ');
    const command = words.length < length ? undefined : COMMANDS.find((row) => row.words === named);
    if (command !== undefined) return { command, rest: words.slice(length) };
  }
  return null;
}

/** `token`: the commands that begin with this word, where it names none itself. */
export function commandsBelow(word: string): readonly Command[] {
  return SHOWN_COMMANDS.filter((row) => row.words.startsWith(`${word} `));
}

/** The commands that say why. Only says what they take. */
import { type Command, command, READ_OPTIONS } from '../command.ts';

export const EXPLAIN_COMMANDS: readonly Command[] = [
  command({
    words: 'explain',
    args: [{ name: 'METHOD' }, { name: 'URL' }],
    summary: 'say why a request would be allowed or refused, and what would let it through',
    about: `Puts a request that nobody sends to the rules in force, and shows every check with what it sees and where that stands, not
only the first that fails. Behind it stands the least that would let it through, as commands. URL is a path with its query, or
a whole address. Exit code 0: it would be allowed; 2: it would be refused, or depends on its body.`,
    options: {
      'token-id': { value: 'ID', about: 'with which token; needed' },
      address: { value: 'ADDRESS', about: 'where the client is; without it nobody knows' },
      ...READ_OPTIONS,
    },
    example: 'scopegate explain GET /workspaces/sales/pages/1 --token-id $ID',
    load: async () => (await import('../explain.ts')).explainCommand,
  }),
];

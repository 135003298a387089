/** The commands that write and judge the files of a gateway, and ask nobody. Only says what they take. */
import { command } from '../command.ts';

export const lint = command({
  words: 'lint',
  args: [{ name: 'FILE', optional: true }],
  summary: 'say what is legal in a configuration and surely not meant',
  about: `Looks through FILE (default ./gateway.yaml), the files that it includes and its policy: write methods behind a read scope,
routes that ask for nothing, workspaces taken from the wrong place, scopes that open nothing. Each finding has a code, a
place, why it is one and how to mend it (docs/lint.md). Exit code 0: nothing was found, or notes alone; 2: an error or
a warning was found; 1: the configuration is wrong (scopegate check).`,
  options: {
    format: {
      value: 'FORMAT',
      default: 'text',
      choices: ['text', 'json', 'sarif', 'github'],
      about: 'text, json, sarif (code scanners) or github (annotations of a workflow); default text',
    },
    'exit-zero': { about: 'exit code 0 whatever was found' },
    json: { about: '{"findings": […], "silenced": […]}, as --format json' },
  },
  more: `A finding that was looked at is silenced with a reason: behind a value for its line, or on a line of its own for all of
the item or key below it. One that silences nothing, or has no reason, is a finding itself.

  - id: search # reads by POST
    match: { methods: [POST], path: /search }
    require: { scopes: ["content:read"] } # scopegate-ignore SG104: changes nothing`,
  example: 'scopegate lint gateway.yaml --exit-zero',
  load: async () => (await import('../lint.ts')).lintCommand,
});

/** The commands about tokens. Only says what they take. */

import { FINDINGS } from '../../manage/tokens/findings.ts';
import {
  ACTING_OPTIONS,
  CHANGE_OPTIONS,
  type Command,
  command,
  JSON_OPTION,
  MANY_OPTIONS,
  READ_OPTIONS,
} from '../command.ts';
import { SCANNERS } from '../scan/patterns.ts';

const ID = [{ name: 'ID' }] as const;

export const GRANT = {
  scope: { value: 'SCOPE', short: 's', many: true, about: 'what it may do; once for each' },
  workspace: { value: 'ID', short: 'w', many: true, about: 'where; once for each' },
  workspaces: {
    value: 'GRANT',
    choices: ['all', 'all-owned', 'all-joined', 'all-organization'],
    about: 'instead: present and future workspaces; all is the widest that the policy gives',
  },
  environment: { value: 'ID', many: true, about: 'limited to this environment; once for each' },
  environments: { value: 'GRANT', choices: ['all'], about: 'instead: not limited to any' },
  expires: { value: 'WHEN', short: 'e', about: '30d, 12h, an instant (RFC 3339) or never' },
  description: { value: 'TEXT', about: 'what it is for' },
  'allow-from': {
    value: 'NETWORK',
    many: true,
    about: 'an address or network that it may be used from; once for each',
  },
} as const;

export const TOKEN_COMMANDS: readonly Command[] = [
  command({
    words: 'token create',
    summary: 'make a token, and print it this once',
    about: `Prints the token alone, for a script: TOKEN=$(scopegate token create …). Everything else goes to standard error.`,
    options: {
      name: { value: 'NAME', short: 'n', about: 'for people' },
      owner: { value: 'MEMBER', about: 'whose it is; needed with the admin key' },
      kind: { value: 'KIND', about: 'of the kinds of the policy; default its own default' },
      ...GRANT,
      'api-version': { value: 'VERSION', about: 'where the policy has versions' },
      contact: { value: 'MEMBER', about: 'its primary contact; some policies require one' },
      like: { value: 'ID', about: 'take what is not given from this token' },
      'dry-run': { about: 'make nothing: say what it would be, and which routes it would reach' },
      ...CHANGE_OPTIONS,
    },
    example: 'scopegate token create --name laptop --owner ann --scope content:read --workspace sales --expires 30d',
    load: async () => (await import('../token/create.ts')).createCommand,
  }),
  command({
    words: 'token list',
    summary: 'list tokens, never with their texts',
    options: {
      name: { value: 'TEXT', short: 'n', about: 'whose name begins with this, in any case' },
      owner: { value: 'MEMBER', about: 'of this member' },
      kind: { value: 'KIND', about: 'of this kind' },
      state: { value: 'STATE', choices: ['active', 'inactive', 'expired', 'revoked'], about: 'in this state' },
      scope: { value: 'SCOPE', about: 'that list this scope' },
      workspace: { value: 'ID', about: 'that list this workspace, or may reach it by a grant of all' },
      expiring: { value: 'TIME', about: 'that end within this time: 7d' },
      unused: {
        value: 'TIME',
        about: 'that nobody has used for this time: 90d; with --finding: the time that it looks at',
      },
      'never-used': { about: 'that nobody has used yet' },
      finding: {
        value: 'FINDING',
        choices: FINDINGS,
        about: 'of whose use this is worth a look',
      },
      ...MANY_OPTIONS,
    },
    example: 'scopegate token list --state active',
    load: async () => (await import('../token/list.ts')).listTokensCommand,
  }),
  command({
    words: 'token show',
    args: ID,
    summary: 'read one token, never with its text',
    options: READ_OPTIONS,
    example: 'scopegate token show $ID',
    load: async () => (await import('../token/show.ts')).showTokenCommand,
  }),
  command({
    words: 'token find',
    summary: 'find whose token this is, by its text',
    about: `For a token that has leaked. Its text is read from standard input, or from a file, and neither kept nor logged. Exit code 2:
no token of this gateway.`,
    options: {
      'token-file': { value: 'FILE', default: '-', about: 'the file that holds it; default -: standard input' },
      ...JSON_OPTION,
      ...ACTING_OPTIONS,
    },
    example: 'scopegate token find --token-file found.txt',
    load: async () => (await import('../token/show.ts')).findTokenCommand,
  }),
  command({
    words: 'token edit',
    args: ID,
    summary: 'change what is given of a token; the rest stays',
    about: `What is given replaces what was: two --scope are all the scopes that it has then. Which fields may change is said by the
policy of its kind.`,
    options: {
      name: { value: 'NAME', short: 'n', about: 'for people' },
      ...GRANT,
      'scopes-used': { about: 'only the scopes that it was seen to use; says what goes, and asks' },
      yes: { short: 'y', about: 'do not ask' },
      ...CHANGE_OPTIONS,
    },
    example: 'scopegate token edit $ID --name "weekly export"',
    load: async () => (await import('../token/edit.ts')).editCommand,
  }),
  command({
    words: 'token activate',
    args: ID,
    summary: 'let a deactivated token work again',
    options: CHANGE_OPTIONS,
    example: 'scopegate token activate $ID',
    load: async () => (await import('../token/state.ts')).activateCommand,
  }),
  command({
    words: 'token deactivate',
    args: ID,
    summary: 'let a token work no more until it is activated',
    options: CHANGE_OPTIONS,
    example: 'scopegate token deactivate $ID',
    load: async () => (await import('../token/state.ts')).deactivateCommand,
  }),
  command({
    words: 'token rotate',
    args: ID,
    summary: 'replace the text of a token, and print the new one this once',
    about: 'Prints the new text alone. The old one ends at once, or after a grace that the policy of its kind allows.',
    options: {
      grace: { value: 'TIME', default: '0', about: 'how long the old text goes on working: 1h' },
      ...CHANGE_OPTIONS,
    },
    example: 'scopegate token rotate $ID --grace 1h',
    load: async () => (await import('../token/rotate.ts')).rotateCommand,
  }),
  command({
    words: 'token revoke',
    args: ID,
    summary: 'end a token, for ever; its record stays',
    options: CHANGE_OPTIONS,
    example: 'scopegate token revoke $ID',
    load: async () => (await import('../token/state.ts')).revokeCommand,
  }),
  command({
    words: 'token delete',
    args: ID,
    summary: 'end a token and delete its record',
    options: CHANGE_OPTIONS,
    example: 'scopegate token delete $ID',
    load: async () => (await import('../token/state.ts')).deleteCommand,
  }),
  command({
    words: 'token usage',
    summary: 'who uses their tokens, and which are used no more, longest unused first',
    options: {
      owner: { value: 'MEMBER', about: 'of this member' },
      ...MANY_OPTIONS,
    },
    example: 'scopegate token usage --owner ann',
    load: async () => (await import('../token/usage.ts')).usageCommand,
  }),
  command({
    words: 'scan',
    args: [{ name: 'PATH', optional: true }],
    summary: 'find tokens that were left in files, and whose they are',
    about: `Looks through a file, a folder or standard input (-) for tokens, by their form and checksum: nothing that merely looks like one
is found. In a git repository what git ignores is left out; elsewhere .git and node_modules are. The sidecar is asked with hashes
alone, and tokens are never printed. What was committed once: git log -p | scopegate scan -. Exit code 2: one was found.`,
    options: {
      'no-ignore': { about: 'look into what git ignores, too' },
      offline: { about: 'ask nobody whose they are' },
      'exit-zero': { about: 'exit code 0 whatever was found' },
      patterns: {
        value: 'SCANNER',
        choices: SCANNERS,
        about: 'print the form of the tokens instead, for github (custom pattern), gitleaks or trufflehog',
      },
      format: {
        value: 'FORMAT',
        default: 'text',
        choices: ['text', 'json', 'sarif'],
        about: 'text, json or sarif (code scanners); default text',
      },
      json: { about: '{"findings": […]}, as --format json' },
      ...ACTING_OPTIONS,
    },
    example: 'scopegate scan --patterns gitleaks -c gateway.yaml',
    load: async () => (await import('../scan/scan.ts')).scanCommand,
  }),
];

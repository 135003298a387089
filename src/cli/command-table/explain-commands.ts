/** The commands that say why. Only says what they take. */
import { type Command, command, LIST_OPTIONS, MANY_OPTIONS, READ_OPTIONS, SIDECAR_OPTIONS } from '../command.ts';

export const EXPLAIN_COMMANDS: readonly Command[] = [
  command({
    words: 'explain',
    args: [{ name: 'ID|METHOD' }, { name: 'URL', optional: true }],
    summary: 'say why a request was refused or would be, and what would let it through',
    about: `Puts a request that nobody sends to the rules in force, and shows every check with what it sees and where that stands, not
only the first that fails. Behind it stands the least that would let it through, as commands. URL is a path with its query, or
a whole address. Exit code 0: it would be allowed; 2: it would be refused, or depends on its body.`,
    more: `With the ID of a decision (X-Scopegate-Decision-Id of the answer): what was decided then, what would be decided now, and what
has changed. Gateway processes remember refusals for a while (explain.keep of gateway.yaml); afterwards, and of allowed requests,
a line of log.decisions is as good: --log FILE.`,
    options: {
      log: {
        value: 'FILE',
        about: 'read the decision from this log (-: standard input) instead of asking who remembers it',
      },
      'token-id': { value: 'ID', about: 'with which token; needed' },
      address: { value: 'ADDRESS', about: 'where the client is; without it nobody knows' },
      ...READ_OPTIONS,
    },
    example: 'scopegate explain GET /workspaces/sales/pages/1 --token-id $ID',
    load: async () => (await import('../explain.ts')).explainCommand,
  }),
  command({
    words: 'refusals',
    summary: 'list what was refused lately, newest first',
    about: 'As far as the gateway processes remember it. Members see those of their own tokens.',
    options: {
      reason: { value: 'REASON', about: 'such as scope_missing' },
      route: { value: 'ID', about: 'of this route' },
      token: { value: 'ID', about: 'of this token' },
      address: { value: 'ADDRESS', about: 'of clients at this address' },
      since: { value: 'TIME', about: 'of the last 30m, 12h, 7d' },
      ...MANY_OPTIONS,
    },
    example: 'scopegate refusals --limit 10',
    load: async () => (await import('../refusals.ts')).refusalsCommand,
  }),
  command({
    words: 'audit',
    summary: 'list who did what to what, and who was refused, newest first',
    about: `The audit trail of an organization. Administrators see all of it; other members, and whoever calls by a token, what they
did themselves. CHANGED names the fields that were changed; --json has what was before and after.`,
    more: `--jsonl --limit 0 is the whole trail, an event a line, for keeping it longer than the gateway does (audit.keepDays).`,
    options: {
      actor: { value: 'ID', about: 'by this member, service account or token; member/ann; admin-key' },
      object: { value: 'ID', about: 'to this, or to TYPE/ID such as token/tok_1' },
      kind: { value: 'KIND', about: 'token.revoked: exactly this; token: whatever was done to tokens' },
      outcome: {
        value: 'OUTCOME',
        choices: ['done', 'refused'],
        about: 'refused: what somebody was not allowed to do',
      },
      since: { value: 'TIME', about: 'of the last 30m, 12h, 7d, or since an instant such as 2030-01-31T00:00:00Z' },
      until: { value: 'TIME', about: 'until then, as --since' },
      oldest: { about: 'oldest first' },
      ...MANY_OPTIONS,
    },
    example: 'scopegate audit --kind token --limit 5',
    load: async () => (await import('../audit.ts')).auditCommand,
  }),
  command({
    words: 'who-can',
    args: [{ name: 'METHOD' }, { name: 'URL' }],
    summary: 'list who could have a request let through, and which tokens can now',
    about: `What its route asks for, with the lines of gateway.yaml; the members and service accounts that could with a token that has
all their scopes and reaches the workspace; the tokens that can now. Each as the gateway itself would judge it. For administrators.
Exit code 2: nobody can.`,
    options: {
      address: { value: 'ADDRESS', about: 'where the client is; without it nobody knows' },
      limit: { value: 'N', default: '100', about: 'show this many of each at most (default 100)' },
      ...READ_OPTIONS,
    },
    example: 'scopegate who-can GET /workspaces/sales/pages/1',
    load: async () => (await import('../who-can.ts')).whoCanCommand,
  }),
  command({
    words: 'routes',
    summary: 'list the routes in force, in the order in which they are tried',
    about: `As gateway.yaml was compiled: what each takes and asks for, its line, what lint finds there, and how often it was asked for and
refused within a day, as far as the gateway processes that run now have counted. For the operator.`,
    options: {
      path: { value: 'TEXT', about: 'with this in the path, the id or a host' },
      method: { value: 'METHOD', about: 'that take this method' },
      scope: { value: 'SCOPE', about: 'that ask for this scope' },
      only: {
        value: 'WHICH',
        choices: ['found', 'unused', 'public'],
        about: 'found: where lint finds something; unused: nobody has asked for them; public: they ask for no token',
      },
      ...LIST_OPTIONS,
      ...SIDECAR_OPTIONS,
    },
    example: 'scopegate routes --path workspaces',
    load: async () => (await import('../routes.ts')).routesCommand,
  }),
];

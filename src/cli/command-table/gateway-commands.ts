/** The commands that run, read, fill and move a gateway. Only says what they take. */
import { type Command, command, JSON_OPTION, SIDECAR_OPTIONS } from '../command.ts';

const CONFIG = {
  config: { value: 'FILE', short: 'c', default: 'gateway.yaml', about: 'the configuration; default ./gateway.yaml' },
} as const;
const DRY_RUN = { 'dry-run': { about: 'say exactly what would be done, and do nothing' } } as const;

export const demo = command({
  words: 'demo',
  summary: 'a whole gateway with an example API, tokens and curl lines to try',
  about: `Starts an example API, a gateway before it and the sidecar, with an organization, members, workspaces and tokens.
Prints a link that opens the console, and curl lines that show what is allowed and what is refused. A few requests a second come
from programs of that organization. Everything is gone when it stops (Ctrl-C).`,
  options: {
    'no-traffic': { about: 'no requests but yours' },
    json: { about: 'one line when all is up: {"gateway", "admin", "adminKey", "upstream", "tokens": {…}}' },
  },
  load: async () => (await import('../demo.ts')).demoCommand,
});

export const check = command({
  words: 'check',
  args: [{ name: 'FILE', optional: true }],
  summary: 'read a configuration and say everything that is wrong with it',
  about: `Reads FILE (default ./gateway.yaml) and its policy and prints everything that is wrong, each as
file:line:column: message. Opens no port, and the store only with --store. Exit code 0: nothing is wrong; 1: something is.`,
  options: {
    store: { about: 'also name the tokens in the store whose API version the policy no longer has' },
    ...JSON_OPTION,
  },
  example: 'scopegate check gateway.yaml',
  load: async () => (await import('../check.ts')).checkCommand,
});

export const serve = command({
  words: 'serve',
  summary: 'run the gateway and its sidecar (token management)',
  about: `Runs what FILE describes: the gateway, which checks and forwards requests, and the sidecar, which manages
organizations, members, workspaces and tokens. Relative paths in FILE are relative to it.`,
  options: {
    ...CONFIG,
    only: {
      value: 'PART',
      choices: ['gateway', 'admin'],
      about: 'gateway: without the sidecar (but with the decision listener); admin: the sidecar alone',
    },
  },
  more: `With gateway.workers above 1 the gateway is that many processes and the sidecar one more, started and replaced by this one.
SIGTERM or SIGINT drains: no new connections, requests in progress finish (30 s at most). A second one forces.
A changed FILE or policy, SIGHUP and POST /v1/reload put the new configuration in force, or say why they cannot.
SCOPEGATE_ADMIN_KEY sets the sidecar's admin key; without it one is made in the data folder at the first start.`,
  load: async () => (await import('../serve.ts')).serveCommand,
});

export const healthcheck = command({
  words: 'healthcheck',
  summary: 'ask a running gateway whether it may be sent requests; made for containers',
  about: `Asks the sidecar's /readyz, without a key. Exit code 0: ready; 1: not ready, or nobody answers. (Not 2: Docker keeps that
code for itself.)`,
  options: {
    config: SIDECAR_OPTIONS.config,
    url: SIDECAR_OPTIONS.url,
    'ca-file': SIDECAR_OPTIONS['ca-file'],
    live: { about: 'ask only whether the process answers (/livez), ready or not' },
    ...JSON_OPTION,
  },
  example: 'scopegate healthcheck',
  load: async () => (await import('../healthcheck.ts')).healthcheckCommand,
});

export const apply = command({
  words: 'apply',
  args: [{ name: 'FILE' }],
  summary: 'load or sync organizations, members, teams and workspaces from a file',
  about: `Makes the directory of a running sidecar as FILE says: organizations, members, teams, workspaces, environments,
assignments and resources. Prints what differs (+ created, ~ changed, - removed), does it, and says what it did; a
second run finds nothing to change. What FILE leaves out stays as it is. A file with any problem changes nothing.`,
  options: {
    ...DRY_RUN,
    prune: { about: 'remove what FILE does not name, within the organizations that it names' },
    json: { about: '{"created", "changed", "removed", "unchanged", "changes": […]} instead of lines' },
    ...SIDECAR_OPTIONS,
  },
  more: `Another owner of a workspace is a transfer and may end tokens; so may a removed member. Both are shown beforehand.
When a call fails, what is done stays done, and running it again goes on from there.

  # directory.yaml, checked by editors with schemas/directory.schema.json
  organizations:
    acme:
      name: Acme
      edition: team
      members: { alice: { name: Alice, role: admin } }
      workspaces: { ws_sales: { name: Sales, owner: alice } }`,
  example: 'scopegate apply directory.yaml --dry-run',
  load: async () => (await import('../apply.ts')).applyCommand,
});

export const importCommandRow = command({
  words: 'import',
  args: [{ name: 'FILE' }],
  summary: 'take in the tokens of another system by their SHA-256, so that nobody needs a new one',
  about: `Takes tokens of another system into a running sidecar, by the SHA-256 of their text: they go on working, with the scopes,
workspaces and expiry given here, until they are revoked. FILE holds JSON lines, or CSV with a header where it is named
.csv. The policy's rules hold as for a new token. A file with a mistake of form changes nothing; a token that is refused
is named with its line, and the others are taken. Running it again skips what is here already.`,
  options: {
    organization: { value: 'ORG', about: 'for rows that name no organization' },
    'dry-run': { about: 'say what would be taken and refused, and do nothing (limits count within 100 rows only)' },
    json: { about: '{"imported", "existing", "refused", "differing", "problems": […]} instead of lines' },
    ...SIDECAR_OPTIONS,
  },
  more: `First say in gateway.yaml which form the tokens have, or no gateway will look one up:

  import: { patterns: [{ prefix: "key-", minLength: 40, maxLength: 40 }] }

The hash of one token, without a line's end, and a row for it:

  printf %s "$TOKEN" | sha256sum
  {"sha256": "9f86…", "hint": "key-a1b2", "name": "CI", "owner": "alice", "scopes": ["bot:read"],
   "workspaces": ["ws_sales"], "expiresAt": "2030-01-31T00:00:00Z", "createdAt": "2026-05-04T08:00:00Z"}

Further fields: organization, kind, description, expiresInDays, neverExpires (true), apiVersion. A row is one line.
In CSV lists are written with spaces, and an empty cell is nothing:

  sha256,name,owner,scopes,workspaces,expiresAt
  9f86…,CI,alice,bot:read chat:read,ws_sales,2030-01-31T00:00:00Z`,
  example: 'scopegate import tokens.csv --organization acme --dry-run',
  load: async () => (await import('../import.ts')).importCommand,
});

export const migrateStore = command({
  words: 'migrate-store',
  summary: 'carry all records over into another store, SQLite to Redis or back',
  about: `Carries everything that the store of one configuration holds over into that of another: SQLite to Redis, or back. Then
compares all of it both ways. The source stays as it is. The target must be empty, or what an earlier run left.`,
  options: {
    from: { value: 'FILE', about: 'a gateway.yaml whose store section names the source' },
    to: { value: 'FILE', about: 'the same with the new store' },
    json: { about: '{"source", "target", "records", "entries", "copied", "removed"} instead of lines' },
  },
  more: `Stop every scopegate on both stores first: one that goes on changing the source makes the command refuse at its end
(run it again then; only what differs is copied). It may be killed at any moment and run again.

  systemctl stop scopegate
  scopegate migrate-store --from gateway.yaml --to gateway-redis.yaml
  mv gateway-redis.yaml gateway.yaml && systemctl start scopegate`,
  load: async () => (await import('../migrate-store.ts')).migrateStoreCommand,
});

export const completion = command({
  words: 'completion',
  args: [{ name: 'SHELL' }],
  summary: 'print a script that teaches bash, zsh or fish these commands',
  about: `SHELL is bash, zsh or fish. To have it in every shell from now on:

  bash   scopegate completion bash > ~/.local/share/bash-completion/completions/scopegate
  zsh    scopegate completion zsh > "\${fpath[1]}/_scopegate"
  fish   scopegate completion fish > ~/.config/fish/completions/scopegate.fish`,
  options: {},
  load: async () => (await import('../completion.ts')).completionCommand,
});

/** For developers, and for `serve`. */
export const HIDDEN: readonly Command[] = [
  command({
    words: 'generate',
    summary: 'write the files that are made from the sources',
    hidden: true,
    options: {},
    load: async () => (await import('../generate.ts')).generateCommand,
  }),
  command({
    words: 'child',
    args: [{ name: 'NAME', optional: true }],
    summary: 'what serve starts where it needs several processes',
    hidden: true,
    options: {},
    load: async () => (await import('../worker.ts')).childCommand,
  }),
];

/** The commands that try and compare rules before they are in force. Only says what they take. */
import { type Command, command, JSON_OPTION, SIDECAR_OPTIONS } from '../command.ts';

const testRules = command({
  words: 'test',
  args: [{ name: 'FILE', optional: true, many: true }],
  summary: 'run policy tests: which requests are let through, and which are refused, by these rules',
  about: `Runs what stands in FILE, or in every *.test.yaml of this folder and those below it. Their requests are judged as the gateway
judges them, for tokens made by the rules of the policy, at the moment that the file names. Nothing is opened and nothing is
sent. Exit code 0: all is as the tests say; 2: something is not, or they try too little; 1: a file cannot be used.`,
  options: {
    filter: {
      value: 'GLOB',
      about: 'only tests whose name fits, such as "readers*"; then nothing is said of coverage',
    },
    mutate: { about: 'also say which slips in the rules no test would notice: a scope dropped, a role lowered, …' },
    watch: { about: 'run again when a file changes, until Ctrl-C' },
    format: {
      value: 'FORMAT',
      default: 'tree',
      choices: ['tree', 'json', 'junit', 'github'],
      about: 'tree, json, junit or github (default tree)',
    },
    ...JSON_OPTION,
  },
  more: `  # gateway.test.yaml, checked by editors with schemas/test.schema.json
  gateway: gateway.yaml
  now: 2030-01-01T12:00:00Z
  directory: directory.yaml # as for apply, or the same here
  tokens:
    reader: { owner: ann, scopes: ["bot:read"], workspaces: [sales], expiresInDays: 30 }
  tests:
    - name: readers read, and no more
      token: reader
      allow: [ "GET /v1/bots/b1" ]
      deny: { "DELETE /v1/bots/b1": scope_missing }
  require: { routes: 100, mutants: 90 } # percent: of routes tried both ways, of slips noticed`,
  example: 'scopegate test gateway.test.yaml',
  load: async () => (await import('../test-rules/test-rules.ts')).testRulesCommand,
});

const diffRules = command({
  words: 'diff',
  args: [{ name: 'OLD' }, { name: 'NEW' }],
  summary: 'say who may do more, and who less, by one configuration than by another',
  about: `Compares what two configurations decide, route by route: exactly, since all classes of requests that they could tell apart are
looked at, whatever hides behind an order of templates, a host, a default or an included file; and what their policies give to
roles. OLD and NEW are files, or git:REVISION:FILE. Exit code 0: they decide the same; 2: they do not.`,
  options: {
    tokens: {
      about: 'ask the sidecar which of its tokens may use a route by one and not by the other, by their scopes',
    },
    replay: { value: 'LOG', about: 'judge the decisions of this log (lines of log.decisions) by NEW' },
    'fail-on': {
      value: 'WHAT',
      default: 'any',
      choices: ['any', 'wider'],
      about: 'exit code 2 for any difference, or only where somebody may do more (default any)',
    },
    format: {
      value: 'FORMAT',
      default: 'text',
      choices: ['text', 'json', 'github'],
      about: 'text, json or github (default text)',
    },
    ...JSON_OPTION,
    ...SIDECAR_OPTIONS,
  },
  more: `narrower: some who passed do not any more. WIDER: some pass who did not. Not compared: rates, upstreams, headers, and who
may be given which token.

  scopegate diff git:main:gateway.yaml gateway.yaml --fail-on wider --format github`,
  example: 'scopegate diff gateway.yaml gateway.yaml',
  load: async () => (await import('../diff-rules/diff-rules.ts')).diffRulesCommand,
});

export const RULES_COMMANDS: readonly Command[] = [testRules, diffRules];

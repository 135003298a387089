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
    openapi: { value: 'FILE', about: 'hold the routes against this OpenAPI document, too' },
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

export const init = command({
  words: 'init',
  args: [{ name: 'DIR', optional: true }],
  summary: 'lay a folder that runs: gateway.yaml, a policy, a directory; from an OpenAPI document, too',
  about: `Writes into DIR (default: here) a gateway.yaml, a policy of your own to change, a directory.yaml with a first member and
workspace, policy tests, .env.example, and schemas for editors; then says which two commands start it and make a first token. Asks on a
terminal for what is not given. What is there is never overwritten, and after an error nothing is left.`,
  options: {
    yes: { short: 'y', about: 'ask nothing: what is not given is as usual' },
    upstream: {
      value: 'URL',
      about: 'where your API is, as http://127.0.0.1:3000; with --merge the name of the upstream of new routes',
    },
    policy: { value: 'NAME', about: 'which of the policies that come with scopegate to begin with; default: default' },
    openapi: {
      value: 'FILE',
      about: 'make the routes of this document (OpenAPI 3.0 to 3.2, Swagger 2.0; YAML or JSON)',
    },
    merge: { about: 'add to the gateway.yaml of DIR the routes that it lacks, and change nothing else in it' },
    check: { about: 'say what the gateway.yaml of DIR lacks; exit code 2 where it lacks something' },
    'public-ok': { about: 'operations for which the document asks for no token become public routes' },
    json: { about: 'one JSON document instead of lines' },
  },
  more: `Of an OpenAPI document each operation becomes one route, named by its operationId, behind the path of the first server. The
requirements of security are alternatives, and within one all scopes are needed. An operation that no route can say
(scopes that are mixed of both, another server, a path such as /{name}.json) is left out and listed, and so is one that
asks for no token, unless --public-ok. docs/openapi.md tells more.`,
  example: 'scopegate init --openapi api.yaml --check gateway.yaml',
  load: async () => (await import('../init.ts')).initCommand,
});

/** The commands that measure a gateway under load. Only says what they take. */
import { type Command, command, JSON_OPTION, READ_OPTIONS } from '../command.ts';
import { GRANT } from './token-commands.ts';

export const BENCH_COMMANDS: readonly Command[] = [
  command({
    words: 'bench',
    args: [{ name: 'URL', many: true }],
    summary: 'measure what a gateway takes under load: hits, misses, refusals, revocations',
    about: `Sends requests to the URLs at a rate that no answer slows down, and counts each from the start that was intended. With the admin
key it makes tokens of its own, like one that there is (--like) or as they are described, and removes them at the end, also at
Ctrl-C. Without it the tokens come from --token-file, and any HTTP API will do. Exit code 2: a threshold is missed, the numbers
are not valid, or a token was served that was not to be. docs/load-testing.md tells how to read the report.`,
    options: {
      rate: { value: 'N', short: 'r', about: 'requests a second; needed' },
      for: { value: 'TIME', default: '30s', about: 'how long; default 30s' },
      arrivals: {
        value: 'KIND',
        choices: ['poisson', 'constant'],
        default: 'poisson',
        about: 'poisson: as independent clients come (default); constant: evenly spaced',
      },
      'warm-up': { value: 'TIME', default: '2s', about: 'before it, not counted; default 2s' },
      miss: { value: 'PERCENT', default: '0', about: 'of all requests: the first use of a token' },
      unknown: { value: 'PERCENT', default: '0', about: 'with a token that nobody made' },
      refused: { value: 'PERCENT', default: '0', about: 'with a token that was revoked' },
      revoke: { value: 'N', default: '0', about: 'revoke so many tokens a second while they are used' },
      direct: { value: 'URL', about: 'the upstream of these URLs: the same load without the gateway, in turns' },
      turn: { value: 'TIME', default: '5s', about: 'how long such a turn is; default 5s' },
      threshold: {
        value: 'LIMIT',
        many: true,
        about: "what is to be kept: 'p99<20ms', 'added.p99<2ms', 'lag.max<100ms', 'errors<0.1%'; once for each",
      },
      saturate: {
        value: 'TIME',
        about: 'at the end, for so long: how much is served at most, in a closed loop (autocannon)',
      },
      report: { value: 'FILE', about: 'write an HTML report, one file without script' },
      save: { value: 'FILE', about: 'write the result as JSON, for scopegate bench compare' },
      method: { value: 'METHOD', default: 'GET', about: 'default GET; no body is sent' },
      header: { value: 'LINE', many: true, about: "a field of every request, 'Name: value'; once for each" },
      connections: { value: 'N', default: '100', about: 'at most, to each place; default 100' },
      timeout: { value: 'TIME', default: '10s', about: 'how long an answer is waited for; default 10s' },
      'token-file': { value: 'FILE', about: 'tokens that there are, one a line, instead of new ones' },
      'refused-file': { value: 'FILE', about: 'beside it: tokens that are to be refused' },
      tokens: { value: 'N', default: '10', about: 'how many to make for hits; default 10' },
      like: { value: 'ID', about: 'make them like this token' },
      owner: { value: 'MEMBER', about: 'whose they are' },
      kind: { value: 'KIND', about: 'of the kinds of the policy' },
      scope: GRANT.scope,
      workspace: GRANT.workspace,
      workspaces: GRANT.workspaces,
      expires: { value: 'WHEN', default: '1d', about: 'when they end, should they not be removed; default 1d' },
      ...READ_OPTIONS,
    },
    more: `  scopegate bench http://127.0.0.1:8080/workspaces/sales/pages/1 --rate 500 --like $ID \\
    --miss 1 --unknown 1 --refused 2 --revoke 5 --direct http://127.0.0.1:3000 \\
    --threshold 'added.p99<2ms' --report bench.html`,
    load: async () => (await import('../load-test/bench.ts')).benchCommand,
  }),
  command({
    words: 'bench compare',
    args: [{ name: 'FILE' }, { name: 'FILE' }],
    summary: 'say what differs between two results of scopegate bench',
    about: `The files are what --save wrote. Says where the two were not measured alike. Exit code 2: a latency of the second is worse
by more than --worse allows.`,
    options: {
      worse: { value: 'PERCENT', about: 'how much longer p50, p90 or p99 may be' },
      ...JSON_OPTION,
    },
    example: 'scopegate bench compare before.json after.json',
    load: async () => (await import('../load-test/compare.ts')).compareCommand,
  }),
];

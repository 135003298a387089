/**
 * The scenarios of the comparison with peers, as data: what is sent, over how many connections, and what the answer must
 * be. Each has its own row for every candidate. Starts and measures nothing.
 */

/** How the candidates of a scenario are started. */
export type Variant = 'plain' | 'whole-bodies' | 'streams' | 'tls' | 'http2' | 'limits' | 'log';

export interface Scenario {
  /** What `--scenario` takes. */
  readonly name: string;
  readonly variant: Variant;
  /** `events` and `sockets`: messages over connections that stay open; a figure is that of one message. */
  readonly kind: 'requests' | 'events' | 'sockets';
  readonly connections: number;
  /** `junk`: one text that is no token; `unknown`: many that nobody issued; `unscoped`: without the scope. */
  readonly tokens: 'held' | 'junk' | 'unknown' | 'unscoped';
  readonly status: 200 | 401 | 403;
  /** Of the answer's body, when it is the upstream's. */
  readonly answerBytes: number;
  /** Of the request's body; more than none makes it a POST. */
  readonly bodyBytes: number;
  /** Of further headers. */
  readonly headerBytes: number;
  /** How many times as long as others a round is: where opening the connections would be a part of the figure. */
  readonly timesLonger: number;
  /** Every how many-th request says `Connection: close`; 0: none. */
  readonly closeEvery: number;
}

/** As long as the gateway benchmark's. */
const ANSWER_BYTES = 211;
/** Different texts of `unknown`. */
export const UNKNOWN_TOKENS = 50_000;
/** Requests under way at any time, where a scenario says nothing else. */
const CONNECTIONS = 64;

const PLAIN: Scenario = {
  name: 'plain',
  variant: 'plain',
  kind: 'requests',
  connections: CONNECTIONS,
  tokens: 'held',
  status: 200,
  answerBytes: ANSWER_BYTES,
  bodyBytes: 0,
  headerBytes: 0,
  timesLonger: 1,
  closeEvery: 0,
};

/** Those of one variant stand together: its candidates are started once. */
export const SCENARIOS: readonly Scenario[] = [
  PLAIN,
  { ...PLAIN, name: 'connections-1', connections: 1 },
  { ...PLAIN, name: 'connections-8', connections: 8 },
  { ...PLAIN, name: 'connections-256', connections: 256 },
  { ...PLAIN, name: 'connections-2000', connections: 2000, timesLonger: 3 },
  { ...PLAIN, name: 'refused-junk', tokens: 'junk', status: 401 },
  { ...PLAIN, name: 'refused-unknown', tokens: 'unknown', status: 401 },
  { ...PLAIN, name: 'refused-scope', tokens: 'unscoped', status: 403 },
  { ...PLAIN, name: 'answer-16k', answerBytes: 16 * 1024 },
  { ...PLAIN, name: 'answer-64k', answerBytes: 64 * 1024 },
  { ...PLAIN, name: 'answer-1m', answerBytes: 1024 * 1024 },
  { ...PLAIN, name: 'headers-2k', headerBytes: 2048 },
  { ...PLAIN, name: 'close', closeEvery: 1 },
  { ...PLAIN, name: 'close-every-10th', closeEvery: 10 },
  { ...PLAIN, name: 'post-1k', variant: 'whole-bodies', bodyBytes: 1024 },
  { ...PLAIN, name: 'post-16k', variant: 'whole-bodies', bodyBytes: 16 * 1024 },
  { ...PLAIN, name: 'tls', variant: 'tls' },
  { ...PLAIN, name: 'http2', variant: 'http2' },
  { ...PLAIN, name: 'events', variant: 'streams', kind: 'events', connections: 500 },
  { ...PLAIN, name: 'sockets', variant: 'streams', kind: 'sockets', connections: 500 },
  { ...PLAIN, name: 'rate-limits', variant: 'limits' },
  { ...PLAIN, name: 'access-log', variant: 'log' },
];

export const NAMES: readonly string[] = SCENARIOS.map((scenario) => scenario.name);

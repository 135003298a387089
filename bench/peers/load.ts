/**
 * One round of one scenario at one candidate: the load runs on the other core, the candidate's CPU time is taken from all
 * its processes. By wrk and h2load where they are installed, else by Node. Says what was not answered as it should be.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OTHER_CORE, runProgram, runWorker } from '../children.ts';
import { percentile, treeCpuSeconds } from '../measure.ts';
import type { LoadDetails, LoadPlan, LoadResult } from '../processes/load.ts';
import type { MessagesPlan, MessagesResult } from '../processes/peers-streams.ts';
import type { Candidate, Missing } from './candidates.ts';
import type { Scenario } from './scenarios.ts';
import { bytesOf, type Sent } from './traffic.ts';

export interface Round {
  /** Of all its processes, for each answer (or message). */
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The share of a core that it took. */
  readonly busy: number;
}

/** What the load says of a round. */
interface Outcome {
  readonly answers: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What was not answered as it should be, in words; null: nothing. */
  readonly problem: string | null;
  /** Of one answer, head included; null: not known. */
  readonly bytesEach: number | null;
  /** Where the load saw the candidate's beginning and end itself. */
  readonly cpuSeconds?: number;
}

interface Prepared {
  readonly scenario: Scenario;
  readonly requests: readonly Sent[];
  readonly folder: string;
}

interface Wrk {
  readonly answers: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly refused: number;
  readonly failed: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly statuses: Readonly<Record<string, number>>;
}

const HAS_WRK = spawnSync('wrk', ['-v']).error === undefined;
const HAS_H2LOAD = spawnSync('h2load', ['--version']).status === 0;
const WRK_SCRIPT = fileURLToPath(new URL('../processes/wrk-load.lua', import.meta.url));
const H2_CONNECTIONS = 8;
/** How much the length of an answer may differ from that of the warm-up before it must be another answer. */
const LENGTH_TOLERANCE = 0.02;
/** The least of an access log's line. */
const LINE_BYTES = 50;

export function missingLoads(): Missing[] {
  const missing: Missing[] = [];
  if (!HAS_WRK) missing.push({ what: 'wrk', instead: 'autocannon', install: 'apt-get install wrk' });
  if (!HAS_H2LOAD)
    missing.push({ what: 'h2load', instead: "node's client", install: 'apt-get install nghttp2-client' });
  return missing;
}

/** autocannon makes all requests for each connection anew: not so many. */
export function canSend(scenario: Scenario): boolean {
  return HAS_WRK || scenario.tokens !== 'unknown';
}

/** The load on one candidate, with what its first round has shown. */
export class LoadOn {
  readonly #candidate: Candidate;
  readonly #prepared: Prepared;
  /** Of the warm-up. */
  #first: Pick<Outcome, 'answers' | 'bytesEach'> = { answers: 0, bytesEach: null };

  constructor(candidate: Candidate, prepared: Prepared) {
    this.#candidate = candidate;
    this.#prepared = prepared;
  }

  /** Warms up, and counts every status meanwhile, which costs too much while it is measured. */
  async warmUp(seconds: number): Promise<string | null> {
    const outcome = await runLoad(this.#prepared, this.#candidate, seconds, true);
    this.#first = outcome;
    const { answers, problem } = outcome;
    return problem ?? (answers === 0 ? 'nothing was answered' : null);
  }

  async measure(seconds: number): Promise<Round | string> {
    const { pid, accessLog } = this.#candidate;
    const cpuBefore = treeCpuSeconds(pid);
    const logBefore = accessLog === null ? 0 : statSync(accessLog).size;
    const outcome = await runLoad(this.#prepared, this.#candidate, seconds, false);
    const cpuSeconds = outcome.cpuSeconds ?? treeCpuSeconds(pid) - cpuBefore;
    if (outcome.problem !== null) return outcome.problem;
    if (outcome.answers === 0) return 'nothing was answered';
    if (this.#isAnotherLength(outcome)) return `answers of another length: ${Math.round(outcome.bytesEach!)} bytes`;
    if (accessLog !== null && statSync(accessLog).size - logBefore < outcome.answers * LINE_BYTES)
      return 'answers left no line in the access log';
    return {
      cpuMicroseconds: (cpuSeconds * 1e6) / outcome.answers,
      perSecond: outcome.answers / outcome.seconds,
      p50Ms: outcome.p50Ms,
      p99Ms: outcome.p99Ms,
      busy: cpuSeconds / outcome.seconds,
    };
  }

  /** Than in the warm-up. What has come of answers that are cut off at the end is among the bytes, not the answers. */
  #isAnotherLength({ answers, bytesEach }: Outcome): boolean {
    if (this.#first.bytesEach === null || bytesEach === null) return false;
    const cutOff = this.#prepared.scenario.connections / Math.min(answers, this.#first.answers);
    return Math.abs(bytesEach / this.#first.bytesEach - 1) > LENGTH_TOLERANCE + cutOff;
  }
}

/** A load that breaks off is told like a wrong answer: the other candidates are still measured. */
async function runLoad(prepared: Prepared, candidate: Candidate, seconds: number, counted: boolean): Promise<Outcome> {
  try {
    return await sendLoad(prepared, candidate, seconds, counted);
  } catch (error) {
    const problem = `the load broke off: ${(error as Error).message}`;
    return { answers: 0, seconds, p50Ms: 0, p99Ms: 0, problem, bytesEach: null };
  }
}

function sendLoad(prepared: Prepared, candidate: Candidate, seconds: number, counted: boolean): Promise<Outcome> {
  const { kind, variant } = prepared.scenario;
  if (kind !== 'requests') return messages(prepared, candidate, seconds, kind);
  if (variant === 'http2')
    return HAS_H2LOAD ? h2load(prepared, candidate, seconds) : byNode(prepared, candidate, seconds);
  return HAS_WRK ? wrk(prepared, candidate, seconds, counted) : byNode(prepared, candidate, seconds);
}

async function wrk(
  { scenario, requests, folder }: Prepared,
  { url }: Candidate,
  seconds: number,
  counted: boolean,
): Promise<Outcome> {
  const file = join(folder, 'requests');
  const texts = requests.map(bytesOf);
  writeFileSync(file, texts.map((text) => `${text.length}\n${text}`).join(''), 'latin1');
  const size = ['-t', '1', '-c', String(scenario.connections), '-d', `${seconds}s`, '--timeout', '10s'];
  const statuses = counted ? ['statuses'] : [];
  const written = await runProgram(['wrk', ...size, '-s', WRK_SCRIPT, url, '--', file, ...statuses], OTHER_CORE);
  const said = JSON.parse(written.split('\n').findLast((line) => line.startsWith('{'))!) as Wrk;
  return {
    answers: said.answers,
    seconds: said.seconds,
    p50Ms: said.p50Us / 1000,
    p99Ms: said.p99Us / 1000,
    problem: problemOf(scenario.status, said),
    bytesEach: said.bytes / said.answers,
  };
}

function problemOf(right: number, { answers, refused, failed, statuses }: Wrk): string | null {
  if (failed > 0) return `${failed} requests failed`;
  if (refused !== (right < 400 ? 0 : answers)) return `${refused} refusals in ${answers} answers`;
  return wrongStatuses(right, statuses);
}

function wrongStatuses(right: number, statuses: Readonly<Record<string, number>>): string | null {
  const others = Object.entries(statuses).filter(([status]) => Number(status) !== right);
  return others.length === 0 ? null : others.map(([status, count]) => `${count} answers of ${status}`).join(', ');
}

/** One token: what a connection of HTTP/2 says twice is said in a few bytes, and its clients have one. */
async function h2load({ scenario, requests, folder }: Prepared, { url }: Candidate, seconds: number): Promise<Outcome> {
  const [{ path, headers }] = requests as [Sent];
  const file = join(folder, 'h2load.log');
  rmSync(file, { force: true });
  const streams = scenario.connections / H2_CONNECTIONS;
  const size = ['-t', '1', '-c', String(H2_CONNECTIONS), '-m', String(streams), '-D', String(seconds)];
  const named = Object.entries(headers).filter(([name]) => name !== 'host');
  const said = named.flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const written = await runProgram(['h2load', ...size, '--log-file', file, ...said, url + path], OTHER_CORE);
  const rows = readFileSync(file, 'latin1').trimEnd().split('\n');
  const answered = rows.map((row) => row.split('\t').map(Number)).filter(([, status]) => status! > 0);
  const latencies = answered.map(([, , microseconds]) => microseconds! / 1000).sort((left, right) => left - right);
  const wrong = answered.filter(([, status]) => status !== scenario.status).length;
  // What is under way when the time is over counts as failed.
  const failed = Number(/(\d+) failed/.exec(written)?.[1] ?? 0);
  const problems = wrong > 0 ? `${wrong} answers were not ${scenario.status}` : `${failed} requests failed`;
  return {
    answers: answered.length,
    seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    problem: wrong > 0 || failed > scenario.connections ? problems : null,
    bytesEach: null,
  };
}

async function byNode({ scenario, requests }: Prepared, { url }: Candidate, seconds: number): Promise<Outcome> {
  const plan: LoadPlan = { url, connections: scenario.connections, seconds, requests };
  const http2 = scenario.variant === 'http2';
  const file = http2 ? './processes/h2-load.ts' : './processes/load.ts';
  const said = await runWorker<LoadResult & Partial<LoadDetails>>(file, OTHER_CORE, JSON.stringify(plan));
  const statuses = said.statuses ?? { [scenario.status]: said.answered };
  const answers = statuses[scenario.status] ?? 0;
  const failed = http2 ? said.wrong : said.failed!;
  return {
    answers,
    seconds: said.answered === 0 ? seconds : said.answered / said.perSecond,
    p50Ms: said.p50Ms,
    p99Ms: said.p99Ms,
    problem: failed > 0 ? `${failed} requests failed` : wrongStatuses(scenario.status, statuses),
    bytesEach: null,
  };
}

async function messages(
  { scenario, requests }: Prepared,
  { url, pid }: Candidate,
  seconds: number,
  kind: MessagesPlan['kind'],
): Promise<Outcome> {
  const { connections } = scenario;
  const plan: MessagesPlan = { url, kind, heads: requests.map(bytesOf), connections, seconds, pid };
  const said = await runWorker<MessagesResult>('./processes/peers-streams.ts', OTHER_CORE, JSON.stringify(plan));
  return {
    answers: said.messages,
    seconds: said.seconds,
    p50Ms: said.p50Ms,
    p99Ms: said.p99Ms,
    problem: said.failed > 0 ? `nothing came on ${said.failed} connections, or they ended` : null,
    bytesEach: null,
    cpuSeconds: said.cpuSeconds,
  };
}

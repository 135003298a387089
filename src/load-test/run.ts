/**
 * A load test from its first look at the gateway to its result: warm-up, turns of gateway and upstream, revocations
 * beside them, saturation at the end. Makes no token and removes none.
 */
import { SetupError } from '../errors.ts';
import { Latencies } from './latencies.ts';
import { type LoadAnswer, LoadClient, type LoadTarget } from './load-client.ts';
import { unknownLike } from './mix.ts';
import { openLoop } from './open-loop.ts';
import { type DrawnLoad, type LoadPlan, LoadSource, type LoadTokens } from './plan.ts';
import { type LoadedSide, Recorder } from './recorder.ts';
import { clientOf, type LoadResult, offeredBy, RESULT_FORMAT, setupOf } from './result.ts';
import { RevocationWatch, type Revoke } from './revocations.ts';
import { loadAutocannon, saturate } from './saturation.ts';
import type { Threshold } from './threshold.ts';
import { judgeLoad } from './verdict.ts';

export interface LoadSurroundings {
  /** Null: nothing is revoked. */
  readonly revoke: Revoke | null;
  readonly thresholds: readonly Threshold[];
  readonly say: (text: string) => void;
  /** Ends it early; the result says so. */
  readonly signal: AbortSignal;
}

const SAY_EVERY = 100;

/** Rejects with SetupError where the gateway does not answer the tokens as it is to. */
export async function runLoad(
  plan: LoadPlan,
  drawn: DrawnLoad,
  tokens: LoadTokens,
  surroundings: LoadSurroundings,
): Promise<LoadResult> {
  const isSecure = [...plan.targets, ...(plan.direct ?? [])].some(({ origin }) => origin.startsWith('https:'));
  const client = new LoadClient(plan, isSecure);
  const autocannon = plan.saturateMs === 0 ? null : loadAutocannon();
  const startedAt = new Date().toISOString();
  try {
    await lookOnce(client, plan, tokens);
    const run = new LoadRun(plan, drawn, tokens, client, surroundings);
    await run.warmUp();
    await run.turns();
    const { signal, say, thresholds } = surroundings;
    if (autocannon !== null && !signal.aborted) say('saturation');
    const saturation =
      autocannon === null || signal.aborted ? null : await saturate(autocannon, plan, tokens.hit, signal);
    const measured = run.measured();
    const perTurn = (plan.perSecond * plan.turnMs) / 1000;
    return {
      ...{ format: RESULT_FORMAT, startedAt },
      ...measured,
      ...judgeLoad(measured, perTurn, thresholds),
      ...{ setup: setupOf(plan, tokens), client: clientOf(), saturation },
    };
  } finally {
    await client.close();
  }
}

/** Before any load: a test of a wall of refusals would look quick. */
async function lookOnce(client: LoadClient, plan: LoadPlan, tokens: LoadTokens): Promise<void> {
  for (const target of plan.targets) await expectServed(client, target, tokens.hit[0]!, plan.method);
  for (const target of plan.direct ?? []) await expectServed(client, target, null, plan.method);
  const [refused] = tokens.refused;
  if (refused === undefined || plan.mix.refused === 0) return;
  const { status } = await client.read(plan.targets[0]!, refused);
  if (status < 400) throw new SetupError(`a token that is to be refused was answered ${status}`);
}

async function expectServed(
  client: LoadClient,
  target: LoadTarget,
  token: string | null,
  method: string,
): Promise<void> {
  const name = `${method} ${target.origin}${target.path}`;
  const answer = await client.read(target, token).catch((error: NodeJS.ErrnoException) => {
    throw new SetupError(`${name} cannot be asked (${error.code ?? error.message})`);
  });
  if (answer.status < 400) return;
  const said = answer.text.trim().slice(0, 300);
  throw new SetupError(
    `${name} was answered ${answer.status}${said === '' ? '' : `: ${said}`}. A load test needs a request that is allowed: ` +
      (token === null ? 'is this the same path at the upstream?' : 'see scopegate explain for what its token lacks'),
  );
}

/** The part that loads: keeps time and what came back. */
class LoadRun {
  readonly #plan: LoadPlan;
  readonly #drawn: DrawnLoad;
  readonly #tokens: LoadTokens;
  readonly #client: LoadClient;
  readonly #around: LoadSurroundings;
  readonly #source: LoadSource;
  readonly #recorder: Recorder;
  readonly #late = new Latencies();
  readonly #watch: RevocationWatch | null;
  readonly #offered: number;
  #started = 0;
  #pending = 0;
  #victims = 0;

  constructor(plan: LoadPlan, drawn: DrawnLoad, tokens: LoadTokens, client: LoadClient, around: LoadSurroundings) {
    this.#plan = plan;
    this.#drawn = drawn;
    this.#tokens = tokens;
    this.#client = client;
    this.#around = around;
    this.#source = new LoadSource(plan, drawn, tokens, () => unknownLike(tokens.hit[0]!));
    this.#offered = offeredBy(plan, drawn);
    this.#recorder = new Recorder(plan.turnMs, plan.durationMs * (plan.direct === null ? 1 : 2));
    this.#watch = around.revoke === null || drawn.victims === 0 ? null : new RevocationWatch(client, around.revoke);
  }

  /** At the rate of the test, with every token of the hits at least twice. */
  async warmUp(): Promise<void> {
    const { warmUpMs, perSecond, targets } = this.#plan;
    if (warmUpMs === 0) return;
    this.#around.say('warm-up');
    const count = Math.max(Math.ceil((perSecond * warmUpMs) / 1000), this.#tokens.hit.length * 2);
    const starts = Float64Array.from({ length: count }, (_, nth) => (nth * 1000) / perSecond);
    const sent: Array<Promise<unknown>> = [];
    const send = (place: number) => {
      const target = targets[place % targets.length]!;
      sent.push(this.#client.send(target, this.#source.tokenOf('hit')));
      const direct = this.#source.directTargetOf(place);
      if (direct !== null) sent.push(this.#client.send(direct, null));
    };
    await openLoop(starts, 0, new Latencies(2), send, this.#around.signal);
    await Promise.all(sent);
  }

  async turns(): Promise<void> {
    const { starts } = this.#drawn;
    const { turnMs, durationMs, direct } = this.#plan;
    const turns = Math.ceil(durationMs / turnMs);
    for (let turn = 0, from = 0; turn < turns && !this.#around.signal.aborted; turn++) {
      const rest = starts.findIndex((startMs) => startMs >= (turn + 1) * turnMs);
      const to = rest === -1 || turn === turns - 1 ? starts.length : rest;
      await this.#turn('gateway', from, to, turn * turnMs);
      if (direct !== null) await this.#turn('direct', from, to, turn * turnMs);
      from = to;
    }
  }

  measured(): Pick<LoadResult, 'complete' | 'generator' | 'series' | 'tallies' | 'revocations' | 'overTime'> {
    return {
      complete: !this.#around.signal.aborted,
      generator: {
        offered: this.#offered,
        started: this.#started,
        late: this.#late.summary(),
        pending: this.#pending,
      },
      series: this.#recorder.allSeries(),
      tallies: this.#recorder.tallies(),
      revocations: this.#watch?.result() ?? null,
      overTime: this.#recorder.slots(),
    };
  }

  async #turn(place: LoadedSide, from: number, to: number, fromMs: number): Promise<void> {
    const allAnswered = Promise.withResolvers<void>();
    let pending = 1;
    const answered = () => {
      if (--pending === 0) allAnswered.resolve();
    };
    const start = (nth: number, intendedMs: number) => {
      pending++;
      if (++this.#started % SAY_EVERY === 0)
        this.#around.say(`${place}, ${this.#started} of ${this.#offered} requests`);
      this.#send(place, from + nth, intendedMs).then(answered, allAnswered.reject);
    };
    const over = new AbortController();
    const revoking = place === 'gateway' ? this.#revoke(from, to, fromMs, over.signal) : Promise.resolve();
    try {
      await openLoop(this.#drawn.starts.subarray(from, to), fromMs, this.#late, start, this.#around.signal);
      this.#pending = Math.max(this.#pending, pending - 1);
      answered();
      await allAnswered.promise;
    } finally {
      over.abort();
      await revoking;
    }
  }

  async #send(place: LoadedSide, nth: number, intendedMs: number): Promise<void> {
    const { starts } = this.#drawn;
    const { turnMs, direct } = this.#plan;
    const use = this.#source.useOf(nth);
    const answer: LoadAnswer =
      place === 'direct'
        ? await this.#client.send(this.#source.directTargetOf(nth)!, null)
        : await this.#client.send(this.#source.targetOf(nth), this.#source.tokenOf(use));
    const latencyMs = performance.now() - intendedMs;
    const turnsBefore = direct === null ? 0 : Math.floor(starts[nth]! / turnMs) + (place === 'direct' ? 1 : 0);
    this.#recorder.record(place, use, answer, latencyMs, starts[nth]! + turnsBefore * turnMs);
  }

  /** Those that fall into this turn, evenly spaced. Rejects with what the sidecar says. */
  async #revoke(from: number, to: number, fromMs: number, over: AbortSignal): Promise<void> {
    const watch = this.#watch;
    if (watch === null) return;
    const { turnMs, durationMs, revocationsPerSecond, targets } = this.#plan;
    const lengthMs = Math.min(turnMs, durationMs - fromMs);
    const count = Math.round((revocationsPerSecond * lengthMs) / 1000);
    const starts = Float64Array.from({ length: from === to ? 0 : count }, (_, nth) => (nth * lengthMs) / count);
    const failures: unknown[] = [];
    const ended: Array<Promise<unknown>> = [];
    const start = () => {
      const victim = this.#tokens.victims[this.#victims++];
      if (victim !== undefined) ended.push(watch.end(victim, targets[0]!).catch((error) => failures.push(error)));
    };
    await openLoop(starts, 0, new Latencies(2), start, AbortSignal.any([over, this.#around.signal]));
    await Promise.all(ended);
    if (failures.length > 0) throw failures[0];
  }
}

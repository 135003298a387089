/**
 * One place among the processes of a `serve`, and whoever holds it: started, watched, started again with back-off when
 * it ends. Knows no configuration and no other process.
 */
import type { Worker } from 'node:cluster';
import type { ProcessName, ProcessReport, ProcessRole } from '../lifecycle/process-group.ts';
import type { ConfigurationUpdate } from '../lifecycle/reloader.ts';
import { CLUSTER_MESSAGES } from '../node-internals/cluster-handover.ts';
import { missing } from '../node-internals/findings.ts';
import type { ProcessMetrics } from '../observe/aggregate.ts';
import type { Log } from '../observe/log.ts';
import { type Answers, Channel, Unanswered } from './channel.ts';
import { CommitBarrier } from './commit-barrier.ts';
import { forkChild } from './fork.ts';
import { processTimeout } from './process-timeout.ts';
import type { OfSupervisor, OfWorker, Ready, Setup } from './rpc-protocol.ts';

/** How long a change is waited for (contract 7.2). */
const APPLY_MS = 1000;
/** Compiling ten thousand routes takes a tenth of a second, on a busy machine several. */
const ADOPT_MS = 15_000;
/** Who ends sooner after it was ready may end again. */
const SHORT_LIFE_MS = 2000;
const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 10_000;
/** Somebody who says nothing for so long will not come back by itself. */
const PULSE_MS = 5000;
const PULSE_PATIENCE_MS = 10_000;

export interface ChildParts {
  readonly name: ProcessName;
  readonly role: ProcessRole;
  readonly log: Log;
  /** Asked anew at each start. */
  readonly setup: () => Setup;
  readonly answers: (child: WorkerHandle) => Answers<OfSupervisor>;
  /** It is gone, with what it had counted when it was last asked. */
  readonly onGone: (counted: ProcessMetrics) => void;
}

interface Life {
  readonly worker: Worker;
  readonly channel: Channel<OfWorker>;
  readonly barrier: CommitBarrier;
  readonly gone: Promise<void>;
  readonly pulse: NodeJS.Timeout;
  readyAtMs: number | null;
}

export class WorkerHandle {
  readonly name: ProcessName;
  readonly role: ProcessRole;
  readonly #parts: ChildParts;
  /** Requests may come in there: changes wait for it. */
  hasJoined = false;
  generation = 0;
  #state: ProcessReport['state'] = 'starting';
  #restarts = 0;
  #shortLives = 0;
  #life: Life | null = null;
  #isKept = false;
  #metrics: ProcessMetrics = [];
  #restart: NodeJS.Timeout | undefined;

  constructor(parts: ChildParts) {
    this.name = parts.name;
    this.role = parts.role;
    this.#parts = parts;
  }

  /** Resolves once it is ready, and from then on it is kept alive. Rejects when it ended before. */
  async start(): Promise<Ready> {
    const ready = await this.#live();
    this.#isKept = true;
    return ready;
  }

  /** Rejects with Unanswered when it is gone. */
  ask<Name extends keyof OfWorker>(
    name: Name,
    argument: Parameters<OfWorker[Name]>[0],
    patienceMs?: number,
  ): Promise<Awaited<ReturnType<OfWorker[Name]>>> {
    if (this.#life === null) return Promise.reject(new Unanswered(`${this.name} is gone`));
    return this.#life.channel.ask(name, argument, patienceMs);
  }

  /** Resolves once it has taken up what is new, or is no more: one that cannot is ended, and starts with that. */
  async adopt(update: ConfigurationUpdate): Promise<void> {
    const life = this.#life;
    await this.ask('adopt', update, ADOPT_MS).catch((error: Error) => {
      if (this.#life === life) this.kill(`has not taken up the configuration (${error.message})`);
    });
    this.generation = update.standing.generation;
  }

  /** Resolves once it has applied everything up to `revision`, or is no more: one that takes too long is ended. */
  async reach(revision: number): Promise<void> {
    if (this.#life === null) return;
    const { barrier, gone } = this.#life;
    const cancel = processTimeout(APPLY_MS, () =>
      this.kill(`has not applied revision ${revision} within ${APPLY_MS} ms`),
    );
    // One that could not apply it is waited for until it is ended.
    await Promise.race([barrier.cover(revision).catch(() => gone), gone]);
    cancel();
  }

  async report(patienceMs: number): Promise<ProcessReport> {
    const self = await this.ask('self', null, patienceMs).catch(() => null);
    return {
      name: this.name,
      role: this.role,
      pid: this.#life?.worker.process.pid ?? null,
      state: this.#state,
      restarts: this.#restarts,
      generation: this.generation,
      self,
    };
  }

  get summary(): {
    readonly name: ProcessName;
    readonly role: ProcessRole;
    readonly state: ProcessReport['state'];
    readonly restarts: number;
  } {
    return { name: this.name, role: this.role, state: this.#state, restarts: this.#restarts };
  }

  /** What it has counted, or had when it last answered. */
  async metrics(patienceMs: number): Promise<ProcessMetrics> {
    const life = this.#life;
    const answer = await this.ask('metrics', null, patienceMs).catch(() => null);
    // What a life that has ended meanwhile had counted has been handed over already.
    if (answer !== null && life === this.#life) this.#metrics = answer;
    return life === this.#life ? this.#metrics : [];
  }

  /** It is not started again, and ends when it is done. Resolves once it is gone. */
  async drain(): Promise<void> {
    this.#isKept = false;
    clearTimeout(this.#restart);
    if (this.#life === null) return;
    this.#state = 'draining';
    const { gone } = this.#life;
    await this.ask('drain', null).catch(() => undefined);
    await gone;
  }

  kill(why: string): void {
    if (this.#life === null) return;
    this.#parts.log.error({ process: this.name, pid: this.#life.worker.process.pid }, `${this.name} ${why}: ended`);
    this.destroy();
  }

  /** At once, and for ever unless it is kept. */
  destroy(): void {
    if (this.#life !== null) endAtOnce(this.#life.worker);
  }

  async #live(): Promise<Ready> {
    this.#state = 'starting';
    const setup = this.#parts.setup();
    const worker = this.#fork();
    const channel = new Channel<OfWorker>(worker, this.#parts.answers(this));
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const pulse = setInterval(() => this.#feelPulse(), PULSE_MS);
    const barrier = new CommitBarrier((revision) => {
      const applied = channel.ask('follow', revision);
      this.#parts.log.debug(`${this.name} is asked to apply revision ${revision}`);
      return applied;
    });
    const life: Life = { worker, channel, barrier, gone, pulse, readyAtMs: null };
    this.#life = life;
    this.generation = setup.standing.generation;
    let ended: string | null = null;
    const end = (outcome: string | number, why: string) => {
      if (ended !== null) return;
      ended = why;
      clearInterval(pulse);
      channel.close();
      this.#end(life, outcome);
      resolve();
    };
    worker.once('exit', (code, signal) =>
      end(signal ?? code, `${this.name} ended before it was ready (${signal ?? `code ${code}`})`),
    );
    // One without a pid never was, and so does not exit.
    worker.process.on('error', (error) => {
      if (worker.process.pid === undefined) end(error.message, this.#unforked(error));
    });
    try {
      const ready = await channel.ask('start', setup);
      life.readyAtMs = performance.now();
      if (this.#life === life) this.#state = 'serving';
      return ready;
    } catch (error) {
      endAtOnce(worker);
      await gone;
      throw error instanceof Unanswered ? new Error(ended!) : error;
    }
  }

  #fork(): Worker {
    try {
      return forkChild(this.name, () =>
        this.#parts.log.warn({ process: this.name }, missing([{ ...CLUSTER_MESSAGES, isThere: false }])),
      );
    } catch (error) {
      this.#end(null, (error as Error).message);
      throw new Error(this.#unforked(error as Error), { cause: error });
    }
  }

  #unforked({ message }: Error): string {
    return `the system starts no process for ${this.name}: ${message}`;
  }

  /** `life`: null where there was none. */
  #end(life: Life | null, outcome: string | number): void {
    const readyAtMs = life?.readyAtMs ?? null;
    this.#life = null;
    this.hasJoined = false;
    this.#state = 'restarting';
    this.#parts.onGone(this.#metrics);
    this.#metrics = [];
    if (!this.#isKept) return;
    const isShort = readyAtMs === null || performance.now() - readyAtMs < SHORT_LIFE_MS;
    this.#shortLives = isShort ? this.#shortLives + 1 : 0;
    const pauseMs = this.#shortLives < 2 ? 0 : Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (this.#shortLives - 2));
    this.#restarts++;
    const { log } = this.#parts;
    log.error(
      { process: this.name, pid: life?.worker.process.pid, outcome, pauseMs },
      `${this.name} has ended; starting it again`,
    );
    this.#restart = setTimeout(() => {
      this.#live().then(
        () => log.info({ process: this.name, pid: this.#life?.worker.process.pid }, `${this.name} serves again`),
        (error: Error) => log.error({ process: this.name }, `${this.name} could not be started: ${error.message}`),
      );
    }, pauseMs);
  }

  #feelPulse(): void {
    const life = this.#life;
    if (life?.readyAtMs == null) return;
    this.ask('self', null, PULSE_PATIENCE_MS).catch(() => {
      if (this.#life === life) this.kill(`has not answered for ${PULSE_PATIENCE_MS} ms`);
    });
  }
}

function endAtOnce({ process: child }: Worker): void {
  // One that never was: until it has told so, Node would signal whatever number it finds, and 0 is all of us.
  if (child.pid !== undefined) child.kill('SIGKILL');
}

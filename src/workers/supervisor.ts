/**
 * `scopegate serve` with several processes: starts a sidecar and the gateway workers, keeps them alive, and is the one
 * they meet at: reloads (their way: lifecycle/reloader.ts), changes to be applied, reports. Serves nothing and opens no
 * store itself.
 */
import type { Configuration, Packed } from '../config/load/configuration.ts';
import { pack } from '../config/load/pack.ts';
import { SetupError } from '../errors.ts';
import { type InForce, type ProcessName, type SiblingsReport, siblingsReady } from '../lifecycle/process-group.ts';
import { type ConfigurationUpdate, type Reload, type ReloadCause, Reloader } from '../lifecycle/reloader.ts';
import { MemoryCounters } from '../limits/memory-counters.ts';
import { type ProcessMetrics, retired } from '../observe/aggregate.ts';
import { systemClock } from '../observe/clock.ts';
import { droppedLines, type Log } from '../observe/log.ts';
import type { Answers } from './channel.ts';
import { processTimeout } from './process-timeout.ts';
import type { OfSupervisor, Ready } from './rpc-protocol.ts';
import { WorkerHandle } from './worker-handle.ts';
import { workerMetrics } from './worker-metrics.ts';

/** How long a process may take to say how it is. */
const REPORT_MS = 1000;
/** A process that has not gone by itself so long after its last deadline is ended. */
const OVERTIME_MS = 2000;

export interface SupervisorOptions {
  readonly configuration: Configuration;
  readonly log: Log;
  /** `gateway`: no sidecar. */
  readonly only: 'gateway' | null;
  readonly workers: number;
}

/** Rejects with SetupError when one of them cannot start, and leaves none behind then. */
export async function supervise(options: SupervisorOptions): Promise<Supervisor> {
  const supervisor = new Supervisor(options);
  try {
    await supervisor.start();
    return supervisor;
  } catch (error) {
    await supervisor.destroy();
    throw error instanceof Error ? new SetupError(error.message, { cause: error }) : error;
  }
}

export class Supervisor {
  readonly #reloader: Reloader;
  readonly #workers: readonly WorkerHandle[];
  readonly #sidecar: WorkerHandle | null;
  readonly #log: Log;
  /** What is in force, for the others. */
  #packed: Packed;
  #ready: Ready = { gatewayUrl: null, decisionUrl: null, adminUrl: null, adminKeySource: '' };
  /** For all workers, and longer than each of them lives. */
  readonly #counters = new MemoryCounters();
  #retired: ProcessMetrics = [];
  #unwatch: () => void = () => undefined;

  constructor({ configuration, log, only, workers }: SupervisorOptions) {
    this.#log = log;
    // Exactly what was judged, for every process.
    this.#packed = pack(configuration);
    const prepare = async (_: Configuration, packed: Packed) => ({
      swap: () => {
        this.#packed = packed;
      },
      discard: () => undefined,
    });
    this.#reloader = new Reloader({
      configuration,
      prepare,
      handOn: (update) => this.#handOn(update),
      nowMs: systemClock.nowMs,
      log,
    });
    this.#reloader.subscribe((next) => this.#counters.keep(next.limits));
    this.#reloader.subscribe((next) => {
      log.level = next.file.log.level;
    });
    const child = (name: ProcessName, role: WorkerHandle['role']) =>
      new WorkerHandle({
        name,
        role,
        log,
        setup: () => ({ ...this.#inForce, role, name, path: configuration.path, ports: this.#portsFor(role) }),
        answers: (one) => this.#answersTo(one),
        onGone: (counted) => void this.#retire(counted),
      });
    this.#sidecar = only === 'gateway' ? null : child('sidecar', 'sidecar');
    this.#workers = Array.from({ length: workers }, (_, index) => child(`worker-${index + 1}`, 'gateway'));
    process.on('exit', () => {
      for (const one of this.#children) one.destroy();
    });
  }

  get gatewayUrl(): string | null {
    return this.#ready.gatewayUrl;
  }

  get adminUrl(): string | null {
    return this.#ready.adminUrl;
  }

  get decisionUrl(): string | null {
    return this.#ready.decisionUrl;
  }

  get adminKeySource(): string {
    return this.#ready.adminKeySource;
  }

  async isReady(): Promise<boolean> {
    return siblingsReady((await this.#report()).processes);
  }

  /** One alone first: it makes what is missing (a database, an admin key), and what is wrong is told once. */
  async start(): Promise<void> {
    const [first, ...others] = this.#children;
    const ready = [await first!.start(), ...(await Promise.all(others.map((child) => child.start())))];
    this.#ready = {
      gatewayUrl: ready.at(-1)!.gatewayUrl,
      decisionUrl: ready.at(-1)!.decisionUrl,
      adminUrl: ready[0]!.adminUrl,
      adminKeySource: ready[0]!.adminKeySource,
    };
    this.#unwatch = this.#reloader.watch();
  }

  /** Judged once, then taken up by one process after the other. A file with a mistake changes nothing anywhere. */
  reload(cause: ReloadCause): Promise<Reload> {
    return this.#reloader.reload(cause);
  }

  /** Drains as the configuration says. The sidecar says so first and goes last. */
  async stop(): Promise<void> {
    this.#unwatch();
    this.#reloader.close();
    const { delayMs, deadlineMs } = this.#reloader.configuration.file.drain;
    const cancel = processTimeout(delayMs + deadlineMs + OVERTIME_MS, () => {
      for (const child of this.#children) child.kill('is still there after the deadline');
    });
    const sidecar = this.#sidecar?.drain();
    await Promise.all(this.#workers.map((worker) => worker.drain()));
    await this.#sidecar?.ask('finish', null).catch(() => undefined);
    await sidecar;
    cancel();
  }

  /** Ends all of them at once. */
  async destroy(): Promise<void> {
    for (const child of this.#children) child.destroy();
    await Promise.all(this.#children.map((child) => child.drain()));
  }

  get #children(): readonly WorkerHandle[] {
    return this.#sidecar === null ? this.#workers : [this.#sidecar, ...this.#workers];
  }

  get #inForce(): InForce {
    return { standing: this.#reloader.standing, packed: this.#packed };
  }

  async #handOn(update: ConfigurationUpdate): Promise<void> {
    // The sidecar last: when it shows the new one, everybody has it.
    for (const child of [...this.#workers, ...(this.#sidecar === null ? [] : [this.#sidecar])])
      if (child.hasJoined) await child.adopt(update);
  }

  #answersTo(child: WorkerHandle): Answers<OfSupervisor> {
    return {
      join: (generation) => {
        child.hasJoined = true;
        child.generation = this.#reloader.standing.generation;
        return generation === child.generation ? null : this.#inForce;
      },
      applied: async (revision) => {
        const others = this.#workers.filter((worker) => worker !== child && worker.hasJoined);
        await Promise.all(others.map((worker) => worker.reach(revision)));
      },
      count: (requests) => requests.map((uses) => this.#counters.take(uses, systemClock.monotonicMs())),
      reload: () => this.reload('request'),
      report: () => this.#report(),
      metrics: () => this.#metrics(child),
    };
  }

  async #report(): Promise<SiblingsReport> {
    const { gatewayUrl, decisionUrl } = this.#ready;
    return {
      listeners: { gateway: gatewayUrl, decision: decisionUrl },
      processes: await Promise.all(this.#children.map((child) => child.report(REPORT_MS))),
    };
  }

  async #metrics(asking: WorkerHandle): Promise<readonly ProcessMetrics[]> {
    const others = this.#children.filter((child) => child !== asking);
    const counted = await Promise.all(others.map((child) => child.metrics(REPORT_MS)));
    const own = workerMetrics(
      this.#children.map((child) => child.summary),
      droppedLines(this.#log),
    );
    return [...counted, this.#retired, own];
  }

  async #retire(counted: ProcessMetrics): Promise<void> {
    this.#retired = await retired(this.#retired, counted);
  }

  /** A free port that the system chose stays the port: once everybody who held it is gone, it is asked for by number. */
  #portsFor(role: WorkerHandle['role']) {
    const portOf = (url: string | null) => (url === null ? undefined : Number(new URL(url).port));
    if (role === 'sidecar') return { admin: portOf(this.#ready.adminUrl) };
    if (this.#workers.some((worker) => worker.hasJoined)) return this.#given;
    this.#given = { gateway: portOf(this.#ready.gatewayUrl), decision: portOf(this.#ready.decisionUrl) };
    return this.#given;
  }

  #given: { readonly gateway?: number | undefined; readonly decision?: number | undefined } = {};
}

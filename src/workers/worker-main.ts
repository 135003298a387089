/**
 * One process of a `serve` with several: a gateway or a sidecar, started and ended by the supervisor alone. Signals are
 * for that one. When it is gone a gateway drains and a sidecar ends: nobody could vouch for a change any more.
 */
import cluster from 'node:cluster';
import { flushCompileCache } from 'node:module';
import type { Configuration } from '../config/load/configuration.ts';
import { readKeyPairs } from '../config/load/key-pair.ts';
import { unpack } from '../config/load/pack.ts';
import { SetupError } from '../errors.ts';
import { type RunningGateway, startGateway } from '../gateway/gateway.ts';
import type { ProcessGroup, SiblingsReport } from '../lifecycle/process-group.ts';
import { outliveSupervisor } from '../node-internals/cluster-handover.ts';
import { createLog, logWarnings } from '../observe/log.ts';
import { SharedStore } from '../store/shared-store.ts';
import { type Answers, Channel } from './channel.ts';
import type { OfSupervisor, OfWorker, Setup } from './rpc-protocol.ts';

/** How long a request may be held for who counts it. */
const COUNT_PATIENCE_MS = 500;
/** The supervisor ends who is late after a second. One that does not answer then stands still itself. */
const APPLIED_MS = 3000;
const REPORT_MS = 2000;
const NOBODY: SiblingsReport = { listeners: { gateway: null, decision: null }, processes: [] };

/** Ends with the process. Throws SetupError where nobody has started us. */
export async function runWorker(): Promise<never> {
  const { worker } = cluster;
  if (worker === undefined || worker === null)
    throw new SetupError('this command is for `scopegate serve`, which starts processes of its own with it');
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
  // The supervisor cannot be written to any more: it is gone, and that is told below.
  process.on('error', () => undefined);
  const child = new RunningWorker();
  worker.once('disconnect', () => {
    outliveSupervisor(worker);
    child.abandoned();
  });
  return new Promise<never>(() => undefined);
}

class RunningWorker {
  readonly #supervisor: Channel<OfSupervisor>;
  readonly #running = Promise.withResolvers<RunningGateway>();
  /** Those that the sidecar outlives have gone. */
  readonly #othersGone = Promise.withResolvers<void>();
  #setup!: Setup;

  constructor() {
    // Whoever asks is told; nobody may have asked yet.
    this.#running.promise.catch(() => undefined);
    const running = this.#running.promise;
    const answers: Answers<OfWorker> = {
      start: (setup) => this.#start(setup),
      follow: async (revision) => (await running).followed(revision),
      adopt: async ({ standing, packed }) => (await running).adopt(standing, packed),
      self: async () => (await running).report.self(),
      metrics: async () => (await running).metrics.numbers(),
      drain: () => void this.#drain(),
      finish: () => this.#othersGone.resolve(),
    };
    this.#supervisor = new Channel<OfSupervisor>(process, answers as never);
  }

  abandoned(): void {
    this.#supervisor.close();
    if (this.#setup?.role === 'gateway') void this.#drain();
    else process.exit(1);
  }

  async #start(setup: Setup) {
    this.#setup = setup;
    const isGateway = setup.role === 'gateway';
    const processGroup = this.#processGroup(setup);
    const source = { path: setup.path, env: process.env, embedded: false, contents: undefined };
    const configuration = await unpack(setup.packed, source);
    const log = createLog(configuration.file.log.level, undefined, setup.name);
    logWarnings(log);
    try {
      const gateway = await startGateway({
        configuration: { ...configuration, keyPairs: freshest(configuration) },
        env: process.env,
        log,
        only: isGateway ? 'gateway' : 'admin',
        processGroup,
        aroundStore: (opened) => new SharedStore(opened, processGroup.applied),
        standing: setup.standing,
        ports: setup.ports,
      });
      this.#running.resolve(gateway);
      flushCompileCache();
      const { gatewayUrl, decisionUrl, adminUrl, adminKeySource } = gateway;
      return { gatewayUrl, decisionUrl, adminUrl, adminKeySource };
    } catch (error) {
      this.#running.reject(error);
      throw error;
    }
  }

  #processGroup({ standing }: Setup): ProcessGroup {
    const supervisor = this.#supervisor;
    return {
      join: () => supervisor.ask('join', standing.generation),
      applied: (revision) => supervisor.ask('applied', revision, APPLIED_MS),
      count: (requests) => supervisor.ask('count', requests, COUNT_PATIENCE_MS),
      reload: () => supervisor.ask('reload', null),
      // Without an answer nobody is known to serve, and nothing is known of what they counted.
      report: () => supervisor.ask('report', null, REPORT_MS).catch(() => NOBODY),
      metrics: () => supervisor.ask('metrics', null, REPORT_MS).catch(() => []),
    };
  }

  async #drain(): Promise<void> {
    try {
      const gateway = await this.#running.promise;
      await gateway.stop(this.#setup.role === 'sidecar' ? this.#othersGone.promise : undefined);
      process.exit(0);
    } catch {
      process.exit(1);
    }
  }
}

/** The certificates as their files say now, where they can serve: they may have been renewed since the configuration was read. */
function freshest({ file, keyPairs, resolvePath }: Configuration): Configuration['keyPairs'] {
  return readKeyPairs(file, resolvePath, (listener) => keyPairs[listener]);
}

/** `scopegate serve`: runs a configuration until a signal, in this process or in several. */
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Configuration } from '../config/load/configuration.ts';
import { loadGateway } from '../config/load/load-gateway.ts';
import type { Env } from '../config/yaml/expand.ts';
import { createLog, type Log, logWarnings } from '../observe/log.ts';
import { hostAndPort } from './address.ts';
import type { Invocation } from './command.ts';
import { untilSignal } from './signals.ts';
import { summary } from './summary.ts';

/** How often a start that has to wait looks again. */
const READY_LOOK_MS = 100;

type Only = 'gateway' | 'admin' | null;

interface Started {
  readonly configuration: Configuration;
  readonly env: Env;
  readonly log: Log;
}

interface ServeValues {
  readonly config: string;
  readonly only: string | undefined;
}

export async function serveCommand({ values, env }: Invocation<ServeValues>): Promise<void> {
  const only = (values.only as Only | undefined) ?? null;
  const configuration = loadGateway(values.config, env);
  if (configuration.testFiles.length > 0) {
    const { requireTests } = await import('../policy-tests/required-tests.ts');
    await requireTests(configuration, env);
  }
  const log = createLog(configuration.file.log.level);
  logWarnings(log);
  const workers = only === 'admin' ? 1 : workersOf(configuration);
  sayStarting(values.config, configuration, { only, workers, log });
  for (const warning of configuration.warnings) log.warn(warning);
  const running = await start(workers, only, { configuration, env, log });
  // Before anybody is told that we are ready: from then on signals are meant for us.
  process.on('SIGHUP', () => void running.reload('signal'));
  const stopped = untilSignal(async (signal) => {
    log.info({ signal }, 'draining; a second signal ends it at once');
    await running.stop();
    log.info('stopped');
  });
  const addresses = {
    gateway: running.gatewayUrl,
    admin: running.adminUrl,
    decision: running.decisionUrl,
    adminKeyFrom: running.adminKeySource,
  };
  let ready = await running.isReady();
  if (!ready)
    log.warn(addresses, 'listening, not ready: waiting for the store, or for its clock to agree (/readyz says which)');
  while (!ready) {
    await Promise.race([pause(READY_LOOK_MS), stopped]);
    ready = await running.isReady();
  }
  log.info(addresses, `ready: ${summary(configuration)}`);
  await stopped;
}

/** Before anything is opened, so that whoever waits for `ready` knows for what: a line for people at a terminal. */
function sayStarting(
  name: string,
  configuration: Configuration,
  { only, workers, log }: { readonly only: Only; readonly workers: number; readonly log: Log },
): void {
  if (!log.isLevelEnabled('info')) return;
  const { gateway, admin, store } = configuration.file;
  const listeners = {
    ...(only === 'admin' ? {} : { gateway: hostAndPort(gateway.host, gateway.port) }),
    ...(only === 'gateway' ? {} : { sidecar: hostAndPort(admin.host, admin.port) }),
  };
  if (!process.stdout.isTTY) return log.info({ ...listeners, workers, store: store.driver }, `starting: ${name}`);
  const where = Object.entries(listeners).map(([what, address]) => `${what} on ${address}`);
  const many = workers === 1 ? '' : `, ${workers} workers`;
  process.stdout.write(
    `scopegate: starting ${name} (${summary(configuration)}): ${where.join(', ')}, ${store.driver} store${many}\n`,
  );
}

/** Loads what it starts, and no more: whoever only supervises has no use for a gateway. */
async function start(workers: number, only: Only, options: Started) {
  if (workers === 1) {
    const { startGateway } = await import('../gateway/gateway.ts');
    return startGateway({ ...options, only });
  }
  const { supervise } = await import('../workers/supervisor.ts');
  return supervise({ ...options, only: only === 'gateway' ? only : null, workers });
}

function workersOf({ file }: Configuration): number {
  const { workers } = file.gateway;
  return workers === 'auto' ? availableParallelism() : workers;
}

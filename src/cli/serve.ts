/** `scopegate serve`: runs a configuration until a signal. */
import { parseArgs } from 'node:util';
import type { Env } from '../config/expand.ts';
import { loadGateway } from '../config/load-gateway.ts';
import { SetupError } from '../errors.ts';
import { startGateway } from '../gateway/gateway.ts';
import { createLog } from '../observe/log.ts';
import { summary } from './check.ts';
import { untilSignal } from './signals.ts';

export async function serveCommand(args: readonly string[], env: Env): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string', short: 'c', default: 'gateway.yaml' }, only: { type: 'string' } },
  });
  const only = readOnly(values.only);
  const configuration = loadGateway(values.config, env);
  const log = createLog(configuration.file.log.level);
  for (const warning of configuration.warnings) log.warn(warning);
  const running = await startGateway({ configuration, env, log, only });
  // Before anybody is told that we are ready: from then on signals are meant for us.
  process.on('SIGHUP', () => running.reload('signal'));
  const stopped = untilSignal(async (signal) => {
    log.info({ signal }, 'draining; a second signal ends it at once');
    await running.stop();
    log.info('stopped');
  });
  log.info(
    {
      gateway: running.gatewayUrl,
      admin: running.adminUrl,
      decision: running.decisionUrl,
      adminKeyFrom: running.adminKeySource,
    },
    `ready: ${summary(configuration)}`,
  );
  await stopped;
}

function readOnly(only: string | undefined): 'gateway' | 'admin' | null {
  if (only === undefined || only === 'gateway' || only === 'admin') return only ?? null;
  throw new SetupError(`--only takes gateway or admin, not "${only}"`);
}

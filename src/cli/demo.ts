/** `scopegate demo`: the whole house in a temporary folder, with an example upstream and a seeded organization. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keysGiven } from '../admin/admin-key.ts';
import { loadGateway } from '../config/load/load-gateway.ts';
import type { Env } from '../config/yaml/expand.ts';
import { startExampleUpstream } from '../demo/example-upstream.ts';
import { onFreePorts } from '../demo/free-ports.ts';
import { seed, signInLink } from '../demo/seed.ts';
import { tour } from '../demo/tour.ts';
import { startGateway } from '../gateway/gateway.ts';
import { createLog } from '../observe/log.ts';
import { Owned } from '../owned.ts';
import { randomText } from '../secret.ts';
import type { Invocation } from './command.ts';
import { untilSignal } from './signals.ts';

const CONFIGURATION = fileURLToPath(new URL('../../demo/gateway.yaml', import.meta.url));

export async function demoCommand({ values, env }: Invocation<{ readonly json: boolean }>): Promise<void> {
  const owned = new Owned();
  try {
    await runDemo(values.json, env, owned);
  } finally {
    await owned.release();
  }
}

async function runDemo(asJson: boolean, env: Env, owned: Owned): Promise<void> {
  const folder = owned.add(mkdtempSync(join(tmpdir(), 'scopegate-demo-')), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const upstream = await onFreePorts(async (port) => startExampleUpstream(await port(9000)));
  owned.add(upstream, (started) => started.close());
  const adminKey = keysGiven(env)[0] ?? randomText(43);
  const running = await onFreePorts(async (port) => {
    const { file, ...loaded } = loadGateway(CONFIGURATION, {
      ...env,
      SCOPEGATE_PORT: String(await port(8080)),
      SCOPEGATE_ADMIN_PORT: String(await port(8081)),
      SCOPEGATE_DATA: folder,
      SCOPEGATE_UPSTREAM: upstream.url,
    });
    return startGateway({
      // Nobody's request is lost when a demo ends.
      configuration: { ...loaded, file: { ...file, drain: { ...file.drain, idleMs: 0 } } },
      env: { ...env, SCOPEGATE_ADMIN_KEY: adminKey },
      log: createLog('silent'),
    });
  });
  owned.add(running, (started) => started.stop());
  const seeded = await seed(running.adminUrl!, adminKey);
  const console = await signInLink(running.adminUrl!, adminKey);
  const addresses = {
    console,
    gateway: running.gatewayUrl!,
    admin: running.adminUrl!,
    adminKey,
    upstream: upstream.url,
  };
  const stopped = untilSignal(() => owned.release());
  process.stdout.write(
    asJson ? `${JSON.stringify({ ...addresses, tokens: seeded.tokens })}\n` : tour({ ...addresses, ...seeded }),
  );
  await stopped;
}

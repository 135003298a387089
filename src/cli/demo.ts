/** `scopegate demo`: the whole house in a temporary folder, with an example upstream and a seeded organization. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keysGiven } from '../admin/admin-key.ts';
import { loadGateway } from '../config/load/load-gateway.ts';
import type { Env } from '../config/yaml/expand.ts';
import { readYamlFile } from '../config/yaml/yaml-file.ts';
import { startExampleUpstream } from '../demo/example-upstream.ts';
import { onFreePorts } from '../demo/free-ports.ts';
import { liveThrough } from '../demo/past.ts';
import { DEMO_ORGANIZATION, seed, signInLink } from '../demo/seed.ts';
import { tour } from '../demo/tour.ts';
import { type DemoCaller, startTraffic } from '../demo/traffic.ts';
import { startGateway } from '../gateway/gateway.ts';
import { systemClock } from '../observe/clock.ts';
import { createLog } from '../observe/log.ts';
import { Owned } from '../owned.ts';
import { packageFile } from '../package-files.ts';
import { randomText } from '../secret.ts';
import type { Invocation } from './command.ts';
import { untilSignal } from './signals.ts';

const CONFIGURATION = fileURLToPath(packageFile('demo/gateway.yaml'));
/** The policy that it names has none; they are to be seen all the same. */
const SERVICE_ACCOUNTS = '\nserviceAccounts: { tokenMinutes: 15 }\n';

interface DemoValues {
  readonly json: boolean;
  readonly 'no-traffic': boolean;
}

export async function demoCommand(call: Invocation<DemoValues>): Promise<void> {
  const owned = new Owned();
  try {
    await runDemo(call, owned);
  } finally {
    await owned.release();
  }
}

async function runDemo({ values, env }: Invocation<DemoValues>, owned: Owned): Promise<void> {
  const folder = owned.add(mkdtempSync(join(tmpdir(), 'scopegate-demo-')), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const upstream = await onFreePorts(async (port) => startExampleUpstream(await port(9000)));
  owned.add(upstream, (started) => started.close());
  const adminKey = keysGiven(env)[0] ?? randomText(43);
  const house = { env: { ...env, SCOPEGATE_ADMIN_KEY: adminKey }, folder, upstream: upstream.url };
  const callers = await past(house);
  const running = await onFreePorts(async (port) =>
    startGateway(demoGateway(house, { gateway: await port(8080), admin: await port(8081) })),
  );
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
  if (!values['no-traffic']) owned.add(startTraffic(running.gatewayUrl!, callers), (stop) => stop());
  const stopped = untilSignal(() => owned.release());
  process.stdout.write(
    values.json ? `${JSON.stringify({ ...addresses, tokens: seeded.tokens })}\n` : tour({ ...addresses, ...seeded }),
  );
  await stopped;
}

interface House {
  readonly env: Env;
  readonly folder: string;
  readonly upstream: string;
}

function demoGateway({ env, folder, upstream }: House, ports: { readonly gateway: number; readonly admin: number }) {
  const { policy: named } = readYamlFile(CONFIGURATION, env).data as { readonly policy: string };
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, readFileSync(join(dirname(CONFIGURATION), named), 'utf8') + SERVICE_ACCOUNTS);
  const { file, ...loaded } = loadGateway(CONFIGURATION, {
    ...env,
    SCOPEGATE_PORT: String(ports.gateway),
    SCOPEGATE_ADMIN_PORT: String(ports.admin),
    SCOPEGATE_DATA: folder,
    SCOPEGATE_POLICY: policy,
    SCOPEGATE_UPSTREAM: upstream,
  });
  return {
    // Nobody's request is lost when a demo ends.
    configuration: { ...loaded, file: { ...file, drain: { ...file.drain, idleMs: 0 } } },
    env,
    log: createLog('silent'),
  };
}

/** By a gateway of its own, whose clock comes from ten weeks ago up to now. */
async function past(house: House): Promise<DemoCaller[]> {
  let backMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() - backMs };
  const running = await startGateway({ ...demoGateway(house, { gateway: 0, admin: 0 }), clock });
  try {
    return await liveThrough({
      adminUrl: running.adminUrl!,
      gatewayUrl: running.gatewayUrl!,
      adminKey: running.adminKey,
      organization: DEMO_ORGANIZATION,
      setBack: (ms) => {
        backMs = ms;
      },
    });
  } finally {
    await running.stop();
  }
}

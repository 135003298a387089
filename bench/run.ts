/**
 * `npm run bench`: runs the benchmarks one after another, prints progress on standard error and tables (or, with
 * --json, data) on standard output. Exit code 1 when a promise is broken. Never runs two measurements at once.
 */
import { parseArgs } from 'node:util';
import { SetupError } from '../src/errors.ts';
import { type BenchOptions, printChecks, printSection, type Section } from './report.ts';

const HELP = `npm run bench -- [--only NAME [--scenario NAME]] [--quick] [--json]

  --only      decision, start, gateway, workers, features, settings, remembering, peers, memory, bodies, clients,
              streams, stores, changes, weight, lists, console, lag, turns, revocation, outage or soak
  --scenario  one of those of peers; a name that there is none of prints them all
  --quick     smaller and shorter, about a minute (peers: seven): a look, not a figure to quote
  --json      data instead of tables`;

type Bench = (options: BenchOptions) => Promise<Section>;

// Loaded when their turn comes: what one leaves in memory must not be there while another is measured.
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  decision: async () => (await import('./decision.ts')).benchDecision,
  start: async () => (await import('./start.ts')).benchStart,
  gateway: async () => (await import('./gateway.ts')).benchGateway,
  workers: async () => (await import('./workers.ts')).benchWorkers,
  features: async () => (await import('./features.ts')).benchFeatures,
  settings: async () => (await import('./route-settings.ts')).benchRouteSettings,
  remembering: async () => (await import('./remembering.ts')).benchRemembering,
  peers: async () => (await import('./peers.ts')).benchPeers,
  bodies: async () => (await import('./bodies.ts')).benchBodies,
  clients: async () => (await import('./clients.ts')).benchClients,
  memory: async () => (await import('./memory.ts')).benchMemory,
  lag: async () => (await import('./lag.ts')).benchLag,
  streams: async () => (await import('./streams.ts')).benchStreams,
  lists: async () => (await import('./lists.ts')).benchLists,
  console: async () => (await import('./console.ts')).benchConsole,
  weight: async () => (await import('./token-weight.ts')).benchTokenWeight,
  changes: async () => (await import('./changes.ts')).benchChanges,
  stores: async () => (await import('./stores.ts')).benchStores,
  revocation: async () => (await import('./revocation.ts')).benchRevocation,
  turns: async () => (await import('./turns.ts')).benchTurns,
  outage: async () => (await import('./outage.ts')).benchOutage,
  soak: async () => (await import('./soak.ts')).benchSoak,
};

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    scenario: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

// node:sqlite announces itself as experimental; that is no result.
process.removeAllListeners('warning');

if (values.help) process.stdout.write(`${HELP}\n`);
else if (values.only !== undefined && !Object.hasOwn(BENCHES, values.only)) {
  process.stderr.write(`there is no benchmark "${values.only}"\n\n${HELP}\n`);
  process.exitCode = 1;
} else if (values.scenario !== undefined && values.only !== 'peers') {
  process.stderr.write(`--scenario is for --only peers\n\n${HELP}\n`);
  process.exitCode = 1;
} else await runOrSay(values.only === undefined ? Object.keys(BENCHES) : [values.only]);

/** What somebody has to mend is a line, not a stack. */
async function runOrSay(names: readonly string[]): Promise<void> {
  try {
    await runAll(names);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

async function runAll(names: readonly string[]): Promise<void> {
  const startedMs = performance.now();
  const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(0).padStart(4);
  const sections: Section[] = [];
  for (const name of names) {
    const bench = await BENCHES[name]!();
    const say = (line: string) => process.stderr.write(`${seconds()} s  ${name}: ${line}\n`);
    sections.push(await bench({ quick: values.quick, say, scenario: values.scenario }));
  }
  const checks = sections.flatMap((section) => section.checks);
  if (values.json) process.stdout.write(`${JSON.stringify({ node: process.version, sections }, null, 2)}\n`);
  else process.stdout.write(`${sections.map(printSection).join('\n')}\n${printChecks(checks)}`);
  process.exitCode = checks.every((check) => check.kept) ? 0 : 1;
}

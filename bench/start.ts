/**
 * What a start costs: CPU time until a gateway with its sidecar says that it is ready, and what it holds ten seconds later
 * with nothing to do. From the built package, as it is installed, and from source. Reads both as the kernel counts them.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Owned } from '../src/owned.ts';
import { MEASURED_CORE, startChild, temporaryFolder } from './children.ts';
import { cpuSeconds, median, residentMegabytes } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';

const CPU_SECONDS_MAX = 0.7;
const RESIDENT_MB_MAX = 90;
const IDLE_MS = 10_000;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRIES = { 'dist (npm run build)': '../dist/start.js', source: '../src/start.js' } as const;
type Entry = keyof typeof ENTRIES;

/** That of the README's five minutes, on free ports. */
const GATEWAY = `
gateway: { port: 0 }
admin: { port: 0 }
policy: policy.yaml
upstreams:
  api: { targets: ["http://127.0.0.1:3000"] }
routes:
  - id: health
    match: { methods: [GET], path: /healthz }
    public: true
    upstream: api
  - id: read-page
    match: { methods: [GET], path: "/workspaces/{ws}/pages/{page}" }
    require:
      scopes: ["content:read"]
      workspace: { from: path.ws, as: workspace, role: member }
    upstream: api
`;

export async function benchStart({ quick, say }: BenchOptions): Promise<Section> {
  say('building');
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT });
  const rounds = quick ? 1 : 5;
  const entries = Object.keys(ENTRIES) as Entry[];
  const found = Object.fromEntries(entries.map((entry) => [entry, { cpu: [], resident: [] }])) as unknown as Record<
    Entry,
    { readonly cpu: number[]; readonly resident: number[] }
  >;
  for (let round = 0; round < rounds; round++)
    for (const entry of entries) {
      const { cpu, resident } = await startOnce(ENTRIES[entry]);
      found[entry].cpu.push(cpu);
      found[entry].resident.push(resident);
      say(`${entry}: ready after ${cpu.toFixed(2)} s of CPU time, ${resident.toFixed(1)} MB once idle`);
    }
  const [dist] = entries as [Entry];
  const cpu = median(found[dist].cpu);
  const resident = median(found[dist].resident);
  return {
    name: 'start',
    tables: [
      {
        title: `start of a gateway with its sidecar, median of ${rounds}`,
        columns: ['from', 'CPU s to ready', 'MB 10 s later'],
        rows: entries.map((entry) => [entry, median(found[entry].cpu), median(found[entry].resident)]),
      },
    ],
    checks: [
      {
        promise: `a start takes at most ${CPU_SECONDS_MAX} s of CPU time`,
        measured: `${cpu.toFixed(2)} s`,
        kept: cpu <= CPU_SECONDS_MAX,
      },
      {
        promise: `and holds at most ${RESIDENT_MB_MAX} MB ten seconds later`,
        measured: `${resident.toFixed(1)} MB`,
        kept: resident <= RESIDENT_MB_MAX,
      },
    ],
  };
}

/** A store of its own each time, as at a first start. */
async function startOnce(entry: string): Promise<{ readonly cpu: number; readonly resident: number }> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const path = join(folder, 'gateway.yaml');
    writeFileSync(path, GATEWAY);
    copyFileSync(join(ROOT, 'policies/default.yaml'), join(folder, 'policy.yaml'));
    const { pid } = await startChild(owned, entry, MEASURED_CORE, { args: ['serve', '-c', path] });
    const cpu = cpuSeconds(pid);
    await pause(IDLE_MS);
    return { cpu, resident: residentMegabytes(pid) };
  } finally {
    await owned.release();
  }
}

/**
 * Starts one process of a `serve` with node:cluster, whose primary accepts the connections and hands them out in turn.
 * Connections that a process dies on before it has taken them go to another, where Node would leave them hanging.
 */
import cluster, { type Worker } from 'node:cluster';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forget, passOnUndelivered } from '../node-internals/cluster-handover.ts';
import { entryFile } from '../package-files.ts';

const ENTRY = fileURLToPath(entryFile('start.js'));

/** See start.js, which gives both to a process that has no parent of ours. */
const SIZED = '--max-semi-space-size=2';
const NO_DEBUGGER = '--disable-sigusr1';

let compiled: string | undefined;

/** A folder for what the first process compiles, so that the next, and one that replaces it, start in a third of the time. */
function compileCache(): Record<string, string> {
  if (process.env.NODE_COMPILE_CACHE !== undefined) return {};
  if (compiled === undefined) {
    // Code is read from it: it must be nobody else's.
    const folder = mkdtempSync(join(tmpdir(), 'scopegate-compiled-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    compiled = folder;
  }
  return { NODE_COMPILE_CACHE: compiled };
}

/**
 * `name`: shown by `ps`, and in the log. Throws where the system refuses at once; where it does so a little later the
 * process of the worker has no pid and emits `error`, never `exit`. `handoverUnknown`: see `passOnUndelivered`.
 */
export function forkChild(name: string, handoverUnknown: () => void): Worker {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ''];
  const isSized = flags.some((flag) => flag.includes('semi-space'));
  cluster.setupPrimary({
    exec: ENTRY,
    args: ['child', name],
    execArgv: [
      ...(process.execArgv.includes(NO_DEBUGGER) ? [] : [NO_DEBUGGER]),
      ...(isSized ? [] : [SIZED]),
      ...process.execArgv,
    ],
    // Bytes, maps and infinity arrive as they were sent.
    serialization: 'advanced',
  });
  const worker = cluster.fork(compileCache());
  // That it cannot be written to any more is told by its end.
  worker.on('error', () => {
    if (worker.process.pid === undefined) forget(worker);
  });
  if (worker.process.pid !== undefined) passOnUndelivered(worker, handoverUnknown);
  return worker;
}

/**
 * Starts one process of a `serve` with node:cluster, whose primary accepts the connections and hands them out in turn.
 * Connections that a process dies on before it has taken them go to another, where Node would leave them hanging.
 */
import cluster, { type Worker } from 'node:cluster';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../start.js', import.meta.url));

/** See start.js, which gives both to a process that has no parent of ours. */
const SIZED = '--max-semi-space-size=4';
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
 * process of the worker has no pid and emits `error`, never `exit`.
 */
export function forkChild(name: string): Worker {
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
    // One that never was: Node would keep it in mind.
    if (worker.process.pid === undefined) delete cluster.workers?.[worker.id];
  });
  if (worker.process.pid !== undefined) passOnUndelivered(worker);
  return worker;
}

interface Handle {
  close(): void;
}

/**
 * The primary keeps a connection until the process says that it has taken it, and forgets it when that dies. In its place
 * we say that it has not: then another is asked.
 */
function passOnUndelivered(worker: Worker): void {
  const { process: child } = worker;
  const send = child.send.bind(child) as (...given: unknown[]) => boolean;
  // One at a time for each port.
  const underWay = new Map<unknown, { readonly ack: unknown; readonly handle: Handle }>();
  child.send = (...given: unknown[]) => {
    const [message, handle] = given as [{ key?: unknown; seq?: unknown } | null, Handle | null | undefined];
    if (typeof handle?.close === 'function') underWay.set(message?.key, { ack: message?.seq, handle });
    return send(...given);
  };
  const ended = () => {
    // Whatever it did say has been heard by then.
    if (worker.isConnected()) return void setTimeout(ended, 1);
    // Node does not say so while it waits for word of a connection, and so would hand it more of them.
    if (child.listenerCount('disconnect') > 0) child.emit('disconnect');
    const others = Object.values(cluster.workers ?? {}).some((other) => other !== worker && isListening(other));
    for (const { ack, handle } of underWay.values()) {
      if (others) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack, accepted: false });
      else handle.close();
    }
  };
  child.once('exit', ended);
}

function isListening(worker: Worker | undefined): boolean {
  return worker?.isConnected() === true && (worker as Worker & { state?: string }).state === 'listening';
}

/**
 * Has a configuration judged in a thread of its own: reading YAML and holding it against its schema takes a tenth of a
 * millisecond for each route, in one go, and requests would wait for it. The thread ends with its answer.
 */
import { Worker } from 'node:worker_threads';
import type { CheckOutcome, Source } from '../config/load/configuration.ts';
import { restartSections } from '../config/load/restart-keys.ts';
import type { GatewayFile } from '../config/schema/gateway-schema.ts';
import { entryFile } from '../package-files.ts';

/** What the thread is given. */
export interface Order extends Source {
  /** JSON of what runs, as far as only a restart can change it. */
  readonly running: string;
}

const THREAD = entryFile('lifecycle/check-thread.ts');

/** Rejects where there could be no thread, or it ended without an answer; with the signal's reason once that is given. */
export function checkInThread(source: Source, running: GatewayFile, signal: AbortSignal): Promise<CheckOutcome> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const order: Order = { ...source, env: { ...source.env }, running: JSON.stringify(restartSections(running)) };
    const thread = new Worker(THREAD, { workerData: order });
    const abort = () => {
      reject(signal.reason);
      void thread.terminate();
    };
    signal.addEventListener('abort', abort);
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => {
      signal.removeEventListener('abort', abort);
      // Of those that have settled it already none is undone.
      reject(new Error(`the thread that checks it ended without an answer (${code})`));
    });
  });
}

/** `scopegate child NAME`: what `serve` starts where it needs several processes. Not for people. */
import { runWorker } from '../workers/worker-main.ts';

export async function childCommand(): Promise<void> {
  await runWorker();
}

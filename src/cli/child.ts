/** `scopegate child NAME`: what `serve` starts where it needs several processes. Not for people. */
import { runChild } from '../workers/child.ts';

export async function childCommand(): Promise<void> {
  await runChild();
}

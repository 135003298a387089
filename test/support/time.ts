/**
 * Time that a test lets pass on purpose. Everything else is awaited by what happens, so this is the only sleep there is;
 * test/structure.test.ts keeps it so.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Only for what time alone can show: that something does not happen, or that a state has lasted. `why` is for the reader. */
export async function timePasses(ms: number, why: string): Promise<void> {
  if (why === '') throw new Error('say why no event can be awaited');
  await sleep(ms);
}

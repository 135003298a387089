/** Asks whoever types whether they want it. Without a terminal nobody is asked, and nothing is done without their word. */
import { createInterface } from 'node:readline/promises';
import { SetupError } from '../errors.ts';

/** `yes`: they have said so. Throws SetupError where nobody can be asked. */
export async function isWanted(question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new SetupError('nothing was changed: nobody can be asked without a terminal; --yes says that it is wanted');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

/** The database file as the file system sees it: made where it is missing, for its owner alone. Never reads it. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SetupError } from '../errors.ts';

/**
 * Token hashes are no secrets, but who may do what is nobody else's business, and writing it is everything.
 * Throws SetupError with what to mend.
 */
export function secureFile(path: string): void {
  const folder = dirname(path);
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!existsSync(path)) {
      closeSync(openSync(path, 'a', 0o600));
      chmodSync(path, 0o600);
    }
  } catch (error) {
    throw new SetupError(
      `store: the data folder ${folder} is not writable (${(error as NodeJS.ErrnoException).code}); set store.path or its owner`,
    );
  }
  const open = statSync(path).mode & 0o077;
  if (open !== 0) throw new SetupError(`store: ${path} can be opened by other users; run: chmod 600 ${path}`);
}

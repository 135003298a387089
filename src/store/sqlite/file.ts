/** The database file as the file system sees it: made where it is missing, for its owner alone. Never reads it. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { SetupError } from '../../errors.ts';
import { exposureOf, folderExposureOf } from '../../private-files.ts';

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
  const beside = [`${path}-wal`, `${path}-shm`].filter((name) => existsSync(name));
  const exposed = [path, ...beside].map(exposureOf).find((problem) => problem !== null) ?? folderExposureOf(folder);
  if (exposed !== null) throw new SetupError(`store: ${exposed}`);
}

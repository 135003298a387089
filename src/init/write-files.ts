/** Files that are written all or not at all: new ones never over what is there, others in the place of their older selves. */
import { chmodSync, existsSync, mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from '../errors.ts';

/** By names relative to the folder. */
export type FileTexts = ReadonlyMap<string, string>;

/** Those that are there already. */
export function alreadyThere(folder: string, files: FileTexts): string[] {
  return [...files.keys()].filter((name) => existsSync(join(folder, name)));
}

/** Throws SetupError, and then nothing is left of what it wrote. */
export function writeNewFiles(folder: string, files: FileTexts): void {
  const made: string[] = [];
  try {
    for (const [name, text] of files) {
      const path = join(folder, name);
      const first = mkdirSync(dirname(path), { recursive: true });
      if (first !== undefined) made.push(first);
      writeFileSync(path, text, { flag: 'wx' });
      made.push(path);
    }
  } catch (error) {
    for (const path of made.toReversed()) rmSync(path, { recursive: true, force: true });
    throw new SetupError(`nothing was written: ${(error as Error).message}`, { cause: error });
  }
}

/** By their absolute paths, in this order. A reader sees each of them as it was or as it is to be. Throws SetupError. */
export function replaceFiles(files: FileTexts): void {
  const written: Array<readonly [temporary: string, path: string]> = [];
  try {
    for (const [name, text] of files) {
      const path = realpathSync(name);
      const temporary = `${path}.new-${process.pid}`;
      written.push([temporary, path]);
      writeFileSync(temporary, text, { flag: 'wx' });
      chmodSync(temporary, statSync(path).mode & 0o7777);
    }
    for (const [temporary, path] of written) renameSync(temporary, path);
  } catch (error) {
    for (const [temporary] of written) rmSync(temporary, { force: true });
    throw new SetupError(`not all was written: ${(error as Error).message}`, { cause: error });
  }
}

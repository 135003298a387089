/**
 * The texts below a path that somebody may have put a token into. In a git repository those that git knows or would take;
 * elsewhere all but what is installed. Follows no links, and says what it did not look into. Looks for nothing itself.
 */
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../../errors.ts';

export interface TextFile {
  readonly path: string;
  /** Each character a byte. */
  readonly bytes: string;
}

const PASSED_OVER: ReadonlySet<string> = new Set(['.git', 'node_modules']);
/** Longer ones are told of, not read. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
/** Where a binary file shows that it is one. */
const LOOKED_AT_BYTES = 8192;

/** `everything`: what git is told to ignore, too. Throws SetupError for a path that is not there. */
export function* textFiles(path: string, everything: boolean, skipped: (why: string) => void): Generator<TextFile> {
  for (const each of filesBelow(path, everything)) {
    const stats = lstatSync(each, { throwIfNoEntry: false });
    if (stats === undefined || !stats.isFile()) continue;
    if (stats.size > FILE_BYTES_MAX) {
      skipped(`${each} is longer than ${FILE_BYTES_MAX / 1024 / 1024} MiB; scopegate scan - < ${each} reads it`);
      continue;
    }
    try {
      const content = readFileSync(each);
      if (!content.subarray(0, LOOKED_AT_BYTES).includes(0)) yield { path: each, bytes: content.toString('latin1') };
    } catch (error) {
      skipped(`${each} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
}

function* filesBelow(path: string, everything: boolean): Generator<string> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new SetupError(`${path}: there is no such file or folder`);
  if (!stats.isDirectory()) return yield path;
  const known = everything ? null : filesOfGit(path);
  if (known !== null) yield* known.map((name) => join(path, name));
  else yield* walk(path);
}

/** null: it is in no repository, or there is no git here. */
function filesOfGit(folder: string): readonly string[] | null {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  try {
    const options: ExecFileSyncOptions = { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1024 ** 3 };
    const listed = execFileSync('git', args, options).toString().split('\0');
    const names = listed.filter((name) => name !== '');
    // A folder that a repository ignores is looked through as it is.
    return names.length === 0 ? null : names;
  } catch {
    return null;
  }
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isFile()) yield path;
    else if (entry.isDirectory() && !PASSED_OVER.has(entry.name)) yield* walk(path);
  }
}

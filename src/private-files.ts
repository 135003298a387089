/**
 * Whether a file or folder is its process's alone, by its owner and its mode. Whoever runs as root can open everything, and
 * so is not told by the system that it trusts what somebody else can change. Reads nothing but that.
 */
import { type Stats, statSync } from 'node:fs';

/** What is wrong, and what to run; null: nothing, or the system has no owners. Throws as `statSync` does. */
export function exposureOf(path: string): string | null {
  const stats = statSync(path);
  const open = stats.mode & 0o077;
  if (open !== 0) return `${path} can be opened by other users; run: chmod ${stats.isDirectory() ? 700 : 600} ${path}`;
  return strangerOf(path, stats);
}

/** Of a folder whose files are judged by themselves: others may look, and change nothing. */
export function folderExposureOf(path: string): string | null {
  const stats = statSync(path);
  if ((stats.mode & 0o022) !== 0)
    return `the data folder ${path} can be changed by other users; run: chmod 700 ${path}, or name a new folder below it`;
  return stats.uid === 0 ? null : strangerOf(path, stats);
}

function strangerOf(path: string, { uid }: Stats): string | null {
  const ours = process.geteuid?.();
  return ours === undefined || uid === ours
    ? null
    : `${path} belongs to another user (${uid}, this process is ${ours}); run: chown ${ours} ${path}, or start as that user`;
}

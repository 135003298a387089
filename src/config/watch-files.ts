/**
 * Tells when one of a few files has become another: written, replaced, or a link to them moved. Asks for their state
 * again and again, which is the one way that also sees network and mounted folders. Never reads them.
 */
import { type Stats, unwatchFile, watchFile } from 'node:fs';

const LOOK_EVERY_MS = 500;
/** Files that belong together are seldom written in one go. */
const SETTLE_MS = 100;

/** `changed` is called once things are quiet again. Returns the way to stop. */
export function watchFiles(paths: readonly string[], changed: () => void): () => void {
  let settling: NodeJS.Timeout | undefined;
  const look = (now: Stats, before: Stats) => {
    // Only read.
    if (now.ino === before.ino && now.mtimeMs === before.mtimeMs && now.size === before.size) return;
    clearTimeout(settling);
    settling = setTimeout(changed, SETTLE_MS).unref();
  };
  for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, look);
  return () => {
    clearTimeout(settling);
    for (const path of paths) unwatchFile(path, look);
  };
}

/**
 * Where the files are that come with scopegate: the same from a checkout, from the modules in dist, and from the program
 * that is bundled beside them. So this file stays at the top of its folder. Reads only what the package says of itself.
 */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** `path`: from the top of the package. */
export function packageFile(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

/** What a process or a thread of ours starts with, built where this file is. `path`: from its folder. */
export function entryFile(path: string): URL {
  return new URL(path.replace(/\.ts$/, extname(import.meta.url)), import.meta.url);
}

export function version(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
}

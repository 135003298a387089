/** The version of this scopegate, from its package file; the same path from a checkout and from a packed tarball. */
import { readFileSync } from 'node:fs';

export function version(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

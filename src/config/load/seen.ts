/** What a file was when somebody looked at it, so that a change can be told from a touch. Parses nothing. */
import { createHash } from 'node:crypto';
import { type BigIntStats, readdirSync, readFileSync, statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { Slices } from '../../slices.ts';

export interface Seen {
  /** Of the file as the system knows it. */
  readonly state: string;
  /** Of its content. */
  readonly digest: string;
}

const NONE: Seen = { state: 'none', digest: 'none' };

const PIECE_BYTES = 256 * 1024;

/** Reads it at once, or throws as `readFileSync` does; `seen` hears what was there in both cases. */
export function readSeen(path: string, seen: (what: Seen) => void): Buffer {
  try {
    // The state first: what is written in between is seen at the next look.
    const state = textOf(statSync(path, { bigint: true }));
    const content = readFileSync(path);
    seen({ state, digest: createHash('sha256').update(content).digest('hex') });
    return content;
  } catch (error) {
    seen(NONE);
    throw error;
  }
}

/** The names in a folder, as `readSeen` reads a file. */
export function listSeen(path: string, seen: (what: Seen) => void): readonly string[] {
  try {
    const state = textOf(statSync(path, { bigint: true }));
    const names = readdirSync(path);
    seen({ state, digest: createHash('sha256').update(listing(names)).digest('hex') });
    return names;
  } catch (error) {
    seen(NONE);
    throw error;
  }
}

/** Of a folder only which names it holds is news. */
function listing(names: readonly string[]): Buffer {
  return Buffer.from(names.toSorted().join('\0'));
}

/** A file, or a folder; at once; for starts. */
export function see(path: string): Seen {
  let seen = NONE;
  const note = (what: Seen) => {
    seen = what;
  };
  try {
    if (statSync(path).isDirectory()) listSeen(path, note);
    else readSeen(path, note);
  } catch {
    // Then there is none.
  }
  return seen;
}

/** Without holding anybody up, however large it is. */
export async function look(path: string): Promise<Seen> {
  const state = await stateOf(path);
  const content = await readFile(path).catch((error) => (error.code === 'EISDIR' ? listed(path) : null));
  if (state === NONE.state || content === null) return NONE;
  const hash = createHash('sha256');
  const slices = new Slices();
  for (let start = 0; start < content.length; start += PIECE_BYTES) {
    hash.update(content.subarray(start, start + PIECE_BYTES));
    if (slices.over) await slices.next();
  }
  return { state, digest: hash.digest('hex') };
}

function listed(path: string): Promise<Buffer | null> {
  return readdir(path).then(listing, () => null);
}

export function stateOf(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(textOf, () => NONE.state);
}

function textOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

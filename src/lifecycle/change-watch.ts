/**
 * Tells when the content of one of a few files is no longer what it was when it was last looked at: written, replaced,
 * or a link on the way to it moved. Asks again and again, the one way that also sees network and mounted folders. A
 * file that was only touched, or changed together with another, is no news. Never parses anything.
 */
import { createHash } from 'node:crypto';
import { type BigIntStats, readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const LOOK_EVERY_MS = 250;

/** One file as it was seen. */
interface Seen {
  readonly state: string;
  readonly digest: string;
}

export class ChangeWatch {
  readonly #changed: () => void;
  readonly #seen = new Map<string, Seen>();
  readonly #timer: NodeJS.Timeout;
  #looking = false;
  /** What differed at the last look. Still so at the next one: nobody is writing any more. */
  #unsettled = '';

  constructor(files: readonly string[], changed: () => void) {
    this.#changed = changed;
    this.use(files);
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** From here on these. One that stays is compared with what was seen of it before. */
  use(files: readonly string[]): void {
    for (const path of this.#seen.keys()) if (!files.includes(path)) this.#seen.delete(path);
    for (const path of files) if (!this.#seen.has(path)) this.#seen.set(path, see(path));
  }

  /** The files are about to be read as they are now. */
  looked(): void {
    for (const path of this.#seen.keys()) this.#seen.set(path, see(path));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    // A folder that hangs holds up this look, and nothing else.
    if (this.#looking) return;
    this.#looking = true;
    const states = await Promise.all(
      Array.from(this.#seen.keys(), async (path) => [path, await stateOf(path)] as const),
    );
    this.#looking = false;
    const differing = states.filter(([path, state]) => this.#seen.has(path) && this.#seen.get(path)!.state !== state);
    const now = differing.flat().join('\n');
    const settled = now === this.#unsettled;
    this.#unsettled = now;
    if (differing.length === 0 || !settled) return;
    const before = [...this.#seen];
    this.looked();
    if (before.some(([path, { digest }]) => this.#seen.get(path)!.digest !== digest)) this.#changed();
  }
}

function see(path: string): Seen {
  try {
    // The state first: what is written in between is seen at the next look.
    const state = textOf(statSync(path, { bigint: true }));
    return { state, digest: createHash('sha256').update(readFileSync(path)).digest('hex') };
  } catch {
    return { state: NONE, digest: NONE };
  }
}

const NONE = 'none';

function stateOf(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(textOf, () => NONE);
}

function textOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

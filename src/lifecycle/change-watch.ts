/**
 * Tells when the content of one of a few files is no longer what it was when it was last looked at: written, replaced,
 * or a link on the way to it moved. Asks again and again, the one way that also sees network and mounted folders. A
 * file that was only touched, or changed together with another, is no news. Never parses anything.
 */
import { look, type Seen, see, stateOf } from '../config/load/seen.ts';

const LOOK_EVERY_MS = 250;

export class ChangeWatch {
  readonly #changed: () => void;
  #seen: ReadonlyMap<string, Seen>;
  readonly #timer: NodeJS.Timeout;
  #looking = false;
  #isPaused = false;
  /** What differed at the last look. Still so at the next one: nobody is writing any more. */
  #unsettled = '';

  constructor(files: readonly string[], changed: () => void) {
    this.#changed = changed;
    this.#seen = new Map(files.map((path) => [path, see(path)]));
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  /** Somebody else is reading the files as they are now, and will say with `use` what they have seen. */
  pause(): void {
    this.#isPaused = true;
  }

  /** From here on these, compared with what was read of them, or with what was seen before of those that were not. */
  use(files: readonly string[], read: ReadonlyMap<string, Seen>): void {
    const before = this.#seen;
    this.#seen = new Map(files.map((path) => [path, read.get(path) ?? before.get(path) ?? see(path)]));
    this.#isPaused = false;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    // A folder that hangs holds up this look, and nothing else.
    if (this.#looking || this.#isPaused) return;
    this.#looking = true;
    const before = this.#seen;
    const now = await this.#news(before);
    this.#looking = false;
    // Whoever has read them meanwhile has seen it, too.
    if (now === null || this.#isPaused || this.#seen !== before) return;
    this.#seen = now;
    if ([...before].some(([path, { digest }]) => now.get(path)!.digest !== digest)) this.#changed();
  }

  /** All of them once more, where one is another and nobody is writing any more; or null. */
  async #news(before: ReadonlyMap<string, Seen>): Promise<ReadonlyMap<string, Seen> | null> {
    const states = await Promise.all(Array.from(before.keys(), async (path) => [path, await stateOf(path)] as const));
    const differing = states.filter(([path, state]) => before.get(path)!.state !== state);
    const now = differing.flat().join('\n');
    const settled = now === this.#unsettled;
    this.#unsettled = now;
    if (differing.length === 0 || !settled) return null;
    return new Map(await Promise.all(Array.from(before.keys(), async (path) => [path, await look(path)] as const)));
  }
}

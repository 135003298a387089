/**
 * Registry adapter for the processes of one machine: a folder with a small file for each lease, overwritten in place. So
 * nobody ever waits for another's lock, not even one who was stopped while writing; a full disk still takes renewals; and
 * nothing is synced, as a loss of power ends all processes anyway. Times are the machine's monotonic clock.
 */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { SetupError } from '../../errors.ts';
import { exposureOf } from '../../private-files.ts';
import type { GatewayProcess, Registry } from '../registry.ts';
import { StoreUnavailable } from '../store.ts';

interface Lease {
  readonly process: GatewayProcess;
  readonly renewedAtMs: number;
  readonly leaseMs: number;
}

/** Each file's length: far more than a lease takes, and less than a block, which is written as a whole. */
const FILE_BYTES = 1024;
const CHECKSUM_LENGTH = 8;
const SUFFIX = '.lease';
/** A file is read while it is written now and then; what is still unreadable after so many tries is no lease. */
const READS_MAX = 10;
/** After its end nobody renews a lease any more: whoever lost one takes another file. So the old one may go. */
const KEPT_MS = 60_000;

export class FileRegistry implements Registry {
  readonly #folder: string;
  /** Our own, by id. */
  readonly #held = new Map<string, { readonly path: string; untilMs: number }>();
  #closed = false;

  /** Makes the folder (0700) where it is missing. Throws SetupError with what to mend. */
  constructor(folder: string) {
    this.#folder = folder;
    let exposed: string | null;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      exposed = exposureOf(folder);
    } catch (error) {
      throw new SetupError(`store: the folder ${folder} cannot be made (${(error as NodeJS.ErrnoException).code})`);
    }
    if (exposed !== null) throw new SetupError(`store: ${exposed}`);
  }

  async renew(process: GatewayProcess, leaseMs: number): Promise<void> {
    this.#ask(() => {
      const renewedAtMs = monotonicMs();
      const text = encode({ process, renewedAtMs, leaseMs });
      const { path } = this.#place(process.id, renewedAtMs);
      write(path, text);
      this.#held.set(process.id, { path, untilMs: renewedAtMs + leaseMs });
    });
  }

  async leave(id: string): Promise<void> {
    this.#ask(() => {
      const held = this.#held.get(id);
      this.#held.delete(id);
      if (held !== undefined) rmSync(held.path, { force: true });
    });
  }

  async live(): Promise<readonly GatewayProcess[]> {
    return this.#ask(() => {
      const leases = this.#files().map(read);
      // Only now: what was renewed while we read is not from the future.
      const nowMs = monotonicMs();
      return leases
        .filter((lease) => lease !== null && untilMs(lease, nowMs) > nowMs)
        .map((lease) => lease!.process)
        .sort((left, right) => (left.id < right.id ? -1 : 1));
    });
  }

  readonly clockMs = null;

  async close(): Promise<void> {
    this.#closed = true;
  }

  #files(): string[] {
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => join(this.#folder, name));
  }

  #place(id: string, nowMs: number): { readonly path: string } {
    // It may have been removed.
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const held = this.#held.get(id);
    if (held !== undefined && nowMs < held.untilMs) return held;
    if (held !== undefined) rmSync(held.path, { force: true });
    this.#sweep();
    return { path: join(this.#folder, `${id}.${Math.round(nowMs)}${SUFFIX}`) };
  }

  /** Of processes that ended without leaving. */
  #sweep(): void {
    for (const path of this.#files()) {
      const lease = read(path);
      const nowMs = monotonicMs();
      const endedMs = lease === null ? ageMs(path) : nowMs - untilMs(lease, nowMs);
      if (endedMs > KEPT_MS) rmSync(path, { force: true });
    }
  }

  #ask<T>(work: () => T): T {
    if (this.#closed) throw new StoreUnavailable('it has been closed');
    try {
      return work();
    } catch (error) {
      throw new StoreUnavailable(error);
    }
  }
}

/** Since the machine started: the same for all its processes, and it never jumps. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A lease from the future is one from before the machine was started again. */
function untilMs({ renewedAtMs, leaseMs }: Lease, nowMs: number): number {
  return renewedAtMs > nowMs ? Number.NEGATIVE_INFINITY : renewedAtMs + leaseMs;
}

/** Of a file that holds no lease: since it was last written. */
function ageMs(path: string): number {
  const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
  return Date.now() - mtimeMs;
}

function encode(lease: Lease): string {
  const text = JSON.stringify(lease).padEnd(FILE_BYTES - CHECKSUM_LENGTH);
  if (Buffer.byteLength(text) !== FILE_BYTES - CHECKSUM_LENGTH) throw new Error('a lease is too long to be kept');
  return text + crc32(text).toString(16).padStart(CHECKSUM_LENGTH, '0');
}

function write(path: string, text: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    writeSync(file, text, 0);
  } finally {
    closeSync(file);
  }
}

/** null: gone, or none. */
function read(path: string): Lease | null {
  for (let tries = 0; tries < READS_MAX; tries++) {
    try {
      const file = readFileSync(path, 'utf8');
      const text = file.slice(0, -CHECKSUM_LENGTH);
      if (crc32(text).toString(16).padStart(CHECKSUM_LENGTH, '0') === file.slice(-CHECKSUM_LENGTH))
        return JSON.parse(text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
  return null;
}

/**
 * The record that every change of an organization writes, so that two processes never change it at once: a change that
 * read it before another one wrote it is refused by the store, and drawn up again. Whoever was refused a few times holds it,
 * and the others wait. It also counts the changes (Generation). An enterprise has one, too. Judges nothing.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Generation, kindOf } from '../../core/facts.ts';
import { randomText } from '../../secret.ts';
import { DamagedRecord, type Store, type Stored } from '../../store/store.ts';
import { everyEntry } from '../listing.ts';
import { lists } from './places.ts';
import type { DocKind } from './records.ts';
import { scannedDoc } from './stored-docs.ts';

/** Refused so often by others' changes, it makes them wait. */
const HOLD_AFTER_TRIES = 3;
/** Taking it is one read and one write, so nobody else gets in between for long. */
const HOLD_ATTEMPTS_MAX = 100;
/** A holder that takes longer has died, or hangs. */
const HELD_MAX_MS = 2000;
const LOOK_AGAIN_MS = 10;

/** The lock as it was found. */
export interface Lock {
  readonly key: string;
  readonly version: number;
  /** The last change's number. */
  readonly changes: Generation;
}

interface LockRecord {
  readonly changes?: Generation;
  readonly heldBy?: string;
}

/** What a record of an organization may say of the changes that it remembers. */
interface Numbered {
  readonly generation?: Generation;
  /** An account's; a workspace's is by kind, and never above its `transferredIn`. */
  readonly tokensFrom?: Generation | readonly unknown[];
  readonly transferredIn?: Generation | null;
}

export class OrganizationLock {
  readonly #store: Store;
  readonly #organizationId: string;
  readonly #key: string;
  readonly #name = randomText(16);
  #held: Lock | null = null;

  constructor(store: Store, organizationId: string) {
    this.#store = store;
    this.#organizationId = organizationId;
    this.#key = `lock/${organizationId}`;
  }

  /** `tries`: how often this change was refused. Rejects with StoreUnavailable. */
  async read(tries: number): Promise<Lock> {
    let found = await this.#unheld();
    if (tries < HOLD_AFTER_TRIES || this.#held?.version === found.version) return found;
    for (let attempts = 0; attempts < HOLD_ATTEMPTS_MAX; attempts++) {
      const { key, version, changes } = found;
      const writes = [{ key, record: { changes, heldBy: this.#name } }];
      // No unit of work: it is what a unit of work waits for.
      const committed = await this.#store.commit({ expects: [{ key, version }], writes, ends: true });
      if (committed.ok) {
        this.#held = { key, version: committed.revision, changes };
        return this.#held;
      }
      found = await this.#unheld();
    }
    return found;
  }

  /** The change was made, and the lock written with it. */
  passed(): void {
    this.#held = null;
  }

  /** Lets the others go on. Where this fails they do so after a while. */
  async release(): Promise<void> {
    if (this.#held === null) return;
    const { key, version, changes } = this.#held;
    this.#held = null;
    const writes = [{ key, record: { changes } }];
    // No unit of work: it is what a unit of work waits for.
    await this.#store.commit({ expects: [{ key, version }], writes, ends: true }).catch(() => {});
  }

  /**
   * The lock was never written, or the store has lost it: the count goes on from what the organization's records say. The
   * clock alone would not do, where it was ahead and was set right.
   */
  async #newestGeneration(): Promise<Generation> {
    let newest = 0;
    // An access token's number is one of its account.
    for (const list of [lists.everything, lists.tokens])
      for await (const entry of everyEntry(this.#store, list(this.#organizationId))) {
        const { doc } = scannedDoc(kindOf(entry.key) as DocKind, entry);
        const { generation = 0, tokensFrom = 0, transferredIn } = doc as Numbered;
        const ends = typeof tokensFrom === 'number' ? tokensFrom : 0;
        newest = Math.max(newest, generation, ends, transferredIn ?? 0);
      }
    return newest;
  }

  /** As soon as nobody else holds it. */
  async #unheld(): Promise<Lock> {
    let since = { holder: '', atMs: 0 };
    for (;;) {
      const stored = await this.#store.get(this.#key);
      const { changes = await this.#newestGeneration(), heldBy } = stored === null ? {} : lockOf(stored);
      const lock = { key: this.#key, version: stored?.version ?? 0, changes };
      if (heldBy === undefined || heldBy === this.#name) return lock;
      const nowMs = performance.now();
      if (since.holder !== heldBy) since = { holder: heldBy, atMs: nowMs };
      else if (nowMs - since.atMs > HELD_MAX_MS) return lock;
      await pause(LOOK_AGAIN_MS);
    }
  }
}

function lockOf({ key, record }: Stored): LockRecord {
  const { changes, heldBy } = (record ?? {}) as LockRecord;
  const isSound =
    typeof record === 'object' &&
    (changes === undefined || Number.isSafeInteger(changes)) &&
    (heldBy === undefined || typeof heldBy === 'string');
  if (!isSound) throw new DamagedRecord(new TypeError(`${key}: not a lock`));
  return { ...(changes !== undefined && { changes }), ...(heldBy !== undefined && { heldBy }) };
}

/**
 * The refusals that this process remembers, so that somebody can ask later why: the last so many, for so long. A refusal
 * costs a few hundred bytes here; what is read is put into words then. Judges nobody who asks: that is for who calls.
 */
import {
  type Decided,
  type DecisionNote,
  type DecisionRecord,
  noteOf,
  ownerIdOf,
  recordOf,
} from './decision-record.ts';
import { BLOCK_NOTES, NoteBlock } from './note-block.ts';

/** Which refusals; what is null does not matter. */
export interface RefusalFilter {
  readonly id: string | null;
  readonly reason: string | null;
  readonly route: string | null;
  readonly token: string | null;
  readonly organization: string | null;
  /** A member, in one of their memberships. */
  readonly owner: { readonly id: string; readonly generation: number } | null;
  readonly address: string | null;
  readonly sinceMs: number | null;
}

export interface RefusalQuery extends RefusalFilter {
  /** Only those that came before this one; null: all. */
  readonly before: string | null;
  readonly limit: number;
}

/** How many of whom. */
export interface RefusalCountQuery extends Pick<RefusalFilter, 'organization' | 'owner'> {
  readonly sinceMs: number;
}

export interface RefusalCounts {
  /** From when on everything is remembered: what was asked for, or later. */
  readonly sinceMs: number;
  readonly byReason: Readonly<Record<string, number>>;
}

/** A record with what its own words do not say. */
export interface RememberedRefusal extends DecisionRecord {
  /** Of the owner's membership; for checks of who may see it, never for people. */
  readonly ownerGeneration: number | null;
}

/** With everything else a note holds it stays under 1 KiB. */
const PATH_MAX = 400;

export class RefusalRing {
  readonly #nowMs: () => number;
  #keep = 0;
  #forMs = 0;
  /** Oldest first; the last one is being filled. */
  readonly #blocks: NoteBlock[] = [];
  /** Of the first block: where the oldest is. */
  #first = 0;
  #size = 0;
  /** One that was emptied last. */
  #spare: NoteBlock | null = null;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#size;
  }

  /** `keep`: 0: none. What is remembered stays, as far as there is room. */
  resize(keep: number, forMs: number): void {
    this.#forMs = forMs;
    this.#keep = keep;
    while (this.#size > keep) this.#forgetOldest();
    this.forgetOld();
  }

  /** Its note; null: it is not remembered. */
  add(refused: Decided, revision: number): DecisionNote | null {
    if (this.#keep === 0) return null;
    if (this.#size === this.#keep) this.#forgetOldest();
    const note = noteOf(refused, revision, PATH_MAX);
    const nth = this.#first + this.#size;
    if (nth === this.#blocks.length * BLOCK_NOTES) {
      this.#blocks.push(this.#spare ?? new NoteBlock());
      this.#spare = null;
    }
    this.#blocks.at(-1)!.write(nth % BLOCK_NOTES, note);
    this.#size++;
    return note;
  }

  /** Those that came too long ago. */
  forgetOld(): void {
    const sinceMs = this.#nowMs() - this.#forMs;
    while (this.#size > 0 && this.#nth(0).atMs < sinceMs) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const [block] = this.#blocks as [NoteBlock];
    block.forget(this.#first);
    this.#size--;
    this.#first++;
    if (this.#first < BLOCK_NOTES) return;
    this.#first = 0;
    this.#blocks.shift();
    this.#spare = block;
  }

  /** Newest first, by their ids. */
  newest({ before, limit, ...filter }: RefusalQuery): readonly RememberedRefusal[] {
    this.forgetOld();
    return this.#inOrder()
      .filter((note) => (before === null || note.decisionId < before) && fits(note, filter))
      .sort((left, right) => (left.decisionId < right.decisionId ? 1 : -1))
      .slice(0, limit)
      .map((note) => ({ ...recordOf(note), ownerGeneration: note.token?.ownerGeneration ?? null }));
  }

  counts({ organization, owner, sinceMs }: RefusalCountQuery): RefusalCounts {
    this.forgetOld();
    const filter = { ...{ id: null, reason: null, route: null, token: null, address: null }, organization, owner };
    const byReason: Record<string, number> = {};
    for (const note of this.#inOrder())
      if (fits(note, { ...filter, sinceMs })) byReason[note.reason!] = (byReason[note.reason!] ?? 0) + 1;
    return { sinceMs: Math.max(sinceMs, this.#rememberedSinceMs()), byReason };
  }

  /** Before that something may have been forgotten. */
  #rememberedSinceMs(): number {
    const isFull = this.#size > 0 && this.#size === this.#keep;
    return Math.max(this.#nowMs() - this.#forMs, isFull ? this.#nth(0).atMs : 0);
  }

  #inOrder(): DecisionNote[] {
    return Array.from({ length: this.#size }, (_, nth) => this.#nth(nth));
  }

  #nth(nth: number): DecisionNote {
    const at = this.#first + nth;
    return this.#blocks[Math.floor(at / BLOCK_NOTES)]!.read(at % BLOCK_NOTES);
  }
}

function fits(note: DecisionNote, { id, reason, route, token, organization, owner, address, sinceMs }: RefusalFilter) {
  return (
    (id === null || note.decisionId === id) &&
    (reason === null || note.reason === reason) &&
    (route === null || note.routeId === route) &&
    (token === null || note.token?.id === token) &&
    (organization === null || note.token?.organizationId === organization) &&
    (owner === null || (ownerIdOf(note) === owner.id && note.token?.ownerGeneration === owner.generation)) &&
    (address === null || note.address === address) &&
    (sinceMs === null || note.atMs >= sinceMs)
  );
}

/**
 * The refusals that this process remembers, so that somebody can ask later why: the last so many, for so long. A refusal
 * costs one small object here; what is read is put into words then. Judges nobody who asks: that is for who calls.
 */
import { type Decided, type DecisionNote, type DecisionRecord, noteOf, recordOf } from './decision-record.ts';

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
  #notes: Array<DecisionNote | undefined> = [];
  /** Where the next one goes. */
  #next = 0;
  /** The oldest that is remembered, and how many are. */
  #oldest = 0;
  #size = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#size;
  }

  /** `keep`: 0: none. What is remembered stays, as far as there is room. */
  resize(keep: number, forMs: number): void {
    this.#forMs = forMs;
    if (keep !== this.#keep) {
      const kept = keep === 0 ? [] : this.#inOrder().slice(-keep);
      this.#keep = keep;
      this.#notes = kept;
      this.#oldest = 0;
      this.#size = kept.length;
      this.#next = keep === 0 ? 0 : kept.length % keep;
    }
    this.forgetOld();
  }

  /** Its note; null: it is not remembered. */
  add(refused: Decided, revision: number): DecisionNote | null {
    const keep = this.#keep;
    if (keep === 0) return null;
    const note = noteOf(refused, revision, PATH_MAX);
    this.#notes[this.#next] = note;
    this.#next = this.#next + 1 === keep ? 0 : this.#next + 1;
    if (this.#size < keep) this.#size++;
    else this.#oldest = this.#next;
    return note;
  }

  /** Those that came too long ago. */
  forgetOld(): void {
    const sinceMs = this.#nowMs() - this.#forMs;
    while (this.#size > 0 && this.#notes[this.#oldest]!.atMs < sinceMs) {
      this.#notes[this.#oldest] = undefined;
      this.#oldest = (this.#oldest + 1) % this.#keep;
      this.#size--;
    }
  }

  /** Newest first, by their ids. */
  newest({ before, limit, ...filter }: RefusalQuery): readonly RememberedRefusal[] {
    this.forgetOld();
    return this.#inOrder()
      .filter((note) => (before === null || note.decisionId < before) && fits(note, filter))
      .sort((left, right) => (left.decisionId < right.decisionId ? 1 : -1))
      .slice(0, limit)
      .map((note) => ({ ...recordOf(note), ownerGeneration: note.ownerGeneration }));
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
    return Math.max(this.#nowMs() - this.#forMs, isFull ? this.#notes[this.#oldest]!.atMs : 0);
  }

  #inOrder(): DecisionNote[] {
    const notes: DecisionNote[] = [];
    for (let nth = 0; nth < this.#size; nth++) notes.push(this.#notes[(this.#oldest + nth) % this.#keep]!);
    return notes;
  }
}

function fits(note: DecisionNote, { id, reason, route, token, organization, owner, address, sinceMs }: RefusalFilter) {
  return (
    (id === null || note.decisionId === id) &&
    (reason === null || note.reason === reason) &&
    (route === null || note.routeId === route) &&
    (token === null || note.tokenId === token) &&
    (organization === null || note.organizationId === organization) &&
    (owner === null || (note.ownerId === owner.id && note.ownerGeneration === owner.generation)) &&
    (address === null || note.address === address) &&
    (sinceMs === null || note.atMs >= sinceMs)
  );
}

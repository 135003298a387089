/**
 * Room for some notes of refusals, in an order. What a request brought is kept as bytes, numbers as numbers, and what lives
 * long anyway (a token's facts, a route's id) by reference: as an object with texts of its own each note would outlive a
 * collection or two, and keeping it would cost three times what making it does.
 */
import type { TokenFacts } from '../core/facts.ts';
import type { Reason } from '../core/reason.ts';
import type { DecisionNote } from './decision-record.ts';

/** So many notes. */
export const BLOCK_NOTES = 256;
/** Of the texts of a note that fit in here; longer ones are kept as a text. */
const TEXT_BYTES = 256;
/** Of one character more at most: a text that may have been cut takes no fewer. */
const WHOLE_BYTES_MAX = TEXT_BYTES - 4;
const TEXTS = 9;
const NO_TEXT = 0xffff;
const NUMBERS = 4;
const REFERENCES = 6;
/** Bits of the flags. */
const READ = 1;
const CUT = 2;
const DEGRADED = 4;

type Reference = TokenFacts | string | null;

export class NoteBlock {
  readonly #bytes = Buffer.allocUnsafeSlow(BLOCK_NOTES * TEXT_BYTES);
  /** Where all texts of one note stand as one text, because they do not fit. */
  readonly #long: Array<string | null> = new Array(BLOCK_NOTES).fill(null);
  /** Of each text, in characters; and of all, in bytes. */
  readonly #lengths = new Uint16Array(BLOCK_NOTES * (TEXTS + 1));
  readonly #numbers = new Float64Array(BLOCK_NOTES * NUMBERS);
  readonly #references: Reference[] = new Array(BLOCK_NOTES * REFERENCES).fill(null);
  /** null: 0. */
  readonly #statuses = new Uint16Array(BLOCK_NOTES);
  readonly #flags = new Uint8Array(BLOCK_NOTES);

  write(index: number, note: DecisionNote): void {
    this.#writeTexts(index, note);
    let at = index * NUMBERS;
    this.#numbers[at++] = note.atMs;
    this.#numbers[at++] = note.decidedMs;
    this.#numbers[at++] = note.upstreamMs ?? Number.NaN;
    this.#numbers[at] = note.revision;
    at = index * REFERENCES;
    this.#references[at++] = note.token;
    this.#references[at++] = note.routeId;
    this.#references[at++] = note.role;
    this.#references[at++] = note.reason;
    this.#references[at++] = note.detail;
    this.#references[at] = note.configuration;
    this.#statuses[index] = note.status ?? 0;
    this.#flags[index] = (note.isRead ? READ : 0) | (note.isCut ? CUT : 0) | (note.isDegraded ? DEGRADED : 0);
  }

  #writeTexts(index: number, note: DecisionNote): void {
    const { decisionId, method, host, path, address, workspace, environment, resource } = note;
    const requestId = note.requestId === decisionId ? null : note.requestId;
    let at = index * (TEXTS + 1);
    const lengths = this.#lengths;
    lengths[at++] = decisionId.length;
    lengths[at++] = lengthOf(requestId);
    lengths[at++] = method.length;
    lengths[at++] = host.length;
    lengths[at++] = path.length;
    lengths[at++] = address.length;
    lengths[at++] = lengthOf(workspace);
    lengths[at++] = lengthOf(environment);
    lengths[at++] = lengthOf(resource);
    let text = decisionId + (requestId ?? '') + method + host + path + address;
    if (workspace !== null) text += workspace;
    if (environment !== null) text += environment;
    if (resource !== null) text += resource;
    const bytes = this.#bytes.write(text, index * TEXT_BYTES, TEXT_BYTES);
    lengths[at] = bytes;
    this.#long[index] = bytes > WHOLE_BYTES_MAX ? text : null;
  }

  read(index: number): DecisionNote {
    return new KeptNote(this, index);
  }

  forget(index: number): void {
    this.#references.fill(null, index * REFERENCES, (index + 1) * REFERENCES);
    this.#long[index] = null;
  }

  texts(index: number): ReadonlyArray<string | null> {
    const lengths = this.#lengths.subarray(index * (TEXTS + 1), (index + 1) * (TEXTS + 1));
    const start = index * TEXT_BYTES;
    const all = this.#long[index] ?? this.#bytes.toString('utf8', start, start + lengths[TEXTS]!);
    let at = 0;
    return Array.from(lengths.subarray(0, TEXTS), (length) => {
      if (length === NO_TEXT) return null;
      at += length;
      return all.slice(at - length, at);
    });
  }

  numbers(index: number): Float64Array {
    return this.#numbers.subarray(index * NUMBERS, (index + 1) * NUMBERS);
  }

  references(index: number): readonly Reference[] {
    return this.#references.slice(index * REFERENCES, (index + 1) * REFERENCES);
  }

  status(index: number): number | null {
    return this.#statuses[index] || null;
  }

  isSet(index: number, flag: number): boolean {
    return (this.#flags[index]! & flag) !== 0;
  }
}

/** Its texts are put together where somebody asks for one of them. */
class KeptNote implements DecisionNote {
  readonly atMs: number;
  readonly decidedMs: number;
  readonly upstreamMs: number | null;
  readonly revision: number;
  readonly token: TokenFacts | null;
  readonly routeId: string | null;
  readonly role: string | null;
  readonly reason: Reason | null;
  readonly detail: string | null;
  readonly configuration: string;
  readonly status: number | null;
  readonly isRead: boolean;
  readonly isCut: boolean;
  readonly isDegraded: boolean;
  readonly #block: NoteBlock;
  readonly #index: number;
  #texts: ReadonlyArray<string | null> | null = null;

  constructor(block: NoteBlock, index: number) {
    const [atMs, decidedMs, upstreamMs, revision] = block.numbers(index) as unknown as [number, number, number, number];
    this.atMs = atMs;
    this.decidedMs = decidedMs;
    this.upstreamMs = Number.isNaN(upstreamMs) ? null : upstreamMs;
    this.revision = revision;
    const [token, routeId, role, reason, detail, configuration] = block.references(index);
    this.token = token as TokenFacts | null;
    this.routeId = routeId as string | null;
    this.role = role as string | null;
    this.reason = reason as Reason | null;
    this.detail = detail as string | null;
    this.configuration = configuration as string;
    this.status = block.status(index);
    this.isRead = block.isSet(index, READ);
    this.isCut = block.isSet(index, CUT);
    this.isDegraded = block.isSet(index, DEGRADED);
    this.#block = block;
    this.#index = index;
  }

  get decisionId(): string {
    return this.#text(0)!;
  }
  get requestId(): string {
    return this.#text(1) ?? this.decisionId;
  }
  get method(): string {
    return this.#text(2)!;
  }
  get host(): string {
    return this.#text(3)!;
  }
  get path(): string {
    return this.#text(4)!;
  }
  get address(): string {
    return this.#text(5)!;
  }
  get workspace(): string | null {
    return this.#text(6);
  }
  get environment(): string | null {
    return this.#text(7);
  }
  get resource(): string | null {
    return this.#text(8);
  }

  #text(nth: number): string | null {
    this.#texts ??= this.#block.texts(this.#index);
    return this.#texts[nth]!;
  }
}

function lengthOf(text: string | null): number {
  return text === null ? NO_TEXT : text.length;
}

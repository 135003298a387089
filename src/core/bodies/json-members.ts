/**
 * Reads members out of JSON text that can be read in one way (RFC 8259, I-JSON's rules for text): what is not well formed
 * from its first to its last character is no text at all, and a member on the way that stands twice, in whatever
 * spelling, has no value. Makes no object of it, keeps no number but as it was written, and repairs nothing.
 */
import type { BodyField, FieldValue } from './inspected-body.ts';

/** Of lists and objects in each other. Some parsers end at 64, and no call comes near this. */
const DEPTH_MAX = 256;
const INTEGER = /^-?(?:0|[1-9][0-9]*)$/;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const [QUOTE, BACKSLASH, COMMA, COLON, MINUS] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d];
const [OBJECT, OBJECT_END, LIST, LIST_END] = [0x7b, 0x7d, 0x5b, 0x5d];
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The values of `fields`, by their names; null: it is no JSON that everybody reads alike. */
export function readJsonMembers(
  bytes: Uint8Array,
  fields: readonly BodyField[],
): ReadonlyMap<string, FieldValue> | null {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return null;
  }
  const root = new Wanted('');
  for (const { name, path } of fields) root.add(name, path);
  if (!new Scanner(text).read(root)) return null;
  return root.values();
}

/** A member that is looked for, or that leads to one. */
class Wanted {
  readonly #name: string;
  readonly #folded: string;
  readonly #members: Wanted[] = [];
  /** Under which its value is asked for. */
  readonly #fields: string[] = [];
  readonly #initials = new Set<number>();
  #seen = false;
  /** What it has for a value, everybody reads alike. */
  #isPlain = true;
  #value: FieldValue;

  constructor(name: string) {
    this.#name = name;
    this.#folded = foldMemberName(name);
  }

  add(field: string, [next, ...rest]: readonly string[]): void {
    if (next === undefined) {
      this.#fields.push(field);
      return;
    }
    let member = this.#members.find((each) => each.#name === next);
    if (member === undefined) {
      member = new Wanted(next);
      this.#members.push(member);
      this.#initials.add(member.#folded.charCodeAt(0));
    }
    member.add(field, rest);
  }

  /** The one that some parser would take a member of this name for. `text`: JSON's, between its quotes. */
  meets(text: string): Wanted | null {
    // Most names are told apart by their first letter.
    const initial = text.charCodeAt(0) | 0x20;
    if (initial >= 0x61 && initial <= 0x7a && !this.#initials.has(initial)) return null;
    const name = text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
    const folded = foldMemberName(name);
    for (const member of this.#members) {
      if (member.#folded !== folded) continue;
      if (member.#seen || member.#name !== name) member.#isPlain = false;
      member.#seen = true;
      return member;
    }
    return null;
  }

  /** `source`: its value, as it is written. */
  take(source: string): void {
    const first = source.charCodeAt(0);
    if (first !== OBJECT && this.#members.length > 0) this.#isPlain = false;
    if (first === QUOTE) this.#value = (JSON.parse(source) as string) || null;
    else this.#value = INTEGER.test(source) ? source : null;
  }

  values(isPlain = this.#isPlain, found = new Map<string, FieldValue>()): Map<string, FieldValue> {
    const value = this.#seen ? this.#value : undefined;
    for (const field of this.#fields) found.set(field, isPlain ? value : null);
    for (const member of this.#members) member.values(isPlain && member.#isPlain, found);
    return found;
  }
}

/**
 * As the most lenient parser compares names: without case (Go, .NET), dashes and underscores (protobuf takes `spaceId` for
 * `space_id`), up to the first NUL (C).
 */
function foldMemberName(name: string): string {
  const nul = name.indexOf('\0');
  // Upper case first: some letters (a long s) meet the plain ones only there.
  const lower = (nul === -1 ? name : name.slice(0, nul)).toUpperCase().toLowerCase();
  return lower.includes('_') || lower.includes('-') ? lower.replace(/[_-]/g, '') : lower;
}

/** Goes over the text once. Each step says whether what it went over is well formed. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(root: Wanted): boolean {
    this.#skipBlanks();
    const start = this.#at;
    if (!this.#value(root, 0)) return false;
    root.take(this.#text.slice(start, this.#at));
    this.#skipBlanks();
    return this.#at === this.#text.length;
  }

  #value(wanted: Wanted | null, depth: number): boolean {
    const code = this.#text.charCodeAt(this.#at);
    if (code === QUOTE) return this.#string();
    if (code === OBJECT) return this.#object(wanted, depth + 1);
    if (code === LIST) return this.#list(depth + 1);
    if (code === MINUS || (code >= 0x30 && code <= 0x39)) return this.#number();
    return this.#word('null') || this.#word('true') || this.#word('false');
  }

  #object(wanted: Wanted | null, depth: number): boolean {
    if (depth > DEPTH_MAX) return false;
    this.#at++;
    this.#skipBlanks();
    if (this.#takes(OBJECT_END)) return true;
    for (;;) {
      if (!this.#member(wanted, depth)) return false;
      this.#skipBlanks();
      if (this.#takes(OBJECT_END)) return true;
      if (!this.#takes(COMMA)) return false;
      this.#skipBlanks();
    }
  }

  #member(wanted: Wanted | null, depth: number): boolean {
    const start = this.#at;
    if (this.#text.charCodeAt(start) !== QUOTE || !this.#string()) return false;
    const met = wanted === null ? null : wanted.meets(this.#text.slice(start + 1, this.#at - 1));
    this.#skipBlanks();
    if (!this.#takes(COLON)) return false;
    this.#skipBlanks();
    const from = this.#at;
    if (!this.#value(met, depth)) return false;
    if (met !== null) met.take(this.#text.slice(from, this.#at));
    return true;
  }

  #list(depth: number): boolean {
    if (depth > DEPTH_MAX) return false;
    this.#at++;
    this.#skipBlanks();
    if (this.#takes(LIST_END)) return true;
    for (;;) {
      if (!this.#value(null, depth)) return false;
      this.#skipBlanks();
      if (this.#takes(LIST_END)) return true;
      if (!this.#takes(COMMA)) return false;
      this.#skipBlanks();
    }
  }

  #string(): boolean {
    const text = this.#text;
    for (let at = this.#at + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return true;
      }
      if (code < 0x20) return false;
      if (code !== BACKSLASH) continue;
      const end = escapeEnd(text, at);
      if (end === -1) return false;
      at = end - 1;
    }
    return false;
  }

  #number(): boolean {
    NUMBER.lastIndex = this.#at;
    if (!NUMBER.test(this.#text)) return false;
    this.#at = NUMBER.lastIndex;
    return true;
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #takes(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }
}

const SIMPLE_ESCAPES = new Set([...'"\\/bfnrt'].map((char) => char.charCodeAt(0)));
const UNIT = /\\u([0-9a-fA-F]{4})/y;

/** Where the escape at `at` ends, of a pair of surrogates both; -1: it is none, or half of a pair. */
function escapeEnd(text: string, at: number): number {
  if (SIMPLE_ESCAPES.has(text.charCodeAt(at + 1))) return at + 2;
  const unit = unitAt(text, at);
  if (unit === -1 || (unit >= 0xdc00 && unit <= 0xdfff)) return -1;
  if (unit < 0xd800 || unit > 0xdbff) return at + 6;
  const low = unitAt(text, at + 6);
  return low >= 0xdc00 && low <= 0xdfff ? at + 12 : -1;
}

function unitAt(text: string, at: number): number {
  UNIT.lastIndex = at;
  const read = UNIT.exec(text);
  return read === null ? -1 : Number.parseInt(read[1]!, 16);
}

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
const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, UNDERSCORE] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x5f];
const [OBJECT, OBJECT_END, LIST, LIST_END] = [0x7b, 0x7d, 0x5b, 0x5d];
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class JsonMembersReader {
  readonly #root = new Wanted('');
  /** null: it is no text. */
  readonly #scanner: Scanner | null;

  constructor(bytes: Uint8Array, fields: readonly BodyField[]) {
    for (const { name, path } of fields) this.#root.add(name, path);
    let scanner: Scanner | null = null;
    try {
      scanner = new Scanner(utf8.decode(bytes), this.#root);
    } catch {
      // Not UTF-8.
    }
    this.#scanner = scanner;
  }

  /**
   * Goes on for `characters` or somewhat more. The values of `fields`, by their names; undefined: more is to be read; null:
   * it is no JSON that everybody reads alike.
   */
  goOn(characters: number): ReadonlyMap<string, FieldValue> | null | undefined {
    if (this.#scanner === null) return null;
    const isWellFormed = this.#scanner.goOn(characters);
    if (isWellFormed === undefined) return undefined;
    return isWellFormed ? this.#root.values() : null;
  }
}

/** A member that is looked for, or that leads to one. */
class Wanted {
  readonly #name: string;
  readonly #folded: string;
  readonly #members: Wanted[] = [];
  /** Under which its value is asked for. */
  readonly #fields: string[] = [];
  readonly #initials = new Set<number>();
  /** Characters of the longest name among its members, folded. */
  #longest = 0;
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
      this.#longest = Math.max(this.#longest, member.#folded.length);
    }
    member.add(field, rest);
  }

  /** The one that some parser would take a member of this name for. `text`: JSON's, between its quotes. */
  meets(text: string): Wanted | null {
    // Most names are told apart by their first letter.
    const initial = text.charCodeAt(0) | 0x20;
    if (initial >= 0x61 && initial <= 0x7a && !this.#initials.has(initial)) return null;
    const name = text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
    const folded = foldMemberName(name, this.#longest);
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
 * `space_id`), up to the first NUL (C). Of a name longer than `longest` the beginning, which is longer, too: no change of
 * case makes a name shorter.
 */
function foldMemberName(name: string, longest = name.length): string {
  let kept = '';
  for (let at = 0; at < name.length && kept.length <= longest; at++) {
    const code = name.charCodeAt(at);
    if (code === 0) break;
    if (code !== MINUS && code !== UNDERSCORE) kept += name[at]!;
  }
  // Upper case first: some letters (a long s) meet the plain ones only there.
  return kept.toUpperCase().toLowerCase();
}

/** A list or an object whose end has not come. */
interface Open {
  readonly isObject: boolean;
  /** Of an object: the one that is looked into. */
  readonly wanted: Wanted | null;
  /** Of the member that is being read: the one it is taken for, and where its value begins. */
  met: Wanted | null;
  from: number;
}

/** What has to come next. `first member`, `first item`: or the end of what has been opened. */
type Next = 'value' | 'first item' | 'first member' | 'member' | 'comma or end' | 'nothing';

/** Goes over the text once, in as many steps as it is asked to. */
class Scanner {
  readonly #text: string;
  readonly #root: Wanted;
  readonly #start: number;
  readonly #open: Open[] = [];
  #at = 0;
  #next: Next = 'value';

  constructor(text: string, root: Wanted) {
    this.#text = text;
    this.#root = root;
    this.#skipBlanks();
    this.#start = this.#at;
  }

  /** Is it well formed? undefined: so far. At least one step of it is taken. */
  goOn(characters: number): boolean | undefined {
    const end = this.#at + characters;
    do {
      if (this.#next === 'nothing') return this.#at === this.#text.length;
      if (!this.#step()) return false;
      this.#skipBlanks();
    } while (this.#at < end);
    return undefined;
  }

  /** Each step says whether what it went over is well formed, and leaves no blanks behind it. */
  #step(): boolean {
    switch (this.#next) {
      case 'first item':
        return this.#takes(LIST_END) ? this.#close() : this.#value();
      case 'value':
        return this.#value();
      case 'first member':
        return this.#takes(OBJECT_END) ? this.#close() : this.#member();
      case 'member':
        return this.#member();
      default:
        return this.#commaOrEnd();
    }
  }

  #value(): boolean {
    const code = this.#text.charCodeAt(this.#at);
    if (code === OBJECT || code === LIST) return this.#opens(code === OBJECT);
    const isRead =
      code === QUOTE
        ? this.#string()
        : code === MINUS || (code >= 0x30 && code <= 0x39)
          ? this.#number()
          : this.#word('null') || this.#word('true') || this.#word('false');
    if (isRead) this.#valueEnds();
    return isRead;
  }

  #opens(isObject: boolean): boolean {
    const around = this.#open.at(-1);
    if (this.#open.length === DEPTH_MAX) return false;
    this.#at++;
    const wanted = !isObject ? null : around === undefined ? this.#root : around.met;
    this.#open.push({ isObject, wanted, met: null, from: 0 });
    this.#next = isObject ? 'first member' : 'first item';
    return true;
  }

  #close(): boolean {
    this.#open.pop();
    this.#valueEnds();
    return true;
  }

  #valueEnds(): void {
    const around = this.#open.at(-1);
    if (around === undefined) {
      this.#root.take(this.#text.slice(this.#start, this.#at));
      this.#next = 'nothing';
      return;
    }
    if (around.met !== null) around.met.take(this.#text.slice(around.from, this.#at));
    around.met = null;
    this.#next = 'comma or end';
  }

  #commaOrEnd(): boolean {
    const { isObject } = this.#open.at(-1)!;
    if (this.#takes(isObject ? OBJECT_END : LIST_END)) return this.#close();
    this.#next = isObject ? 'member' : 'value';
    return this.#takes(COMMA);
  }

  #member(): boolean {
    const object = this.#open.at(-1)!;
    const start = this.#at;
    if (this.#text.charCodeAt(start) !== QUOTE || !this.#string()) return false;
    if (object.wanted !== null) object.met = object.wanted.meets(this.#text.slice(start + 1, this.#at - 1));
    this.#skipBlanks();
    if (!this.#takes(COLON)) return false;
    this.#skipBlanks();
    object.from = this.#at;
    this.#next = 'value';
    return true;
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

const SMALL_U = 0x75;
/** By character code: the digit's value and one; 0: it is none. */
const HEX_DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  return /[0-9a-fA-F]/.test(char) ? Number.parseInt(char, 16) + 1 : 0;
});
const SIMPLE_ESCAPES = new Set([...'"\\/bfnrt'].map((char) => char.charCodeAt(0)));
/** Where the escape at `at` ends, of a pair of surrogates both; -1: it is none, or half of a pair. */
function escapeEnd(text: string, at: number): number {
  if (SIMPLE_ESCAPES.has(text.charCodeAt(at + 1))) return at + 2;
  const unit = unitAt(text, at);
  if (unit === -1 || (unit >= 0xdc00 && unit <= 0xdfff)) return -1;
  if (unit < 0xd800 || unit > 0xdbff) return at + 6;
  const low = unitAt(text, at + 6);
  return low >= 0xdc00 && low <= 0xdfff ? at + 12 : -1;
}

/** -1: no `\\u` with four hexadecimal digits stands there. */
function unitAt(text: string, at: number): number {
  if (text.charCodeAt(at) !== BACKSLASH || text.charCodeAt(at + 1) !== SMALL_U) return -1;
  let unit = 0;
  for (let index = at + 2; index < at + 6; index++) {
    const digit = HEX_DIGITS[text.charCodeAt(index)] ?? 0;
    if (digit === 0) return -1;
    unit = unit * 16 + digit - 1;
  }
  return unit;
}

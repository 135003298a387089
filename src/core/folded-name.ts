/**
 * Names that another parser behind us would take for one and the same (CVE-2025-64484). Fold more than any one parser
 * does: two names too many are refused, one too few is a way in. docs/conformance.md has the table, parser by parser.
 */
import { lowerName } from './framing.ts';

/** CGI, and whatever descends from it, has letters, digits and one mark for all the rest (RFC 3875 section 4.1.18). */
export function foldHeaderName(name: string): string {
  return lowerName(name).replace(/[^a-z0-9]/g, '-');
}

/** A name in a query, made ready to be compared. */
export interface FoldedQueryName {
  /** As configured. */
  readonly name: string;
  readonly folded: string;
}

export function foldQueryName(name: string): FoldedQueryName {
  return { name, folded: fold(leniently(name)) };
}

/** Nothing that any parser drops, folds or splits at. */
const WORD = /^[A-Za-z0-9_-]*$/;
const IN_WORD = /[\p{L}\p{M}\p{N}_-]/u;

/**
 * Would some parser read `raw`, a name as it stands in a query, as this one, or as a part of what this one names? It would
 * where it begins with the same letters and digits, whatever stands before, between or behind them.
 */
export function readsAs(raw: string, { folded }: FoldedQueryName): boolean {
  if (WORD.test(raw)) return raw.length === folded.length && fold(raw.toLowerCase()) === folded;
  const text = leniently(raw);
  if (!fold(text).startsWith(folded)) return false;
  const next = text.codePointAt(folded.length);
  return next === undefined || !IN_WORD.test(String.fromCodePoint(next));
}

/** One mark for whatever joins two words. Keeps the length. */
function fold(lower: string): string {
  return lower.replace(/[^a-z0-9\u0080-\uffff]/g, '_');
}

/**
 * What the most lenient parser reads, in lower case: each escape that is one, also of ASP's kind (`%u0061`), the others as
 * they stand; full-width letters as plain ones, no characters that cannot be seen, and nothing in front of the name.
 */
function leniently(raw: string): string {
  let text = raw.replaceAll('+', ' ').replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
  if (text.includes('%'))
    text = text
      .replace(/%u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
      .replace(/(?:%[0-9a-f]{2})+/gi, decodeBytes)
      .normalize('NFKC')
      .replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  // Upper case first: some letters (a dotless i) meet the plain ones only there.
  return text
    .replace(/^[^\p{L}\p{M}\p{N}_-]+/u, '')
    .toUpperCase()
    .toLowerCase();
}

/** Broken UTF-8 is replaced, so that what stands around it is still read. */
function decodeBytes(escapes: string): string {
  const bytes = escapes.slice(1).split('%');
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
}

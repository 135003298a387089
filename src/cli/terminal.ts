/**
 * What people see: tables and lists of fields that fit the terminal, and colour where it is wanted. A name that somebody
 * else gave can neither move the cursor nor begin a line of its own.
 */
import { styleText } from 'node:util';

const GAP = '  ';
/** A column is not made narrower than this; a table that would need it is written as lists of fields. */
const NARROWEST = 8;

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** What people copy is never cut. */
  readonly whole?: true;
  /** Colour, once its width is known. */
  readonly style?: (text: string, row: Row) => string;
}

export type FieldRows = ReadonlyArray<readonly [name: string, text: string]>;

/** How wide the terminal is; Infinity where the output goes elsewhere, so that nothing is cut there. */
export function widthOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY ? (stream.columns ?? 80) : Number.POSITIVE_INFINITY;
}

/** Rows under titles; without rows nothing. */
export function table<Row>(columns: ReadonlyArray<Column<Row>>, rows: readonly Row[], width: number): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => columns.map(({ text }) => visible(text(row))));
  const titles = columns.map(({ title }) => title);
  const widths = titles.map((title, at) => Math.max(...[title, ...cells.map((row) => row[at]!)].map(textWidth)));
  const least = columns.map(({ whole }, at) => (whole ? widths[at]! : NARROWEST));
  if (!narrow(widths, least, width)) return lists(titles, cells);
  const fitted = (row: readonly string[]) => row.map((text, at) => padded(cut(text, widths[at]!), widths[at]!));
  const lines = cells.map((row, at) =>
    fitted(row).map((text, column) => columns[column]!.style?.(text, rows[at]!) ?? text),
  );
  return [fitted(titles).map(bold), ...lines].map((line) => `${line.join(GAP).trimEnd()}\n`).join('');
}

/** Each name with its text, one a line. */
export function fieldList(fields: FieldRows): string {
  const width = Math.max(...fields.map(([name]) => textWidth(name)));
  return fields.map(([name, text]) => `${bold(padded(name, width))}${GAP}${visible(text)}\n`).join('');
}

/** Makes the widest columns narrower until the line fits; false where it cannot. */
function narrow(widths: number[], least: readonly number[], width: number): boolean {
  const gaps = GAP.length * (widths.length - 1);
  while (widths.reduce((sum, each) => sum + each, gaps) > width) {
    const spare = widths.map((each, at) => (each > least[at]! ? each : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (spare[widest] === 0) return false;
    widths[widest]!--;
  }
  return true;
}

function lists(titles: readonly string[], cells: ReadonlyArray<readonly string[]>): string {
  return cells.map((row) => fieldList(titles.map((title, at) => [title.toLowerCase(), row[at]!] as const))).join('\n');
}

/** Without what a terminal would take for an order. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** In columns of a terminal: letters of East Asia and pictures are two wide, what stands above a letter has no width. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const character of text) {
    used += textWidth(character);
    if (used > width) break;
    kept += character;
  }
  return `${kept}…`;
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(width - textWidth(text), 0));
}

/** Only where standard output is a terminal that is to have colour: NO_COLOR, FORCE_COLOR. */
function bold(text: string): string {
  return styleText('bold', text, { stream: process.stdout });
}

export function good(text: string): string {
  return styleText('green', text, { stream: process.stdout });
}

export function bad(text: string): string {
  return styleText('red', text, { stream: process.stdout });
}

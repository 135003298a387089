/** CSV as RFC 4180 has it: quoted cells may hold commas, doubled quotes and ends of lines. Gives cells no meaning. */

export interface CsvRecord {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
  /** It cannot be read in one way; null: it can. */
  readonly fault: string | null;
}

/** A record longer than this has an opening quote that nothing closes. */
const RECORD_MAX = 1_000_000;

/** `lines` without their ends. Empty lines are left out; after a fault nothing more is read. */
export async function* readCsv(lines: AsyncIterable<string>): AsyncGenerator<CsvRecord> {
  let number = 0;
  let start = 0;
  let pending: string | null = null;
  for await (const line of lines) {
    number++;
    if (pending === null && line.trim() === '') continue;
    if (pending === null) start = number;
    const record: string = pending === null ? line : `${pending}\n${line}`;
    const cells = split(record);
    if (cells === null && record.length <= RECORD_MAX) {
      pending = record;
      continue;
    }
    pending = null;
    const fault = cells === null ? UNCLOSED : typeof cells === 'string' ? cells : null;
    yield { line: start, cells: Array.isArray(cells) ? cells : [], fault };
    if (fault !== null) return;
  }
  if (pending !== null) yield { line: start, cells: [], fault: UNCLOSED };
}

const UNCLOSED = 'has a quote that nothing closes';
const CELL = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

/** null: a quoted cell goes on in the next line. A text: what is wrong. */
function split(record: string): string[] | string | null {
  const cells: string[] = [];
  CELL.lastIndex = 0;
  for (;;) {
    const at = CELL.lastIndex;
    const match = CELL.exec(record);
    if (match === null) {
      const open = record[at] === '"' && (record.slice(at).match(/"/g) ?? []).length % 2 === 1;
      return open ? null : 'has a quote in the middle of a cell; quote the whole cell, and double the quotes within';
    }
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === '') return cells;
  }
}

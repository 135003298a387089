/**
 * Reads a file of tokens to be imported, one after the other, however long it is: JSON lines, or CSV with a header. Says
 * in which line each begins. Judges no value, and repeats none: a line may hold what somebody took for a hash.
 */
import { createReadStream } from 'node:fs';
import { closest } from '../config/yaml/closest.ts';
import { NotUtf8, utf8Problem } from '../config/yaml/utf8.ts';
import { type Problem, SetupError } from '../errors.ts';
import { readCsv } from './csv.ts';

const LINE_FEED = 0x0a;

export interface ImportRow {
  readonly line: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How a cell becomes a value; a list is written with spaces between. */
const COLUMNS: Readonly<Record<string, (cell: string) => unknown>> = {
  organization: text,
  sha256: text,
  hint: text,
  kind: text,
  name: text,
  description: text,
  owner: text,
  scopes: list,
  workspaces: (cell) => (/^all(-|$)/.test(cell) ? cell : list(cell)),
  expiresAt: text,
  expiresInDays: (cell) => (cell.trim() === '' ? cell : Number(cell)),
  neverExpires: (cell) => (cell === 'true' ? true : cell),
  createdAt: text,
  apiVersion: text,
  environments: list,
  allowedAddresses: list,
};

/** Rows, and in their place problems where one could not be read. Rejects with SetupError when the file cannot be. */
export async function* readRows(path: string): AsyncGenerator<ImportRow | Problem> {
  try {
    yield* path.toLowerCase().endsWith('.csv') ? csvRows(path) : jsonRows(path);
  } catch (error) {
    if (error instanceof NotUtf8) return yield* error.problems;
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !('syscall' in (error as object))) throw error;
    throw new SetupError(`${path} cannot be read (${code})`);
  }
}

/** Rejects with NotUtf8. A line ends with LF, CRLF or CR. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let number = 1;
  for await (const bytes of piecesOf(path)) {
    const fault = utf8Problem(path, bytes, number);
    if (fault !== null) throw new NotUtf8(fault);
    for (const line of bytes.toString().replace(/\r$/, '').split('\r'))
      yield number++ === 1 ? line.replace(/^\uFEFF/, '') : line;
  }
}

/** What stands between two LF, however the file is read in pieces. */
async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  let open: Buffer[] = [];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      yield Buffer.concat([...open, chunk.subarray(from, end)]);
      open = [];
      from = end + 1;
    }
    open.push(chunk.subarray(from));
  }
  const last = Buffer.concat(open);
  if (last.length > 0) yield last;
}

async function* jsonRows(path: string): AsyncGenerator<ImportRow | Problem> {
  let line = 0;
  for await (const written of linesOf(path)) {
    line++;
    if (written.trim() === '') continue;
    const data = parsed(written);
    if (typeof data === 'object' && data !== null && !Array.isArray(data))
      yield { line, data: data as ImportRow['data'] };
    else yield problem(path, line, 'is no JSON object; a file of JSON lines has one in each line, a CSV is named .csv');
  }
}

async function* csvRows(path: string): AsyncGenerator<ImportRow | Problem> {
  let header: readonly string[] | null = null;
  for await (const { line, cells, fault } of readCsv(linesOf(path))) {
    if (fault !== null) {
      yield problem(path, line, fault);
      return;
    }
    if (header === null) {
      header = cells.map((cell) => cell.trim());
      const wrong = wrongHeader(header);
      if (wrong === null) continue;
      yield problem(path, line, wrong);
      return;
    }
    if (cells.length === header.length) yield { line, data: rowOf(header, cells) };
    else yield problem(path, line, `has ${cells.length} cells where the header has ${header.length}`);
  }
}

function wrongHeader(header: readonly string[]): string | null {
  const unknown = header.find((name) => !Object.hasOwn(COLUMNS, name));
  if (unknown !== undefined) {
    const suggestion = closest(unknown, Object.keys(COLUMNS));
    const meant = suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`;
    return `the header names a column that there is not: ${JSON.stringify(unknown.slice(0, 40))}${meant}`;
  }
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  return twice === undefined ? null : `the header names ${JSON.stringify(twice)} twice`;
}

/** An empty cell is nothing. */
function rowOf(header: readonly string[], cells: readonly string[]): ImportRow['data'] {
  const filled = header.flatMap((name, index) => (cells[index] === '' ? [] : [[name, COLUMNS[name]!(cells[index]!)]]));
  return Object.fromEntries(filled) as ImportRow['data'];
}

function text(cell: string): string {
  return cell;
}

function list(cell: string): string[] {
  return cell.split(/\s+/).filter((word) => word !== '');
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function problem(file: string, line: number, message: string): Problem {
  return { file, line, column: 1, message };
}

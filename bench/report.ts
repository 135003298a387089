/** What a benchmark hands back, and how it is printed for people. Never measures. */

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: ReadonlyArray<readonly (string | number)[]>;
}

/** A promise and what became of it. */
export interface Check {
  readonly promise: string;
  readonly measured: string;
  readonly kept: boolean;
}

export interface Section {
  readonly name: string;
  readonly tables: readonly Table[];
  readonly checks: readonly Check[];
}

export interface BenchOptions {
  /** Fewer rounds and smaller stores: a look, not a figure to quote. */
  readonly quick: boolean;
  /** Progress, for people. */
  readonly say: (line: string) => void;
  /** The one scenario to run, in a benchmark that has several. Absent: all. */
  readonly scenario?: string | undefined;
}

export function printSection(section: Section): string {
  return section.tables.map(printTable).join('\n');
}

export function printChecks(checks: readonly Check[]): string {
  const rows = checks.map((check) => [check.kept ? 'kept' : 'BROKEN', check.promise, check.measured]);
  return printTable({ title: 'promises', columns: ['', 'promise', 'measured'], rows });
}

/** Markdown, so that it can be pasted into docs/benchmarks.md: text to the left, numbers to the right. */
function printTable({ title, columns, rows }: Table): string {
  const cells = rows.map((row) => row.map(String));
  const isNumber = columns.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  const shown = cells.map((row) => row.map((cell, column) => (isNumber[column] ? grouped(Number(cell)) : cell)));
  const widths = columns.map((name, column) => Math.max(3, name.length, ...shown.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) => (isNumber[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return `\n${title}\n\n${[line(columns), line(rule), ...shown.map(line)].join('\n')}\n`;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1 });
}

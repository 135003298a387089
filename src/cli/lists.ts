/** A list as it is asked for: a table, one document, or a document a line; no more of it than was asked for. */
import { SetupError } from '../errors.ts';
import { note, printJson } from './session.ts';
import { type Column, table, widthOf } from './terminal.ts';

export interface ListValues {
  readonly limit: string;
  readonly json: boolean;
  readonly jsonl: boolean;
}

interface Shown<T> {
  readonly columns: ReadonlyArray<Column<T>>;
  /** What the items are: `tokens`. */
  readonly many: string;
}

/** Reads no further than it shows. Throws SetupError for a limit that is no number. */
export async function showList<T>(
  items: AsyncIterable<T>,
  values: ListValues,
  { columns, many }: Shown<T>,
): Promise<void> {
  const limit = limitOf(values.limit);
  const shown: T[] = [];
  let more = false;
  for await (const item of items) {
    if (shown.length >= limit) {
      more = true;
      break;
    }
    if (values.jsonl) process.stdout.write(`${JSON.stringify(item)}\n`);
    shown.push(item);
  }
  if (values.json) printJson({ items: shown, more });
  else if (!values.jsonl) process.stdout.write(table(columns, shown, widthOf(process.stdout)));
  if (more) note(`${shown.length} shown; --limit 0 shows all ${many}`);
  else if (shown.length === 0 && !values.json && !values.jsonl) note(`no ${many}`);
}

function limitOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new SetupError(`--limit takes a whole number, not ${JSON.stringify(text)}`);
  return text === '0' ? Number.POSITIVE_INFINITY : Number(text);
}

/** `scopegate bench compare`: two results beside each other. Exit code 2: the second is worse than is allowed. */
import { readFileSync } from 'node:fs';
import { SetupError } from '../../errors.ts';
import { type ComparedFigure, compareResults } from '../../load-test/compare.ts';
import { type LoadResult, readResult } from '../../load-test/result.ts';
import { figureMs } from '../../load-test/verdict.ts';
import type { Invocation } from '../command.ts';
import { note, printJson } from '../session.ts';
import { bad, type Column, table, widthOf } from '../terminal.ts';
import { percentOf } from './amounts.ts';

interface CompareValues {
  readonly worse: string | undefined;
  readonly json: boolean;
}

export async function compareCommand({ values, args }: Invocation<CompareValues>): Promise<void> {
  const [before, after] = args.map(readFrom) as [LoadResult, LoadResult];
  const allowed = values.worse === undefined ? null : percentOf(values.worse, '--worse');
  const compared = compareResults(before, after, allowed);
  if (values.json) printJson(compared);
  else process.stdout.write(table(COLUMNS, compared.figures, widthOf(process.stdout)));
  for (const difference of compared.differences) note(`not measured alike: ${difference}`);
  if (compared.figures.some(({ worse }) => worse)) process.exitCode = 2;
}

function readFrom(path: string): LoadResult {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new SetupError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  return readResult(text, path);
}

const COLUMNS: ReadonlyArray<Column<ComparedFigure>> = [
  { title: 'OF', text: ({ series }) => series },
  { title: '', text: ({ figure }) => figure },
  { title: 'BEFORE', text: ({ beforeMs }) => figureMs(beforeMs) },
  { title: 'AFTER', text: ({ afterMs }) => figureMs(afterMs) },
  {
    title: 'CHANGE',
    text: ({ change, worse }) =>
      change === null ? '-' : `${change > 0 ? '+' : ''}${change} %${worse ? ' WORSE' : ''}`,
    style: (text, { worse }) => (worse ? bad(text) : text),
  },
];

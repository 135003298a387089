/** Places in files as people here call them, and as notes that GitHub shows beside the lines of a change. */
import { relative } from 'node:path';
import type { Problem } from './errors.ts';

/** As seen from here, where it lies below. */
export function shortName(file: string): string {
  const below = relative(process.cwd(), file);
  return below === '' || below.startsWith('..') ? file : below;
}

/** `::warning file=…,line=…::…`: a workflow command of GitHub Actions. */
export function githubNote(
  level: 'error' | 'warning' | 'notice',
  title: string,
  { file, line, column, message }: Problem,
): string {
  const where = `file=${property(shortName(file))},line=${line},col=${column},title=${property(title)}`;
  return `::${level} ${where}::${data(message)}\n`;
}

/** The same about nothing in a file. */
export function githubRemark(level: 'error' | 'warning' | 'notice', title: string, message: string): string {
  return `::${level} title=${property(title)}::${data(message)}\n`;
}

const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

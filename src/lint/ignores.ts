/**
 * `# scopegate-ignore SG104: reason` in the files that were looked at. Behind a value it silences findings of its line; on a
 * line of its own those of the item or key that begins below it, whole. One that silences nothing is a finding itself.
 */
import { isLintCode } from './codes.ts';
import type { Remark } from './finding.ts';

const COMMENT = /(?:^|\s)#\s*scopegate-ignore\b(.*)$/;
const CONTENT = /^\s+(SG\d+)\s*(?::\s*(.*\S))?\s*$/;

interface Ignore {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string | null;
  readonly reason: string | null;
  /** Lines that it speaks of, both included. */
  readonly from: number;
  readonly to: number;
}

export interface Silenced {
  readonly remarks: readonly Remark[];
  readonly silenced: ReadonlyArray<{ readonly remark: Remark; readonly reason: string }>;
}

/** `texts`: by the names that the remarks have. `mayBeFound`: codes that were looked for. */
export function applyIgnores(
  remarks: readonly Remark[],
  texts: ReadonlyMap<string, string>,
  mayBeFound: (code: string) => boolean,
): Silenced {
  const ignores = [...texts].flatMap(([file, text]) => ignoresIn(file, text));
  const used = new Set<Ignore>();
  const kept: Remark[] = [];
  const silenced: Array<{ remark: Remark; reason: string }> = [];
  for (const remark of remarks) {
    const ignore = ignores.find((each) => each.reason !== null && isAbout(each, remark));
    for (const each of ignores) if (isAbout(each, remark)) used.add(each);
    if (ignore === undefined) kept.push(remark);
    else silenced.push({ remark, reason: ignore.reason! });
  }
  const faults = ignores.flatMap((ignore) => {
    const fault = faultOf(ignore, used.has(ignore), mayBeFound);
    const { file, line, column } = ignore;
    return fault === null ? [] : [{ code: 'SG100' as const, at: { file, line, column }, message: fault }];
  });
  return { remarks: [...kept, ...faults], silenced };
}

function isAbout({ file, code, from, to }: Ignore, remark: Remark): boolean {
  return code === remark.code && file === remark.at.file && from <= remark.at.line && remark.at.line <= to;
}

function faultOf({ code, reason }: Ignore, isUsed: boolean, mayBeFound: (code: string) => boolean): string | null {
  if (code === null) return 'a scopegate-ignore without a code: it is written # scopegate-ignore SG104: reason';
  if (!isLintCode(code)) return `there is no finding ${code} to ignore`;
  if (reason === null) return `${code} is ignored without a reason: it is written # scopegate-ignore ${code}: reason`;
  return isUsed || !mayBeFound(code) ? null : `there is no ${code} here that could be ignored`;
}

function ignoresIn(file: string, text: string): Ignore[] {
  if (!text.includes('scopegate-ignore')) return [];
  const lines = text.split(/\r?\n/);
  return lines.flatMap((line, index) => {
    const found = COMMENT.exec(line);
    if (found === null) return [];
    const content = CONTENT.exec(found[1]!);
    const isAlone = line.trimStart().startsWith('#');
    const [from, to] = isAlone ? below(lines, index) : [index, index];
    return {
      ...{ file, line: index + 1, column: line.indexOf('#', found.index) + 1 },
      ...{ code: content?.[1] ?? null, reason: content?.[2] ?? null, from: from + 1, to: to + 1 },
    };
  });
}

const isBlank = (line: string) => /^\s*(?:#.*)?$/.test(line);
const indentOf = (line: string) => line.length - line.trimStart().length;

/** The first and the last line of what begins below a line. */
function below(lines: readonly string[], comment: number): readonly [number, number] {
  let from = comment + 1;
  while (from < lines.length && isBlank(lines[from]!)) from++;
  if (from >= lines.length) return [comment, comment];
  const indent = indentOf(lines[from]!);
  const isItem = lines[from]!.trimStart().startsWith('- ');
  let to = from;
  for (let line = from + 1; line < lines.length; line++) {
    const text = lines[line]!;
    if (isBlank(text)) continue;
    // The items of a list may stand as far left as its key.
    const belongs =
      indentOf(text) > indent || (!isItem && indentOf(text) === indent && text.trimStart().startsWith('- '));
    if (!belongs) break;
    to = line;
  }
  return [from, to];
}

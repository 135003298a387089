/** Findings as people, scripts, code scanners and GitHub read them. Decides nothing. */
import { githubNote, shortName } from '../problem-notes.ts';
import { type SarifFinding, sarifText } from '../sarif.ts';
import { LINT_RULES, type Severity } from './codes.ts';
import type { LintFinding } from './finding.ts';
import type { LintResult } from './lint.ts';

export type LintFormat = 'text' | 'json' | 'sarif' | 'github';

interface Rendering {
  readonly version: string;
  /** Colour for how bad it is. */
  readonly paint: (text: string, severity: Severity) => string;
}

export function renderLint(result: LintResult, format: LintFormat, { version, paint }: Rendering): string {
  switch (format) {
    case 'text':
      return [
        ...result.findings.map((finding, at) => textOf(finding, paint, isFirst(result, at))),
        `${countsOf(result)}\n`,
      ].join('');
    case 'json':
      return `${JSON.stringify({ findings: result.findings.map(jsonOf), silenced: result.silenced.map(jsonOf) })}\n`;
    case 'sarif':
      return sarifText(version, LINT_RULES, [
        ...result.findings.map(sarifOf),
        ...result.silenced.map((finding) => ({ ...sarifOf(finding), ignored: finding.reason })),
      ]);
    case 'github':
      return result.findings.map(githubOf).join('');
  }
}

/** Why it is one is said once. */
function isFirst({ findings }: LintResult, index: number): boolean {
  return findings.findIndex(({ code }) => code === findings[index]!.code) === index;
}

function textOf({ code, severity, at, message }: LintFinding, paint: Rendering['paint'], isExplained: boolean): string {
  const { why, fix } = LINT_RULES[code];
  const where = `${shortName(at.file)}:${at.line}:${at.column}`;
  const explained = isExplained ? `    why: ${why}\n    fix: ${fix}\n` : '';
  return `${where}: ${paint(severity, severity)} ${code}: ${message}\n${explained}`;
}

function countsOf({ findings, silenced }: LintResult): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const words = (['error', 'warning', 'note'] as const).flatMap((severity) =>
    count(severity) === 0 ? [] : [`${count(severity)} ${severity}${count(severity) === 1 ? '' : 's'}`],
  );
  const ignored = silenced.length === 0 ? '' : `, ${silenced.length} ignored with a reason`;
  return (words.length === 0 ? 'nothing found' : words.join(', ')) + ignored;
}

function jsonOf({ at, ...finding }: LintFinding) {
  return { ...finding, file: shortName(at.file), line: at.line, column: at.column };
}

function githubOf({ code, severity, at, message }: LintFinding): string {
  const level = severity === 'note' ? 'notice' : severity;
  return githubNote(level, code, { ...at, message: `${message}. ${LINT_RULES[code].fix}` });
}

function sarifOf({ code, at, message }: LintFinding): SarifFinding {
  return { ...at, rule: code, message };
}

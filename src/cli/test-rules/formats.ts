/** What came of policy tests, for people, for programs, and for what runs them. Only words and shapes. */
import { formatProblem, type Problem } from '../../errors.ts';
import type { MutationResult } from '../../policy-tests/find-survivors.ts';
import type { Coverage, Outcome, SuiteResult } from '../../policy-tests/suite.ts';
import { githubNote, githubRemark, shortName } from '../../problem-notes.ts';
import { bad, good } from '../terminal.ts';

export interface TestedSuite extends SuiteResult {
  /** The gateway or policy, as people would name it from here. */
  readonly name: string;
  /** null: none was asked for, or a test failed. */
  readonly mutation: MutationResult | null;
}

export type Format = (suites: readonly TestedSuite[]) => string;

const SHOWN_ROUTES_MAX = 20;

export const FORMATS = { tree, json, junit, github } as const satisfies Readonly<Record<string, Format>>;

function tree(suites: readonly TestedSuite[]): string {
  return suites.map(suiteTree).join('\n');
}

function suiteTree({ name, outcomes, coverage, mutation }: TestedSuite): string {
  const lines = [name];
  for (const [test, ofTest] of byTest(outcomes)) {
    const failed = ofTest.filter(({ state }) => state === 'failed');
    const skipped = ofTest.find(({ state }) => state === 'skipped');
    const mark = failed.length > 0 ? bad('FAILED') : skipped === undefined ? good('ok') : 'skipped';
    lines.push(`  ${mark} ${test}${skipped === undefined ? '' : `: ${skipped.message}`}`);
    for (const { at } of failed) lines.push(`    ${placed(at)}`);
  }
  return `${[...lines, ...coverageLines(coverage), ...mutationLines(mutation), summaryLine(outcomes)].join('\n')}\n`;
}

function coverageLines({ routes, tried, missing, required, isEnough }: Coverage): string[] {
  const lines = [
    `  routes: ${tried} of ${routes} with an allowed and a refused request${isEnough ? '' : `, ${required} % are required`}`,
  ];
  for (const { id, allowed, refused } of missing.slice(0, SHOWN_ROUTES_MAX)) {
    const lacks = [...(allowed ? [] : ['allowed']), ...(refused ? [] : ['refused'])].join(' and ');
    lines.push(`    ${id}: nothing that is ${lacks}`);
  }
  if (missing.length > SHOWN_ROUTES_MAX) lines.push(`    and ${missing.length - SHOWN_ROUTES_MAX} more`);
  return lines;
}

function mutationLines(mutation: MutationResult | null): string[] {
  if (mutation === null) return [];
  const { mutants, survivors, required, isEnough } = mutation;
  const lacks = isEnough ? '' : `, ${required} % are required`;
  return [
    `  mutants: ${mutants - survivors.length} of ${mutants} noticed${lacks}`,
    ...survivors.map((survivor) => `    ${placed(survivor)}`),
  ];
}

function summaryLine(outcomes: readonly Outcome[]): string {
  const count = (state: Outcome['state']) => outcomes.filter((each) => each.state === state).length;
  const skipped = count('skipped');
  return `  ${count('passed')} passed, ${count('failed')} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

function json(suites: readonly TestedSuite[]): string {
  const shown = suites.map(({ name, outcomes, coverage, mutation }) => ({
    name,
    tests: outcomes.map(({ test, line, state, message, at }) => ({
      ...{ test, request: line, state, message },
      ...{ file: shortName(at.file), line: at.line, column: at.column },
    })),
    coverage,
    mutation,
  }));
  return `${JSON.stringify({ suites: shown })}\n`;
}

function junit(suites: readonly TestedSuite[]): string {
  const shown = suites.map(({ name, outcomes, ...result }) => {
    const count = (state: Outcome['state']) => outcomes.filter((each) => each.state === state).length;
    const lacking = lacks(result).map(lackingCase);
    const failures = count('failed') + lacking.length;
    const cases = [...outcomes.map(testcase), ...lacking];
    return `  <testsuite name=${quoted(name)} tests="${cases.length}" failures="${failures}" skipped="${count('skipped')}">\n${cases.join('')}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${shown.join('')}</testsuites>\n`;
}

function testcase({ test, line, state, message, at }: Outcome): string {
  const start = `    <testcase classname=${quoted(test)} name=${quoted(line)} file=${quoted(shortName(at.file))} line="${at.line}"`;
  if (state === 'passed') return `${start}/>\n`;
  const what =
    state === 'skipped' ? `<skipped message=${quoted(message)}/>` : `<failure message=${quoted(placed(at))}/>`;
  return `${start}>${what}</testcase>\n`;
}

/** What is required and not reached. */
function lacks({ coverage, mutation }: Pick<TestedSuite, 'coverage' | 'mutation'>): Array<readonly [string, string]> {
  return [
    ...(coverage.isEnough ? [] : [['routes', coverageText(coverage)] as const]),
    ...(mutation === null || mutation.isEnough ? [] : [['mutants', mutationText(mutation)] as const]),
  ];
}

function lackingCase([name, text]: readonly [string, string]): string {
  return `    <testcase classname="required" name="${name}"><failure message=${quoted(text)}/></testcase>\n`;
}

/** Commands that GitHub's runner makes notes on the changed lines of. */
function github(suites: readonly TestedSuite[]): string {
  const title = 'scopegate test';
  const lines = suites.flatMap(({ name, outcomes, ...result }) => [
    ...outcomes.filter(({ state }) => state === 'failed').map(({ at }) => githubNote('error', title, at)),
    ...(result.mutation?.survivors ?? []).map((at) =>
      githubNote(result.mutation!.isEnough ? 'warning' : 'error', title, at),
    ),
    ...lacks(result).map(([, text]) => githubRemark('error', title, `${name}: ${text}`)),
    `${name}:${summaryLine(outcomes)}\n`,
  ]);
  return lines.join('');
}

function coverageText({ routes, tried, required, missing }: Coverage): string {
  const ids = missing.slice(0, SHOWN_ROUTES_MAX).map(({ id }) => id);
  return `${tried} of ${routes} routes have an allowed and a refused request, ${required} % are required (not: ${ids.join(', ')})`;
}

function mutationText({ mutants, survivors, required }: MutationResult): string {
  return `${mutants - survivors.length} of ${mutants} mutants are noticed, ${required} % are required`;
}

function placed(at: Problem): string {
  return formatProblem({ ...at, file: shortName(at.file) });
}

function byTest(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
  const tests = new Map<string, Outcome[]>();
  for (const each of outcomes) {
    const known = tests.get(each.test);
    if (known === undefined) tests.set(each.test, [each]);
    else known.push(each);
  }
  return tests;
}

function quoted(text: string): string {
  // What XML 1.0 has no way to say is left out.
  const sayable = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
  const named = sayable.replace(/[&<>"\n\r\t]/g, (character) => `&#${character.codePointAt(0)};`);
  return `"${named}"`;
}

/**
 * Runs policy tests: what became of each request, which routes were tried both ways, and whether that is enough. The rules
 * they are held against are given; where they come from is load-suites.ts's business.
 */
import type { Reason } from '../core/reason.ts';
import type { Problem } from '../errors.ts';
import { mintToken } from '../secret.ts';
import { type AskedRules, type Ruling, rulingOn } from './ruling.ts';
import { type Case, NO_TOKEN, type TestFile, UNKNOWN_TOKEN } from './test-file.ts';
import type { World } from './world.ts';

export interface TestedRoute {
  readonly id: string;
  readonly isPublic: boolean;
}

/** Rules, and the routes that have to be tried. */
export interface TestedRules extends AskedRules {
  readonly tested: readonly TestedRoute[];
}

/** A file with the world in which its requests come. */
export interface Tests {
  readonly file: TestFile;
  readonly world: World;
}

/** Of one expectation: a request, or a token that is not to be made. */
export interface Outcome {
  readonly test: string;
  readonly line: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** Of one that failed: what became of it instead. Of one that was skipped: why. */
  readonly message: string;
  readonly at: Problem;
}

export interface Coverage {
  readonly routes: number;
  readonly tried: number;
  /** Routes without an allowed or without a refused request. */
  readonly missing: ReadonlyArray<{ readonly id: string; readonly allowed: boolean; readonly refused: boolean }>;
  /** The most that a file asks for. */
  readonly required: number;
  readonly isEnough: boolean;
}

export interface SuiteResult {
  readonly outcomes: readonly Outcome[];
  readonly coverage: Coverage;
}

export interface RunOptions {
  /** Which tests, by name; absent: all. What is left out is not asked for by `require` either. */
  readonly wants?: ((name: string) => boolean) | undefined;
  /** Called before each request; throws to end it. */
  readonly before?: () => void;
}

export function runTests(tests: readonly Tests[], rules: TestedRules, { wants, before }: RunOptions = {}): SuiteResult {
  const seen = new Map<string, { allowed: boolean; refused: boolean }>();
  const outcomes: Outcome[] = [];
  for (const { file, world } of tests) {
    if (wants === undefined) outcomes.push(...refusedTokens(file, world));
    for (const each of file.cases.filter(({ test }) => wants?.(test) ?? true)) {
      if (each.skip !== null) {
        outcomes.push(outcome(each, 'skipped', each.skip));
        continue;
      }
      before?.();
      const answer = answerTo(each, world, rules);
      const message = differs(each, answer, rules);
      outcomes.push(outcome(each, message === null ? 'passed' : 'failed', message ?? ''));
      if (message === null && answer.route !== null) note(seen, answer);
    }
  }
  const required = wants === undefined ? Math.max(0, ...tests.map(({ file }) => file.data.require.routes)) : 0;
  return { outcomes, coverage: coverageOf(rules.tested, seen, required) };
}

/** Does nothing differ from what its files expect? Stops at the first that does. */
export function allHold(tests: readonly Tests[], rules: AskedRules): boolean {
  return tests.every(
    ({ file, world }) =>
      refusedTokens(file, world).every(({ state }) => state === 'passed') &&
      file.cases.every((each) => each.skip !== null || differs(each, answerTo(each, world, rules), rules) === null),
  );
}

function answerTo(asked: Case, { tokens, facts }: World, rules: AskedRules): Ruling {
  return rulingOn(asked, textOf(asked.token, tokens, rules), rules, facts);
}

function textOf(name: string, tokens: World['tokens'], { policy }: AskedRules): string | null {
  if (name === NO_TOKEN) return null;
  if (name === UNKNOWN_TOKEN) return mintToken(policy.prefixes[0]!).reveal();
  return tokens.get(name)!;
}

/** null: it is as expected. */
function differs({ refused, route: wanted }: Case, { reason, route }: Ruling, { policy }: AskedRules): string | null {
  const by = route === null ? 'no route takes it' : `route ${route.id}`;
  const was = reason === null ? `was allowed (${by})` : `was refused: ${reason} (${by})`;
  const isOther = wanted !== null && wanted !== route?.id;
  if (refused === null && reason !== null) return `is to be allowed, and ${was}`;
  if (refused === null) return isOther ? `is to be taken by the route ${wanted}, and ${was}` : null;
  if (refused.reason !== reason || isOther)
    return `is to be refused: ${refused.reason}${isOther ? ` (route ${wanted})` : ''}, and ${was}`;
  const { status, code } = (route?.dialect ?? policy.dialect).render(reason as Reason, { requestId: '-' });
  if (refused.status !== null && refused.status !== status)
    return `is to be refused with status ${refused.status}, and was with ${status}`;
  if (refused.code !== null && refused.code !== code)
    return `is to be refused with code ${refused.code}, and was with ${code}`;
  return null;
}

function outcome({ test, line, at, token }: Case, state: Outcome['state'], message: string): Outcome {
  const asked = token === NO_TOKEN ? `${line} without a token` : `${line} with ${token}`;
  return { test, line: asked, state, message, at: { ...at, message: `${asked} ${message}` } };
}

const TOKENS_TEST = 'tokens that are not to be made';

function refusedTokens({ yaml, tokens }: TestFile, { refusals }: World): Outcome[] {
  return [...refusals].map(([name, code]) => {
    const { refused } = tokens.get(name)!;
    const line = `token ${name}`;
    const was = code === null ? 'it was made' : `it was refused: ${code}`;
    const message = `is to be refused: ${refused}, and ${was}`;
    const at = { ...yaml.at(['tokens', name, 'refused']), message: `${line} ${message}` };
    return { test: TOKENS_TEST, line, state: code === refused ? 'passed' : 'failed', message, at };
  });
}

function note(seen: Map<string, { allowed: boolean; refused: boolean }>, { reason, route }: Ruling): void {
  const known = seen.get(route!.id) ?? { allowed: false, refused: false };
  if (reason === null) known.allowed = true;
  else known.refused = true;
  seen.set(route!.id, known);
}

function coverageOf(
  routes: readonly TestedRoute[],
  seen: ReadonlyMap<string, { allowed: boolean; refused: boolean }>,
  required: number,
): Coverage {
  const missing = routes.flatMap(({ id, isPublic }) => {
    const { allowed, refused } = seen.get(id) ?? { allowed: false, refused: false };
    return allowed && (refused || isPublic) ? [] : [{ id, allowed, refused: refused || isPublic }];
  });
  const tried = routes.length - missing.length;
  return { routes: routes.length, tried, missing, required, isEnough: tried * 100 >= required * routes.length };
}

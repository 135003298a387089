/** `scopegate test`: runs policy tests and says what came of them. Exit code 2: something is not as they say. */
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { namePattern } from '../../config/load/name-pattern.ts';
import type { Env } from '../../config/yaml/expand.ts';
import { ConfigError, SetupError } from '../../errors.ts';
import { ChangeWatch } from '../../lifecycle/change-watch.ts';
import { findSurvivors } from '../../policy-tests/find-survivors.ts';
import { loadSuites, type Suite } from '../../policy-tests/load-suites.ts';
import { runTests } from '../../policy-tests/suite.ts';
import { shortName } from '../../problem-notes.ts';
import type { Invocation } from '../command.ts';
import { untilSignal } from '../signals.ts';
import { FORMATS, type Format, type TestedSuite } from './formats.ts';

interface TestValues {
  readonly filter: string | undefined;
  readonly mutate: boolean;
  readonly watch: boolean;
  readonly format: string;
  readonly json: boolean;
}

export async function testRulesCommand({ values, args, env }: Invocation<TestValues>): Promise<void> {
  if (values.filter !== undefined && values.mutate)
    throw new SetupError('--mutate needs all tests: it says what none of them notices');
  const format: Format = FORMATS[values.json ? 'json' : (values.format as keyof typeof FORMATS)];
  if (values.watch) return watch(args, env, (suites) => show(suites, values, format));
  const isGood = await show(await loadSuites(testFiles(args), env), values, format);
  if (!isGood) process.exitCode = 2;
}

/** Every one below this folder, where none is named; what is hidden, or installed, is not meant. */
function testFiles(named: readonly string[]): string[] {
  if (named.length > 0) return [...named];
  const skipped = (name: string) => name === 'node_modules' || (name.startsWith('.') && name.length > 1);
  const found = globSync('**/*.test.yaml', { exclude: skipped }).toSorted();
  if (found.length === 0) throw new SetupError('there is no *.test.yaml here; name a file of tests');
  return found;
}

/** Was all as the tests say? */
async function show(suites: readonly Suite[], { filter, mutate }: TestValues, format: Format): Promise<boolean> {
  const pattern = filter === undefined ? null : namePattern(filter);
  const wants = pattern === null ? undefined : (name: string) => pattern.test(name);
  const results: TestedSuite[] = [];
  for (const suite of suites) {
    const result = runTests(suite.tests, suite.rules, { wants });
    const holds = result.outcomes.every(({ state }) => state !== 'failed');
    // Where a test fails, each slip would seem to be noticed.
    const mutation = mutate && holds ? await findSurvivors(suite) : null;
    results.push({ name: shortName(suite.name), ...result, mutation });
  }
  if (results.every(({ outcomes }) => outcomes.length === 0))
    throw new SetupError(`no test has a name that fits ${JSON.stringify(filter)}`);
  process.stdout.write(format(results));
  return results.every(isGood);
}

function isGood({ outcomes, coverage, mutation }: TestedSuite): boolean {
  const holds = outcomes.every(({ state }) => state !== 'failed');
  return holds && coverage.isEnough && (mutation?.isEnough ?? true);
}

/** Again after each change of what was read last; what cannot be used is said, and waited for. */
async function watch(
  args: readonly string[],
  env: Env,
  run: (suites: readonly Suite[]) => Promise<boolean>,
): Promise<void> {
  let stopping = false;
  let isStale = false;
  let wake: () => void = () => undefined;
  const looking = new ChangeWatch(testFiles(args), () => {
    isStale = true;
    wake();
  });
  // A watch alone would not keep the process.
  const kept = setInterval(() => undefined, 60_000);
  const stopped = untilSignal(async () => {
    stopping = true;
    wake();
  });
  let files: ReadonlySet<string> = new Set();
  while (!stopping) {
    isStale = false;
    // What changes while the tests run is seen afterwards: it differs from what was there before.
    const watched = (read: readonly string[]) => {
      files = new Set(read);
      looking.use([...files], new Map());
    };
    try {
      const suites = await loadSuites(testFiles(args), env);
      watched(suites.flatMap((suite) => suite.files));
      await run(suites);
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof SetupError)) throw error;
      const named = error instanceof ConfigError ? error.problems.map(({ file }) => resolve(file)) : [];
      watched([...files, ...testFiles(args), ...named]);
      process.stderr.write(`${error.message}\n`);
    }
    process.stderr.write('waiting for a change; Ctrl-C ends it\n');
    if (!isStale && !stopping) await new Promise<void>((done) => (wake = done));
  }
  looking.stop();
  clearInterval(kept);
  await stopped;
}

/** Runs the tests that a configuration asks for before it comes into force: at a start, and in the thread that checks a reload. */
import type { Configuration, Plain } from '../config/load/configuration.ts';
import type { Env } from '../config/yaml/expand.ts';
import type { ReadFile } from '../config/yaml/yaml-file.ts';
import type { Policy } from '../core/policy.ts';
import type { RouteTable } from '../core/route-table.ts';
import { ConfigError, type Problem } from '../errors.ts';
import { systemClock } from '../observe/clock.ts';
import { rulesOf } from './load-suites.ts';
import { runTests, type Tests } from './suite.ts';
import { filesNamed, readTestFile } from './test-file.ts';
import { makeWorld } from './world.ts';

/** A configuration that was found good. */
interface Judged {
  readonly plain: Plain;
  readonly routes: RouteTable;
  readonly policy: Policy;
  readonly env: Env;
  /** Test files as they were when it was judged. */
  readonly readFile: ReadFile;
  readonly monotonicMs: () => number;
}

const LIMIT_MS = 2000;

/** Why it must not come into force; empty where nothing speaks against it, or no tests are required. */
export async function requiredTestProblems(judged: Judged): Promise<readonly Problem[]> {
  const { plain, routes, policy, env, readFile, monotonicMs } = judged;
  if (plain.testFiles.length === 0) return [];
  const endsAtMs = monotonicMs() + LIMIT_MS;
  const inTime = () => {
    if (monotonicMs() < endsAtMs) return;
    throw new ConfigError([ofGateway(plain, `its policy tests take longer than ${LIMIT_MS} ms`)]);
  };
  try {
    const files = plain.testFiles
      .map((path) => readTestFile(path, env, readFile))
      .filter((file) => filesNamed(file).gateway === plain.path);
    if (files.length === 0) return [ofGateway(plain, 'none of the files of reload.testFiles tests this gateway')];
    const tests: Tests[] = [];
    for (const file of files) {
      tests.push({ file, world: await makeWorld(file, policy, env, readFile) });
      inTime();
    }
    const { outcomes, coverage } = runTests(tests, rulesOf(plain.file, routes, policy), { before: inTime });
    const failed = outcomes.filter(({ state }) => state === 'failed').map(({ at }) => at);
    const { tried, routes: all, required } = coverage;
    const lacking = `its policy tests try ${tried} of ${all} routes both ways, ${required} % are required`;
    return coverage.isEnough ? failed : [...failed, ofGateway(plain, lacking)];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function ofGateway({ path }: Plain, message: string): Problem {
  return { file: path, line: 1, column: 1, message };
}

/** For a start. Rejects with ConfigError where a test that it asks for fails. */
export async function requireTests(configuration: Configuration, env: Env): Promise<void> {
  const { monotonicMs } = systemClock;
  const problems = await requiredTestProblems({ ...configuration, plain: configuration, env, monotonicMs });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** The thread of check-in-thread.ts: judges one configuration, runs the tests that it asks for, answers with what came of it, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { checkGateway } from '../config/load/check-gateway.ts';
import { contentsReader } from '../config/load/compile-gateway.ts';
import type { CheckOutcome, Plain } from '../config/load/configuration.ts';
import { pack } from '../config/load/pack.ts';
import { listSeen, readSeen, type Seen } from '../config/load/seen.ts';
import { bareCopy } from '../config/yaml/bare-copy.ts';
import type { Env } from '../config/yaml/expand.ts';
import type { Policy } from '../core/policy.ts';
import type { RouteTable } from '../core/route-table.ts';
import { ConfigError, type Problem } from '../errors.ts';
import { systemClock } from '../observe/clock.ts';
import type { Order } from './check-in-thread.ts';

/** More than anybody mends before they ask again, and few enough to be passed on and logged within a turn. */
const PROBLEMS_MAX = 500;

// A fault ends the thread, as whoever started it hears.
void judge(workerData as Order).then((outcome) => parentPort?.postMessage(outcome));

async function judge({ path, env, running, ...options }: Order): Promise<CheckOutcome> {
  const files: string[] = [];
  const seen = new Map<string, Seen>();
  try {
    const { plain, policy, compiled } = checkGateway(path, env, {
      embedded: options.embedded,
      ...(options.contents === undefined ? {} : { contents: options.contents }),
      // Without prototypes, as what is read anew: they are compared.
      running: bareCopy(JSON.parse(running)) as Readonly<Record<string, unknown>>,
      onFile: (file) => files.push(file),
      readFile: (file) => readSeen(file, (what) => seen.set(file, what)),
      readFolder: (folder) => listSeen(folder, (what) => seen.set(folder, what)),
    });
    const problems = plain.testFiles.length === 0 ? [] : await failing(plain, policy, compiled.routes, env);
    return { packed: problems.length === 0 ? pack(plain) : null, problems: shortened(problems), files, seen };
  } catch (error) {
    if (error instanceof ConfigError) return { packed: null, problems: shortened(error.problems), files, seen };
    throw error;
  }
}

/** What runs tests is read only where there are some. */
async function failing(plain: Plain, policy: Policy, routes: RouteTable, env: Env): Promise<readonly Problem[]> {
  const { requiredTestProblems } = await import('../policy-tests/required-tests.ts');
  const readFile = contentsReader(plain.contents);
  return requiredTestProblems({ plain, policy, routes, env, readFile, monotonicMs: systemClock.monotonicMs });
}

function shortened(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= PROBLEMS_MAX) return problems;
  const first = problems[PROBLEMS_MAX]!;
  const message = `and ${problems.length - PROBLEMS_MAX} more problems from here on; \`scopegate check\` shows all`;
  return [...problems.slice(0, PROBLEMS_MAX), { ...first, message }];
}

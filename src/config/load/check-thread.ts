/** The thread of check-in-thread.ts: judges one configuration, answers with what it found, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError, type Problem } from '../../errors.ts';
import { bareCopy } from '../yaml/bare-copy.ts';
import { checkGateway } from './check-gateway.ts';
import type { Order } from './check-in-thread.ts';
import type { CheckOutcome } from './configuration.ts';
import { pack } from './pack.ts';
import { listSeen, readSeen, type Seen } from './seen.ts';

/** More than anybody mends before they ask again, and few enough to be passed on and logged within a turn. */
const PROBLEMS_MAX = 500;

parentPort?.postMessage(judge(workerData as Order));

function judge({ path, env, running, ...options }: Order): CheckOutcome {
  const files: string[] = [];
  const seen = new Map<string, Seen>();
  try {
    const { plain } = checkGateway(path, env, {
      embedded: options.embedded,
      ...(options.contents === undefined ? {} : { contents: options.contents }),
      // Without prototypes, as what is read anew: they are compared.
      running: bareCopy(JSON.parse(running)) as Readonly<Record<string, unknown>>,
      onFile: (file) => files.push(file),
      readFile: (file) => readSeen(file, (what) => seen.set(file, what)),
      readFolder: (folder) => listSeen(folder, (what) => seen.set(folder, what)),
    });
    return { packed: pack(plain), problems: [], files, seen };
  } catch (error) {
    if (error instanceof ConfigError) return { packed: null, problems: shortened(error.problems), files, seen };
    throw error;
  }
}

function shortened(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= PROBLEMS_MAX) return problems;
  const first = problems[PROBLEMS_MAX]!;
  const message = `and ${problems.length - PROBLEMS_MAX} more problems from here on; \`scopegate check\` shows all`;
  return [...problems.slice(0, PROBLEMS_MAX), { ...first, message }];
}

/**
 * Which slips in a set of rules no test would notice. Each is compiled like any configuration and put to every request of the
 * tests, until one is not answered as they say.
 */
import { compileRoutes } from '../config/load/compile-gateway.ts';
import { compilePolicy } from '../config/load/compile-policy.ts';
import type { Notes } from '../config/load/notes.ts';
import type { GatewayFile } from '../config/schema/gateway-schema.ts';
import type { Policy } from '../core/policy.ts';
import type { RouteTable } from '../core/route-table.ts';
import { ConfigError, type Problem } from '../errors.ts';
import type { Suite } from './load-suites.ts';
import { type PolicyMutant, policyMutants, routeMutants } from './mutants.ts';
import { allHold, type TestedRules, type Tests } from './suite.ts';
import { makeWorld } from './world.ts';

export interface MutationResult {
  readonly mutants: number;
  /** Where each stands, and what nobody would notice. */
  readonly survivors: readonly Problem[];
  /** Percent that have to be noticed: the most that a file asks for. */
  readonly required: number;
  readonly isEnough: boolean;
}

/** The tests hold for the rules as they are. */
export async function findSurvivors(suite: Suite): Promise<MutationResult> {
  const { found, tests } = suite;
  const survivors: Problem[] = [];
  let mutants = 0;
  for (const { index, route, missed, at } of routeMutants(found)) {
    const { routes: all } = found.plain.file;
    const routes = compiled(suite, route === null ? all.toSpliced(index, 1) : all.with(index, route), found.policy);
    // It cannot stand in a file: somebody would be told.
    if (routes === null) continue;
    mutants++;
    if (allHold(tests, { ...suite.rules, routes })) survivors.push(survivor(at, missed));
  }
  // Of a policy that is tested by itself: one that a gateway names has tests of its own.
  const ofPolicy = suite.isPolicy ? policyMutants(found.plain.policyFile) : [];
  for (const mutant of ofPolicy) {
    mutants++;
    if (await holdsUnder(suite, mutant)) survivors.push(survivor(found.policyNotes.at(mutant.path), mutant.missed));
  }
  const required = Math.max(0, ...tests.map(({ file }) => file.data.require.mutants));
  const noticed = mutants - survivors.length;
  return { mutants, survivors, required, isEnough: noticed * 100 >= required * mutants };
}

function survivor(at: Omit<Problem, 'message'>, missed: string): Problem {
  return { ...at, message: `no test notices when ${missed}` };
}

class Unsound extends Error {}

/** null: these routes cannot stand together. */
function compiled({ found: { plain } }: Suite, routes: GatewayFile['routes'], policy: Policy): RouteTable | null {
  const sections: Readonly<Record<string, unknown>> = plain.file;
  const notes: Notes = {
    at: () => ({ file: plain.path, line: 1, column: 1 }),
    keys: (section) => new Set(Object.keys(sections[section] ?? {})),
    problem: (_, message) => {
      throw new Unsound(message);
    },
  };
  const steps = compileRoutes({ notes, parts: { ...plain.file, routes }, policy, forwards: plain.forwards });
  try {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value.routes;
    }
  } catch (error) {
    if (error instanceof Unsound) return null;
    throw error;
  }
}

/** Under the changed policy directory and tokens are made anew: what it would not make any more is noticed. */
async function holdsUnder(suite: Suite, { policy: file }: PolicyMutant): Promise<boolean> {
  const policy = compilePolicy(file);
  const routes = compiled(suite, suite.found.plain.file.routes, policy);
  if (routes === null) return false;
  const rules: TestedRules = { ...suite.rules, routes, policy };
  const tests: Tests[] = [];
  try {
    for (const each of suite.tests) tests.push({ ...each, world: await makeWorld(each.file, policy, suite.env) });
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
  return allHold(tests, rules);
}

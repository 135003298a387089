/** From files of tests to what can be run: each gateway or policy loaded once, with the worlds of all files that name it. */
import { dirname, resolve } from 'node:path';
import { checkGateway, type Found, type GatewayCheckOptions } from '../config/load/check-gateway.ts';
import { proxyMatcher } from '../config/load/proxy-matcher.ts';
import { isMapping } from '../config/yaml/bare-copy.ts';
import type { Env } from '../config/yaml/expand.ts';
import { readYamlFile } from '../config/yaml/yaml-file.ts';
import type { Policy } from '../core/policy.ts';
import type { RouteTable } from '../core/route-table.ts';
import { ConfigError, type Problem } from '../errors.ts';
import type { TestedRules, Tests } from './suite.ts';
import { filesNamed, readTestFile, type TestFile } from './test-file.ts';
import { makeWorld } from './world.ts';

export interface Suite {
  /** What is tested, as its file is called. */
  readonly name: string;
  readonly found: Found;
  readonly rules: TestedRules;
  readonly tests: readonly Tests[];
  /** All that would have to be read again. */
  readonly files: readonly string[];
  readonly env: Env;
  /** It is tested by itself, not as part of a gateway. */
  readonly isPolicy: boolean;
}

/** Rejects with ConfigError: every problem of the files, of what they name, and of their tokens. */
export async function loadSuites(paths: readonly string[], env: Env): Promise<Suite[]> {
  const problems: Problem[] = [];
  const groups = new Map<string, TestFile[]>();
  for (const path of paths) {
    const file = collected(problems, () => readTestFile(path, env));
    if (file === undefined) continue;
    const key = subjectKey(file);
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  const suites: Suite[] = [];
  for (const files of groups.values()) {
    const found = collected(problems, () => loadSubject(files[0]!, env));
    if (found === undefined) continue;
    const tests: Tests[] = [];
    for (const file of files) {
      const world = await collectedLater(problems, makeWorld(file, found.policy, env));
      if (world !== undefined) tests.push({ file, world });
    }
    suites.push(suiteOf(files, found, tests, env));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return suites;
}

function suiteOf(files: readonly TestFile[], found: Found, tests: readonly Tests[], env: Env): Suite {
  const { plain } = found;
  const { gateway, policy } = filesNamed(files[0]!);
  const read = files.flatMap((file) => [file.path, filesNamed(file).directory ?? file.path]);
  return {
    name: gateway ?? policy!,
    found,
    rules: rulesOf(plain.file, found.compiled.routes, found.policy),
    tests,
    files: [...new Set([...read, ...plain.files])],
    env,
    isPolicy: gateway === null,
  };
}

/** What requests are read and judged by, and which of its routes have to be tried. */
export function rulesOf(file: Found['plain']['file'], routes: RouteTable, policy: Policy): TestedRules {
  return {
    routes,
    policy,
    isTrustedProxy: proxyMatcher(file.gateway.trustedProxies),
    tested: file.routes.map((route) => ({ id: route.id, isPublic: route.public === true })),
  };
}

function subjectKey(file: TestFile): string {
  const { gateway, policy, routes } = filesNamed(file);
  return JSON.stringify([gateway, policy, routes, file.data.env ?? {}]);
}

/** The real loader, also of a policy whose routes stand beside it. Throws ConfigError. */
function loadSubject(file: TestFile, env: Env): Found {
  const { gateway, policy, routes } = filesNamed(file);
  const variables = { ...env, ...file.data.env };
  if (gateway !== null) return checkGateway(gateway, variables);
  const contents = { text: gatewayAround(policy!, routes, variables), folder: dirname(file.path) };
  return checkGateway(file.path, variables, { contents } satisfies GatewayCheckOptions);
}

/** The least gateway.yaml that has this policy and these routes. */
function gatewayAround(policy: string, routes: readonly string[], env: Env): string {
  const upstreams = [...new Set(routes.flatMap((path) => upstreamsNamed(path, env)))];
  const targets = { targets: ['http://127.0.0.1:9'] };
  return JSON.stringify({
    policy,
    include: routes.map((path) => resolve(path)),
    ...(upstreams.length === 0
      ? { decision: { for: 'nginx' } }
      : { upstreams: Object.fromEntries(upstreams.map((name) => [name, targets])) }),
  });
}

function upstreamsNamed(path: string, env: Env): string[] {
  const { data } = readYamlFile(path, env);
  const routes = isMapping(data) && Array.isArray(data.routes) ? data.routes : [];
  return routes.flatMap((route) => (isMapping(route) && typeof route.upstream === 'string' ? [route.upstream] : []));
}

function collected<T>(problems: Problem[], make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    return kept(problems, error);
  }
}

function collectedLater<T>(problems: Problem[], made: Promise<T>): Promise<T | undefined> {
  return made.catch((error) => kept(problems, error));
}

function kept(problems: Problem[], error: unknown): undefined {
  if (!(error instanceof ConfigError)) throw error;
  problems.push(...error.problems);
}

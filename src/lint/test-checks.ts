/**
 * Routes that the policy tests beside gateway.yaml leave out: SG114. Runs none of them: which route would take a request, and
 * what is expected of it, is enough.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, matchesGlob, resolve } from 'node:path';
import type { Env } from '../config/yaml/expand.ts';
import { readTarget } from '../core/target.ts';
import { ConfigError } from '../errors.ts';
import { filesNamed, readTestFile, type TestFile } from '../policy-tests/test-file.ts';
import type { Remark, Subject } from './finding.ts';

/** `names`: of the files in the folder of gateway.yaml. Where no tests are of this gateway, nothing is said. */
export function remarksOnTests({ found }: Subject, names: readonly string[], env: Env): Remark[] {
  const { plain, compiled, notes } = found;
  const folder = dirname(resolve(plain.path));
  const beside = names.filter((name) => matchesGlob(name, '*.test.yaml')).map((name) => join(folder, name));
  const files = [...new Set([...beside, ...plain.testFiles])]
    .flatMap((path) => readable(path, env))
    .filter((file) => filesNamed(file).gateway === resolve(plain.path));
  if (files.length === 0) return [];
  const tried = { allowed: new Set<string>(), refused: new Set<string>() };
  for (const { method, target, host, refused, skip } of files.flatMap(({ cases }) => cases)) {
    const read = readTarget(target, host);
    const match = skip !== null || read === null ? null : compiled.routes.match(host, method, read.segments);
    if (match?.kind === 'route') (refused === null ? tried.allowed : tried.refused).add(match.route.id);
  }
  return plain.file.routes.flatMap(({ id, public: isOpen }, index): Remark[] => {
    const lacks = [
      ...(tried.allowed.has(id) ? [] : ['let through']),
      ...(tried.refused.has(id) || isOpen === true ? [] : ['refused']),
    ];
    if (lacks.length === 0) return [];
    const message = `the policy tests have no request to the route "${id}" that is ${lacks.join(', and none that is ')}`;
    return [{ code: 'SG114', at: notes.at(['routes', index, 'id']), message, route: id }];
  });
}

/** What is wrong with a file of tests is for `scopegate test` to say. */
function readable(path: string, env: Env): TestFile[] {
  try {
    return [readTestFile(path, env, readFileSync)];
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}

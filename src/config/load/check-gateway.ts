/**
 * Reads gateway.yaml and its policy, and judges both: what was found good, or every problem in both at once. Opens no
 * port and no store. `check`, `serve` and reloads judge the same way.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Policy } from '../../core/policy.ts';
import { ConfigError, type Problem } from '../../errors.ts';
import { type GatewayFile, GatewaySchema, type Validated } from '../schema/gateway-schema.ts';
import { type SoundParts, soundParts, validate } from '../schema/validate.ts';
import { isMapping } from '../yaml/bare-copy.ts';
import { isMisspelt } from '../yaml/closest.ts';
import type { Env, SecretFiles } from '../yaml/expand.ts';
import { NotUtf8, utf8Fault } from '../yaml/utf8.ts';
import { parseYaml, type ReadFile, readYamlFile, type YamlFile } from '../yaml/yaml-file.ts';
import { checkListeners } from './check-listeners.ts';
import { checkLoops } from './check-loops.ts';
import { checkStore } from './check-store.ts';
import { checkUpstreams } from './check-upstreams.ts';
import { type CompiledRoutes, compileRoutes } from './compile-gateway.ts';
import type { Plain } from './configuration.ts';
import { type IncludeSource, JoinedNotes, type ReadFolder, readIncluded } from './included-routes.ts';
import { type BadKeyPair, certificatesProblem, type KeyPairs, readKeyPairs, type TlsListener } from './key-pair.ts';
import { readLeakKeys } from './leak-keys.ts';
import { withHostsOf } from './listen-hosts.ts';
import { loadPolicy } from './load-policy.ts';
import type { Notes } from './notes.ts';
import { requiredTestFiles } from './required-tests.ts';
import { refuseRestartKeys, type Sections } from './restart-keys.ts';
import { secretFiles } from './secret-files.ts';

export interface GatewayCheckOptions {
  /** What runs: whoever would replace it may not change what only a restart can. */
  readonly running?: Sections;
  /** Called for each file as it comes up, also where reading then fails. */
  readonly onFile?: (path: string) => void;
  /** Part of another program, which may send on itself what is allowed. */
  readonly embedded?: boolean;
  /** To be tried out beside another. */
  readonly isShadow?: boolean;
  /** Absent: from the disk. Each file is read once. */
  readonly readFile?: ReadFile;
  /** Absent: from the disk. */
  readonly readFolder?: ReadFolder;
  /** Instead of the file's: `path` is only its name, and its paths count from `folder`. */
  readonly contents?: { readonly text: string; readonly folder: string };
}

/** What was found good, and what checking it has compiled. */
export interface Found {
  readonly plain: Plain;
  readonly policy: Policy;
  readonly compiled: CompiledRoutes;
  readonly keyPairs: KeyPairs;
  /** Rules to try out beside these; null: none. */
  readonly shadow: Found | null;
  /** Where its data stand, those of included files among them. */
  readonly notes: Notes;
  readonly policyNotes: Notes;
}

/** Throws ConfigError with every problem of gateway.yaml and of the policy that it names. */
export function checkGateway(path: string, env: Env, options: GatewayCheckOptions = {}): Found {
  const { contents, embedded = false } = options;
  const absolute = resolve(contents?.folder ?? '', path);
  const files: string[] = [];
  const reads = (read: string) => {
    files.push(read);
    options.onFile?.(read);
  };
  const read = new Map<string, Buffer>();
  const readFile = once(options.readFile ?? readFileSync, read);
  if (contents === undefined) reads(absolute);
  const resolvePath = (relative: string) => resolve(dirname(absolute), relative);
  const yaml = readMain(path, env, contents, readFile, secretFiles(absolute, readFile, reads));
  const { whole, parts } = readShape(yaml, env);
  const sections = yaml.keys();
  const upstreams = parts.upstreams ?? {};
  const forwards = sections.has('upstreams') || (!sections.has('decision') && !embedded);
  if (forwards && !sections.has('upstreams') && !isMisspelt('upstreams', sections))
    yaml.problem([], 'missing key "upstreams"');
  const warnings: string[] = [];
  const including = { yaml, path: absolute, env, readFile, readFolder: options.readFolder ?? readdirSync, reads };
  const { included, routes, notes } = allRoutes(including, parts, warnings);
  const testFiles = requiredTestFiles(including, parts.reload);
  checkSections(including, { whole, parts }, options, resolvePath, warnings);
  const keyPairs = readKeyPairs(parts, resolvePath, tellingOf(yaml), readFile);
  const policyPath = parts.policy === undefined ? undefined : resolvePath(parts.policy);
  if (policyPath !== undefined) reads(policyPath);
  const {
    policy,
    data: policyFile,
    notes: policyNotes,
    problems: policyProblems,
  } = readPolicy(yaml, policyPath, env, readFile);
  const compiled = drained(compileRoutes({ notes, parts: { ...parts, routes }, policy, forwards }));
  const problems = [yaml, ...included.map((each) => each.yaml)].flatMap((each) => each.problemsInOrder());
  const { shadow, problems: shadowProblems } = checkShadow(including, parts.shadow, options, resolvePath);
  problems.push(...policyProblems, ...shadowProblems);
  const file = whole === undefined ? undefined : { ...whole, upstreams, routes: routes as GatewayFile['routes'] };
  if (problems.length > 0 || file === undefined || policyPath === undefined || policy === undefined)
    throw new ConfigError(problems);
  const compiledFrom = new Set([absolute, policyPath, ...included.map((each) => each.yaml.name)]);
  const plain: Plain = {
    path: absolute,
    file,
    policyPath,
    policyFile: policyFile!,
    digest: digestOf([...compiledFrom].map((name) => read.get(name) ?? contents!.text)),
    forwards,
    warnings: [...warnings, ...compiled.warnings],
    testFiles,
    files,
    contents: new Map([...read].filter(([name]) => !compiledFrom.has(name))),
    shadow: shadow?.plain ?? null,
  };
  return { plain, policy, compiled, keyPairs, shadow, notes, policyNotes: policyNotes! };
}

/** What a section says by itself, or beside another. */
function checkSections(
  including: IncludeSource,
  { whole, parts }: { readonly whole: Validated | undefined; readonly parts: SoundParts<Validated> },
  { embedded = false, running }: GatewayCheckOptions,
  resolvePath: (path: string) => string,
  warnings: string[],
): void {
  const { yaml } = including;
  const upstreams = parts.upstreams ?? {};
  // Another program opens those that it asks for.
  if (!embedded) checkListeners(yaml, parts, warnings);
  checkUpstreams(yaml, upstreams, warnings);
  if (!embedded) checkLoops(yaml, upstreams, parts, warnings);
  if (parts.store !== undefined) checkStore(yaml, parts.store, resolvePath, warnings);
  if (parts.import !== undefined) checkPatterns(yaml, parts.import);
  if (whole !== undefined && running !== undefined)
    refuseRestartKeys(running, { ...whole, upstreams }, (at, message) => yaml.problem(at, message, { key: true }));
  checkFiles(including, upstreams, resolvePath);
  checkLeakKeys(including, parts.leaks, resolvePath);
}

/** A whole configuration of its own, of which nothing is opened. What it would try out itself is not looked at. */
function checkShadow(
  { env, readFile, readFolder, reads }: IncludeSource,
  shadow: SoundParts<Validated>['shadow'],
  { isShadow = false }: GatewayCheckOptions,
  resolvePath: (path: string) => string,
): { readonly shadow: Found | null; readonly problems: readonly Problem[] } {
  if (shadow === undefined || isShadow) return { shadow: null, problems: [] };
  const options = { readFile, readFolder, onFile: reads, embedded: true, isShadow: true };
  try {
    return { shadow: checkGateway(resolvePath(shadow.rules), env, options), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { shadow: null, problems: error.problems };
  }
}

/** What fits is judged beside what does not: nobody is to meet one mistake after the other. */
function readShape(yaml: YamlFile, env: Env): { whole: Validated | undefined; parts: SoundParts<Validated> } {
  const validated = validate(yaml, GatewaySchema);
  // The empty, what is no YAML, and what is no mapping.
  if (!isMapping(yaml.data)) yaml.throwIfAny();
  const whole = validated === undefined ? undefined : withHostsOf(env, validated);
  return { whole, parts: whole ?? withHostsOf(env, soundParts(yaml, GatewaySchema)) };
}

function readMain(
  path: string,
  env: Env,
  contents: GatewayCheckOptions['contents'],
  readFile: ReadFile,
  secrets: SecretFiles,
): YamlFile {
  if (contents !== undefined) return parseYaml(contents.text, path, env, secrets);
  return readYamlFile(path, env, (read) => readFile(resolve(read)), secrets);
}

/** Before variables are replaced: a secret is not to be tried out by it. */
function digestOf(texts: ReadonlyArray<string | Buffer>): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}\n`).update(text);
  return hash.digest('hex').slice(0, 12);
}

/** Those of gateway.yaml and of the files that it includes, as one list. */
function allRoutes(including: IncludeSource, parts: SoundParts<Validated>, warnings: string[]) {
  const { yaml } = including;
  const included = readIncluded(including, parts.include ?? [], warnings);
  const routes = [...(parts.routes ?? []), ...included.flatMap((each) => each.routes)];
  const notes = new JoinedNotes(yaml, parts.routes?.length ?? 0, included);
  if (parts.routes !== undefined) checkSomeRoutes(yaml, yaml.keys(), routes);
  return { included, routes, notes };
}

/** Where files could not be included, there may be some in them. */
function checkSomeRoutes(yaml: YamlFile, sections: ReadonlySet<string>, routes: readonly unknown[]): void {
  if (routes.length > 0 || (sections.has('include') && yaml.problems.length > 0)) return;
  if (sections.has('routes')) yaml.problem(['routes'], 'must not be empty');
  else if (!isMisspelt('routes', sections)) yaml.problem([], 'missing key "routes"');
}

function drained<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Two looks at one file are to see the same. */
function once(readFile: ReadFile, read: Map<string, Buffer>): ReadFile {
  return (path) => {
    const content = read.get(path) ?? readFile(path);
    read.set(path, content);
    return content;
  };
}

/** What is wrong within it stands in `problems`; that it cannot be read at all is a problem of `yaml`. */
function readPolicy(yaml: YamlFile, path: string | undefined, env: Env, readFile: ReadFile) {
  const unread = { policy: undefined, data: undefined, notes: undefined, problems: [] };
  if (path === undefined) return unread;
  try {
    const { policy, data, file } = loadPolicy(path, env, readFile);
    return { policy, data, notes: file, problems: file.problemsInOrder() };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (error instanceof NotUtf8) return { ...unread, problems: error.problems };
    yaml.problem(['policy'], `the policy ${path} ${error.problems[0]!.message}`);
    return unread;
  }
}

function upstreamFiles(upstreams: GatewayFile['upstreams']): string[] {
  return Object.values(upstreams).flatMap(({ tls }) =>
    [tls?.ca, tls?.cert, tls?.key].filter((path) => path !== undefined),
  );
}

function checkPatterns(yaml: YamlFile, { patterns }: GatewayFile['import']): void {
  for (const [index, { prefix, minLength, maxLength }] of patterns.entries()) {
    const at = ['import', 'patterns', index];
    if (minLength > maxLength) yaml.problem([...at, 'maxLength'], 'maxLength is less than minLength');
    // What comes behind the prefix is all that keeps strangers from guessing it.
    if (minLength < prefix.length + UNGUESSABLE_MIN)
      yaml.problem(
        [...at, 'minLength'],
        `minLength counts the prefix, too: at least ${prefix.length + UNGUESSABLE_MIN} with ${UNGUESSABLE_MIN} characters behind "${prefix}"`,
      );
  }
}

const UNGUESSABLE_MIN = 12;

/** Every file that an upstream's TLS names must be there, and of use together. */
function checkFiles(
  { yaml, readFile, reads }: IncludeSource,
  upstreams: GatewayFile['upstreams'],
  resolvePath: (path: string) => string,
): void {
  for (const named of upstreamFiles(upstreams)) reads(resolvePath(named));
  for (const [name, { tls }] of Object.entries(upstreams)) {
    const read: Record<string, Buffer> = {};
    let unread = false;
    for (const part of ['ca', 'cert', 'key'] as const) {
      if (tls?.[part] === undefined) continue;
      const path = resolvePath(tls[part]);
      try {
        read[part] = readFile(path);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        yaml.problem(['upstreams', name, 'tls', part], `${path}: ${code === 'ENOENT' ? 'no such file' : message}`);
        unread = true;
      }
    }
    const faults = Object.entries(read).flatMap(([part, bytes]) => {
      const fault = utf8Fault(resolvePath(tls![part as 'ca']!), bytes);
      return fault === null ? [] : [[part, fault] as const];
    });
    for (const [part, fault] of faults) yaml.problem(['upstreams', name, 'tls', part], fault);
    if (unread || faults.length > 0) continue;
    const authorities = tls?.ca === undefined ? null : certificatesProblem(resolvePath(tls.ca), readFile);
    if (authorities !== null) yaml.problem(['upstreams', name, 'tls', 'ca'], authorities);
    try {
      createSecureContext(read);
    } catch (error) {
      yaml.problem(['upstreams', name, 'tls'], `its files cannot be used: ${(error as Error).message}`, { key: true });
    }
  }
}

function checkLeakKeys(
  { yaml, readFile, reads }: IncludeSource,
  leaks: SoundParts<Validated>['leaks'],
  resolvePath: (path: string) => string,
): void {
  if (leaks === undefined) return;
  const path = resolvePath(leaks.keys);
  reads(path);
  const keys = readLeakKeys(path, readFile);
  if (typeof keys === 'string') yaml.problem(['leaks', 'keys'], keys);
}

function tellingOf(yaml: YamlFile) {
  return (listener: TlsListener, { part, message }: BadKeyPair): null => {
    yaml.problem([listener, 'tls', part], message);
    return null;
  };
}

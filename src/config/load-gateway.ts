/**
 * gateway.yaml and its policy, from files to a compiled configuration, or every problem in both at once. Opens no port
 * and no store: `check` and `serve` read the same way.
 */
import { readFileSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Policy } from '../core/policy.ts';
import type { RateLimit } from '../core/rate-limit.ts';
import { RouteTable, type RoutingOptions, type TemplateSegment } from '../core/route-table.ts';
import { ConfigError } from '../errors.ts';
import { checkStore } from './check-store.ts';
import { checkUpstreams } from './check-upstreams.ts';
import { CompiledLimits } from './compile-limits.ts';
import { type CompiledRoute, compileRoute, type RouteCheck } from './compile-route.ts';
import type { Env } from './expand.ts';
import { type GatewayFile, GatewaySchema } from './gateway-schema.ts';
import { certificatesProblem, type KeyPair, readKeyPair } from './key-pair.ts';
import { loadPolicy } from './load-policy.ts';
import { ownRoutes } from './own-routes.ts';
import { validate } from './validate.ts';
import { parseYaml, type ReadFile, readYamlFile, type YamlFile } from './yaml-file.ts';
import type { Path } from './yaml-tree.ts';

export interface Configuration {
  /** Absolute. Relative paths in the file are relative to its folder. */
  readonly path: string;
  readonly file: GatewayFile;
  readonly policyPath: string;
  readonly policy: Policy;
  readonly routes: RouteTable;
  readonly routeCount: number;
  /** Every rate limit, whether a route counts for it or not. */
  readonly limits: readonly RateLimit[];
  /** Legal, but worth a look; `file:line:column: message`. */
  readonly warnings: readonly string[];
  readonly resolvePath: (path: string) => string;
  /** Where what it names was read from. */
  readonly readFile: ReadFile;
  /** What `gateway.tls` names, as it was read; null without. */
  readonly keyPair: KeyPair | null;
  /** What has to be read again when it changes. */
  readonly files: readonly string[];
  /** Reads the same file in the same environment. Throws as `loadGateway` does. */
  readonly readAgain: (options: LoadOptions) => Configuration;
}

export interface LoadOptions {
  /** Has a say beside the schema; what it finds is reported with everything else. */
  readonly review?: (file: GatewayFile, problem: (at: Path, message: string) => void) => void;
  /** Called for each file as it comes up, also where reading then fails. */
  readonly onFile?: (path: string) => void;
  /** Part of another program, which may send on itself what is allowed. */
  readonly embedded?: boolean;
  /** Absent: from the disk. */
  readonly readFile?: ReadFile;
  /** Instead of the file's: `path` is only its name, and its paths count from `folder`. */
  readonly contents?: { readonly text: string; readonly folder: string };
}

/** Throws ConfigError with every problem of gateway.yaml and of the policy that it names. */
export function loadGateway(path: string, env: Env, options: LoadOptions = {}): Configuration {
  const { contents, embedded = false, readFile = readFileSync } = options;
  const absolute = resolve(contents?.folder ?? '', path);
  const files: string[] = [];
  const reads = (read: string) => {
    files.push(read);
    options.onFile?.(read);
  };
  if (contents === undefined) reads(absolute);
  const resolvePath = (relative: string) => resolve(dirname(absolute), relative);
  const yaml = contents === undefined ? readYamlFile(path, env, readFile) : parseYaml(contents.text, path, env);
  const read = validate(yaml, GatewaySchema);
  if (read === undefined) {
    yaml.throwIfAny();
    throw new ConfigError([{ file: path, line: 1, column: 1, message: 'does not fit its schema' }]);
  }
  const file: GatewayFile = { ...read, upstreams: read.upstreams ?? {} };
  const forwards = read.upstreams !== undefined || (read.decision === undefined && !embedded);
  if (forwards && read.upstreams === undefined) yaml.problem([], 'missing key "upstreams"');
  const warnings: string[] = [];
  checkUpstreams(yaml, file.upstreams, warnings);
  checkStore(yaml, file, resolvePath, warnings);
  checkPatterns(yaml, file);
  options.review?.(file, (at, message) => yaml.problem(at, message, { key: true }));
  for (const read of upstreamFiles(file)) reads(resolvePath(read));
  checkFiles(yaml, file, resolvePath, readFile);
  const keyPair = loadKeyPair(yaml, file, resolvePath, readFile);
  const policyPath = resolvePath(file.policy);
  reads(policyPath);
  const policyProblems = [];
  let policy: Policy | undefined;
  try {
    const loaded = loadPolicy(policyPath, env, readFile);
    policy = loaded.policy;
    policyProblems.push(...loaded.file.problems);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yaml.problem(['policy'], `the policy ${policyPath} ${error.problems[0]!.message}`);
  }
  const check: RouteCheck = {
    yaml,
    // Without a readable policy nothing can be said about scopes; everything else still is.
    scopes: policy?.scopes ?? null,
    upstreams: forwards ? new Set(Object.keys(file.upstreams)) : null,
    limits: new CompiledLimits(yaml, file.limits),
    ids: new Map(),
    warnings,
  };
  const own = policy === undefined || policy.serviceAccounts === null ? [] : ownRoutes(file.oauth.prefix);
  const reserved = tableOf(own, file.routing);
  const routes = tableOf(own, file.routing);
  for (const [index, route] of file.routes.entries()) {
    const compiled = compileRoute(check, route, index);
    if (compiled === undefined) continue;
    if (isIn(reserved, compiled.segments)) {
      yaml.problem(['routes', index, 'match', 'path'], `${route.match.path} is answered by the gateway itself`);
      continue;
    }
    const other = routes.add(compiled.route, compiled.segments);
    if (other !== undefined) {
      const where =
        route.match.methods === undefined ? ['routes', index, 'match', 'path'] : ['routes', index, 'match', 'methods'];
      yaml.problem(where, `the route "${other}" already answers this path for ${methodsText(route.match.methods)}`);
    }
  }
  warnings.push(...check.limits.unused());
  const problems = [
    ...yaml.problems.toSorted((left, right) => left.line - right.line || left.column - right.column),
    ...policyProblems,
  ];
  if (problems.length > 0 || policy === undefined) throw new ConfigError(problems);
  return {
    path: absolute,
    file,
    policyPath,
    policy,
    routes,
    routeCount: file.routes.length,
    limits: check.limits.all,
    warnings,
    resolvePath,
    readFile,
    keyPair,
    files,
    readAgain: (again) => loadGateway(contents === undefined ? absolute : path, env, { ...options, ...again }),
  };
}

function upstreamFiles({ upstreams }: GatewayFile): string[] {
  return Object.values(upstreams).flatMap(({ tls }) =>
    [tls?.ca, tls?.cert, tls?.key].filter((path) => path !== undefined),
  );
}

function checkPatterns(yaml: YamlFile, file: GatewayFile): void {
  for (const [index, { prefix, minLength, maxLength }] of file.import.patterns.entries()) {
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
  yaml: YamlFile,
  file: GatewayFile,
  resolvePath: (path: string) => string,
  readFile: ReadFile,
): void {
  for (const [name, { tls }] of Object.entries(file.upstreams)) {
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
    if (unread) continue;
    const authorities = tls?.ca === undefined ? null : certificatesProblem(resolvePath(tls.ca), readFile);
    if (authorities !== null) yaml.problem(['upstreams', name, 'tls', 'ca'], authorities);
    try {
      createSecureContext(read);
    } catch (error) {
      yaml.problem(['upstreams', name, 'tls'], `its files cannot be used: ${(error as Error).message}`, { key: true });
    }
  }
}

function loadKeyPair(
  yaml: YamlFile,
  { gateway }: GatewayFile,
  resolvePath: Configuration['resolvePath'],
  readFile: ReadFile,
) {
  if (gateway.tls === undefined) return null;
  const pair = readKeyPair({ cert: resolvePath(gateway.tls.cert), key: resolvePath(gateway.tls.key) }, readFile);
  if (!('message' in pair)) return pair;
  yaml.problem(['gateway', 'tls', pair.part], pair.message);
  return null;
}

function tableOf(routes: readonly CompiledRoute[], options: RoutingOptions): RouteTable {
  const table = new RouteTable(options);
  for (const { route, segments } of routes) table.add(route, segments);
  return table;
}

/** Is this the template of a route in `table`, whose templates are all literal? Whatever the methods. */
function isIn(table: RouteTable, segments: readonly TemplateSegment[]): boolean {
  const texts = segments.flatMap((segment) => (segment.kind === 'literal' ? [segment.text] : []));
  return texts.length === segments.length && table.match('', texts).kind !== 'none';
}

function methodsText(methods: readonly string[] | undefined): string {
  return methods === undefined ? 'all other methods' : `one of ${methods.join(', ')}`;
}

/** Does this address belong to a configured proxy? An empty list believes nobody. */
export function proxyMatcher(networks: readonly string[]): (address: string) => boolean {
  if (networks.length === 0) return () => false;
  const list = new BlockList();
  for (const network of networks) {
    const [address, bits] = network.split('/') as [string, string | undefined];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

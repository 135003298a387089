/**
 * gateway.yaml and its policy, from files to a compiled configuration, or every problem in both at once. Opens no port
 * and no store: `check` and `serve` read the same way.
 */
import { readFileSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Policy } from '../../core/policy.ts';
import { accountLimit, type RateLimit } from '../../core/rate-limit.ts';
import { RouteTable, type RoutingOptions, type TemplateSegment } from '../../core/route-table.ts';
import { ConfigError } from '../../errors.ts';
import { type GatewayFile, GatewaySchema, type Validated } from '../schema/gateway-schema.ts';
import { type SoundParts, soundParts, validate } from '../schema/validate.ts';
import { isMisspelt } from '../yaml/closest.ts';
import type { Env } from '../yaml/expand.ts';
import { NotUtf8, utf8Fault } from '../yaml/utf8.ts';
import { parseYaml, type ReadFile, readYamlFile, type YamlFile } from '../yaml/yaml-file.ts';
import { isMapping, type Path } from '../yaml/yaml-tree.ts';
import { checkListeners } from './check-listeners.ts';
import { checkLoops } from './check-loops.ts';
import { checkStore } from './check-store.ts';
import { checkUpstreams } from './check-upstreams.ts';
import { CompiledLimits } from './compile-limits.ts';
import { type CompiledRoute, compileRoute, placelessWarning, type RouteCheck } from './compile-route.ts';
import { certificatesProblem, type KeyPair, readKeyPair } from './key-pair.ts';
import { loadPolicy } from './load-policy.ts';
import { ownRoutes, pathOf } from './own-routes.ts';

export interface Configuration {
  /** Absolute. Relative paths in the file are relative to its folder. */
  readonly path: string;
  readonly file: GatewayFile;
  readonly policyPath: string;
  readonly policy: Policy;
  readonly routes: RouteTable;
  readonly routeCount: number;
  /** Every rate limit, whether a route counts for it or not, and that of service accounts. */
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

const UNREADABLE_PATH =
  'its path must be as clients ask for it: whole segments, without ".", "..", "//", braces, or letters that need encoding';

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
  const whole = validate(yaml, GatewaySchema);
  // The empty, what is no YAML, and what is no mapping.
  if (!isMapping(yaml.data)) yaml.throwIfAny();
  // What fits is judged beside what does not: nobody is to meet one mistake after the other.
  const parts: SoundParts<Validated> = whole ?? soundParts(yaml, GatewaySchema);
  const sections = yaml.keys();
  const upstreams = parts.upstreams ?? {};
  const forwards = sections.has('upstreams') || (!sections.has('decision') && !embedded);
  if (forwards && !sections.has('upstreams') && !isMisspelt('upstreams', sections))
    yaml.problem([], 'missing key "upstreams"');
  const file = whole === undefined ? undefined : { ...whole, upstreams };
  const warnings: string[] = [];
  // Another program opens those that it asks for.
  if (!embedded) checkListeners(yaml, parts, warnings);
  checkUpstreams(yaml, upstreams, warnings);
  if (!embedded) checkLoops(yaml, upstreams, parts, warnings);
  if (parts.store !== undefined) checkStore(yaml, parts.store, resolvePath, warnings);
  if (parts.import !== undefined) checkPatterns(yaml, parts.import);
  if (file !== undefined) options.review?.(file, (at, message) => yaml.problem(at, message, { key: true }));
  for (const read of upstreamFiles(upstreams)) reads(resolvePath(read));
  checkFiles(yaml, upstreams, resolvePath, readFile);
  const keyPair = loadKeyPair(yaml, parts.gateway?.tls, resolvePath, readFile);
  const policyPath = parts.policy === undefined ? undefined : resolvePath(parts.policy);
  if (policyPath !== undefined) reads(policyPath);
  const { policy, problems: policyProblems } = readPolicy(yaml, policyPath, env, readFile);
  const check: RouteCheck = {
    yaml,
    // Without a readable policy nothing can be said about scopes; everything else still is.
    scopes: policy?.scopes ?? null,
    upstreams: forwards ? yaml.keys('upstreams') : null,
    limits: new CompiledLimits(yaml, parts.limits ?? {}),
    ids: new Map(),
    placeless: [],
  };
  const publicPath = pathOf(parts.gateway?.publicUrl);
  if (publicPath === null) yaml.problem(['gateway', 'publicUrl'], UNREADABLE_PATH);
  const own =
    parts.oauth === undefined || (policy?.serviceAccounts ?? null) === null
      ? []
      : ownRoutes(parts.oauth.prefix, publicPath ?? '', check.limits.forOwn(parts.oauth.limits));
  const reserved = tableOf(own, parts.routing);
  const routes = tableOf(own, parts.routing);
  for (const [index, route] of (parts.routes ?? []).entries()) {
    if (route === undefined) continue;
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
  warnings.push(...placelessWarning(yaml, check.placeless), ...check.limits.unused());
  const problems = [...yaml.problemsInOrder(), ...policyProblems];
  if (problems.length > 0 || file === undefined || policyPath === undefined || policy === undefined)
    throw new ConfigError(problems);
  return {
    path: absolute,
    file,
    policyPath,
    policy,
    routes,
    routeCount: file.routes.length,
    limits: [...check.limits.all, accountLimit(file.oauth.accountLimit)],
    warnings,
    resolvePath,
    readFile,
    keyPair,
    files,
    readAgain: (again) => loadGateway(contents === undefined ? absolute : path, env, { ...options, ...again }),
  };
}

/** What is wrong within it stands in `problems`; that it cannot be read at all is a problem of `yaml`. */
function readPolicy(yaml: YamlFile, path: string | undefined, env: Env, readFile: ReadFile) {
  const unread = { policy: undefined, problems: [] };
  if (path === undefined) return unread;
  try {
    const { policy, file } = loadPolicy(path, env, readFile);
    return { policy, problems: file.problemsInOrder() };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (error instanceof NotUtf8) return { policy: undefined, problems: error.problems };
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
  yaml: YamlFile,
  upstreams: GatewayFile['upstreams'],
  resolvePath: (path: string) => string,
  readFile: ReadFile,
): void {
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

function loadKeyPair(
  yaml: YamlFile,
  tls: GatewayFile['gateway']['tls'],
  resolvePath: Configuration['resolvePath'],
  readFile: ReadFile,
) {
  if (tls === undefined) return null;
  const pair = readKeyPair({ cert: resolvePath(tls.cert), key: resolvePath(tls.key) }, readFile);
  if (!('message' in pair)) return pair;
  yaml.problem(['gateway', 'tls', pair.part], pair.message);
  return null;
}

/** Without readable options: paths that differ are taken for different, whatever the options would say. */
function tableOf(routes: readonly CompiledRoute[], options: RoutingOptions | undefined): RouteTable {
  const table = new RouteTable(options ?? { caseSensitive: true, ignoreTrailingSlash: false });
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

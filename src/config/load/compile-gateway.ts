/**
 * What compiles a gateway.yaml that was read: its routes and limits, and from plain data the whole configuration. A
 * generator, so that it can be done in slices: it pauses after each route. Reads no file and no YAML.
 */
import { dirname, resolve } from 'node:path';
import type { AnswerEdits } from '../../core/header-edits.ts';
import { PathTable, type RoutingOptions } from '../../core/path-table.ts';
import type { Policy } from '../../core/policy.ts';
import { accountLimit, type RateLimit } from '../../core/rate-limit.ts';
import type { TemplateSegment } from '../../core/route.ts';
import { RouteTable } from '../../core/route-table.ts';
import { Bug } from '../../errors.ts';
import type { Validated } from '../schema/gateway-schema.ts';
import type { SoundParts } from '../schema/validate.ts';
import type { ReadFile } from '../yaml/yaml-file.ts';
import { compileAnswerEdits } from './compile-edits.ts';
import { CompiledLimits } from './compile-limits.ts';
import { compilePolicy } from './compile-policy.ts';
import { bodyWarning, compileHosts, compileRoute, placelessWarning, type RouteCheck } from './compile-route.ts';
import type { Configuration, Contents, Plain, Source } from './configuration.ts';
import { type BadKeyPair, type KeyPairs, readKeyPairs } from './key-pair.ts';
import { type LeakKeys, readLeakKeys } from './leak-keys.ts';
import type { Notes } from './notes.ts';
import { ownRoutes, pathOf, publicOriginOf } from './own-routes.ts';
import { RouteSettings } from './route-settings.ts';

/** What routes are compiled from, and against. */
export interface RoutesSource {
  readonly notes: Notes;
  readonly parts: SoundParts<Validated>;
  /** undefined: it could not be read. */
  readonly policy: Policy | undefined;
  readonly forwards: boolean;
}

export interface CompiledRoutes {
  readonly routes: RouteTable;
  /** Of answers to requests that no route takes. */
  readonly unroutedEdits: AnswerEdits | null;
  readonly limits: readonly RateLimit[];
  readonly warnings: readonly string[];
}

const UNREADABLE_PATH =
  'its path must be as clients ask for it: whole segments, without ".", "..", "//", braces, or letters that need encoding';

/** Pauses after each route. Problems are noted. */
export function* compileRoutes({ notes, parts, policy, forwards }: RoutesSource): Generator<void, CompiledRoutes> {
  const publicUrl = parts.gateway?.publicUrl;
  const check: RouteCheck = {
    notes,
    // Without a readable policy nothing can be said about scopes; everything else still is.
    ...{ scopes: policy?.scopes ?? null, iamActions: policy?.iam?.actions ?? new Map() },
    apiVersions: policy?.apiVersions ?? null,
    dialects: policy?.dialects ?? null,
    upstreams: forwards ? notes.keys('upstreams') : null,
    upstreamFiles: parts.upstreams ?? {},
    defaults: parts.defaults,
    basic: {
      realm: publicUrl ?? 'scopegate',
      publicOrigin: publicOriginOf(publicUrl),
      prefixes: policy?.prefixes ?? [],
      patterns: parts.import?.patterns ?? [],
    },
    limits: new CompiledLimits(notes, parts.limits ?? {}),
    ids: new Map(),
    placeless: [],
    reading: [],
  };
  const publicPath = pathOf(publicUrl);
  if (publicPath === null) notes.problem(['gateway', 'publicUrl'], UNREADABLE_PATH);
  const hosts = compileHosts(notes, ['oauth', 'hosts'], parts.oauth?.hosts);
  const unroutedEdits = compileAnswerEdits(
    notes,
    new RouteSettings(parts.defaults ?? {}, ['defaults'], null, undefined),
  );
  const own =
    parts.oauth === undefined || (policy?.serviceAccounts ?? null) === null
      ? []
      : ownRoutes(
          { prefix: parts.oauth.prefix, publicPath: publicPath ?? '', hosts, answerEdits: unroutedEdits },
          check.limits.forOwn(parts.oauth.limits),
        );
  const options = parts.routing ?? UNREADABLE_OPTIONS;
  const routes = new RouteTable(options, hosts === null ? own : []);
  if (hosts !== null) for (const { route, segments } of own) routes.add(route, segments);
  const reserved = new PathTable(options);
  for (const { route, segments } of own) reserved.add(route, segments);
  for (const [index, route] of (parts.routes ?? []).entries()) {
    if (route === undefined) continue;
    yield;
    const compiled = compileRoute(check, route, index);
    if (compiled === undefined) continue;
    const meets = hosts === null || compiled.route.hosts?.some((host) => hosts.includes(host));
    if (meets && isIn(reserved, compiled.segments)) {
      notes.problem(['routes', index, 'match', 'path'], `${route.match.path} is answered by the gateway itself`);
      continue;
    }
    const other = routes.add(compiled.route, compiled.segments);
    if (other !== undefined) {
      const where =
        route.match.methods === undefined ? ['routes', index, 'match', 'path'] : ['routes', index, 'match', 'methods'];
      notes.problem(where, `the route "${other}" already answers this path for ${methodsText(route.match.methods)}`);
    }
  }
  return {
    routes,
    unroutedEdits,
    limits: check.limits.all,
    warnings: [
      ...placelessWarning(notes, check.placeless),
      ...(parts.decision === undefined ? [] : bodyWarning(notes, check.reading)),
      ...check.limits.unused(),
    ],
  };
}

/** From what another thread or process has found good. Pauses after each route. Throws Bug where it is not good after all. */
export function* compilePlain(plain: Plain, source: Source): Generator<void, Configuration> {
  const policy = compilePolicy(plain.policyFile);
  const { file: parts, forwards } = plain;
  const compiled = yield* compileRoutes({ notes: foundGood(plain), parts, policy, forwards });
  const shadow = plain.shadow === null ? null : yield* compilePlain(plain.shadow, source);
  return assemble(plain, source, policy, compiled, null, shadow);
}

/** `keyPairs`: read already; null: they are read now. */
export function assemble(
  plain: Plain,
  source: Source,
  policy: Policy,
  { routes, unroutedEdits, limits }: Omit<CompiledRoutes, 'warnings'>,
  keyPairs: KeyPairs | null,
  shadow: Configuration | null,
): Configuration {
  const { path, file, contents } = plain;
  const resolvePath = (relative: string) => resolve(dirname(path), relative);
  const readFile = contentsReader(contents);
  return {
    ...plain,
    source,
    shadow,
    policy,
    routes,
    unroutedEdits,
    publicOrigin: publicOriginOf(file.gateway.publicUrl),
    routeCount: file.routes.length,
    limits: [...limits, accountLimit(file.oauth.accountLimit)],
    resolvePath,
    readFile,
    leakKeys: leakKeysOf(file.leaks, resolvePath, readFile),
    keyPairs: keyPairs ?? readKeyPairs(file, resolvePath, notGoodAfterAll, readFile),
  };
}

function leakKeysOf(
  leaks: Validated['leaks'],
  resolvePath: (path: string) => string,
  readFile: ReadFile,
): LeakKeys | null {
  if (leaks === undefined) return null;
  const keys = readLeakKeys(resolvePath(leaks.keys), readFile);
  if (typeof keys === 'string') throw new Bug(keys);
  return keys;
}

function notGoodAfterAll(_: unknown, { message }: BadKeyPair): never {
  throw new Bug(message);
}

/** What was read when it was checked. */
export function contentsReader(contents: Contents): ReadFile {
  return (path) => {
    const content = contents.get(path);
    if (content !== undefined) return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    throw Object.assign(new Error('not among what was checked'), { code: 'ENOENT' });
  };
}

/** Of a file without problems: one that is found now is our mistake. */
function foundGood({ path, file }: Plain): Notes {
  const sections: Readonly<Record<string, unknown>> = file;
  return {
    at: () => ({ file: path, line: 1, column: 1 }),
    keys: (section) => new Set(Object.keys(sections[section] ?? {})),
    problem: (at, message) => {
      throw new Bug(`${path}: ${at.join('.')}: ${message}`);
    },
  };
}

/** Paths that differ are then taken for different, whatever the options would say. */
const UNREADABLE_OPTIONS: RoutingOptions = { caseSensitive: true, ignoreTrailingSlash: false };

/** Is this the template of a route in `table`, whose templates are all literal? Whatever the methods. */
function isIn(table: PathTable, segments: readonly TemplateSegment[]): boolean {
  const texts = segments.flatMap((segment) => (segment.kind === 'literal' ? [segment.text] : []));
  return texts.length === segments.length && table.match('', texts).kind !== 'none';
}

function methodsText(methods: readonly string[] | undefined): string {
  return methods === undefined ? 'all other methods' : `one of ${methods.join(', ')}`;
}

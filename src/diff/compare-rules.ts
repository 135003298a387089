/**
 * Everything that two sets of rules decide differently, by route: exact, since there are only so many classes of requests. What
 * the policy gives to roles is compared beside it. Asks no store.
 */
import type { Found } from '../config/load/check-gateway.ts';
import { ownRoutes, pathOf } from '../config/load/own-routes.ts';
import type { FilePosition } from '../config/yaml/yaml-file.ts';
import type { Policy } from '../core/policy.ts';
import type { Route } from '../core/route.ts';
import type { ScopeSet } from '../core/scope.ts';
import { readTemplate } from '../core/template.ts';
import { SetupError } from '../errors.ts';
import { compareGates, type Direction, directionOfSets, type Gate, joined, type PartChange } from './compare-gates.ts';
import { hostClasses, pathClasses, type TemplatesOfRules } from './request-classes.ts';

export interface RouteChange {
  readonly before: Route | null;
  readonly after: Route | null;
  readonly methods: readonly string[];
  /** Empty: on every host that no route names. */
  readonly hosts: readonly string[];
  readonly direction: Direction;
  readonly parts: readonly PartChange[];
  /** null: the gateway's own. */
  readonly at: FilePosition | null;
}

export interface RoleChange extends PartChange {
  readonly role: string;
  readonly at: FilePosition;
}

export interface RulesDifference {
  /** Which routes the same requests meet, those that ask for the same included. */
  readonly pairs: ReadonlyArray<readonly [Gate, Gate]>;
  readonly routes: readonly RouteChange[];
  readonly roles: readonly RoleChange[];
}

const UNNAMED_METHOD = 'OTHER';
const ALWAYS = ['GET', 'HEAD', 'OPTIONS', 'TRACE', UNNAMED_METHOD];

/** Throws SetupError where there is more than can be looked at. */
export function compareRules(before: Found, after: Found): RulesDifference {
  const paths = pathClasses([templatesOf(before), templatesOf(after)]);
  if (paths === null) throw new SetupError('these routes have more classes of paths than can be compared');
  const named = [before, after].flatMap(({ plain }) => [
    ...plain.file.routes.flatMap(({ match }) => match.hosts ?? []),
    ...(plain.file.oauth.hosts ?? []),
  ]);
  const unnamed = hostClasses([]).at(0)!;
  const methods = new Set([
    ...ALWAYS,
    ...[before, after].flatMap(({ plain }) => plain.file.routes.flatMap(({ match }) => match.methods ?? [])),
    'POST',
  ]);
  const met = new Map<string, { pair: readonly [Gate, Gate]; methods: Set<string>; hosts: Set<string> }>();
  for (const host of hostClasses(named)) {
    for (const path of paths) {
      for (const method of methods) {
        const pair = [gateOf(before, host, method, path), gateOf(after, host, method, path)] as const;
        const key = pair.map((gate) => gate?.id ?? '').join('\n');
        const known = met.get(key) ?? { pair, methods: new Set(), hosts: new Set() };
        known.methods.add(method);
        if (host !== unnamed) known.hosts.add(host);
        met.set(key, known);
      }
    }
  }
  const routes = [...met.values()].flatMap((each) => changeOf(each, before, after));
  return { pairs: [...met.values()].map(({ pair }) => pair), routes, roles: roleChanges(before, after) };
}

function templatesOf({ plain }: Found): TemplatesOfRules {
  const { file } = plain;
  const place = {
    prefix: file.oauth.prefix,
    publicPath: pathOf(file.gateway.publicUrl) ?? '',
    hosts: null,
    answerEdits: null,
  };
  const limits = { open: null, withToken: null };
  const own = ownRoutes(place, limits).map(({ segments }) => segments);
  const written = file.routes.flatMap(({ match }) => {
    const read = readTemplate(match.path);
    return read.ok ? [read.segments] : [];
  });
  return { templates: [...written, ...own], options: file.routing };
}

function gateOf({ compiled }: Found, host: string, method: string, path: readonly string[]): Gate {
  const match = compiled.routes.match(host, method, path);
  return match.kind === 'route' ? match.route : null;
}

function changeOf(
  { pair: [was, is], methods, hosts }: { pair: readonly [Gate, Gate]; methods: Set<string>; hosts: Set<string> },
  before: Found,
  after: Found,
): RouteChange[] {
  const parts = compareGates(was, is);
  const direction = joined(parts.map((each) => each.direction));
  if (direction === 'same') return [];
  const at = is === null ? positionOf(before, was!) : positionOf(after, is);
  return [{ before: was, after: is, methods: [...methods], hosts: [...hosts], direction, parts, at }];
}

function positionOf({ plain, notes }: Found, route: Route): FilePosition | null {
  const index = plain.file.routes.findIndex(({ id }) => id === route.id);
  return index === -1 ? null : notes.at(['routes', index, 'id']);
}

function roleChanges(before: Found, after: Found): RoleChange[] {
  const names = new Set([...before.policy.organizationRoles.keys(), ...after.policy.organizationRoles.keys()]);
  return [...names].flatMap((role) => {
    const [was, is] = [roleOf(before.policy, role), roleOf(after.policy, role)];
    const side = is === null ? before : after;
    const at = side.policyNotes.at(['organizationRoles', role]);
    const known = [...before.policy.scopes.keys(), ...after.policy.scopes.keys()];
    const [had, has] = [heldBy(was?.scopes ?? new Set(), known), heldBy(is?.scopes ?? new Set(), known)];
    const scopes = scopesChange(had, has);
    const rank = (workspaceRole: string | null) => ['admin', 'member', null].indexOf(workspaceRole);
    const [from, to] = [was?.workspaceRole ?? null, is?.workspaceRole ?? null];
    const place: PartChange | null =
      from === to
        ? null
        : {
            before: `${from ?? 'no role'} of every workspace`,
            after: `${to ?? 'no role'} of every workspace`,
            // What an organization role gives opens more.
            direction: rank(to) < rank(from) ? 'wider' : 'narrower',
          };
    return [scopes, place].filter((each) => each !== null).map((each) => ({ role, at, ...each }));
  });
}

function roleOf(policy: Policy, name: string) {
  return policy.organizationRoles.get(name) ?? null;
}

function heldBy(scopes: ScopeSet, known: readonly string[]): ReadonlySet<string> {
  return scopes === 'all' ? new Set(known) : scopes;
}

function scopesChange(had: ReadonlySet<string>, has: ReadonlySet<string>): PartChange | null {
  const direction = directionOfSets(had, has);
  if (direction === 'same') return null;
  const gone = [...had].filter((scope) => !has.has(scope));
  const come = [...has].filter((scope) => !had.has(scope));
  return { before: `scopes ${gone.join(' ') || '–'}`, after: `scopes ${come.join(' ') || '–'}`, direction };
}

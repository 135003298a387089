/**
 * Slips that somebody could make in a set of rules, one at a time, each of which lets through more than was meant or takes a
 * route away. Only makes them; whether a test notices is find-survivors.ts's to say.
 */
import type { Found } from '../config/load/check-gateway.ts';
import type { GatewayFile } from '../config/schema/gateway-schema.ts';
import type { PolicyFile } from '../config/schema/policy-schema.ts';
import type { FilePosition } from '../config/yaml/yaml-file.ts';
import type { Path } from '../config/yaml/yaml-tree.ts';

type RouteFile = GatewayFile['routes'][number];
type Require = NonNullable<RouteFile['require']>;

export interface RouteMutant {
  readonly kind: 'route';
  /** Which route, by its place in the list. */
  readonly index: number;
  /** null: it is gone. */
  readonly route: RouteFile | null;
  /** Goes on: no test notices when … */
  readonly missed: string;
  readonly at: FilePosition;
}

export interface PolicyMutant {
  readonly kind: 'policy';
  readonly policy: PolicyFile;
  readonly missed: string;
  /** Keys from the top of the policy. */
  readonly path: Path;
}

type Change = readonly [at: Path, missed: string, route: RouteFile | null];

/** Of every route, in the order of the files. */
export function routeMutants({ plain, notes }: Found): RouteMutant[] {
  return plain.file.routes.flatMap((route, index) =>
    changesOf(route, plain.policyFile).map(([at, missed, changed]) => ({
      ...{ kind: 'route' as const, index, missed, route: changed },
      at: notes.at(['routes', index, ...at]),
    })),
  );
}

function changesOf(route: RouteFile, policy: PolicyFile): Change[] {
  const { require: asks = {}, ...open } = route;
  const changes: Change[] = [[['id'], `the route ${route.id} is gone`, null], ...matchChanges(route)];
  if (route.allowFrom !== undefined)
    changes.push([['allowFrom'], 'clients may be anywhere', without(route, 'allowFrom')]);
  if (route.public === true) return changes;
  // An open route has no limits of tokens, and nothing to register by.
  const { register: _, unregister: __, limits: ___, ...bare } = open as RouteFile;
  changes.push([['require'], 'no token is asked for', { ...bare, public: true } as RouteFile]);
  const asking = (changed: Require) => ({ ...route, require: changed }) as RouteFile;
  for (const [at, missed, changed] of [...scopeChanges(asks, policy), ...placeChanges(asks)])
    changes.push([['require', ...at], missed, asking(changed)]);
  return changes;
}

type RequireChange = readonly [at: Path, missed: string, asks: Require];

function scopeChanges(asks: Require, policy: PolicyFile): RequireChange[] {
  const list = asks.scopes === undefined ? 'anyOf' : 'scopes';
  const named = asks[list] ?? [];
  const changes: RequireChange[] = [];
  const known = new Set(policy.scopes.map(({ name }) => name));
  for (const [index, scope] of named.entries()) {
    const others = named.filter((other) => other !== scope);
    if (list === 'scopes') {
      const dropped = others.length === 0 ? without(asks, list) : { ...asks, scopes: others };
      changes.push([[list, index], `${scope} is not asked for`, dropped]);
    }
    const read = scope.replace(/:write$/, ':read');
    if (read !== scope && known.has(read) && !named.includes(read))
      changes.push([[list, index], `${read} suffices instead of ${scope}`, { ...asks, [list]: [...others, read] }]);
  }
  if (list === 'anyOf' && named.length > 0)
    changes.push([[list], `none of ${named.join(', ')} is asked for`, without(asks, list)]);
  if (asks.apiVersion !== undefined)
    changes.push([['apiVersion'], 'no API version is asked for', without(asks, 'apiVersion')]);
  return changes;
}

function placeChanges(asks: Require): RequireChange[] {
  const { workspace, resource, environment } = asks;
  const changes: RequireChange[] = [];
  if (workspace !== undefined) {
    const dropped = without(without(asks, 'workspace'), 'resource');
    changes.push([['workspace'], 'the workspace is not checked', dropped]);
    if (workspace.role === 'admin') {
      const lower = { ...asks, workspace: { ...workspace, role: 'member' as const } };
      changes.push([['workspace', 'role'], 'a member of the workspace suffices instead of an admin', lower as Require]);
    }
  }
  if (environment !== undefined) {
    const missed = environment === 'all' ? 'a token for some environments suffices' : 'the environment is not checked';
    changes.push([['environment'], missed, without(asks, 'environment')]);
  }
  if (resource !== undefined) {
    changes.push([['resource'], `it need not be the caller's ${resource.type}`, without(asks, 'resource')]);
    if (resource.relation === 'owner') {
      const wider = { ...asks, resource: { ...resource, relation: 'collaborator' as const } };
      changes.push([['resource', 'relation'], 'a collaborator suffices instead of the owner', wider]);
    }
  }
  return changes;
}

function matchChanges(route: RouteFile): Change[] {
  const { match } = route;
  const changes: Change[] = [];
  if (match.methods !== undefined)
    changes.push([['match', 'methods'], 'every method is let through', { ...route, match: without(match, 'methods') }]);
  const segments = match.path.split('/');
  const last = segments.findLastIndex((text) => /^[^{}*]+$/.test(text));
  if (last !== -1) {
    const path = segments.with(last, '{anything}').join('/');
    const missed = `anything may stand for "${segments[last]}" (${path})`;
    changes.push([['match', 'path'], missed, { ...route, match: { ...match, path } }]);
  }
  return changes;
}

/** Of what a policy says about roles and kinds. */
export function policyMutants(policy: PolicyFile): PolicyMutant[] {
  return [
    ...Object.keys(policy.organizationRoles).flatMap((name) => roleMutants(policy, name)),
    ...Object.keys(policy.kinds).flatMap((name) => kindMutants(policy, name)),
  ];
}

function roleMutants(policy: PolicyFile, name: string): PolicyMutant[] {
  const role = policy.organizationRoles[name]!;
  const mutant = (key: string, missed: string, changed: Partial<typeof role>): PolicyMutant => ({
    ...{ kind: 'policy', missed, path: ['organizationRoles', name, key] },
    policy: { ...policy, organizationRoles: { ...policy.organizationRoles, [name]: { ...role, ...changed } } },
  });
  return [
    ...(role.scopes === 'all' ? [] : [mutant('scopes', `the role ${name} holds every scope`, { scopes: 'all' })]),
    ...(role.workspaceRole === 'admin'
      ? []
      : [mutant('workspaceRole', `the role ${name} is admin of every workspace`, { workspaceRole: 'admin' })]),
  ];
}

type Kind = PolicyFile['kinds'][string];

function kindMutants(policy: PolicyFile, name: string): PolicyMutant[] {
  const kind = policy.kinds[name]!;
  const { expiry } = kind;
  const mutant = (at: Path, missed: string, changed: Partial<Kind>): PolicyMutant => ({
    ...{ kind: 'policy', missed: `${name} tokens ${missed}`, path: ['kinds', name, ...at] },
    policy: { ...policy, kinds: { ...policy.kinds, [name]: { ...kind, ...changed } } },
  });
  const ends = (key: string, missed: string, changed: Partial<Kind['expiry']>) =>
    mutant(['expiry', key], missed, { expiry: { ...expiry, ...changed } });
  const when = (isSo: boolean, make: () => PolicyMutant) => (isSo ? [make()] : []);
  return [
    ...when(kind.scopes === 'required' && kind.authority === 'live', () =>
      mutant(['scopes'], 'need no scopes', { scopes: 'optional' }),
    ),
    ...when(kind.workspaces === 'required', () =>
      mutant(['workspaces'], 'need no workspaces', { workspaces: 'optional' }),
    ),
    ...when(kind.contact === 'required', () => mutant(['contact'], 'need no contact', { contact: 'optional' })),
    ...when(kind.holders !== undefined, () =>
      mutant(['holders'], 'may be held by every role', { holders: Object.keys(policy.organizationRoles) }),
    ),
    ...when(expiry.required, () => ends('required', 'need no end', { required: false })),
    ...when(!expiry.never, () => ends('never', 'may live for ever', { never: true })),
    ...when(expiry.maxDays !== undefined, () => ends('maxDays', 'may live longer', { maxDays: 36_500 })),
    ...when((expiry.minDays ?? 0) > 0, () => ends('minDays', 'may live shorter', { minDays: 0 })),
    ...kind.selectable.flatMap((rule, index) =>
      // In edition personal only the owner of a workspace makes tokens for it, whatever the rule says.
      when(rule.listed !== 'organization' && rule.editions?.join() !== 'personal', () =>
        mutant(['selectable', index], 'may list every workspace of the organization', {
          selectable: kind.selectable.with(index, { ...rule, listed: 'organization' }),
        }),
      ),
    ),
  ];
}

function without<T extends object>(from: T, key: keyof T): T {
  const { [key]: _, ...rest } = from;
  return rest as T;
}

/**
 * The routes in force as people see them, in the order in which they are tried: what each takes and asks for, as it was
 * compiled, in the words of gateway.yaml. Judges no request.
 */
import type { Configuration } from '../config/load/configuration.ts';
import type { CredentialSources } from '../core/credential.ts';
import type { Route } from '../core/route.ts';
import { Type } from '../schema-type.ts';
import type { Shaped } from './route.ts';
import { Nullable } from './schemas.ts';

const places = Type.Array(Type.String(), { description: 'where it stands in a request, such as path.workspace' });

const AskedOfRoute = Type.Object({
  scopes: Nullable(Type.Object({ names: Type.Array(Type.String()), match: Type.Enum(['all', 'any']) })),
  workspace: Nullable(
    Type.Object({ from: places, as: Type.String(), type: Nullable(Type.String()), role: Type.String() }),
  ),
  environment: Nullable(
    Type.Array(Type.String(), { description: 'where it stands in a request; all: it may touch any' }),
  ),
  resource: Nullable(Type.Object({ type: Type.String(), from: places, relation: Type.String() })),
  apiVersions: Nullable(Type.Array(Type.String())),
});

const place = { file: Type.String(), line: Type.Integer(), column: Type.Integer() };

export const RouteFinding = Type.Object({
  code: Type.String({ description: 'see docs/lint.md' }),
  severity: Type.Enum(['error', 'warning', 'note']),
  message: Type.String(),
  ...place,
});

export const RouteEntry = Type.Object(
  {
    order: Type.Integer({
      description: 'in which it is tried, from 1: hosts first, then paths, whatever their order in the file',
    }),
    id: Type.String(),
    methods: Nullable(Type.Array(Type.String(), { description: 'null: all that no other route of this path names' })),
    hosts: Nullable(Type.Array(Type.String(), { description: 'null: every host that no route names' })),
    path: Type.String(),
    asks: Nullable(AskedOfRoute),
    credentials: Type.Array(Type.String(), { description: 'how the token may be sent' }),
    limits: Type.Array(
      Type.Object({
        name: Type.String(),
        requests: Type.Integer(),
        windowSeconds: Type.Integer(),
        per: Type.Array(Type.String()),
      }),
    ),
    upstream: Nullable(Type.String({ description: 'null: the gateway answers itself' })),
    place: Nullable(Type.Object(place)),
    requests: Nullable(Type.Integer({ description: 'since countedSince; null: nobody could be asked' })),
    refused: Nullable(Type.Integer({ description: 'of the requests' })),
    findings: Type.Array(RouteFinding),
  },
  { title: 'Route', description: 'asks null: it is public' },
);

type Entry = Shaped<typeof RouteEntry>;
/** What is known of a route without its files and its traffic. */
export type BareRoute = Omit<Entry, 'place' | 'requests' | 'refused' | 'findings'>;

type RouteFile = Configuration['file']['routes'][number];

export function bareRoutes({ routes, file }: Pick<Configuration, 'routes' | 'file'>): readonly BareRoute[] {
  const written = new Map(file.routes.map((route) => [route.id as string, route]));
  return routes.inOrder().map((route, index) => bareRoute(route, written.get(route.id), index + 1));
}

/** `written`: undefined: it is the gateway's own. */
function bareRoute(route: Route, written: RouteFile | undefined, order: number): BareRoute {
  return {
    order,
    id: route.id,
    methods: route.methods ?? null,
    hosts: route.hosts,
    path: route.template,
    asks: route.requirement === null ? null : askedOfRoute(route.requirement, written?.require),
    credentials: route.requirement === null ? [] : credentialNames(route.credentials),
    limits: (route.limits?.limits ?? []).map(({ name, requests, windowMs, per }) => ({
      ...{ name, requests, windowSeconds: windowMs / 1000, per },
    })),
    upstream: route.endpoint === undefined ? route.upstream : null,
  };
}

function askedOfRoute(
  { scopes, apiVersions }: NonNullable<Route['requirement']>,
  require: RouteFile['require'],
): NonNullable<BareRoute['asks']> {
  const { workspace, environment, resource } = require ?? {};
  const all = (from: string | readonly string[]) => [from].flat();
  return {
    scopes: scopes === null ? null : { names: scopes.named, match: scopes.all ? 'all' : 'any' },
    workspace:
      workspace === undefined
        ? null
        : { from: all(workspace.from), as: workspace.as, type: workspace.type ?? null, role: workspace.role },
    environment: environment === undefined ? null : environment === 'all' ? ['all'] : all(environment.from),
    resource:
      resource === undefined ? null : { type: resource.type, from: all(resource.from), relation: resource.relation },
    apiVersions: apiVersions === null ? null : [...apiVersions],
  };
}

/** As gateway.yaml names them. */
function credentialNames({ bearer, raw, basic, headers, queries }: CredentialSources): readonly string[] {
  return [
    ...(bearer ? ['bearer'] : []),
    ...(raw ? ['raw'] : []),
    ...(basic === null ? [] : ['basic']),
    ...headers.map(({ name }) => `header.${name}`),
    ...queries.map(({ name }) => `query.${name}`),
  ];
}

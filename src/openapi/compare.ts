/** What the routes of a gateway and the operations of an OpenAPI document do not agree on. Changes neither. */
import type { Found } from '../config/load/check-gateway.ts';
import type { FilePosition } from '../config/yaml/yaml-file.ts';
import type { RoutingOptions } from '../core/path-table.ts';
import { readTemplate } from '../core/template.ts';
import type { ApiRoute, ApiRoutes } from './routes.ts';
import { shapeOf } from './routes.ts';

type RouteFile = Found['plain']['file']['routes'][number];

interface Compared {
  readonly route: ApiRoute;
  /** The id of the route that takes the requests of the operation. */
  readonly by: string;
  /** What that route asks for, and what the document does. */
  readonly asks: string;
  readonly document: string;
  /** Where the route says so. */
  readonly at: FilePosition;
}

export interface RouteComparison {
  /** No route has the path and the method of the operation. */
  readonly missing: readonly ApiRoute[];
  /** Some has, and asks for something else. */
  readonly different: readonly Compared[];
  /** The ids of routes that have the path and a method of an operation. */
  readonly reached: ReadonlySet<string>;
}

/** Of each route, by its place in the list: what finds it by method and path. */
function routesByShape(routes: readonly RouteFile[], routing: RoutingOptions): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [index, { match }] of routes.entries()) {
    const shape = shapeOf(readTemplate(match.path), routing);
    for (const method of match.methods ?? ['*'])
      if (!found.has(`${method} ${shape}`)) found.set(`${method} ${shape}`, index);
  }
  return found;
}

export function compareRoutes(
  { routes }: ApiRoutes,
  { plain, notes }: Pick<Found, 'plain' | 'notes'>,
): RouteComparison {
  const { routes: files, routing } = plain.file;
  const byShape = routesByShape(files, routing);
  const missing: ApiRoute[] = [];
  const different: Compared[] = [];
  const reached = new Set<string>();
  for (const route of routes) {
    const shape = shapeOf(readTemplate(route.path), routing);
    const index = byShape.get(`${route.method} ${shape}`) ?? byShape.get(`* ${shape}`);
    if (index !== undefined) reached.add(files[index]!.id);
    if (index === undefined) missing.push(route);
    else if (!agree(files[index]!, route))
      different.push({
        ...{ route, by: files[index]!.id, asks: askedByFile(files[index]!), document: askedByRoute(route) },
        at: notes.at(['routes', index, ...placeOf(files[index]!)]),
      });
  }
  return { missing, different, reached };
}

/** Where a document names no scopes, asking for some is nobody's mistake: it cannot name those of a policy. */
export function agree(file: RouteFile, { require, operation }: ApiRoute): boolean {
  if (operation.asked.kind === 'unsaid') return true;
  if (require === null || file.public === true) return require === null && file.public === true;
  if (require.scopes.length === 0) return true;
  const named = file.require?.scopes ?? file.require?.anyOf ?? [];
  const isSameWay = named.length < 2 || (file.require?.anyOf === undefined) === (require.key === 'scopes');
  return isSameWay && named.toSorted().join() === require.scopes.toSorted().join();
}

function placeOf({ require, public: isPublic }: RouteFile): readonly string[] {
  if (isPublic === true) return ['public'];
  if (require?.scopes !== undefined) return ['require', 'scopes'];
  return require?.anyOf === undefined ? ['id'] : ['require', 'anyOf'];
}

export function askedByFile({ public: isPublic, require }: RouteFile): string {
  if (isPublic === true) return 'no token';
  return inWords(require?.anyOf === undefined ? 'scopes' : 'anyOf', require?.scopes ?? require?.anyOf ?? []);
}

export function askedByRoute({ require }: ApiRoute): string {
  return require === null ? 'no token' : inWords(require.key, require.scopes);
}

function inWords(key: 'scopes' | 'anyOf', scopes: readonly string[]): string {
  return scopes.length === 0 ? 'any token' : scopes.join(key === 'scopes' ? ' and ' : ' or ');
}

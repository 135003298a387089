/** Where the routes and an OpenAPI document do not agree: SG101 to SG103, SG109. */
import type { RouteTable } from '../core/route-table.ts';
import { readTemplate } from '../core/template.ts';
import { agree, askedByFile, askedByRoute, compareRoutes } from '../openapi/compare.ts';
import type { ApiDocument } from '../openapi/document.ts';
import { type ApiRoute, routesOfDocument } from '../openapi/routes.ts';
import type { Remark, Subject } from './finding.ts';

/** Stands where a parameter is; nobody writes it into a template. */
const ANY = '~any~';

export function remarksOnDocument({ found }: Subject, document: ApiDocument): Remark[] {
  const { plain, compiled, notes } = found;
  const { routes, routing } = plain.file;
  const made = routesOfDocument(document, { publicOk: true, routing });
  const { missing, different, reached } = compareRoutes(made, found);
  const remarks: Remark[] = different.map(({ by, asks, document: wanted, at, route }) => ({
    code: 'SG103',
    at,
    message: `the route "${by}" asks for ${asks}, ${route.operation.at.file} for ${wanted}`,
    route: by,
  }));
  const hit = new Set(reached);
  for (const route of missing) {
    const by = takenBy(compiled.routes, route);
    const index = routes.findIndex(({ id }) => id === by);
    if (index === -1)
      remarks.push({ code: 'SG101', at: route.operation.at, message: `no route takes ${route.method} ${route.path}` });
    else {
      hit.add(by!);
      if (!agree(routes[index]!, route))
        remarks.push({
          code: 'SG109',
          at: notes.at(['routes', index, 'match', 'path']),
          message: `the route "${by}" takes ${route.method} ${route.path} and asks for ${askedByFile(routes[index]!)}, ${document.name} for ${askedByRoute(route)}`,
          route: by!,
        });
    }
  }
  for (const { method, path, at, why } of made.leftOut) {
    const by = readTemplate(path).ok ? takenBy(compiled.routes, { method, path }) : null;
    if (by === null) remarks.push({ code: 'SG101', at, message: `no route takes ${method} ${path} (${why})` });
    else hit.add(by);
  }
  for (const [index, { id }] of routes.entries())
    if (!hit.has(id))
      remarks.push({
        code: 'SG102',
        at: notes.at(['routes', index, 'id']),
        message: `${document.name} has no operation that the route "${id}" takes`,
        route: id,
      });
  return remarks;
}

/** The id of the route that takes its requests; null: none does. */
function takenBy(table: RouteTable, { method, path }: Pick<ApiRoute, 'method' | 'path'>): string | null {
  const template = readTemplate(path);
  if (!template.ok) return null;
  const segments = template.segments.map((segment) => (segment.kind === 'literal' ? segment.text : ANY));
  const match = table.match('localhost', method, segments);
  return match.kind === 'route' ? match.route.id : null;
}

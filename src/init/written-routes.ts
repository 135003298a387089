/** Routes that were made of an OpenAPI document, as text of gateway.yaml. Decides nothing about them. */
import type { ApiRoute, LeftOut } from '../openapi/routes.ts';
import { comment, flow } from './written-yaml.ts';

/** As an item of the list `routes`, of which every line but the first is indented by two. `upstream`: null: there are none. */
export function routeText(route: ApiRoute, upstream: string | null): string {
  const { id, method, path, require, notes } = route;
  const { workspace, resource, limits } = route.extension;
  const scopes = require === null || require.scopes.length === 0 ? {} : { [require.key]: require.scopes };
  const asked = {
    ...scopes,
    ...(workspace !== undefined && { workspace }),
    ...(resource !== undefined && { resource }),
  };
  return [
    ...notes.map(comment),
    `- id: ${flow(id)}`,
    `  match: { methods: [${flow(method)}], path: ${flow(path)} }`,
    ...(require === null ? ['  public: true'] : Object.keys(asked).length === 0 ? [] : [`  require: ${flow(asked)}`]),
    ...(limits === undefined ? [] : [`  limits: ${flow(limits)}`]),
    ...(upstream === null ? [] : [`  upstream: ${flow(upstream)}`]),
    '',
  ].join('\n');
}

/** So that whoever reads the file knows of them. */
export function leftOutText(leftOut: readonly LeftOut[], document: string): string {
  if (leftOut.length === 0) return '';
  const lines = leftOut.map(({ method, path, why }) => comment(`  ${method} ${path}: ${why}`));
  return `${comment(`Of ${document} without a route, and so refused:`)}\n${lines.join('\n')}\n`;
}

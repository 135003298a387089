/** What is wrong with one route by itself, or beside the others of its file: SG104 to SG106, SG110, SG111. */
import { readTemplate } from '../core/template.ts';
import type { Remark, RouteFile, Subject } from './finding.ts';

/** RFC 9110 section 9.2.1, WebDAV and QUERY: they change nothing. */
const READING = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY', 'SEARCH', 'PROPFIND', 'REPORT']);

export function remarksOnRoutes({ found }: Subject): Remark[] {
  const { notes, plain } = found;
  const named = namedWorkspaces(plain.file.routes);
  return plain.file.routes.flatMap((route, index) => {
    const at = (...steps: readonly string[]) => notes.at(['routes', index, ...steps]);
    const scopes = scopesOfRoute(route);
    const writes = writingMethods(route);
    const remarks: Remark[] = [];
    const note = (code: Remark['code'], place: Remark['at'], message: string) =>
      remarks.push({ code, at: place, message, route: route.id });
    if (route.public === true) {
      if (writes !== null) note('SG106', at('public'), `the public route "${route.id}" takes ${writes}`);
      return remarks;
    }
    if (scopes === null) note('SG105', at('id'), `the route "${route.id}" opens for any valid token`);
    else if (writes !== null && isReadAlone(route))
      note(
        'SG104',
        at('require', scopes.key),
        `the route "${route.id}" takes ${writes} from tokens with ${scopes.names.join(', ')}`,
      );
    const asked = route.require?.workspace;
    const parameters = parametersOf(route.match.path);
    if (asked === undefined) {
      const parameter = parameters.find((name) => named.has(name));
      if (parameter !== undefined)
        note(
          'SG111',
          at('match', 'path'),
          `the route "${route.id}" asks for no workspace, while the route "${named.get(parameter)}" takes it from path.${parameter}`,
        );
      return remarks;
    }
    const elsewhere = [asked.from].flat().filter((from) => /^(?:query|header)\./.test(from));
    const inPath = parameters.find(
      (name) => elsewhere.some((from) => isSameName(from, name)) || isWord(asked.as, name),
    );
    if (elsewhere.length > 0 && elsewhere.length === [asked.from].flat().length && inPath !== undefined)
      note(
        'SG110',
        at('require', 'workspace', 'from'),
        `the route "${route.id}" takes its ${asked.as} from ${elsewhere.join(' and ')}, while its path has {${inPath}}`,
      );
    return remarks;
  });
}

/** null: it asks for none. */
export function scopesOfRoute({ require }: RouteFile): { key: 'scopes' | 'anyOf'; names: readonly string[] } | null {
  if (require?.scopes !== undefined) return { key: 'scopes', names: require.scopes };
  return require?.anyOf === undefined ? null : { key: 'anyOf', names: require.anyOf };
}

/** In words; null: it takes none that writes. */
function writingMethods({ match }: RouteFile): string | null {
  if (match.methods === undefined) return 'every method';
  const writing = match.methods.filter((method) => !READING.has(method));
  return writing.length === 0 ? null : writing.join(', ');
}

/** Is there a token with read scopes alone that opens it? */
function isReadAlone({ require }: RouteFile): boolean {
  const isRead = (scope: string) => /[:.]read$/.test(scope);
  return require?.scopes?.every(isRead) ?? require?.anyOf?.some(isRead) ?? false;
}

/** Parameters from which routes take the workspace, each with one of those routes. */
function namedWorkspaces(routes: readonly RouteFile[]): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  for (const { id, require } of routes) {
    if (require?.workspace === undefined || require.workspace.as === 'resource') continue;
    for (const from of [require.workspace.from].flat())
      if (from.startsWith('path.') && !named.has(from.slice(5))) named.set(from.slice(5), id);
  }
  return named;
}

function parametersOf(path: string): readonly string[] {
  const template = readTemplate(path);
  return template.ok ? [...template.parameters.keys()] : [];
}

const folded = (name: string) =>
  name
    .toLowerCase()
    .replace(/^x-/, '')
    .replace(/[^a-z0-9]/g, '');

/** `query.workspace_id`, `header.X-Workspace-Id` and `{workspaceId}`. */
function isSameName(from: string, parameter: string): boolean {
  return folded(from.slice(from.indexOf('.') + 1)) === folded(parameter);
}

/** `{workspace}`, `{workspaceId}`, `{environment_id}`. */
function isWord(as: string, parameter: string): boolean {
  return as !== 'resource' && folded(parameter).replace(/id$/, '') === as;
}

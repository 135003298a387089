/**
 * The operations of an OpenAPI document: which requests each of them takes, behind the path of its server, and what it asks
 * for. Callbacks and webhooks are requests that the API sends, and none of them.
 */
import { isMapping, type Mapping } from '../config/yaml/bare-copy.ts';
import type { FilePosition } from '../config/yaml/yaml-file.ts';
import { type ApiDocument, resolved } from './document.ts';
import { askedBy, type SecurityAsked } from './security.ts';

export interface ApiOperation {
  /** In capitals. */
  readonly method: string;
  /** As clients ask for it: behind the path of the server. */
  readonly path: string;
  /** null: it has none. */
  readonly operationId: string | null;
  readonly deprecated: boolean;
  readonly asked: SecurityAsked;
  /** The origin of its server, where that is another than the document's first. */
  readonly elsewhere: string | null;
  /** What the document says for us alone. */
  readonly extension: Mapping;
  readonly at: FilePosition;
}

export interface ApiServer {
  /** null: where the document itself comes from. */
  readonly origin: string | null;
  /** Without a slash at its end. */
  readonly basePath: string;
}

const METHODS_2 = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];
const METHODS_3 = [...METHODS_2, 'trace', 'query'];
const EXTENSION = 'x-scopegate';

export function apiOperations(document: ApiDocument): ApiOperation[] {
  const paths = document.data.paths;
  const main = apiServer(document);
  return Object.entries(isMapping(paths) ? paths : {}).flatMap(([path, referred]) => {
    const item = path.startsWith('/') ? resolved(document, referred) : undefined;
    if (!isMapping(item)) return [];
    return methodsOf(document, item).map(([key, method, operation]) => {
      const servers = operation.servers ?? item.servers;
      const server = servers === undefined ? main : serverOf(servers);
      return {
        method,
        path: `${server.basePath}${path}`,
        operationId: typeof operation.operationId === 'string' ? operation.operationId : null,
        deprecated: operation.deprecated === true,
        asked: askedBy(document, operation.security),
        elsewhere: server.origin === main.origin ? null : server.origin,
        extension: isMapping(operation[EXTENSION]) ? operation[EXTENSION] : {},
        at: document.at(path, key),
      };
    });
  });
}

/** Each with its key, and the method in capitals. */
function methodsOf({ major }: ApiDocument, item: Mapping): Array<readonly [string, string, Mapping]> {
  const more = isMapping(item.additionalOperations) ? Object.entries(item.additionalOperations) : [];
  const fixed = (major === 2 ? METHODS_2 : METHODS_3).map((key) => [key, item[key]] as const);
  return [
    ...fixed.map(([key, operation]) => [key, key.toUpperCase(), operation] as const),
    ...more.map(([method, operation]) => ['additionalOperations', method, operation] as const),
  ].flatMap(([key, method, operation]) => (isMapping(operation) ? [[key, method, operation] as const] : []));
}

/** The first server of the document. */
export function apiServer({ data, major }: ApiDocument): ApiServer {
  if (major === 3) return serverOf(data.servers);
  const scheme =
    Array.isArray(data.schemes) && data.schemes.includes('http') && !data.schemes.includes('https') ? 'http' : 'https';
  const origin = typeof data.host === 'string' ? `${scheme}://${data.host}` : null;
  return { origin, basePath: trimmed(typeof data.basePath === 'string' ? data.basePath : '') };
}

function serverOf(servers: unknown): ApiServer {
  const [first] = Array.isArray(servers) ? (servers as unknown[]) : [];
  if (!isMapping(first) || typeof first.url !== 'string') return { origin: null, basePath: '' };
  const variables = isMapping(first.variables) ? first.variables : {};
  const url = first.url.replace(/\{([^}]*)\}/g, (whole, name: string) => {
    const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
    return isMapping(variable) && variable.default !== undefined ? String(variable.default) : whole;
  });
  const absolute = /^(https?:\/\/[^/?#]*)([^?#]*)/i.exec(url);
  if (absolute === null) return { origin: null, basePath: trimmed(url.replace(/^\.?\/?/, '/').replace(/[?#].*$/, '')) };
  return { origin: absolute[1]!.toLowerCase(), basePath: trimmed(absolute[2]!) };
}

function trimmed(path: string): string {
  return path.replace(/\/+$/, '');
}

/**
 * One route for each operation of an OpenAPI document, and a list of those that can have none, with the reason. A route
 * never takes a request, nor asks for less, than its operation says.
 */
import { METHODS } from 'node:http';
import type { Mapping } from '../config/yaml/bare-copy.ts';
import type { FilePosition } from '../config/yaml/yaml-file.ts';
import type { RoutingOptions } from '../core/path-table.ts';
import { readTemplate, type Template } from '../core/template.ts';
import type { ApiDocument } from './document.ts';
import { type ApiOperation, apiOperations } from './operations.ts';
import { scopeNames } from './scope-names.ts';

export interface ApiRoute {
  readonly id: string;
  readonly method: string;
  /** With names of parameters that a route may have. */
  readonly path: string;
  /** null: public. */
  readonly require: { readonly key: 'scopes' | 'anyOf'; readonly scopes: readonly string[] } | null;
  /** For whoever reads the file. */
  readonly notes: readonly string[];
  readonly extension: Mapping;
  readonly operation: ApiOperation;
}

export interface LeftOut {
  readonly method: string;
  readonly path: string;
  readonly at: FilePosition;
  readonly why: string;
}

export interface ApiRoutes {
  readonly routes: readonly ApiRoute[];
  readonly leftOut: readonly LeftOut[];
  /** Those that are asked for, by the name in the document. */
  readonly scopes: ReadonlyMap<string, string>;
}

interface RouteChoices {
  /** Operations that ask for nothing become public routes. */
  readonly publicOk: boolean;
  readonly routing: RoutingOptions;
}

const ID_MAX = 128;

export function routesOfDocument(document: ApiDocument, { publicOk, routing }: RouteChoices): ApiRoutes {
  const operations = apiOperations(document);
  const scopes = scopeNames(operations.flatMap(({ asked }) => (asked.kind === 'token' ? asked.scopes : [])));
  const names = new ParameterNames();
  const ids = new Set<string>();
  const taken = new Map<string, string>();
  const leftOut: LeftOut[] = [];
  const routes = operations.flatMap((operation) => {
    const { method, at } = operation;
    const path = names.rename(operation.path);
    const template = readTemplate(path);
    const key = `${method} ${shapeOf(template, routing)}`;
    const why = reasonToLeaveOut(operation, template, publicOk) ?? twin(taken.get(key));
    if (why !== null) {
      leftOut.push({ method, path: operation.path, at, why });
      return [];
    }
    taken.set(key, operation.path);
    const id = newId(operation, ids);
    return [{ id, method, path, ...requirementOf(operation, scopes), extension: operation.extension, operation }];
  });
  return { routes, leftOut, scopes };
}

/** null: it can have a route. */
function reasonToLeaveOut(
  { method, asked, elsewhere }: ApiOperation,
  template: Template,
  publicOk: boolean,
): string | null {
  if (!METHODS.includes(method) || method === 'TRACE' || method === 'CONNECT')
    return `the gateway forwards no ${method}`;
  if (!template.ok) return template.problem;
  if (elsewhere !== null) return `it is served at ${elsewhere}: it needs an upstream of its own`;
  if (asked.kind === 'inexpressible')
    return `a route can ask for all of some scopes or for one of them, not for ${asked.text}`;
  if (asked.kind === 'public' && !publicOk) return 'the document asks for no token; --public-ok makes it public';
  return null;
}

function twin(path: string | undefined): string | null {
  return path === undefined ? null : `its requests cannot be told from those of ${path}`;
}

function requirementOf(
  { asked, deprecated }: ApiOperation,
  scopes: ReadonlyMap<string, string>,
): Pick<ApiRoute, 'require' | 'notes'> {
  const notes = deprecated ? ['deprecated'] : [];
  if (asked.kind === 'public') return { require: null, notes: [...notes, 'the document asks for no token'] };
  if (asked.kind !== 'token')
    return {
      require: { key: 'scopes', scopes: [] },
      notes: [...notes, 'the document says nothing of security: any valid token'],
    };
  const names = asked.scopes.map((scope) => scopes.get(scope)!);
  return { require: { key: asked.key, scopes: names }, notes: [...notes, ...asked.notes] };
}

/** The same for two templates that take the same requests. */
export function shapeOf(template: Template, { caseSensitive, ignoreTrailingSlash }: RoutingOptions): string {
  if (!template.ok) return '';
  const texts = template.segments.map((segment) => {
    if (segment.kind !== 'literal') return segment.kind === 'rest' ? '**' : '{}';
    return encodeURIComponent(caseSensitive ? segment.text : segment.text.toLowerCase());
  });
  if (ignoreTrailingSlash && texts.length > 1 && texts.at(-1) === '') texts.pop();
  return `/${texts.join('/')}`;
}

function newId({ operationId, method, path }: ApiOperation, ids: Set<string>): string {
  const made = `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+/g, '-')}`.replace(/-$/, '').slice(0, ID_MAX - 4);
  const fits = operationId !== null && /^[^\x00-\x1f\x7f]{1,128}$/.test(operationId);
  let id = fits ? operationId : made;
  for (let count = 2; ids.has(id); count++) id = count === 2 && !ids.has(made) ? made : `${made}-${count}`;
  ids.add(id);
  return id;
}

/** At one place of the paths a parameter has one name, the first that is used there, and one that a route may have. */
class ParameterNames {
  readonly #byPlace = new Map<string, string>();

  rename(path: string): string {
    const used = new Set<string>();
    let place = '';
    return path
      .split('/')
      .map((segment) => {
        const named = /^\{([^{}]+)\}$/.exec(segment)?.[1];
        place += `/${named === undefined ? segment : '{}'}`;
        if (named === undefined) return segment;
        const first = this.#byPlace.get(place) ?? named.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[0-9])/, '_');
        if (!this.#byPlace.has(place)) this.#byPlace.set(place, first);
        let name = first;
        for (let count = 2; used.has(name); count++) name = `${first}_${count}`;
        used.add(name);
        return `{${name}}`;
      })
      .join('/');
  }
}

/**
 * Step 2 of a request, second half: path, then method, to one route, among the routes of one host. Templates are compared
 * segment by segment from the left, literal before `{x}` before `/**`, whatever their order in the file; only the winning
 * template's routes are tried by method, never a wider one. Compiled once and frozen; a look-up costs the path's length,
 * not the number of routes.
 */
import type { Route, TemplateSegment } from './route.ts';

interface Matched {
  readonly kind: 'route';
  readonly route: Route;
}
interface WrongMethod {
  readonly kind: 'method';
  /** For the Allow header. */
  readonly allow: readonly string[];
}
export type Match = Matched | WrongMethod | { readonly kind: 'none' };

export interface RoutingOptions {
  readonly caseSensitive: boolean;
  readonly ignoreTrailingSlash: boolean;
}

interface Leaf {
  readonly template: string;
  readonly byMethod: Map<string, Matched>;
  rest: Matched | undefined;
  wrongMethod: WrongMethod;
}

interface Node {
  readonly literals: Map<string, Node>;
  first: Node | undefined;
  firstText: string;
  parameter: Node | undefined;
  leaf: Leaf | undefined;
  restLeaf: Leaf | undefined;
}

const NO_ROUTE: Match = Object.freeze({ kind: 'none' });
/** Never served by a route without `methods`: TRACE would echo the token (RFC 9110 section 9.3.8). */
const NEVER_IMPLIED = new Set(['TRACE', 'CONNECT']);
/** What `Allow` says of a route without `methods`; it serves others too, but there is no end to those. */
const USUALLY_IMPLIED = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

export class PathTable {
  readonly #root = newNode();
  readonly #options: RoutingOptions;

  constructor(options: RoutingOptions) {
    this.#options = options;
  }

  /**
   * Add a route. Returns the id of the route already answering for the same template and a same method, or
   * undefined when the route is in.
   */
  add(route: Route, segments: readonly TemplateSegment[]): string | undefined {
    let node = this.#root;
    for (const segment of this.#trimmed(segments)) {
      if (segment.kind === 'rest') {
        node.restLeaf ??= newLeaf(route.template);
        return place(node.restLeaf, route);
      }
      node = segment.kind === 'parameter' ? parameterOf(node) : this.#literal(node, segment.text);
    }
    node.leaf ??= newLeaf(route.template);
    return place(node.leaf, route);
  }

  match(method: string, segments: readonly string[]): Match {
    const last = segments.length - 1;
    const length = this.#options.ignoreTrailingSlash && last > 0 && segments[last] === '' ? last : last + 1;
    const leaf = this.#find(this.#root, segments, length, 0);
    if (leaf === undefined) return NO_ROUTE;
    const matched = leaf.byMethod.get(method) ?? (NEVER_IMPLIED.has(method) ? undefined : leaf.rest);
    return matched ?? leaf.wrongMethod;
  }

  /** Every route once for each of its templates here, those of one template together, in the order in which a path is tried. */
  inOrder(): Generator<Route> {
    return routesBelow(this.#root);
  }

  #find(node: Node, segments: readonly string[], length: number, depth: number): Leaf | undefined {
    if (depth === length) return node.leaf ?? node.restLeaf;
    const text = segments[depth]!;
    const literal = this.#child(node, this.#options.caseSensitive ? text : text.toLowerCase());
    const deeper = literal === undefined ? undefined : this.#find(literal, segments, length, depth + 1);
    if (deeper !== undefined) return deeper;
    if (node.parameter !== undefined && text !== '') {
      const found = this.#find(node.parameter, segments, length, depth + 1);
      if (found !== undefined) return found;
    }
    return node.restLeaf;
  }

  /** Most nodes have one child, and comparing with it is cheaper than hashing a text fresh from the wire. */
  #child(node: Node, text: string): Node | undefined {
    if (node.first !== undefined && node.firstText === text) return node.first;
    return node.literals.size > 1 ? node.literals.get(text) : undefined;
  }

  #literal(node: Node, text: string): Node {
    const key = this.#options.caseSensitive ? text : text.toLowerCase();
    let child = node.literals.get(key);
    if (child === undefined) {
      child = newNode();
      node.literals.set(key, child);
      if (node.first === undefined) {
        node.first = child;
        node.firstText = key;
      }
    }
    return child;
  }

  #trimmed(segments: readonly TemplateSegment[]): readonly TemplateSegment[] {
    const last = segments.at(-1);
    const slash = last?.kind === 'literal' && last.text === '' && segments.length > 1;
    return this.#options.ignoreTrailingSlash && slash ? segments.slice(0, -1) : segments;
  }
}

/** As #find goes: literals, whose order among each other decides nothing, then the parameter, then the rest. */
function* routesBelow(node: Node): Generator<Route> {
  yield* routesAt(node.leaf);
  for (const text of [...node.literals.keys()].sort()) yield* routesBelow(node.literals.get(text)!);
  if (node.parameter !== undefined) yield* routesBelow(node.parameter);
  yield* routesAt(node.restLeaf);
}

/** By methods that are named, then by all others. */
function* routesAt(leaf: Leaf | undefined): Generator<Route> {
  if (leaf === undefined) return;
  const named = new Set(Array.from(leaf.byMethod.values(), ({ route }) => route));
  yield* named;
  if (leaf.rest !== undefined) yield leaf.rest.route;
}

function parameterOf(node: Node): Node {
  node.parameter ??= newNode();
  return node.parameter;
}

function newNode(): Node {
  return {
    literals: new Map(),
    first: undefined,
    firstText: '',
    parameter: undefined,
    leaf: undefined,
    restLeaf: undefined,
  };
}

function newLeaf(template: string): Leaf {
  return { template, byMethod: new Map(), rest: undefined, wrongMethod: { kind: 'method', allow: [] } };
}

/** GET serves HEAD unless HEAD is listed, so a HEAD taken only by implication gives way. */
function place(leaf: Leaf, route: Route): string | undefined {
  const matched: Matched = { kind: 'route', route };
  if (route.methods === undefined) {
    if (leaf.rest !== undefined) return leaf.rest.route.id;
    leaf.rest = matched;
  } else {
    for (const method of route.methods) {
      const taken = leaf.byMethod.get(method);
      if (taken !== undefined && (taken.route.methods?.includes(method) ?? false)) return taken.route.id;
    }
    for (const method of route.methods) leaf.byMethod.set(method, matched);
    if (route.methods.includes('GET') && !leaf.byMethod.has('HEAD')) leaf.byMethod.set('HEAD', matched);
  }
  const allow = new Set([...leaf.byMethod.keys(), ...(leaf.rest === undefined ? [] : USUALLY_IMPLIED)]);
  leaf.wrongMethod = { kind: 'method', allow: [...allow].sort() };
  return undefined;
}

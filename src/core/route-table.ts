/**
 * Step 2 of a request, first half: which routes a request may have at all. The host decides: the routes that name it, else
 * those of the longest wildcard that it fits, else those that name none. Only these are then tried by path (core/path-table),
 * never others. Does not read the Host; core/host-name does.
 */
import { readHostName } from './host-name.ts';
import { type Match, PathTable, type RoutingOptions } from './path-table.ts';
import type { Route, TemplateSegment } from './route.ts';

/** A route and its template, read. */
export interface CompiledRoute {
  readonly route: Route;
  readonly segments: readonly TemplateSegment[];
}

export class RouteTable {
  readonly #options: RoutingOptions;
  /** Those that answer on every host. */
  readonly #everywhere: readonly CompiledRoute[];
  readonly #unnamed: PathTable;
  readonly #exact = new Map<string, PathTable>();
  /** By what stands behind the `*`: `.example.com`. */
  readonly #wildcards = new Map<string, PathTable>();
  readonly #added: Route[] = [];

  /** `everywhere`: routes that answer on every host, whoever else names it. */
  constructor(options: RoutingOptions, everywhere: readonly CompiledRoute[] = []) {
    this.#options = options;
    this.#everywhere = everywhere;
    this.#unnamed = this.#newTable();
  }

  /**
   * Add a route. Returns the id of the route already answering for a same host, the same template and a same method, or
   * undefined when the route is in.
   */
  add(route: Route, segments: readonly TemplateSegment[]): string | undefined {
    this.#added.push(route);
    if (route.hosts === null) return this.#unnamed.add(route, segments);
    for (const host of route.hosts) {
      const taken = this.#tableOf(host).add(route, segments);
      if (taken !== undefined) return taken;
    }
    return undefined;
  }

  /** Those of the configuration, in its order: not those that the gateway answers itself. */
  get configured(): readonly Route[] {
    return this.#added.filter(({ endpoint }) => endpoint === undefined);
  }

  /** `host`: as the request names it, with its port; it was read before. */
  match(host: string, method: string, segments: readonly string[]): Match {
    const isOneForAll = this.#exact.size === 0 && this.#wildcards.size === 0;
    return (isOneForAll ? this.#unnamed : this.#find(host)).match(method, segments);
  }

  /** Every route once, where it is tried first: exact hosts, then the longest wildcards, then no host. */
  inOrder(): readonly Route[] {
    const hosts = [...this.#exact.keys()].sort().map((host) => this.#exact.get(host)!);
    const longest = [...this.#wildcards.keys()].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    const tables = [...hosts, ...longest.map((host) => this.#wildcards.get(host)!), this.#unnamed];
    return [...new Set(tables.flatMap((table) => [...table.inOrder()]))];
  }

  #find(host: string): PathTable {
    const name = readHostName(host);
    if (name === null) return this.#unnamed;
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    if (this.#wildcards.size === 0) return this.#unnamed;
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const found = this.#wildcards.get(name.slice(dot));
      if (found !== undefined) return found;
    }
    return this.#unnamed;
  }

  #tableOf(host: string): PathTable {
    const [tables, key] = host.startsWith('*') ? [this.#wildcards, host.slice(1)] : [this.#exact, host];
    let table = tables.get(key);
    if (table === undefined) {
      table = this.#newTable();
      tables.set(key, table);
    }
    return table;
  }

  #newTable(): PathTable {
    const table = new PathTable(this.#options);
    for (const { route, segments } of this.#everywhere) table.add(route, segments);
    return table;
  }
}

/**
 * Which routes a token would get through to, put to the rules in force by decide() itself: one that there is, or one that
 * nobody has made yet. Makes nothing, sends nothing and lists nothing.
 */
import {
  credentialKey,
  type SnapshotRecord,
  snapshotKey,
  type TokenHash,
  type TokenRecord,
  tokenKey,
} from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';
import { type RouteReach, reachOf, type TriedPlaces } from '../core/reach.ts';
import type { Route } from '../core/route.ts';
import type { RouteTable } from '../core/route-table.ts';
import type { SelectorPlace } from '../core/selector.ts';
import { Slices } from '../slices.ts';
import { StoredFacts } from '../store/cache/stored-facts.ts';
import type { FactSource } from '../store/store.ts';

export interface ReachingToken {
  readonly record: TokenRecord;
  /** The roles that it keeps, where it is not stored yet; null: they are, or it keeps none. */
  readonly snapshot: SnapshotRecord | null;
  readonly places: TriedPlaces;
}

/** Of a route that asks for a token. */
export interface ReachedRoute extends RouteReach {
  readonly route: Route;
  /** A call that is let through; null: what it would have to name is not known, or it is not reached. */
  readonly example: ExampleCall | null;
}

export interface ExampleCall {
  readonly method: 'GET';
  /** With what of the template nothing judges still in braces. */
  readonly path: string;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
}

export interface FoundReach {
  /** In the order of the configuration. */
  readonly routes: readonly ReachedRoute[];
  /** How many more ask for no token. */
  readonly publicCount: number;
}

/** Looks nothing up in the store by it. */
const HASH = 'token-reach' as TokenHash;

/** Rejects with StoreUnavailable. Others have their turn meanwhile. */
export async function routesReached(
  { record: stored, snapshot, places }: ReachingToken,
  rules: { readonly routes: RouteTable; readonly policy: Policy },
  source: FactSource,
  nowMs: number,
): Promise<FoundReach> {
  const facts = new StoredFacts(source);
  // Neither used up nor ended: what is asked is how far it gets as long as it works.
  const record: TokenRecord = { ...stored, hash: HASH, replaced: null, state: 'active', expiresAtMs: null };
  const { organizationId, id } = record;
  facts.put(tokenKey(organizationId, id), record);
  facts.put(credentialKey(HASH), { organizationId, tokenId: id });
  if (snapshot !== null) facts.put(snapshotKey(organizationId, snapshot.id), snapshot);
  const slices = new Slices();
  const all = rules.routes.configured;
  const routes: ReachedRoute[] = [];
  for (const route of all) {
    const { requirement } = route;
    if (requirement === null) continue;
    if (slices.over) await slices.next();
    const reach = await facts.answered(() => reachOf(requirement, HASH, places, rules.policy, facts, nowMs));
    routes.push({ ...reach, route, example: reach.reason === null ? exampleOf(route, reach.workspaceId) : null });
  }
  return { routes, publicCount: all.length - routes.length };
}

/** Where nothing of the request but the workspace is judged, that can be said. */
function exampleOf(route: Route, workspaceId: string | null): ExampleCall | null {
  const { methods, requirement, hosts, allowFrom, credentials, template } = route;
  const { workspace, environment, resource } = requirement!;
  const isReading = methods === undefined || methods.includes('GET');
  const asksMore = resource !== null || (environment !== null && environment !== 'all');
  if (!isReading || asksMore || hosts !== null || allowFrom !== null || !credentials.bearer) return null;
  const path = template.replace(/\/\*\*$/, '') || '/';
  if (workspace === null) return { method: 'GET', path, headers: [] };
  if (workspace.as !== 'workspace' || workspaceId === null) return null;
  const { selector } = workspace;
  return namedIn(path, selector.from === 'list' ? selector.places[0]! : selector, workspaceId);
}

function namedIn(path: string, place: SelectorPlace, id: string): ExampleCall | null {
  switch (place.from) {
    case 'path': {
      const segments = path
        .split('/')
        .map((segment, nth) => (nth === place.index + 1 ? encodeURIComponent(id) : segment));
      return { method: 'GET', path: segments.join('/'), headers: [] };
    }
    case 'query':
      return {
        method: 'GET',
        path: `${path}?${encodeURIComponent(place.name)}=${encodeURIComponent(id)}`,
        headers: [],
      };
    case 'header':
      return { method: 'GET', path, headers: [[place.name, id]] };
    case 'body':
      return null;
  }
}

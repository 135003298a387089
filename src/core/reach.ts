/**
 * How far a token gets: of one route, whether any request to it would be let through, and if not, what stands in the way. Asks
 * decide() itself, with a request that names nothing but a place. What a request's resource or body would say is left open.
 * Pure; never on the path of a request.
 */
import { type DecisionOutcome, type DecisionRules, decide, type FactReader, heldScopes, type Need } from './decide.ts';
import type { MemberFacts, TokenFacts, TokenHash } from './facts.ts';
import type { Reason } from './reason.ts';
import type { RequestSource } from './request-source.ts';
import type { Requirement } from './requirement.ts';
import { covers, type ScopeJudge, type ScopeSet, satisfies } from './scope.ts';

/** Where a token is tried: ids of workspaces, and of environments where it is limited to some; from an address of its own. */
export interface TriedPlaces {
  readonly workspaces: readonly string[];
  readonly environments: readonly string[];
  readonly address: string | null;
}

export interface RouteReach {
  readonly kind: 'reach';
  /** null: there is a request that would be let through. */
  readonly reason: Reason | null;
  /** The workspace in which; null: none is asked for, or it is not reached. */
  readonly workspaceId: string | null;
  /** Of what the route names, where scopes are what is missing: those that the token has not. */
  readonly missing: readonly string[];
  /** Those of them that its owner may not do either, so that the token could not be given them. */
  readonly ownerLacks: readonly string[];
}

/** `place`: what stands for whatever a request would name. */
const PLACE = { from: 'query', name: 'place' } as const;
/** The further a denial is in the order of the checks, the more of the token is fit for the route. */
const ORDER: readonly Reason[] = [
  'scope_missing',
  'workspace_not_granted',
  'environment_not_granted',
  'role_insufficient',
];

/** `hash`: of a token among the facts. `need`: as of decide(). */
export function reachOf(
  requirement: Requirement,
  hash: TokenHash,
  places: TriedPlaces,
  rules: DecisionRules,
  facts: FactReader,
  nowMs: number,
): RouteReach | Need {
  const { asked, ids } = relaxed(requirement, places);
  let furthest: DecisionOutcome | null = null;
  // One that names no place at all is judged by everything that comes before it.
  for (const id of ids.length === 0 ? [''] : ids) {
    const outcome = decide({ hash, requirement: asked, source: naming(id, places.address) }, rules, facts, nowMs);
    if (outcome.kind === 'need') return outcome;
    if (outcome.kind === 'allowed') return reached(outcome.workspaceId);
    if (furthest === null || rank(outcome) > rank(furthest)) furthest = outcome;
  }
  if (furthest?.kind !== 'denied') return reached(null);
  const { token } = furthest;
  // No workspace is named by the empty text, and no token reaches it.
  const reason = furthest.reason === 'workspace_ambiguous' ? 'workspace_not_granted' : furthest.reason;
  const lost = { kind: 'reach', reason, workspaceId: null, missing: [], ownerLacks: [] } as const;
  if (reason !== 'scope_missing' || token === null) return lost;
  const held = heldBy(token, asked, rules, facts);
  return 'kind' in held ? held : { ...lost, ...missingOf(requirement, token, held.scopes) };
}

function reached(workspaceId: string | null): RouteReach {
  return { kind: 'reach', reason: null, workspaceId, missing: [], ownerLacks: [] };
}

/** Of what a request names, only the place is looked at; and an environment alone where the token is limited to some. */
function relaxed(
  { scopes, apiVersions, workspace, environment }: Requirement,
  { workspaces, environments }: TriedPlaces,
): { readonly asked: Requirement; readonly ids: readonly string[] } {
  const always = { scopes, apiVersions, resource: null, bodyFields: null };
  const ofAll = environment === 'all' ? environment : null;
  if (workspace === null) return { asked: { ...always, workspace, environment: ofAll }, ids: [] };
  const isNamed = workspace.as === 'environment' || (environment !== null && environment !== 'all');
  const as = isNamed && environments.length > 0 ? 'environment' : 'workspace';
  return {
    asked: { ...always, workspace: { as, selector: PLACE, role: workspace.role }, environment: ofAll },
    ids: as === 'environment' ? environments : workspaces,
  };
}

function naming(id: string, address: string | null): RequestSource {
  return { segments: [], query: id === '' ? '' : `?place=${encodeURIComponent(id)}`, headers: [], address };
}

function rank(outcome: DecisionOutcome): number {
  return outcome.kind === 'denied' ? ORDER.indexOf(outcome.reason) : ORDER.length;
}

interface Held {
  readonly scopes: ScopeSet | ScopeJudge;
}

/** By its owner, somewhere at least; `all`: it follows nobody. */
function heldBy(token: TokenFacts, asked: Requirement, rules: DecisionRules, facts: FactReader): Held | Need {
  if (token.authority !== 'live') return { scopes: 'all' };
  const owner = facts.follow(token.owner!) as MemberFacts;
  const held = heldScopes(owner, rules, facts, asked.workspace === null ? {} : 'somewhere');
  return typeof held === 'object' && 'kind' in held ? held : { scopes: held };
}

/** Where one of several is enough, and none is there, any of them would do. */
function missingOf({ scopes }: Requirement, { scopes: own }: TokenFacts, held: Held['scopes']) {
  const { named } = scopes!;
  const lacks = named.filter((scope) => own !== 'all' && !covers(own, scope));
  const ownerLacks = named.filter((scope) => !covers(held, scope));
  // The owner has them for something else than what was tried.
  const neither = lacks.length === 0 && ownerLacks.length === 0 && satisfies(scopes!, own, held);
  return { missing: lacks, ownerLacks: neither ? named : ownerLacks };
}

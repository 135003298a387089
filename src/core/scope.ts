/**
 * The grammar of scopes and its one implication: of `resource:action`, write on a resource satisfies read on the same
 * resource (SCRYDON-7, X-14). Knows no catalogue; which scopes exist is the policy's business.
 */

/**
 * `resource:action`, or a name that another system gave it, such as `Bot.addCollaborator` and `createConversation`: words,
 * with single dots between them, which imply nothing. No slashes, percent signs, stars or two dots: a scope must never be
 * able to traverse (GHSA-3x2w-63fp-3qvw).
 */
export const SCOPE_PATTERN =
  '^(?:[a-z][a-z0-9_-]{0,62}:[a-z][a-z0-9_-]{0,62}|[A-Za-z][A-Za-z0-9_-]{0,62}(?:\\.[A-Za-z][A-Za-z0-9_-]{0,62}){0,3})$';

/**
 * Lets a token manage its owner's tokens at the sidecar, within its own reach. Reserved: no catalogue, role, member or
 * account has it. A token alone has it, by name: one that has whatever its owner has does not.
 */
export const MANAGE = 'tokens:manage';

/**
 * The scopes of which any one satisfies `required`: itself and, for a read, the write on the same resource. So write implies
 * read, in every policy.
 */
export function acceptedScopes(required: string): readonly string[] {
  if (!required.endsWith(':read')) return [required];
  return [required, `${required.slice(0, -':read'.length)}:write`];
}

/** What a route asks for, compiled: each alternative list is met when the holder has one of its scopes. */
export interface ScopeRequirement {
  /** true: every list must be met (`scopes`). false: one is enough (`anyOf`). */
  readonly all: boolean;
  readonly lists: ReadonlyArray<readonly string[]>;
  /** The scopes as configured, for `X-Accepted-Scopes` and the RFC 6750 challenge. */
  readonly named: readonly string[];
}

export function compileScopes(named: readonly string[], all: boolean): ScopeRequirement {
  return { all, named, lists: named.map(acceptedScopes) };
}

/** A set of scopes, or every scope there is. */
export type ScopeSet = ReadonlySet<string> | 'all';

/** Who judges scope by scope: one of `accepted` has to be held, and the first is what is asked for. */
export interface ScopeJudge {
  meets(accepted: readonly string[]): boolean;
}

function meets(held: ScopeSet | ScopeJudge, accepted: readonly string[]): boolean {
  if (held === 'all') return true;
  if ('meets' in held) return held.meets(accepted);
  for (const scope of accepted) if (held.has(scope)) return true;
  return false;
}

/**
 * Does the holder meet the requirement? With two sets (a live token's and its owner's) a scope counts only where both
 * sets satisfy it.
 */
export function satisfies(requirement: ScopeRequirement, held: ScopeSet, alsoHeld: ScopeSet | ScopeJudge): boolean {
  for (const accepted of requirement.lists) {
    const own = held === 'all' ? accepted[0] !== MANAGE : meets(held, accepted);
    const met = own && meets(alsoHeld, accepted);
    if (met !== requirement.all) return met;
  }
  return requirement.all;
}

/**
 * The scopes of the holder that met a requirement that was met: of each list the first that is held, which is the one that
 * was asked for before the wider one that implies it; of `anyOf` those of the first list that was met, in its order. Of a
 * holder of all, the scopes that were asked for.
 */
export function usedScopes(
  requirement: ScopeRequirement,
  held: ScopeSet,
  alsoHeld: ScopeSet | ScopeJudge,
): readonly string[] {
  const used: string[] = [];
  for (const accepted of requirement.lists) {
    const scope = held === 'all' ? accepted[0] : accepted.find((each) => held.has(each));
    if (scope === undefined || !meets(alsoHeld, accepted)) continue;
    used.push(scope);
    if (!requirement.all) break;
  }
  return used;
}

/** Is `scope` within `held`, by name or by implication? For grants: a scope may be handed on only if this holds. */
export function covers(held: ScopeSet | ScopeJudge, scope: string): boolean {
  return meets(held, acceptedScopes(scope));
}

/**
 * Which tokens that there are may use a route by one set of rules and not by the other, as far as scopes and API versions say.
 * What a workspace, a role in it or a resource would say is not asked.
 */
import type { Policy } from '../core/policy.ts';
import { type ScopeSet, satisfies } from '../core/scope.ts';
import type { Gate } from './compare-gates.ts';

export interface LiveToken {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string | null;
  /** null: whatever its owner may do. */
  readonly scopes: readonly string[] | null;
  readonly apiVersion?: string | null;
  /** Its owner's, where the token follows them; null: it does not, or they are gone. */
  readonly follows: { readonly role: string; readonly scopes: readonly string[] | null } | null;
}

export interface TokenFlip {
  readonly token: LiveToken;
  readonly route: string;
  readonly change: 'allowed → refused' | 'refused → allowed';
}

export interface SideOfRules {
  readonly policy: Policy;
}

/** Each token once for each route, in their order. */
export function flippedTokens(
  pairs: ReadonlyArray<readonly [Gate, Gate]>,
  tokens: readonly LiveToken[],
  before: SideOfRules,
  after: SideOfRules,
): TokenFlip[] {
  const flips: TokenFlip[] = [];
  for (const token of tokens) {
    for (const [was, is] of pairs) {
      // Whoever asks, no token is needed: nobody's token flips.
      if (was?.requirement === null || is?.requirement === null) continue;
      const [could, can] = [passes(was, token, before), passes(is, token, after)];
      if (could === can) continue;
      const change = could ? 'allowed → refused' : 'refused → allowed';
      flips.push({ token, route: (is ?? was)!.id, change });
    }
  }
  return flips;
}

export function passes(gate: Gate, token: LiveToken, { policy }: SideOfRules): boolean {
  if (gate === null) return false;
  if (gate.requirement === null) return true;
  const { scopes, apiVersions } = gate.requirement;
  if (apiVersions !== null && (token.apiVersion == null || !apiVersions.has(token.apiVersion))) return false;
  if (scopes === null) return true;
  const own: ScopeSet = token.scopes === null ? 'all' : new Set(token.scopes);
  return satisfies(scopes, own, token.follows === null ? 'all' : heldByOwner(token.follows, policy));
}

function heldByOwner({ role, scopes }: NonNullable<LiveToken['follows']>, policy: Policy): ScopeSet {
  return scopes === null ? (policy.organizationRoles.get(role)?.scopes ?? new Set()) : new Set(scopes);
}

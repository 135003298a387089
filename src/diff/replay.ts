/**
 * Judges logged decisions by other rules, as far as their lines say: which route each request meets now, and whether what was
 * seen then still suffices. What a line does not hold is `unclear`, never guessed.
 */
import type { Found } from '../config/load/check-gateway.ts';
import { isWithin } from '../core/address-range.ts';
import type { Reason } from '../core/reason.ts';
import type { Route } from '../core/route.ts';
import { readTarget } from '../core/target.ts';
import { compareGates, directionOfScopes, type Gate } from './compare-gates.ts';
import { type LiveToken, passes } from './live-tokens.ts';

/** What of a line of `log.decisions` is read here. */
export interface LoggedDecision {
  readonly method: string;
  readonly host: string | null;
  readonly path: string;
  readonly token: string | null;
  readonly role: string | null;
  readonly address: string | null;
  readonly outcome: 'allowed' | 'refused';
  readonly reason: Reason | null;
}

export type ReplayVerdict =
  | { readonly kind: 'same' }
  | { readonly kind: 'refused'; readonly reason: Reason; readonly route: string }
  | { readonly kind: 'allowed'; readonly route: string }
  | { readonly kind: 'unclear'; readonly why: string; readonly route: string };

interface Sides {
  readonly before: Found;
  readonly after: Found;
  /** null: the sidecar was not asked, or knows no such token. */
  readonly tokenOf: (id: string) => LiveToken | null;
}

const SAME: ReplayVerdict = { kind: 'same' };
/** Said before any rule of a route was looked at, or behind all of them. */
const ANYWAY = new Set<Reason | null>([
  ...(['bad_request', 'token_malformed', 'token_unknown', 'token_inactive', 'owner_removed'] as const),
  ...(['ownership_transferred', 'token_expired', 'rate_limited', 'store_unavailable', 'overloaded'] as const),
  ...(['upstream_unreachable', 'upstream_timeout', 'loop_detected', 'body_too_large', 'body_timeout'] as const),
]);

export function replayed(line: LoggedDecision, sides: Sides): ReplayVerdict {
  const { before, after } = sides;
  const [was, is] = [gateFor(before, line), gateFor(after, line)];
  if (compareGates(was, is).length === 0) return byRolesAlone(line, is, sides);
  return line.outcome === 'allowed' ? afterAllowed(line, was, is, sides) : afterRefused(line, is, sides);
}

/** The routes ask for the same; what its role gives an owner may be another. */
function byRolesAlone(line: LoggedDecision, gate: Gate, { before, after, tokenOf }: Sides): ReplayVerdict {
  const token = line.token === null ? null : tokenOf(line.token);
  if (gate === null || token === null || line.outcome === 'refused') return SAME;
  const gone = passes(gate, token, before) && !passes(gate, token, after);
  return gone ? { kind: 'refused', reason: 'scope_missing', route: gate.id } : SAME;
}

function gateFor({ compiled }: Found, { method, host, path }: LoggedDecision): Gate {
  const target = readTarget(path, host ?? '');
  if (target === null) return null;
  const match = compiled.routes.match(host ?? '', method, target.segments);
  return match.kind === 'route' ? match.route : null;
}

function afterAllowed(line: LoggedDecision, was: Gate, is: Gate, { after, tokenOf }: Sides): ReplayVerdict {
  if (is === null) return { kind: 'refused', reason: 'route_not_found', route: was?.id ?? '-' };
  const route = is.id;
  if (is.allowFrom !== null && (line.address === null || !isWithin(is.allowFrom, line.address)))
    return { kind: 'refused', reason: 'address_not_allowed', route };
  if (is.requirement === null) return SAME;
  const unclear = (why: string): ReplayVerdict => ({ kind: 'unclear', why, route });
  if (line.token === null) return { kind: 'refused', reason: 'token_missing', route };
  const { scopes, apiVersions, workspace, resource } = is.requirement;
  const asked = was?.requirement ?? null;
  const isEasier = ['same', 'wider'].includes(directionOfScopes(asked?.scopes ?? null, scopes)) && apiVersions === null;
  if (!isEasier) {
    const token = tokenOf(line.token);
    if (token === null) return unclear('the scopes of the token are not known');
    if (!passes(is, token, after)) return { kind: 'refused', reason: 'scope_missing', route };
  }
  if (workspace === null) return SAME;
  if (asked === null || isElsewhere(asked.workspace, workspace)) return unclear('another workspace may be meant');
  if (workspace.role === 'admin' && line.role !== 'admin')
    return { kind: 'refused', reason: 'role_insufficient', route };
  if (resource === null || JSON.stringify(resource) === JSON.stringify(asked.resource)) return SAME;
  return asked.resource?.relation === 'owner' && !isElsewhere(asked.resource, resource)
    ? SAME
    : unclear('whose it is is not known');
}

interface Placed {
  readonly selector: unknown;
  readonly as?: string;
  readonly type?: string;
}

function isElsewhere(before: Placed | null, after: Placed): boolean {
  const place = ({ selector, as, type }: Placed) => JSON.stringify([selector, as, type]);
  return before === null || place(before) !== place(after);
}

function afterRefused(line: LoggedDecision, is: Gate, sides: Sides): ReplayVerdict {
  if (is === null || ANYWAY.has(line.reason)) return SAME;
  const route = is.id;
  if (is.requirement === null) return closedByAddress(line, is) ? SAME : { kind: 'allowed', route };
  if (line.token === null)
    return line.reason === 'token_missing' ? SAME : { kind: 'unclear', why: 'no token was looked at', route };
  const token = sides.tokenOf(line.token);
  if (token !== null && !passes(is, token, sides.after)) return SAME;
  const { workspace, resource } = is.requirement;
  switch (line.reason) {
    case 'scope_missing':
    case 'version_not_supported':
      if (token === null) return { kind: 'unclear', why: 'the scopes of the token are not known', route };
      return workspace === null
        ? { kind: 'allowed', route }
        : { kind: 'unclear', why: 'the workspace was not looked at', route };
    case 'workspace_ambiguous':
    case 'workspace_not_granted':
      return workspace === null ? { kind: 'allowed', route } : SAME;
    case 'role_insufficient':
      if (workspace === null) return { kind: 'allowed', route };
      return workspace.role === 'admin'
        ? SAME
        : { kind: 'unclear', why: 'whether there was a lower role is not known', route };
    case 'not_a_collaborator':
      return resource === null ? { kind: 'allowed', route } : SAME;
    default:
      return { kind: 'unclear', why: 'what comes behind was not looked at', route };
  }
}

function closedByAddress({ address }: LoggedDecision, { allowFrom }: Route): boolean {
  return allowFrom !== null && (address === null || !isWithin(allowFrom, address));
}

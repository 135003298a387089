/**
 * Who the gateway says is calling: the `X-Scopegate-*` lines. Built once per token as long as nothing about it or its
 * owner changes; the upstream may trust them because headers.ts lets no other through.
 */
import { type Allowed, ownersScopes } from '../../core/decide.ts';
import type { TokenFacts } from '../../core/facts.ts';
import type { Policy } from '../../core/policy.ts';
import { covers } from '../../core/scope.ts';

interface Built {
  readonly owner: Allowed['owner'];
  readonly policy: Policy;
  readonly lines: string;
}

/** Keyed by the cached fact itself: a changed token is a new object. */
const built = new WeakMap<TokenFacts, Built>();

/** Lines with CRLF, for the end of the upstream's header block. */
export function identityLines(allowed: Allowed, policy: Policy): string {
  const { token, owner } = allowed;
  // For what this request names, and so for no other.
  let known = allowed.judge === null ? built.get(token) : undefined;
  if (known === undefined || known.owner !== owner || known.policy !== policy) {
    known = { owner, policy, lines: tokenLines(allowed, policy) };
    if (allowed.judge === null) built.set(token, known);
  }
  if (allowed.workspaceId === null) return known.lines;
  const environment = allowed.environmentId === null ? '' : `X-Scopegate-Environment: ${allowed.environmentId}\r\n`;
  return `${known.lines}X-Scopegate-Workspace: ${allowed.workspaceId}\r\n${environment}X-Scopegate-Role: ${allowed.role}\r\n`;
}

/** The same as raw pairs. */
export function identityPairs(allowed: Allowed, policy: Policy): string[] {
  const lines = identityLines(allowed, policy).split('\r\n').slice(0, -1);
  return lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
}

/** Every name that an identity may have. */
export const IDENTITY_NAMES: readonly string[] = [
  'X-Scopegate-Token-Id',
  'X-Scopegate-Kind',
  'X-Scopegate-Organization',
  'X-Scopegate-Subject',
  'X-Scopegate-Client-Id',
  'X-Scopegate-Api-Version',
  'X-Scopegate-Scopes',
  'X-Scopegate-Workspaces',
  'X-Scopegate-Environments',
  'X-Scopegate-Workspace',
  'X-Scopegate-Environment',
  'X-Scopegate-Role',
];

/** Not who is calling but how sure we are of it: while the store cannot be asked, what was known last stands in. */
export const DEGRADED_HEADER = 'X-Scopegate-Degraded';

export function degradedLine(degraded: string | null): string {
  return degraded === null ? '' : `${DEGRADED_HEADER}: ${degraded}\r\n`;
}

function tokenLines(allowed: Allowed, policy: Policy): string {
  const { token } = allowed;
  let lines = `X-Scopegate-Token-Id: ${token.id}\r\nX-Scopegate-Kind: ${token.kind}\r\nX-Scopegate-Organization: ${token.organizationId}\r\n`;
  if (token.authority === 'live') lines += `X-Scopegate-Subject: ${token.ownerId}\r\n`;
  if (token.apiVersion !== null) lines += `X-Scopegate-Api-Version: ${token.apiVersion}\r\n`;
  if (token.clientId !== null) lines += `X-Scopegate-Client-Id: ${token.clientId}\r\n`;
  if (token.environments !== null) lines += `X-Scopegate-Environments: ${token.environmentsText}\r\n`;
  return `${lines}X-Scopegate-Scopes: ${effectiveScopes(allowed, policy)}\r\nX-Scopegate-Workspaces: ${token.workspacesText}\r\n`;
}

/** What the token may do at this moment: never more than its owner, where it follows one. */
function effectiveScopes(allowed: Allowed, policy: Policy): string {
  const { token } = allowed;
  const ownerScopes = ownersScopes(allowed, policy);
  if (ownerScopes === 'all' && token.scopes !== 'all') return token.scopesText;
  const held = token.scopes === 'all' ? [...policy.scopes.keys()] : [...token.scopes];
  return held.filter((scope) => covers(ownerScopes, scope)).join(' ');
}

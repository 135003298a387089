/** A token as the sidecar shows it, and how people are shown it. */
import type { FieldRows } from '../terminal.ts';
import { seen } from '../time-words.ts';

export interface Token {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly description: string | null;
  readonly ownerId: string | null;
  readonly scopes: readonly string[] | null;
  readonly workspaces: readonly string[] | string;
  readonly environments: readonly string[] | null;
  readonly state: string;
  readonly stateReason: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly scopesUsed: ReadonlyArray<{ readonly scope: string; readonly lastUsedOn: string }>;
  readonly scopesUsedSince: string | null;
  readonly findings: readonly string[];
  readonly allowedAddresses: readonly string[] | null;
  readonly hint: string | null;
  readonly apiVersion: string | null;
  readonly contacts: { readonly primary: string | null; readonly emails: readonly string[] } | null;
}

/** `token tok_1 "laptop" of ann`. */
export function tokenName({ id, name, ownerId }: Token): string {
  return `token ${id} ${JSON.stringify(name)}${ownerId === null ? '' : ` of ${ownerId}`}`;
}

export function tokenFields(token: Token, nowMs: number): FieldRows {
  const { stateReason, state, expiresAt, lastUsedAt, contacts } = token;
  const because = stateReason === null || stateReason === state ? '' : ` (${stateReason})`;
  return [
    ['id', token.id],
    ['name', token.name],
    ...(token.description === null ? [] : [['description', token.description] as const]),
    ['kind', token.kind],
    ['owner', token.ownerId ?? 'nobody'],
    ['state', state + because],
    ['scopes', scopesText(token)],
    ['workspaces', workspacesText(token)],
    ...(token.environments === null ? [] : [['environments', token.environments.join(' ') || 'none'] as const]),
    ['created', token.createdAt],
    ['expires', expiresAt === null ? 'never' : `${expiresAt} (${seen(expiresAt, nowMs)})`],
    ['last used', lastUsedAt === null ? 'never' : `${lastUsedAt} (${seen(lastUsedAt, nowMs)})`],
    ['scopes used', scopesUsedText(token)],
    ...(token.findings.length === 0 ? [] : [['findings', token.findings.join(' ')] as const]),
    ...(token.allowedAddresses === null ? [] : [['allowed from', token.allowedAddresses.join(' ')] as const]),
    ['begins with', token.hint ?? 'unknown'],
    ...(token.apiVersion === null ? [] : [['API version', token.apiVersion] as const]),
    ...(contacts === null ? [] : [['contacts', [contacts.primary ?? 'nobody', ...contacts.emails].join(' ')] as const]),
  ];
}

export function scopesText({ scopes }: Pick<Token, 'scopes'>): string {
  return scopes === null ? 'those of its owner' : scopes.length === 0 ? 'none' : scopes.join(' ');
}

/** `1 of 6 (bot:read)`; of one that has what its owner has, only which. */
export function scopesUsedText({ scopes, scopesUsed, scopesUsedSince }: Token): string {
  const used = usedOf({ scopes, scopesUsed });
  if (scopesUsedSince === null) return scopes === null ? 'none' : `0 of ${scopes.length}`;
  const names = used.length === 0 ? '' : ` (${used.join(' ')})`;
  return scopes === null ? used.join(' ') : `${used.length} of ${scopes.length}${names}`;
}

/** Of those that it has. */
export function usedOf({ scopes, scopesUsed }: Pick<Token, 'scopes' | 'scopesUsed'>): string[] {
  return scopesUsed.map(({ scope }) => scope).filter((scope) => scopes === null || scopes.includes(scope));
}

export function workspacesText({ workspaces }: Pick<Token, 'workspaces'>): string {
  return typeof workspaces === 'string' ? workspaces : workspaces.join(' ');
}

/** Parts of a token as people read them: its state, what it reaches, when it ends. */
import type { Shapes } from '../api/client.ts';
import { Instant } from '../parts/instant.tsx';
import { useTranslate } from '../preferences.tsx';
import { en } from '../text/en.ts';
import type { MessageKey } from '../text/messages.ts';

export type ShownToken = Shapes['Token'];

const MARKS: Readonly<Record<ShownToken['state'], string>> = {
  active: 'good',
  inactive: 'none',
  expired: 'warn',
  revoked: 'bad',
};

export function StateBadge({ state }: { readonly state: ShownToken['state'] }) {
  return <span className={`badge ${MARKS[state]}`}>{useTranslate()(`state.${state}`)}</span>;
}

/** Of those that it has, those that it was seen to use. */
export function usedScopesOf({ scopes, scopesUsed }: Pick<ShownToken, 'scopes' | 'scopesUsed'>): readonly string[] {
  return scopesUsed.map(({ scope }) => scope).filter((scope) => scopes === null || scopes.includes(scope));
}

/** How many of how many it was seen to use, where anything is known of it. */
export function ScopeCount({ token }: { readonly token: ShownToken }) {
  const t = useTranslate();
  const { scopes, scopesUsedSince } = token;
  if (scopes === null) return t('tokens.scopes.all');
  if (scopesUsedSince === null) return scopes.length;
  return t('tokens.scopesUsed', { count: usedScopesOf(token).length, all: scopes.length });
}

/** One that has no words here yet is called as the API calls it. */
export function findingText(finding: string, t: ReturnType<typeof useTranslate>): string {
  const key = `finding.${finding}`;
  return key in en ? t(key as MessageKey) : finding;
}

export function WorkspaceCount({ workspaces }: { readonly workspaces: ShownToken['workspaces'] }) {
  const t = useTranslate();
  if (typeof workspaces === 'string') return t(`tokens.workspaces.${workspaces}` as MessageKey);
  return workspaces.length;
}

export function MomentOr({ at, otherwise }: { readonly at: string | null; readonly otherwise: MessageKey }) {
  const t = useTranslate();
  return at === null ? <span className="soft">{t(otherwise)}</span> : <Instant at={at} />;
}

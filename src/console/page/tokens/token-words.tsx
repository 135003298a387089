/** Parts of a token as people read them: its state, what it reaches, when it ends. */
import type { Shapes } from '../api/client.ts';
import { Instant } from '../parts/instant.tsx';
import { useTranslate } from '../preferences.tsx';
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

export function ScopeCount({ scopes }: { readonly scopes: ShownToken['scopes'] }) {
  const t = useTranslate();
  return scopes === null ? t('tokens.scopes.all') : scopes.length;
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

/** The tokens of an organization that the caller may see, page by page, as the server finds them. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { KnownNames } from '../api/names.ts';
import { tokensQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { Button } from '../parts/button.tsx';
import { CheckLine } from '../parts/check-line.tsx';
import { EmptyNote, ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useTranslate } from '../preferences.tsx';
import { FindByValue } from './find-window.tsx';
import { type Chosen, type ChosenToken, RevokeMany } from './revoke-many.tsx';
import { queryOf, TokenFilterBar, useTokenFilters } from './token-filters.tsx';
import { tokenPath, tokensPath } from './token-paths.ts';
import { MomentOr, ScopeCount, type ShownToken, StateBadge, WorkspaceCount } from './token-words.tsx';

export function TokenListPage({ org }: { readonly org: string }) {
  const t = useTranslate();
  const { kinds, kind } = useCaller();
  const asked = useTokenFilters();
  const { filters, narrow, clear } = asked;
  const [chosen, setChosen] = useState<Chosen>(new Map());
  const { data, error, refetch } = useQuery({
    ...tokensQuery(org, queryOf(filters)),
    placeholderData: keepPreviousData,
  });
  const isNarrowed = Object.keys(filters).length > 0;
  const count = data?.items.length ?? 0;
  return (
    <>
      <PageHead title={t('tokens.title')} lead={org}>
        {kind === 'operator' && <FindByValue />}
        {kinds.length > 0 && (
          <Link href={`${tokensPath(org)}/new`} className="button first">
            {t('tokens.create')}
          </Link>
        )}
      </PageHead>
      <TokenFilterBar org={org} {...asked} />
      <RevokeMany org={org} chosen={chosen} onChosen={setChosen} />
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Waiting />}
      {data !== undefined && count === 0 && !isNarrowed && (
        <EmptyNote
          title={t('tokens.empty')}
          hint={t('tokens.empty.hint')}
          command={`scopegate token create --organization ${org} --name first --owner MEMBER --scope SCOPE --expires 30d`}
        />
      )}
      {data !== undefined && count === 0 && isNarrowed && (
        <EmptyNote title={t('tokens.empty.filtered')}>
          <Button onClick={clear}>{t('tokens.filter.clear')}</Button>
        </EmptyNote>
      )}
      {data !== undefined && count > 0 && (
        <TokenTable org={org} tokens={data.items} names={data.names} chosen={chosen} onChosen={setChosen} />
      )}
      <div className={data === undefined ? 'hidden' : 'under'}>
        <p role="status" className="soft small">
          {data !== undefined && t(data.nextCursor === null ? 'tokens.count' : 'tokens.countMore', { count })}
        </p>
        <div className="actions">
          {filters.cursor !== undefined && <Button onClick={() => narrow('cursor', '')}>{t('tokens.first')}</Button>}
          {data !== undefined && data.nextCursor !== null && (
            <Button onClick={() => narrow('cursor', data.nextCursor!)}>{t('tokens.next')}</Button>
          )}
        </div>
      </div>
    </>
  );
}

interface Choosing {
  readonly org: string;
  readonly chosen: Chosen;
  onChosen(chosen: Chosen): void;
}

/** Those that the caller may revoke, and that are not. */
function useMayRevoke(): (token: ShownToken) => boolean {
  const { kind, member, seesAllTokens } = useCaller();
  return ({ state, ownerId }) =>
    (state === 'active' || state === 'inactive') &&
    (kind === 'operator' || seesAllTokens || (member !== null && member.id === ownerId));
}

interface TableProps extends Choosing {
  readonly tokens: readonly ShownToken[];
  readonly names: KnownNames;
}

function TokenTable({ org, tokens: shown, names, chosen, onChosen }: TableProps) {
  const t = useTranslate();
  const tokens = shown.map((token): ChosenToken => {
    const { ownerId } = token;
    return { ...token, ownerName: names.get(`member/${ownerId}`) ?? ownerId };
  });
  const mayRevoke = useMayRevoke();
  const columns = ['name', 'state', 'kind', 'owner', 'scopes', 'workspaces', 'expires', 'lastUsed'] as const;
  const revocable = tokens.filter(mayRevoke);
  const isAll = revocable.length > 0 && revocable.every(({ id }) => chosen.has(id));
  const set = (those: readonly ChosenToken[], isOn: boolean) => {
    const next = new Map(chosen);
    for (const token of those) isOn ? next.set(token.id, token) : next.delete(token.id);
    onChosen(next);
  };
  return (
    <div className="table-box">
      {revocable.length > 0 && (
        <div className="choose-all">
          <CheckLine label={t('many.all')} isOn={isAll} onChange={(isOn) => set(revocable, isOn)} />
        </div>
      )}
      <table>
        <caption className="hidden">{t('tokens.title')}</caption>
        <thead>
          <tr>
            <th scope="col">
              <span className="hidden">{t('many.choose')}</span>
            </th>
            {columns.map((column) => (
              <th key={column} scope="col">
                {t(`tokens.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <TokenRow
              key={token.id}
              org={org}
              token={token}
              mayRevoke={mayRevoke(token)}
              isChosen={chosen.has(token.id)}
              onChoose={(isOn) => set([token], isOn)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  readonly org: string;
  readonly token: ChosenToken;
  readonly mayRevoke: boolean;
  readonly isChosen: boolean;
  onChoose(isOn: boolean): void;
}

function TokenRow({ org, token, mayRevoke, isChosen, onChoose }: RowProps) {
  const t = useTranslate();
  return (
    <tr>
      <td className="choose">
        {mayRevoke && (
          <label>
            <input type="checkbox" checked={isChosen} onChange={(event) => onChoose(event.target.checked)} />
            <span className="hidden">{t('many.chooseOne', { name: token.name })}</span>
          </label>
        )}
      </td>
      <td className="name">
        <Link href={tokenPath(org, token.id)}>{token.name}</Link>
        <span className="sub mono">{token.hint}</span>
      </td>
      <td className="fit" data-label={t('tokens.state')}>
        <StateBadge state={token.state} />
      </td>
      <td data-label={t('tokens.kind')}>{token.kind}</td>
      <td className="party" data-label={t('tokens.owner')} title={token.ownerId ?? undefined}>
        {token.ownerName ?? <span className="soft">{t('tokens.noOwner')}</span>}
      </td>
      <td data-label={t('tokens.scopes')}>
        <ScopeCount token={token} />
      </td>
      <td data-label={t('tokens.workspaces')}>
        <WorkspaceCount workspaces={token.workspaces} />
      </td>
      <td data-label={t('tokens.expires')}>
        <MomentOr at={token.expiresAt} otherwise="tokens.neverExpires" />
      </td>
      <td data-label={t('tokens.lastUsed')}>
        <MomentOr at={token.lastUsedAt} otherwise="tokens.neverUsed" />
      </td>
    </tr>
  );
}

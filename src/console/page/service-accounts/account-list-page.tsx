/** The service accounts of an organization, page by page, found by name: what they have, and what they were issued. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { policyQuery } from '../api/queries.ts';
import { ListView } from '../parts/list-view.tsx';
import { EmptyNote } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { TypedField } from '../parts/typed-field.tsx';
import { useUrlFilters } from '../parts/url-filters.ts';
import { useTranslate } from '../preferences.tsx';
import { MomentOr } from '../tokens/token-words.tsx';
import { accountPath, accountsPath, accountsQuery, type ShownAccount } from './account-queries.ts';

export function AccountListPage({ org }: { readonly org: string }) {
  const t = useTranslate();
  const { data: policy } = useQuery(policyQuery);
  const asked = useUrlFilters(['name']);
  const answer = useQuery({ ...accountsQuery(org, asked.filters), placeholderData: keepPreviousData });
  const columns = ['name', 'state', 'scopes', 'roles', 'live', 'lastIssued'] as const;
  return (
    <>
      <PageHead title={t('accounts.title')} lead={t('accounts.lead')}>
        {policy?.serviceAccounts !== false && (
          <Link href={`${accountsPath(org)}/new`} className="button first">
            {t('accounts.create')}
          </Link>
        )}
      </PageHead>
      <search className="filters" aria-label={t('list.filters')}>
        <TypedField
          label={t('list.search')}
          value={asked.filters.name ?? ''}
          onChange={(name) => asked.narrow('name', name)}
        />
      </search>
      <ListView
        asked={asked}
        answer={answer}
        title={t('accounts.title')}
        columns={columns.map((column) => t(`accounts.${column}`))}
        empty={
          policy?.serviceAccounts === false ? (
            <EmptyNote title={t('accounts.none')} hint={t('accounts.none.hint')} />
          ) : (
            <EmptyNote
              title={t('accounts.empty')}
              hint={t('accounts.empty.hint')}
              command={`scopegate service-account create --organization ${org} --name importer --scope SCOPE`}
            />
          )
        }
        row={(account) => <AccountRow key={account.clientId} org={org} account={account} />}
      />
    </>
  );
}

function AccountRow({ org, account }: { readonly org: string; readonly account: ShownAccount }) {
  const t = useTranslate();
  const { clientId, name, state, scopes, roles, tokens } = account;
  return (
    <tr>
      <td className="name">
        <Link href={accountPath(org, clientId)}>{name}</Link>
        <span className="sub mono">{clientId}</span>
      </td>
      <td className="fit" data-label={t('accounts.state')}>
        <AccountState state={state} />
      </td>
      <td data-label={t('accounts.scopes')}>{scopes.length}</td>
      <td data-label={t('accounts.roles')}>{roles.length}</td>
      <td data-label={t('accounts.live')}>{tokens.live}</td>
      <td data-label={t('accounts.lastIssued')}>
        <MomentOr at={tokens.lastIssuedAt} otherwise="accounts.lastIssued.never" />
      </td>
    </tr>
  );
}

export function AccountState({ state }: { readonly state: string }) {
  const t = useTranslate();
  const isActive = state === 'active';
  return (
    <span className={`badge ${isActive ? 'good' : 'none'}`}>
      {t(isActive ? 'accounts.state.active' : 'accounts.state.disabled')}
    </span>
  );
}

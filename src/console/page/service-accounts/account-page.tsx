/** One service account: what it is, what it may do and was issued, and what can be done with it. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { GiveWorkspaceRole } from '../directory/member-changes.tsx';
import { CopiedLine, ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ReceiptNote } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { MomentOr } from '../tokens/token-words.tsx';
import { AccountActions, type AccountDone } from './account-actions.tsx';
import { AccountRoleLine, type ChangeProps, EditAccount } from './account-changes.tsx';
import { AccountState } from './account-list-page.tsx';
import { accountQuery, accountsPath, type ShownAccount } from './account-queries.ts';

export function AccountPage({ org, clientId }: { readonly org: string; readonly clientId: string }) {
  const t = useTranslate();
  const { data: account, error, refetch } = useQuery(accountQuery(org, clientId));
  const [done, setDone] = useState<AccountDone | null>(null);
  const back = <Link href={accountsPath(org)}>{t('account.all')}</Link>;
  if (account === undefined) {
    if (error === null) return <Waiting />;
    return (
      <div className="stack">
        <PageHead title={t('account.title')} lead={<code>{clientId}</code>} />
        {done !== null && <ReceiptNote {...done} />}
        {done === null && <ErrorNote error={error} onRetry={() => void refetch()} />}
        <p>{back}</p>
      </div>
    );
  }
  return (
    <>
      <PageHead title={account.name} lead={back}>
        <EditAccount org={org} account={account} onDone={setDone} />
        <AccountActions org={org} account={account} onDone={setDone} />
      </PageHead>
      <div className="stack">
        {done !== null && <ReceiptNote {...done} />}
        {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
        <div className="two">
          <Facts account={account} />
          <Reach org={org} account={account} onDone={setDone} />
        </div>
      </div>
    </>
  );
}

function Facts({ account }: { readonly account: ShownAccount }) {
  const t = useTranslate();
  const { clientId, state, createdAt, createdBy, tokens } = account;
  return (
    <section className="card">
      <h2>{t('account.facts')}</h2>
      <dl className="facts">
        <dt>{t('accounts.clientId')}</dt>
        <dd>
          <CopiedLine text={clientId} />
        </dd>
        <dt>{t('accounts.state')}</dt>
        <dd>
          <AccountState state={state} />
        </dd>
        <dt>{t('accounts.live')}</dt>
        <dd>{tokens.live}</dd>
        <dt>{t('accounts.issued')}</dt>
        <dd>{tokens.issued}</dd>
        <dt>{t('accounts.lastIssued')}</dt>
        <dd>
          <MomentOr at={tokens.lastIssuedAt} otherwise="accounts.lastIssued.never" />
        </dd>
        <dt>{t('account.created')}</dt>
        <dd>
          <MomentOr at={createdAt} otherwise="accounts.lastIssued.never" />
          {createdBy !== null && <div className="soft small">{createdBy}</div>}
        </dd>
      </dl>
    </section>
  );
}

function Reach({ org, account, onDone }: ChangeProps) {
  const t = useTranslate();
  const { clientId, scopes, roles } = account;
  return (
    <section className="card stack">
      <h2>{t('account.reach')}</h2>
      <div className="stack tight">
        <h3>{t('accounts.scopes')}</h3>
        <ul className="chips">
          {scopes.map((scope) => (
            <li key={scope} className="chip">
              {scope}
            </li>
          ))}
        </ul>
      </div>
      <div className="stack tight">
        <div className="row spread">
          <h3>{t('accounts.roles')}</h3>
          <GiveWorkspaceRole org={org} kind="service-accounts" id={clientId} onDone={onDone} />
        </div>
        {roles.length === 0 && <p className="soft">{t('account.noRoles')}</p>}
        <ul className="lines">
          {roles.map(({ workspace, role }) => (
            <AccountRoleLine key={workspace} {...{ org, account, workspace, role, onDone }} />
          ))}
        </ul>
      </div>
    </section>
  );
}

/** One token: what it is, what it reaches, and what can be done with it. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { policyQuery, tokenQuery } from '../api/queries.ts';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ReceiptNote } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { type Done, TokenActions } from './token-actions.tsx';
import { tokensPath } from './token-paths.ts';
import { MomentOr, type ShownToken, StateBadge } from './token-words.tsx';

export function TokenPage({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const { data: token, error, refetch } = useQuery(tokenQuery(org, id));
  const [done, setDone] = useState<Done | null>(null);
  if (token === undefined) {
    if (error === null) return <Waiting />;
    return (
      <div className="stack">
        <PageHead title={t('token.title')} lead={<code>{id}</code>} />
        <ErrorNote error={error} onRetry={() => void refetch()} />
        <p>
          <Link href={tokensPath(org)}>{t('token.all')}</Link>
        </p>
      </div>
    );
  }
  return (
    <>
      <PageHead title={token.name} lead={<Link href={tokensPath(org)}>{t('token.all')}</Link>}>
        <TokenActions org={org} token={token} onDone={setDone} />
      </PageHead>
      <div className="stack">
        {done !== null && <ReceiptNote {...done} />}
        {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
        <div className="two">
          <Facts token={token} />
          <Reach org={org} token={token} />
        </div>
      </div>
    </>
  );
}

function Facts({ token }: { readonly token: ShownToken }) {
  const t = useTranslate();
  const { data: policy } = useQuery(policyQuery);
  return (
    <section className="card">
      <h2>{t('token.facts')}</h2>
      <dl className="facts">
        <dt>{t('tokens.state')}</dt>
        <dd>
          <StateBadge state={token.state} />
          {token.stateReason !== null && <div className="soft small">{t(`reason.${token.stateReason}`)}</div>}
        </dd>
        {token.description !== null && (
          <>
            <dt>{t('token.description')}</dt>
            <dd>{token.description}</dd>
          </>
        )}
        <dt>{t('tokens.kind')}</dt>
        <dd>
          {token.kind}
          <div className="soft small">{policy?.kinds[token.kind]?.description}</div>
        </dd>
        <dt>{t('tokens.owner')}</dt>
        <dd>{token.ownerId ?? t('tokens.noOwner')}</dd>
        <dt>{t('tokens.expires')}</dt>
        <dd>
          <MomentOr at={token.expiresAt} otherwise="tokens.neverExpires" />
        </dd>
        <dt>{t('tokens.lastUsed')}</dt>
        <dd>
          <MomentOr at={token.lastUsedAt} otherwise="tokens.neverUsed" />
        </dd>
        <dt>{t('token.created')}</dt>
        <dd>
          <MomentOr at={token.createdAt} otherwise="tokens.neverUsed" />
          {token.createdBy !== null && <div className="soft small">{token.createdBy}</div>}
        </dd>
        <dt>{t('token.hint')}</dt>
        <dd className="mono">{token.hint ?? '–'}</dd>
        <dt>{t('token.id')}</dt>
        <dd className="mono">{token.id}</dd>
        {token.apiVersion !== null && (
          <>
            <dt>{t('token.apiVersion')}</dt>
            <dd>
              {token.apiVersion}
              {token.apiVersionWithdrawn && <div className="small">{t('token.apiVersionWithdrawn')}</div>}
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}

function Reach({ org, token }: { readonly org: string; readonly token: ShownToken }) {
  const t = useTranslate();
  const { workspaces, scopes, allowedAddresses, contacts } = token;
  return (
    <section className="card stack">
      <h2>{t('token.reach')}</h2>
      <Chips title={t('tokens.scopes')} items={scopes} otherwise={t('tokens.scopes.all')} />
      <Chips
        title={t('tokens.workspaces')}
        items={typeof workspaces === 'string' ? null : workspaces}
        otherwise={
          typeof workspaces === 'string' ? t(`tokens.workspaces.${workspaces}` as 'tokens.workspaces.all') : ''
        }
      />
      <p>
        <Link href={`/o/${encodeURIComponent(org)}/explain?token=${encodeURIComponent(token.id)}`}>
          {t('token.explain')}
        </Link>
      </p>
      <Chips title={t('token.addresses')} items={allowedAddresses} otherwise={t('token.addresses.any')} />
      {contacts !== null && (
        <Chips
          title={t('token.contacts')}
          items={[...(contacts.primary === null ? [] : [contacts.primary]), ...contacts.emails]}
          otherwise=""
        />
      )}
    </section>
  );
}

/** `items` null: there is no list, and `otherwise` says what there is. */
function Chips(props: {
  readonly title: string;
  readonly items: readonly string[] | null;
  readonly otherwise: string;
}) {
  const t = useTranslate();
  const { title, items, otherwise } = props;
  return (
    <div className="stack tight">
      <h3>{title}</h3>
      {items === null && <p>{otherwise}</p>}
      {items?.length === 0 && <p className="soft">{t('app.none')}</p>}
      {items !== null && items.length > 0 && (
        <ul className="chips">
          {items.map((item) => (
            <li key={item} className="chip">
              {item}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

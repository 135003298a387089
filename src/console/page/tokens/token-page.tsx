/** One token: what it is, what it reaches, and what can be done with it. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { useHistoryState } from 'wouter/use-browser-location';
import type { KnownNames } from '../api/names.ts';
import { policyQuery, reachQuery, tokenQuery } from '../api/queries.ts';
import { KnownBy } from '../parts/known-by.tsx';
import { NameChips } from '../parts/name-chips.tsx';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ReceiptNote } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { ReachView } from './reach-view.tsx';
import { RefusalsSection } from './refusals-section.tsx';
import { RightsSection } from './rights-section.tsx';
import { type Done, TokenActions } from './token-actions.tsx';
import { tokensPath } from './token-paths.ts';
import { findingText, MomentOr, type ShownToken, StateBadge } from './token-words.tsx';

type NamedToken = ShownToken & { readonly names: KnownNames };

export function TokenPage({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const { data: token, error, refetch } = useQuery(tokenQuery(org, id));
  // What it says of the token's kind, and which buttons there are: shown at once with the rest, or nothing would stay in its place.
  const { isPending: isPolicyPending } = useQuery(policyQuery);
  // Of an edit, which was a page of its own.
  const before = useHistoryState<Done | null>();
  const [done, setDone] = useState<Done | null>(before);
  // Told once: not again to whoever loads the page anew.
  useEffect(() => {
    if (before != null) history.replaceState(null, '');
  }, [before]);
  if (token === undefined || isPolicyPending) {
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
        {token.findings.map((finding) => (
          <div key={finding} className="note warn">
            <p>{findingText(finding, t)}</p>
          </div>
        ))}
        <div className="two">
          <div className="stack">
            <Facts token={token} />
            <RightsSection org={org} token={token} onDone={setDone} />
          </div>
          <div className="stack">
            <Reach org={org} token={token} />
            <RoutesReached org={org} id={token.id} />
            <RefusalsSection org={org} id={token.id} />
          </div>
        </div>
      </div>
    </>
  );
}

function Facts({ token }: { readonly token: NamedToken }) {
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
        <dd>
          {token.ownerId === null ? (
            t('tokens.noOwner')
          ) : (
            <KnownBy names={token.names} of={`member/${token.ownerId}`} isInline />
          )}
        </dd>
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
          {token.createdBy !== null && (
            <div className="soft small">
              <KnownBy names={token.names} of={`member/${token.createdBy}`} isInline />
            </div>
          )}
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

function Reach({ org, token }: { readonly org: string; readonly token: NamedToken }) {
  const t = useTranslate();
  const { workspaces, environments, allowedAddresses, contacts, names } = token;
  const named = (type: 'member' | 'workspace' | 'environment') => (id: string) => ({
    ...{ id, name: names.get(`${type}/${id}`) },
  });
  const plain = (words: readonly string[] | null) => words?.map((id) => ({ id })) ?? null;
  return (
    <section className="card stack">
      <h2>{t('token.reach')}</h2>
      <NameChips
        title={t('tokens.workspaces')}
        items={typeof workspaces === 'string' ? null : workspaces.map(named('workspace'))}
        otherwise={
          typeof workspaces === 'string' ? t(`tokens.workspaces.${workspaces}` as 'tokens.workspaces.all') : ''
        }
      />
      {environments !== null && (
        <NameChips title={t('tokens.environments')} items={environments.map(named('environment'))} otherwise="" />
      )}
      <p>
        <Link href={`/o/${encodeURIComponent(org)}/explain?token=${encodeURIComponent(token.id)}`}>
          {t('token.explain')}
        </Link>
      </p>
      <NameChips title={t('token.addresses')} items={plain(allowedAddresses)} otherwise={t('token.addresses.any')} />
      {contacts !== null && (
        <NameChips
          title={t('token.contacts')}
          items={[
            ...(contacts.primary === null ? [] : [named('member')(contacts.primary)]),
            ...contacts.emails.map((id) => ({ id })),
          ]}
          otherwise=""
        />
      )}
    </section>
  );
}

function RoutesReached({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const { data, error, refetch } = useQuery(reachQuery(org, id));
  return (
    <section className="card stack">
      <h2>{t('reach.token')}</h2>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <p className="reach still soft">{t('reach.wait')}</p>}
      {data !== undefined && <ReachView reach={data} />}
    </section>
  );
}

/** An organization in numbers, each the way to what it counts. A member sees the numbers of their own. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { Shapes } from '../api/client.ts';
import { useCaller } from '../caller.tsx';
import { Figure, Figures } from '../parts/figure.tsx';
import { Instant } from '../parts/instant.tsx';
import { LiveNote } from '../parts/live-note.tsx';
import { EmptyNote, ErrorNote } from '../parts/notes.tsx';
import { useNumberText } from '../parts/number-text.ts';
import { PageHead } from '../parts/page-head.tsx';
import { useTranslate } from '../preferences.tsx';
import { tokensPath } from '../tokens/token-paths.ts';
import { GatewayFigures } from './gateway-figures.tsx';
import { OVERVIEW_EVERY_MS, overviewQuery } from './overview-queries.ts';

const STATES = ['active', 'inactive', 'expired', 'revoked'] as const;
const UNKNOWN = { active: null, inactive: null, expired: null, revoked: null };
const FINDINGS = ['expires_soon_in_use', 'dormant', 'never_used', 'unused_scopes', 'never_expires'] as const;

export function OverviewPage({ org }: { readonly org: string }) {
  const t = useTranslate();
  const { kind } = useCaller();
  const asked = useQuery(overviewQuery(org));
  const { data, error } = asked;
  const client = useQueryClient();
  // The figures of the gateway have failed with it, mostly.
  const retry = () =>
    void client.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' });
  return (
    <>
      <PageHead title={t('overview.title')} lead={data?.of === 'oneself' ? t('overview.own', { org }) : org} />
      <LiveNote asked={asked} everyMs={OVERVIEW_EVERY_MS} />
      <div className="stack">
        {data === undefined && error !== null && <ErrorNote error={error} onRetry={retry} />}
        {kind === 'operator' && <GatewayFigures told={data === undefined ? error : null} />}
        {data?.tokens.total === 0 && (
          <EmptyNote
            title={t('tokens.empty')}
            hint={t('tokens.empty.hint')}
            command={`scopegate token create --organization ${org} --name first --owner MEMBER --scope SCOPE --expires 30d`}
          />
        )}
        {(data === undefined ? error === null : data.tokens.total > 0) && (
          <TokenNumbers org={org} tokens={data?.tokens} />
        )}
        {(data !== undefined || error === null) && <RefusalNumbers org={org} refusals={data?.refusals} />}
      </div>
    </>
  );
}

function TokenNumbers({ org, tokens }: { readonly org: string; readonly tokens: Shapes['TokenNumbers'] | undefined }) {
  const t = useTranslate();
  const text = useNumberText();
  const path = tokensPath(org);
  const counted = tokens?.counted ?? null;
  const live = tokens?.live.reduce((sum, { count }) => sum + count, 0);
  return (
    <section className="card">
      <h2>{t('tokens.title')}</h2>
      <Figures label={t('tokens.title')}>
        <Figure
          href={path}
          label={t('overview.live')}
          value={live === undefined ? null : text.count(live)}
          detail={tokens && t('overview.kept', { count: tokens.total })}
        />
        <Figure
          href={`${path}?expiringWithinDays=7`}
          label={t('overview.expiring')}
          value={counted === null ? null : text.count(counted.expiring)}
        />
        {FINDINGS.map((finding) => (
          <Figure
            key={finding}
            href={`${path}?finding=${finding}`}
            label={t(`overview.${finding}`)}
            value={counted === null ? null : text.count(counted.findings[finding])}
            {...(finding === 'expires_soon_in_use' && (counted?.findings[finding] ?? 0) > 0
              ? { tone: 'warn' as const }
              : {})}
          />
        ))}
      </Figures>
      <KindTable path={path} counted={counted} />
      <p className="soft small counted">
        {counted === null ? (
          t('overview.counting')
        ) : (
          <>
            {t('overview.counted')} <Instant at={counted.at} />
          </>
        )}
      </p>
    </section>
  );
}

function KindTable({ path, counted }: { readonly path: string; readonly counted: Shapes['CountedTokens'] | null }) {
  const t = useTranslate();
  const { kinds } = useCaller();
  // As many rows as there will be, as far as that can be known.
  const rows = counted?.kinds ?? kinds.map((kind) => ({ kind, ...UNKNOWN }));
  return (
    <div className="table-box">
      <table>
        <caption className="hidden">{t('overview.byKind')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('tokens.kind')}</th>
            {STATES.map((state) => (
              <th key={state} scope="col">
                {t(`state.${state}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.kind}>
              <td className="name">{row.kind}</td>
              {STATES.map((state) => (
                <td key={state} data-label={t(`state.${state}`)}>
                  <Count path={`${path}?${new URLSearchParams({ kind: row.kind, state })}`} count={row[state]} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Count({ path, count }: { readonly path: string; readonly count: number | null }) {
  const text = useNumberText();
  if (count === null || count === 0) return <span className="soft">{count ?? '–'}</span>;
  return <Link href={path}>{text.count(count)}</Link>;
}

function RefusalNumbers({
  org,
  refusals,
}: {
  readonly org: string;
  readonly refusals: Shapes['Overview']['refusals'] | undefined;
}) {
  const t = useTranslate();
  const text = useNumberText();
  const path = `/o/${encodeURIComponent(org)}/refusals`;
  const most = Math.max(1, ...(refusals?.reasons ?? []).map(({ refused }) => refused));
  return (
    <section className="card refused">
      <h2>{t('overview.refusals')}</h2>
      {refusals == null && <p className="soft">{t('overview.asking')}</p>}
      {refusals?.refused === 0 && <p className="soft">{t('overview.refusals.none')}</p>}
      <ul className="bars">
        {refusals?.reasons.map(({ reason, refused }) => (
          <li key={reason}>
            <Link href={`${path}?${new URLSearchParams({ reason })}`}>
              <code>{reason}</code>
            </Link>
            <meter min={0} max={most} value={refused} aria-hidden="true" />
            <span>{text.count(refused)}</span>
          </li>
        ))}
      </ul>
      {(refusals?.unanswered?.length ?? 0) > 0 && (
        <p className="mistake">{t('overview.unanswered', { processes: refusals!.unanswered!.join(', ') })}</p>
      )}
    </section>
  );
}

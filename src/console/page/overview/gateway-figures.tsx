/** How the gateway does, in a row of numbers, for its operator: each leads to the page that says more. */
import { useQuery } from '@tanstack/react-query';
import { ApiError } from '../api/client.ts';
import { Figure, Figures } from '../parts/figure.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { useNumberText } from '../parts/number-text.ts';
import { useTranslate } from '../preferences.tsx';
import { statusQuery, trafficQuery } from './overview-queries.ts';

/** `told`: the error that the page tells of already, so that nobody reads the same twice. */
export function GatewayFigures({ told = null }: { readonly told?: unknown }) {
  const t = useTranslate();
  const text = useNumberText();
  const traffic = useQuery(trafficQuery('1h'));
  const status = useQuery(statusQuery);
  const total = traffic.data?.total;
  const error = traffic.data === undefined && status.data === undefined ? (traffic.error ?? status.error) : null;
  const retry = () => {
    void traffic.refetch();
    void status.refetch();
  };
  const ms = (value: number | null | undefined) =>
    value === undefined ? null : value === null ? t('overview.none') : text.ms(value);
  return (
    <section className="card">
      <h2>{t('overview.gateway')}</h2>
      {error !== null && !isSame(error, told) && <ErrorNote error={error} onRetry={retry} />}
      <Figures label={t('overview.gateway')}>
        <Figure
          href="/traffic?range=1h"
          label={t('overview.requests')}
          value={total === undefined ? null : text.rate(total.requestsPerSecond)}
          detail={total && t('overview.inAll', { count: total.requests })}
        />
        <Figure
          href="/traffic?range=1h"
          label={t('overview.refused')}
          value={total === undefined ? null : text.count(total.refused)}
          detail={total && t('overview.serverErrors', { count: total.serverErrors })}
        />
        <Figure
          href="/traffic?range=1h"
          label={t('overview.auth')}
          value={ms(total?.authP99Ms)}
          detail={total && t('overview.median', { time: ms(total.authP50Ms) ?? '' })}
        />
        <Figure href="/traffic?range=1h" label={t('overview.lag')} value={ms(total?.revocationLagP99Ms)} />
        <StatusFigures status={status.data} />
      </Figures>
    </section>
  );
}

function isSame(one: unknown, other: unknown): boolean {
  return one instanceof ApiError && other instanceof ApiError && one.code === other.code;
}

function StatusFigures({
  status,
}: {
  readonly status: Awaited<ReturnType<NonNullable<typeof statusQuery.queryFn>>> | undefined;
}) {
  const t = useTranslate();
  const text = useNumberText();
  const processes = status?.fleet.processes;
  const { lastReload = null, generation = 0 } = status?.configuration ?? {};
  const isRefused = lastReload?.result === 'refused';
  return (
    <>
      <Figure
        href="/status"
        label={t('overview.processes')}
        value={status === undefined ? null : processes == null ? t('overview.none') : text.count(processes.length)}
        {...(status?.store.degraded || !(status?.store.fresh ?? true) ? { tone: 'bad' as const } : {})}
        detail={
          status &&
          t(status.store.degraded ? 'overview.degraded' : status.store.fresh ? 'overview.fresh' : 'overview.stale')
        }
      />
      <Figure
        href="/status"
        label={t('overview.configuration')}
        value={status === undefined ? null : `#${text.count(generation)}`}
        {...(isRefused ? { tone: 'bad' as const } : {})}
        detail={status && t(isRefused ? 'overview.reload.refused' : 'overview.reload.good')}
      />
    </>
  );
}

/** The traffic of all gateway processes, as it comes in: charts over minutes or a day, each a table as well. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useSearchParams } from 'wouter';
import type { Shapes } from '../api/client.ts';
import { SHOWN_RANGES, type ShownRange, TRAFFIC_EVERY_MS, trafficQuery } from '../overview/overview-queries.ts';
import { Button } from '../parts/button.tsx';
import { Figure, Figures } from '../parts/figure.tsx';
import { Instant } from '../parts/instant.tsx';
import { LiveNote } from '../parts/live-note.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { useNumberText } from '../parts/number-text.ts';
import { PageHead } from '../parts/page-head.tsx';
import { useTranslate } from '../preferences.tsx';
import { Chart } from './chart.tsx';

/** More lines than that nobody tells apart; the others are one. */
const REASONS_MAX = 5;

type Traffic = Shapes['Traffic'];

export function TrafficPage() {
  const t = useTranslate();
  const [search, setSearch] = useSearchParams();
  const range = SHOWN_RANGES.find((each) => each === search.get('range')) ?? '5m';
  const isPaused = search.get('live') === 'off';
  const everyMs = isPaused ? false : TRAFFIC_EVERY_MS[range];
  const asked = useQuery(trafficQuery(range, everyMs));
  const { data, error, refetch } = asked;
  const choose = (name: string, value: string | null) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (value === null) next.delete(name);
      else next.set(name, value);
      return next;
    });
  return (
    <>
      <PageHead title={t('traffic.title')} lead={t('traffic.lead')}>
        <Ranges range={range} onChoose={(each) => choose('range', each)} />
        <Button aria-pressed={isPaused} onClick={() => choose('live', isPaused ? null : 'off')}>
          {t(isPaused ? 'traffic.resume' : 'traffic.pause')}
        </Button>
      </PageHead>
      <LiveNote asked={asked} everyMs={everyMs} />
      {data === undefined && error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {(data !== undefined || error === null) && <TrafficNumbers traffic={data} />}
      {(data?.unanswered?.length ?? 0) > 0 && (
        <p className="note warn">{t('overview.unanswered', { processes: data!.unanswered!.join(', ') })}</p>
      )}
      <Charts traffic={data} />
      {data !== undefined && <CountedSince traffic={data} />}
    </>
  );
}

function Ranges({ range, onChoose }: { readonly range: ShownRange; onChoose(range: ShownRange): void }) {
  const t = useTranslate();
  return (
    <fieldset className="ranges">
      <legend className="hidden">{t('traffic.range')}</legend>
      {SHOWN_RANGES.map((each) => (
        <Button key={each} aria-pressed={each === range} onClick={() => onChoose(each)}>
          {t(`traffic.range.${each}`)}
        </Button>
      ))}
    </fieldset>
  );
}

function TrafficNumbers({ traffic }: { readonly traffic: Traffic | undefined }) {
  const t = useTranslate();
  const text = useNumberText();
  const total = traffic?.total;
  const ms = (value: number | null | undefined) =>
    value === undefined ? null : value === null ? t('overview.none') : text.ms(value);
  return (
    <Figures label={t('traffic.sums')}>
      <Figure
        label={t('overview.requests')}
        value={total === undefined ? null : text.rate(total.requestsPerSecond)}
        detail={total && t('overview.inAll', { count: total.requests })}
      />
      <Figure
        label={t('overview.refused')}
        value={total === undefined ? null : text.count(total.refused)}
        detail={total && t('overview.serverErrors', { count: total.serverErrors })}
      />
      <Figure
        label={t('overview.auth')}
        value={ms(total?.authP99Ms)}
        detail={total && t('overview.median', { time: ms(total.authP50Ms) ?? '' })}
      />
      <Figure label={t('overview.lag')} value={ms(total?.revocationLagP99Ms)} />
      <Figure
        label={t('traffic.inFlight')}
        value={total === undefined ? null : total.inFlight === null ? t('overview.none') : text.count(total.inFlight)}
        detail={traffic && t('traffic.processes', { count: traffic.processes })}
      />
    </Figures>
  );
}

function Charts({ traffic }: { readonly traffic: Traffic | undefined }) {
  const t = useTranslate();
  const text = useNumberText();
  const reasons = useMemo(() => (traffic === undefined ? [] : reasonLines(traffic, t('traffic.others'))), [traffic, t]);
  const lines = useMemo(
    () => ({
      requests: [
        { name: t('traffic.all'), values: traffic?.requestsPerSecond ?? [] },
        { name: t('overview.refused'), values: traffic?.refusedPerSecond ?? [] },
        { name: t('traffic.serverErrors'), values: traffic?.serverErrorsPerSecond ?? [] },
      ],
      auth: [
        { name: t('traffic.p99'), values: traffic?.authP99Ms ?? [] },
        { name: t('traffic.p50'), values: traffic?.authP50Ms ?? [] },
      ],
      lag: [{ name: t('traffic.p99'), values: traffic?.revocationLagP99Ms ?? [] }],
      inFlight: [{ name: t('traffic.inFlight'), values: traffic?.inFlight ?? [] }],
    }),
    [traffic, t],
  );
  const times = { fromMs: Date.parse(traffic?.from ?? '') || 0, stepMs: traffic?.stepMs ?? 2000 };
  return (
    <div className="charts">
      <Chart {...times} title={t('traffic.requests')} lines={lines.requests} write={text.rate} />
      <Chart {...times} title={t('traffic.reasons')} lines={reasons} write={text.rate} />
      <Chart {...times} title={t('traffic.auth')} lines={lines.auth} write={text.ms} />
      <Chart {...times} title={t('traffic.lag')} lines={lines.lag} write={text.ms} />
      <Chart {...times} title={t('traffic.inFlight')} lines={lines.inFlight} write={text.rate} />
    </div>
  );
}

/** Counters are in the memory of their process: a chart that begins in the middle says why. */
function CountedSince({ traffic: { from, stepMs, requestsPerSecond } }: { readonly traffic: Traffic }) {
  const t = useTranslate();
  const first = requestsPerSecond.findIndex((each) => each !== null);
  if (first <= 0) return null;
  return (
    <p className="soft small counted">
      {t('traffic.since')} <Instant at={new Date(Date.parse(from) + first * stepMs).toISOString()} />
    </p>
  );
}

function reasonLines({ reasons }: Traffic, others: string) {
  const shown = reasons.slice(0, REASONS_MAX).map(({ reason, perSecond }) => ({ name: reason, values: perSecond }));
  const rest = reasons.slice(REASONS_MAX);
  if (rest.length === 0) return shown;
  const values = rest[0]!.perSecond.map((each, nth) =>
    each === null ? null : rest.reduce((sum, { perSecond }) => sum + (perSecond[nth] ?? 0), 0),
  );
  return [...shown, { name: others, values }];
}

/** What the gateway says of itself: what is in force, how the last reload ended, who serves, and what may soon end. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError, answerOf, api, type Shapes } from '../api/client.ts';
import { STATUS_EVERY_MS, statusQuery } from '../overview/overview-queries.ts';
import { Button } from '../parts/button.tsx';
import { Instant } from '../parts/instant.tsx';
import { LiveNote } from '../parts/live-note.tsx';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { useNumberText } from '../parts/number-text.ts';
import { PageHead } from '../parts/page-head.tsx';
import { useTranslate } from '../preferences.tsx';
import { ProcessTable } from './process-table.tsx';

type Status = Shapes['Status'];

const SOON_MS = 14 * 86_400_000;

export function StatusPage() {
  const t = useTranslate();
  const asked = useQuery(statusQuery);
  const { data, error, refetch } = asked;
  return (
    <>
      <PageHead title={t('status.title')} lead={data && `scopegate ${data.version}`}>
        <ReloadButton />
      </PageHead>
      <LiveNote asked={asked} everyMs={STATUS_EVERY_MS} />
      {data === undefined && error === null && <Waiting />}
      {data === undefined && error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data !== undefined && <StatusView status={data} />}
    </>
  );
}

function ReloadButton() {
  const t = useTranslate();
  const client = useQueryClient();
  const reload = useMutation({
    mutationFn: () => answerOf(api.POST('/v1/reload', { body: undefined as never })),
    // The page shows what came of it, problems and all.
    onSettled: () => client.invalidateQueries({ queryKey: statusQuery.queryKey }),
  });
  const isRefused = reload.error instanceof ApiError && reload.error.code === 'configuration_invalid';
  return (
    <>
      <Button isBusy={reload.isPending} onClick={() => reload.mutate()}>
        {t('status.reload')}
      </Button>
      <div className="outcome" role="status">
        {reload.isSuccess && <p className="note good">{t('status.reloaded')}</p>}
        {isRefused && <p className="note bad">{t('status.reload.refused')}</p>}
      </div>
      {reload.error !== null && !isRefused && <ErrorNote error={reload.error} />}
    </>
  );
}

function StatusView({ status }: { readonly status: Status }) {
  const t = useTranslate();
  const { lastReload, warnings } = status.configuration;
  return (
    <div className="stack">
      {lastReload?.result === 'refused' && (
        <section className="note bad">
          <h2>
            {t('status.problems')} (<Instant at={lastReload.at} />)
          </h2>
          <p>{t('status.problems.hint')}</p>
          <ul className="places">
            {lastReload.problems.map(({ file, line, column, message }) => (
              <li key={`${file}:${line}:${column}:${message}`}>
                <code>{`${file}:${line}:${column}`}</code> {message}
              </li>
            ))}
          </ul>
        </section>
      )}
      <div className="two">
        <ConfigurationCard status={status} />
        <StoreCard status={status} />
      </div>
      <ProcessTable processes={status.fleet.processes} digest={status.configuration.digest} />
      <div className="two">
        <CertificateCard certificates={status.certificates} />
        <LimitCard limits={status.limits} />
      </div>
      {warnings.length > 0 && (
        <section className="note warn">
          <h2>{t('status.warnings')}</h2>
          <ul className="places">
            {warnings.map((each) => (
              <li key={each}>
                <code>{each}</code>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function ConfigurationCard({ status }: { readonly status: Status }) {
  const t = useTranslate();
  const text = useNumberText();
  const { configuration, listeners } = status;
  const { lastReload } = configuration;
  return (
    <section className="card">
      <h2>{t('status.configuration')}</h2>
      <dl className="facts">
        <Fact name={t('status.number')}>
          #{text.count(configuration.generation)} <code>{configuration.digest}</code>
        </Fact>
        <Fact name={t('status.file')}>
          <code>{configuration.path}</code>
        </Fact>
        <Fact name={t('status.policy')}>
          {configuration.policy} <code>{configuration.policyPath}</code>
        </Fact>
        <Fact name={t('status.routes')}>{text.count(configuration.routes)}</Fact>
        <Fact name={t('status.loaded')}>
          <Instant at={configuration.loadedAt} />
        </Fact>
        <Fact name={t('status.lastReload')}>
          {lastReload === null ? (
            t('status.lastReload.none')
          ) : (
            <span className={`badge ${lastReload.result === 'applied' ? 'good' : 'bad'}`}>
              {t(`status.result.${lastReload.result}`)}
            </span>
          )}
        </Fact>
        {Object.entries(listeners).map(([name, url]) =>
          url === null ? null : (
            <Fact key={name} name={t(`status.listener.${name as 'gateway'}`)}>
              <code>{url}</code>
            </Fact>
          ),
        )}
      </dl>
    </section>
  );
}

function StoreCard({ status }: { readonly status: Status }) {
  const t = useTranslate();
  const text = useNumberText();
  const { store, clock, phase, startedAt, uptimeMs } = status;
  const state = store.degraded ? 'degraded' : store.fresh ? 'fresh' : 'stale';
  return (
    <section className="card">
      <h2>{t('status.state')}</h2>
      <dl className="facts">
        <Fact name={t('status.phase')}>
          <span className={`badge ${phase === 'serving' ? 'good' : 'warn'}`}>{t(`status.phase.${phase}`)}</span>
        </Fact>
        <Fact name={t('status.uptime')}>
          {text.span(uptimeMs)} (<Instant at={startedAt} />)
        </Fact>
        <Fact name={t('status.store')}>{store.driver}</Fact>
        <Fact name={t('status.health')}>
          <span className={`badge ${state === 'fresh' ? 'good' : 'bad'}`}>{t(`overview.${state}`)}</span>
        </Fact>
        <Fact name={t('status.stale')}>{store.staleMs === null ? t('overview.none') : text.ms(store.staleMs)}</Fact>
        {store.fault !== undefined && (
          <Fact name={t('status.fault')}>
            <code>{JSON.stringify(store.fault)}</code>
          </Fact>
        )}
        <Fact name={t('status.clock')}>
          {clock.right ? (
            clock.skewMs === null ? (
              t('status.clock.same')
            ) : (
              text.ms(Math.abs(clock.skewMs))
            )
          ) : (
            <span className="badge bad">{t('status.clock.wrong', { time: text.ms(Math.abs(clock.skewMs ?? 0)) })}</span>
          )}
        </Fact>
      </dl>
    </section>
  );
}

function CertificateCard({ certificates }: { readonly certificates: Status['certificates'] }) {
  const t = useTranslate();
  return (
    <section className="card">
      <h2>{t('status.certificates')}</h2>
      {certificates.length === 0 && <p className="soft">{t('status.certificates.none')}</p>}
      <dl className="facts">
        {certificates.map(({ listener, file, endsAt, current }) => {
          const leftMs = Date.parse(endsAt) - Date.now();
          const tone = leftMs <= 0 || !current ? 'bad' : leftMs < SOON_MS ? 'warn' : 'good';
          return (
            <Fact key={`${listener} ${file}`} name={t(`status.listener.${listener as 'gateway'}`)}>
              <span className={`badge ${tone}`}>{t(leftMs <= 0 ? 'status.ended' : 'status.ends')}</span>{' '}
              <Instant at={endsAt} />
              <code className="sub">{file}</code>
              {!current && <span className="mistake">{t('status.certificate.other')}</span>}
            </Fact>
          );
        })}
      </dl>
    </section>
  );
}

function LimitCard({ limits }: { readonly limits: Status['limits'] }) {
  const t = useTranslate();
  const text = useNumberText();
  return (
    <section className="card">
      <h2>{t('status.limits')}</h2>
      <dl className="facts">
        {limits.map(({ name, requests, windowMs, per }) => (
          <Fact key={name} name={name}>
            {t('status.limit', { count: requests, window: text.span(windowMs) })}{' '}
            <span className="soft">
              {per.length === 0 ? t('status.limit.account') : t('status.limit.per', { what: per.join(' + ') })}
            </span>
          </Fact>
        ))}
      </dl>
    </section>
  );
}

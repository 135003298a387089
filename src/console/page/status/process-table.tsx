/** The gateway processes that hold a lease, as each said of itself. */
import type { Shapes } from '../api/client.ts';
import { Instant } from '../parts/instant.tsx';
import { useNumberText } from '../parts/number-text.ts';
import { useTranslate } from '../preferences.tsx';

type Process = Shapes['GatewayProcess'];

const COLUMNS = ['process', 'started', 'lease', 'behind', 'version', 'inForce'] as const;
/** Whoever has not said anything for so long hangs, or is busy. */
const SILENT_MS = 15_000;

/** `digest`: of the configuration in force here. */
export function ProcessTable({
  processes,
  digest,
}: {
  readonly processes: readonly Process[] | null;
  readonly digest: string;
}) {
  const t = useTranslate();
  if (processes === null || processes.length === 0)
    return (
      <section className="note warn">
        <p>{t(processes === null ? 'status.processes.unknown' : 'status.processes.none')}</p>
        {processes !== null && <code>scopegate serve --only gateway</code>}
      </section>
    );
  return (
    <div className="table-box">
      <table>
        <caption className="hidden">{t('overview.processes')}</caption>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th key={column} scope="col">
                {t(`status.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {processes.map((process) => (
            <ProcessRow key={process.id} process={process} digest={digest} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ProcessRow({ process, digest }: { readonly process: Process; readonly digest: string }) {
  const t = useTranslate();
  const text = useNumberText();
  const { id, host, pid, startedAt, behind, version, configuration, leaseAgeMs, degraded, heardMsAgo } = process;
  const isSilent = heardMsAgo !== null && heardMsAgo > SILENT_MS;
  return (
    <tr>
      <td className="name">
        {host} {pid}
        <code className="sub">{id}</code>
      </td>
      <td data-label={t('status.started')}>
        <Instant at={startedAt} />
      </td>
      <td data-label={t('status.lease')}>
        {leaseAgeMs === null ? t('status.unsaid') : text.ms(leaseAgeMs)}
        {isSilent && <span className="sub">{t('status.silent', { time: text.span(heardMsAgo) })}</span>}
        {degraded === true && <span className="badge bad">{t('overview.degraded')}</span>}
      </td>
      <td data-label={t('status.behind')}>{text.count(behind)}</td>
      <td data-label={t('status.version')}>{version ?? t('status.unsaid')}</td>
      <td data-label={t('status.inForce')}>
        {configuration === null ? (
          t('status.unsaid')
        ) : (
          <span className={`badge ${configuration === digest ? 'good' : 'warn'}`}>
            {t(configuration === digest ? 'status.inForce.same' : 'status.inForce.other')}
          </span>
        )}
      </td>
    </tr>
  );
}

/** The routes in force, in the order in which they are tried: what each asks for, where it is written, and who asks for it. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { explainPath } from '../explain/explain-paths.ts';
import { FormField } from '../parts/form-field.tsx';
import { Instant } from '../parts/instant.tsx';
import { ListView } from '../parts/list-view.tsx';
import { EmptyNote } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { TypedField } from '../parts/typed-field.tsx';
import { type UrlFilters, useUrlFilters } from '../parts/url-filters.ts';
import { useTranslate } from '../preferences.tsx';
import { RouteAsks } from './route-asks.tsx';

type ListedRoute = Shapes['Route'];
type Finding = ListedRoute['findings'][number];
type Listing = Shapes['RouteList'];

const NAMES = ['path', 'method', 'scope', 'only'] as const;
type Name = (typeof NAMES)[number];
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const ONLY = ['found', 'unused', 'public'] as const;
const COLUMNS = ['route', 'asks', 'limits', 'requests', 'found'] as const;
const MARKS: Readonly<Record<Finding['severity'], string>> = { error: 'bad', warning: 'warn', note: 'none' };

export function RoutesPage() {
  const t = useTranslate();
  const asked = useUrlFilters(NAMES);
  const { only, ...others } = asked.filters;
  const query = { limit: '50', ...others, ...(only === undefined ? {} : { only: only as (typeof ONLY)[number] }) };
  const answer = useQuery({
    queryKey: ['routes', query],
    queryFn: () => answerOf(api.GET('/v1/routes', { params: { query } })),
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <PageHead title={t('routes.title')} lead={t('routes.lead')} />
      <RouteFilterBar {...asked} />
      {answer.data !== undefined && <Standing listing={answer.data} />}
      <ListView
        asked={asked}
        answer={answer}
        title={t('routes.title')}
        columns={COLUMNS.map((column) => t(`routes.${column}`))}
        empty={
          <EmptyNote title={t('routes.empty')} hint={t('routes.empty.hint')} command="scopegate init --openapi FILE" />
        }
        row={(each) => <RouteRow key={each.order} route={each} />}
      />
      {answer.data !== undefined && answer.data.otherFindings.length > 0 && (
        <section className="card stack further">
          <h2>{t('routes.otherFindings')}</h2>
          <Findings findings={answer.data.otherFindings} isPlaced />
        </section>
      )}
    </>
  );
}

function RouteFilterBar({ filters, narrow }: UrlFilters<Name>) {
  const t = useTranslate();
  return (
    <search className="filters" aria-label={t('list.filters')}>
      <TypedField label={t('routes.path')} value={filters.path ?? ''} onChange={(value) => narrow('path', value)} />
      <FormField label={t('routes.method')}>
        {(control) => (
          <select {...control} value={filters.method ?? ''} onChange={(event) => narrow('method', event.target.value)}>
            <option value="">{t('list.any')}</option>
            {METHODS.map((method) => (
              <option key={method}>{method}</option>
            ))}
          </select>
        )}
      </FormField>
      <TypedField label={t('routes.scope')} value={filters.scope ?? ''} onChange={(value) => narrow('scope', value)} />
      <FormField label={t('routes.only')}>
        {(control) => (
          <select {...control} value={filters.only ?? ''} onChange={(event) => narrow('only', event.target.value)}>
            <option value="">{t('routes.only.all')}</option>
            {ONLY.map((only) => (
              <option key={only} value={only}>
                {t(`routes.only.${only}`)}
              </option>
            ))}
          </select>
        )}
      </FormField>
    </search>
  );
}

function Standing({ listing }: { readonly listing: Listing }) {
  const t = useTranslate();
  const { configuration, files, countedSince, unanswered } = listing;
  return (
    <>
      <p className="soft small standing">
        {t('routes.inForce')} <code>{configuration}</code>
        {countedSince !== null && (
          <>
            {' · '}
            {t('routes.countedSince')} <Instant at={countedSince} />
          </>
        )}
        {unanswered !== null && unanswered.length > 0 && ` · ${t('routes.unanswered')} ${unanswered.join(', ')}`}
      </p>
      {files !== 'inForce' && <p className="note warn standing">{t(`routes.files.${files}`)}</p>}
    </>
  );
}

function RouteRow({ route }: { readonly route: ListedRoute }) {
  const t = useTranslate();
  const { id, order, methods, hosts, path, asks, limits, upstream, place, requests, refused, findings } = route;
  const question = new URLSearchParams({
    method: methods?.[0] ?? 'GET',
    url: (hosts === null ? '' : `https://${hosts[0]}`) + path,
  });
  return (
    <tr>
      <td className="name">
        <span className="row">
          <span className="soft small">{order}</span>
          <b className="method">{methods?.join(' ') ?? t('routes.anyMethod')}</b>
          <code className="template">{path}</code>
        </span>
        <span className="sub">
          {id}
          {hosts !== null && ` · ${hosts.join(', ')}`}
          {upstream === null && ` · ${t('routes.own')}`}
          {place !== null && (
            <>
              {' · '}
              <span className="mono">
                {place.file}:{place.line}
              </span>
            </>
          )}
        </span>
        {asks !== null && (
          <Link className="small-link" href={`${explainPath(null)}?${question}`}>
            {t('routes.explain')}
          </Link>
        )}
      </td>
      <td data-label={t('routes.asks')}>
        <RouteAsks route={route} />
      </td>
      <td className={limits.length === 0 ? 'void' : ''} data-label={t('routes.limits')}>
        {limits.length === 0 ? (
          <span className="soft">{t('app.none')}</span>
        ) : (
          <div>
            {limits.map(({ name, requests: most, windowSeconds, per }) => (
              <span key={name} className="sub-line">
                {name}
                <span className="sub">{t('routes.limit', { most, seconds: windowSeconds, per: per.join(', ') })}</span>
              </span>
            ))}
          </div>
        )}
      </td>
      <td className="fit" data-label={t('routes.requests')}>
        <Counts id={id} requests={requests} refused={refused} />
      </td>
      <td className={findings.length === 0 ? 'void' : ''} data-label={t('routes.found')}>
        {findings.length === 0 ? <span className="soft">{t('app.none')}</span> : <Findings findings={findings} />}
      </td>
    </tr>
  );
}

function Counts({ id, requests, refused }: Pick<ListedRoute, 'id' | 'requests' | 'refused'>) {
  const t = useTranslate();
  if (requests === null || refused === null) return <span className="soft">{t('routes.notCounted')}</span>;
  if (requests === 0) return <span className="badge none">{t('routes.never')}</span>;
  return (
    <span>
      {t('routes.count', { count: requests })}
      {refused > 0 && (
        <span className="sub">
          <Link href={`/refusals?route=${encodeURIComponent(id)}`}>{t('routes.refused', { count: refused })}</Link>
        </span>
      )}
    </span>
  );
}

/** `isPlaced`: with their files, since nothing else says where they are. */
function Findings({
  findings,
  isPlaced = false,
}: {
  readonly findings: readonly Finding[];
  readonly isPlaced?: boolean;
}) {
  const t = useTranslate();
  return (
    <ul className="stack tight">
      {findings.map(({ code, severity, message, file, line }) => (
        <li key={`${code} ${file}:${line} ${message}`}>
          <span className={`badge ${MARKS[severity]}`}>
            {t(`routes.severity.${severity}`)} {code}
          </span>
          <span className="sub">
            {message} (
            <span className="mono">
              {isPlaced && file}:{line}
            </span>
            )
          </span>
        </li>
      ))}
    </ul>
  );
}

/** What was refused lately, as far as the gateway processes remember: of one organization, or of all. Each leads to its explanation. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useSearchParams } from 'wouter';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { askNames, type KnownNames, type TypedId } from '../api/names.ts';
import { useCaller } from '../caller.tsx';
import { explainPath } from '../explain/explain-paths.ts';
import { CheckLine } from '../parts/check-line.tsx';
import { FormField } from '../parts/form-field.tsx';
import { Instant } from '../parts/instant.tsx';
import { KnownBy } from '../parts/known-by.tsx';
import { ListView } from '../parts/list-view.tsx';
import { EmptyNote } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { TypedField } from '../parts/typed-field.tsx';
import { type UrlFilters, useUrlFilters } from '../parts/url-filters.ts';
import { useTranslate } from '../preferences.tsx';
import { tokenPath } from '../tokens/token-paths.ts';
import { REFUSAL_REASONS } from './refusal-reasons.ts';

type Decision = Shapes['Decision'];

const NAMES = ['reason', 'route', 'token', 'address'] as const;
type Name = (typeof NAMES)[number];
const LIVE_MS = 2000;
const COLUMNS = ['request', 'reason', 'at', 'route', 'token', 'address'] as const;

/** `org` null: of all. */
export function RefusalsPage({ org }: { readonly org: string | null }) {
  const t = useTranslate();
  const { seesAllTokens } = useCaller();
  const asked = useUrlFilters(NAMES);
  const [isLive, setLive] = useLive();
  const answer = useRefusals(org, asked.filters, isLive && asked.filters.cursor === undefined);
  const { data } = answer;
  return (
    <>
      <PageHead
        title={t(org === null ? 'refusals.title.all' : 'refusals.title')}
        lead={t(leadOf(org, seesAllTokens))}
      />
      <RefusalFilterBar {...asked} />
      <div className="row live">
        <CheckLine label={t('refusals.live')} isOn={isLive} onChange={setLive} />
      </div>
      {data !== undefined && data.keep > 0 && <Unanswered unanswered={data.unanswered} />}
      <ListView
        asked={asked}
        answer={answer}
        title={t('refusals.title')}
        columns={COLUMNS.map((column) => t(`refusals.${column}`))}
        empty={<NoRefusals keep={data?.keep ?? 0} forMinutes={data?.forMinutes ?? 0} />}
        row={(refusal) => (
          <RefusalRow key={refusal.id} org={org} refusal={refusal} names={data?.names.get(refusal.organization)} />
        )}
      />
    </>
  );
}

function leadOf(org: string | null, seesAllTokens: boolean) {
  if (org === null) return 'refusals.lead.all';
  return seesAllTokens ? 'refusals.lead' : 'refusals.lead.own';
}

/** It stands in the address, but is no filter. */
function useLive() {
  const [search, setSearch] = useSearchParams();
  const setLive = (isLive: boolean) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (isLive) next.set('live', '1');
      else next.delete('live');
      return next;
    });
  return [search.get('live') === '1', setLive] as const;
}

/** While nobody looks at the window, nothing is asked. */
function useRefusals(org: string | null, filters: UrlFilters<Name>['filters'], isLive: boolean) {
  const query = { limit: '50', ...(org === null ? {} : { organization: org }), ...filters };
  return useQuery({
    queryKey: ['refusals', query],
    queryFn: async () => {
      const answer = await answerOf(api.GET('/v1/refusals', { params: { query } }));
      return { ...answer, names: await namesIn(answer.items) };
    },
    refetchInterval: isLive ? LIVE_MS : false,
    placeholderData: keepPreviousData,
  });
}

/** Of each organization, by the organization. */
async function namesIn(items: readonly Decision[]): Promise<ReadonlyMap<string | null, KnownNames>> {
  const asked = [...Map.groupBy(items, ({ organization }) => organization)].map(async ([organization, refusals]) => {
    const ids = refusals.flatMap(({ token, owner }): TypedId[] => [
      ...(token === null ? [] : [`token/${token}` as const]),
      ...(owner === null ? [] : [`member/${owner}` as const]),
    ]);
    return [organization, organization === null ? new Map() : await askNames(organization, ids)] as const;
  });
  return new Map(await Promise.all(asked));
}

function RefusalFilterBar({ filters, narrow }: UrlFilters<Name>) {
  const t = useTranslate();
  return (
    <search className="filters" aria-label={t('list.filters')}>
      <FormField label={t('refusals.reason')}>
        {(control) => (
          <select {...control} value={filters.reason ?? ''} onChange={(event) => narrow('reason', event.target.value)}>
            <option value="">{t('list.any')}</option>
            {REFUSAL_REASONS.map((reason) => (
              <option key={reason}>{reason}</option>
            ))}
          </select>
        )}
      </FormField>
      {(['route', 'token', 'address'] as const).map((name) => (
        <TypedField
          key={name}
          label={t(`refusals.${name}`)}
          placeholder={t(`refusals.${name}.placeholder`)}
          value={filters[name] ?? ''}
          onChange={(value) => narrow(name, value)}
        />
      ))}
    </search>
  );
}

function Unanswered({ unanswered }: { readonly unanswered: readonly string[] | null }) {
  const t = useTranslate();
  if (unanswered?.length === 0) return null;
  return (
    <p className="note warn">
      {unanswered === null
        ? t('refusals.unasked')
        : t('refusals.unanswered', { count: unanswered.length, processes: unanswered.join(', ') })}
    </p>
  );
}

function NoRefusals({ keep, forMinutes }: { readonly keep: number; readonly forMinutes: number }) {
  const t = useTranslate();
  if (keep === 0)
    return (
      <EmptyNote
        title={t('refusals.off')}
        hint={t('refusals.off.hint')}
        command="explain: { keep: 10000, forMinutes: 1440 }"
      />
    );
  return (
    <EmptyNote
      title={t('refusals.empty')}
      hint={t('refusals.empty.hint', { count: Math.round(forMinutes / 60) })}
      command="scopegate refusals --since 1h"
    />
  );
}

interface RowProps {
  readonly org: string | null;
  readonly refusal: Decision;
  readonly names: KnownNames | undefined;
}

function RefusalRow({ org, refusal, names }: RowProps) {
  const t = useTranslate();
  const { id, at, method, path, host, status, reason, detail, route, token, owner, organization, address } = refusal;
  return (
    <tr>
      <td className="name">
        <Link href={`${explainPath(org ?? organization)}?id=${id}`}>
          {method} {path}
        </Link>
        <span className="sub">{host}</span>
      </td>
      <td data-label={t('refusals.reason')}>
        <span>
          <span className="badge bad">{status}</span> <code>{reason}</code>
          {detail !== null && <span className="sub">{detail}</span>}
        </span>
      </td>
      <td className="fit" data-label={t('refusals.at')}>
        <Instant at={at} />
      </td>
      <td data-label={t('refusals.route')}>{route ?? <span className="soft">{t('app.none')}</span>}</td>
      <td className="whole" data-label={t('refusals.token')}>
        {token === null || organization === null ? (
          <span className="soft">{t('refusals.token.unknown')}</span>
        ) : (
          <span>
            <KnownBy names={names} of={`token/${token}`} href={tokenPath(organization, token)} />
            {owner !== null && (
              <span className="sub" title={owner}>
                {names?.get(`member/${owner}`) ?? owner}
              </span>
            )}
          </span>
        )}
      </td>
      <td className="mono" data-label={t('refusals.address')}>
        {address}
      </td>
    </tr>
  );
}

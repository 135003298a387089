/** The audit trail, newest first, as far as the caller may see it: found by the server, opened line by line, taken out whole. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Fragment } from 'react';
import { useSearchParams } from 'wouter';
import type { KnownNames } from '../api/names.ts';
import { useCaller } from '../caller.tsx';
import { MemberFilter } from '../directory/named-filters.tsx';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { Instant } from '../parts/instant.tsx';
import { ListView } from '../parts/list-view.tsx';
import { MomentField } from '../parts/moment-field.tsx';
import { EmptyNote, ErrorNote } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { TypedField } from '../parts/typed-field.tsx';
import { type UrlFilters, useUrlFilters } from '../parts/url-filters.ts';
import { useTranslate } from '../preferences.tsx';
import { EventActor, EventDetails, EventTarget, useActWords } from './audit-event.tsx';
import { AUDIT_FILTERS, type AuditEvent, auditExportPath, auditQuery } from './audit-queries.ts';

const KINDS = [
  'token',
  'member',
  'team',
  'workspace',
  'environment',
  'resource',
  'service-account',
  'iam-policy',
  'organization',
] as const;

type Asked = UrlFilters<(typeof AUDIT_FILTERS)[number]>;

export function AuditPage({ org }: { readonly org: string }) {
  const t = useTranslate();
  const { kind } = useCaller();
  const asked = useUrlFilters(AUDIT_FILTERS);
  const answer = useQuery({ ...auditQuery(org, asked.filters), placeholderData: keepPreviousData });
  const columns = ['act', 'object', 'actor', 'outcome', 'at', 'details'] as const;
  const open = useOpenEvent();
  const isOperator = kind === 'operator';
  return (
    <>
      <PageHead title={t('audit.title')} lead={t(isOperator ? 'audit.lead' : 'audit.lead.own')}>
        <ExportButton org={org} asked={asked} />
      </PageHead>
      <AuditFilterBar org={org} {...asked} />
      <ListView
        asked={asked}
        answer={answer}
        title={t('audit.title')}
        columns={columns.map((column) => t(`audit.${column}`))}
        empty={
          <EmptyNote
            title={t('audit.empty')}
            hint={t('audit.empty.hint')}
            command={`scopegate token create --organization ${org} --name first --owner MEMBER --scope SCOPE --expires 30d`}
          />
        }
        row={(event) => <EventRows key={event.id} event={event} names={answer.data!.names} {...open} />}
      />
    </>
  );
}

/** Asks first whether it may be had: what a browser downloads by itself can say no more than that it failed. */
function ExportButton({ org, asked }: { readonly org: string; readonly asked: Asked }) {
  const t = useTranslate();
  const client = useQueryClient();
  const { cursor: _, ...filters } = asked.filters;
  const take = useMutation({
    mutationFn: () => client.fetchQuery(auditQuery(org, filters, '1')),
    onSuccess: () => location.assign(auditExportPath(org, filters)),
  });
  return (
    <>
      <Button isBusy={take.isPending} onClick={() => take.mutate()}>
        {t('audit.export')}
      </Button>
      {take.error !== null && <ErrorNote error={take.error} onRetry={() => take.mutate()} />}
    </>
  );
}

/** Which line is open; it stands in the address. */
function useOpenEvent() {
  const [search, setSearch] = useSearchParams();
  const openId = search.get('event');
  const toggle = (id: string) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        if (before.get('event') === id) next.delete('event');
        else next.set('event', id);
        return next;
      },
      { replace: true },
    );
  return { openId, toggle };
}

function AuditFilterBar({ org, filters, isNarrowed, narrow, clear }: Asked & { readonly org: string }) {
  const t = useTranslate();
  const { kind } = useCaller();
  return (
    <search className="filters" aria-label={t('list.filters')}>
      {kind === 'operator' && (
        <MemberFilter
          org={org}
          label={t('audit.filter.actor')}
          placeholder={t('audit.filter.actor.placeholder')}
          value={filters.actor ?? ''}
          onChange={(actor) => narrow('actor', actor)}
        />
      )}
      <TypedField
        label={t('audit.filter.object')}
        placeholder={t('audit.filter.object.placeholder')}
        value={filters.object ?? ''}
        onChange={(object) => narrow('object', object)}
      />
      <FormField label={t('audit.filter.kind')}>
        {(control) => (
          <select {...control} value={filters.kind ?? ''} onChange={(event) => narrow('kind', event.target.value)}>
            <option value="">{t('list.any')}</option>
            {KINDS.map((each) => (
              <option key={each} value={each}>
                {t(`audit.type.${each}`)}
              </option>
            ))}
          </select>
        )}
      </FormField>
      <FormField label={t('audit.filter.outcome')}>
        {(control) => (
          <select
            {...control}
            value={filters.outcome ?? ''}
            onChange={(event) => narrow('outcome', event.target.value)}
          >
            <option value="">{t('list.any')}</option>
            <option value="done">{t('audit.outcome.done')}</option>
            <option value="refused">{t('audit.outcome.refused')}</option>
          </select>
        )}
      </FormField>
      <MomentField
        label={t('audit.filter.since')}
        value={filters.since ?? ''}
        onChange={(since) => narrow('since', since)}
      />
      <MomentField
        label={t('audit.filter.until')}
        value={filters.until ?? ''}
        onChange={(until) => narrow('until', until)}
      />
      {isNarrowed && (
        <Button kind="quiet" onClick={clear}>
          {t('list.clear')}
        </Button>
      )}
    </search>
  );
}

interface RowProps {
  readonly event: AuditEvent;
  readonly names: KnownNames;
  readonly openId: string | null;
  toggle(id: string): void;
}

function EventRows({ event, names, openId, toggle }: RowProps) {
  const t = useTranslate();
  const { words, code } = useActWords(event);
  const { id, at, outcome, target } = event;
  const isOpen = openId === id;
  const isDone = outcome === 'done';
  return (
    <Fragment>
      <tr>
        <td className="name act">
          {words}
          {words !== code && <span className="sub mono">{code}</span>}
        </td>
        <td className="party" data-label={t('audit.object')}>
          <EventTarget event={event} names={names} />
        </td>
        <td className="party" data-label={t('audit.actor')}>
          <span>
            <EventActor event={event} names={names} />
          </span>
        </td>
        <td className="fit" data-label={t('audit.outcome')}>
          <span className={`badge ${isDone ? 'good' : 'bad'}`}>
            {t(isDone ? 'audit.outcome.done' : 'audit.outcome.refused')}
          </span>
        </td>
        <td data-label={t('audit.at')}>
          <Instant at={at} />
        </td>
        <td data-label={t('audit.details')}>
          <Button
            kind="quiet"
            aria-expanded={isOpen}
            aria-controls={isOpen ? `details-${id}` : undefined}
            aria-label={t(isOpen ? 'audit.hideOf' : 'audit.showOf', { action: `${words} ${target?.id ?? ''}` })}
            onClick={() => toggle(id)}
          >
            {t(isOpen ? 'audit.hide' : 'audit.show')}
          </Button>
        </td>
      </tr>
      {isOpen && (
        <tr id={`details-${id}`}>
          <td className="event" colSpan={6}>
            <EventDetails event={event} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

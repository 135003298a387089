/** Why a request would be allowed or refused: asked by a form whose answers stand in the address, so that they can be sent on. */
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'wouter';
import { organizationsQuery } from '../api/queries.ts';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useTranslate } from '../preferences.tsx';
import { type ExplainQuestion, explanationQuery } from './explain-queries.ts';
import { ExplanationView } from './explanation-view.tsx';
import { TestCaseCard } from './test-case-card.tsx';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const NAMES = ['organization', 'token', 'method', 'url', 'address', 'id'] as const;
type Answers = Record<(typeof NAMES)[number], string>;

/** `org` null: whatever the organization. */
export function ExplainPage({ org }: { readonly org: string | null }) {
  const t = useTranslate();
  const [search, setSearch] = useSearchParams();
  const given = Object.fromEntries(NAMES.map((name) => [name, search.get(name) ?? ''])) as Answers;
  const { data: all } = useQuery({ ...organizationsQuery, enabled: org === null });
  const asked = { ...given, organization: org ?? (given.organization || (all?.items[0]?.id ?? '')) };
  const question = questionOf(asked);
  const { data, error, refetch, isFetching } = useQuery({
    ...explanationQuery(question ?? { id: '' }),
    enabled: question !== null,
  });
  const ask = (answers: Partial<Answers>) => {
    const given = Object.entries(answers).filter(([, value]) => value.trim() !== '');
    setSearch(new URLSearchParams(given.map(([name, value]) => [name, value.trim()])));
    if (question !== null) void refetch();
  };
  return (
    <>
      <PageHead title={t('explain.title')} lead={t('explain.lead')} />
      <div className="stack">
        <div className="two">
          <RequestForm
            key={asked.organization}
            asked={asked}
            organizations={org === null ? (all?.items ?? []) : []}
            isBusy={isFetching}
            onAsk={(answers) => ask(org === null ? answers : { ...answers, organization: '' })}
          />
          <RefusalForm id={asked.id} isBusy={isFetching} onAsk={ask} />
        </div>
        {question !== null && error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
        {question !== null && data === undefined && error === null && <Waiting />}
        {question !== null && data !== undefined && error === null && (
          <>
            <ExplanationView explanation={data} />
            <TestCaseCard
              org={data.decided?.organization ?? asked.organization}
              explanation={data}
              url={asked.id === '' ? asked.url : ''}
              address={asked.id === '' ? asked.address : ''}
            />
          </>
        )}
      </div>
    </>
  );
}

function questionOf({ organization, token, method, url, address, id }: Answers): ExplainQuestion | null {
  if (id !== '') return { id };
  if (organization === '' || token === '' || url === '') return null;
  return { organization, tokenId: token, method: method || 'GET', url, ...(address === '' ? {} : { address }) };
}

interface FormProps {
  readonly isBusy: boolean;
  onAsk(answers: Partial<Answers>): void;
}

interface RequestFormProps extends FormProps {
  readonly asked: Answers;
  /** To choose from; none: there is nothing to choose. */
  readonly organizations: ReadonlyArray<{ readonly id: string; readonly name: string }>;
}

function RequestForm({ asked, organizations, isBusy, onAsk }: RequestFormProps) {
  const t = useTranslate();
  const [{ organization, token, method, url, address }, setDraft] = useState(asked);
  const change = (part: Partial<Answers>) => setDraft((before) => ({ ...before, ...part }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAsk({ organization, token, method: method || 'GET', url, address });
  };
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>{t('explain.request')}</h2>
      {organizations.length > 1 && (
        <FormField label={t('app.organization')}>
          {(control) => (
            <select
              {...control}
              value={organization}
              onChange={(event) => change({ organization: event.target.value })}
            >
              {organizations.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </FormField>
      )}
      <FormField label={t('explain.token')} hint={t('explain.token.hint')}>
        {(control) => (
          <input
            {...control}
            required
            spellCheck={false}
            value={token}
            onChange={(event) => change({ token: event.target.value })}
          />
        )}
      </FormField>
      <FormField label={t('explain.method')}>
        {(control) => (
          <select {...control} value={method || 'GET'} onChange={(event) => change({ method: event.target.value })}>
            {METHODS.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        )}
      </FormField>
      <FormField label={t('explain.url')} hint={t('explain.url.hint')}>
        {(control) => (
          <input
            {...control}
            required
            spellCheck={false}
            value={url}
            onChange={(event) => change({ url: event.target.value })}
          />
        )}
      </FormField>
      <FormField label={t('explain.address')} isOptional>
        {(control) => (
          <input
            {...control}
            spellCheck={false}
            value={address}
            onChange={(event) => change({ address: event.target.value })}
          />
        )}
      </FormField>
      <div className="actions">
        <Button kind="first" type="submit" isBusy={isBusy}>
          {t('explain.ask')}
        </Button>
      </div>
    </form>
  );
}

function RefusalForm({ id, isBusy, onAsk }: FormProps & { readonly id: string }) {
  const t = useTranslate();
  const [typed, setTyped] = useState(id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAsk({ id: typed });
  };
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>{t('explain.refusal')}</h2>
      <FormField label={t('explain.id')} hint={t('explain.id.hint')}>
        {(control) => (
          <input
            {...control}
            required
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
      </FormField>
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {t('explain.ask')}
        </Button>
      </div>
    </form>
  );
}

/** What a new token is begun from: a template, a token that there is, or a refusal, with the scopes that would have let it through. */
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useSearchParams } from 'wouter';
import type { Shapes } from '../api/client.ts';
import { tokenQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { explanationQuery } from '../explain/explain-queries.ts';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { useTranslate } from '../preferences.tsx';
import type { SectionProps } from './section-props.ts';
import { draftLike, MANAGE_SCOPE } from './token-draft.ts';

const STARTS = ['nothing', 'read', 'all', 'from', 'refusal'] as const;
type Start = (typeof STARTS)[number];

export function StartSection(props: SectionProps) {
  const t = useTranslate();
  const [search, setSearch] = useSearchParams();
  const [start, setStart] = useState<Start>(() => startOf(search));
  const fill = (name: 'from' | 'refusal', id: string) =>
    setSearch(new URLSearchParams([[name, id]]), { replace: true });
  const applyTemplate = useTemplate(props, start);
  const choose = (next: Start) => {
    setStart(next);
    if (next === 'from' || next === 'refusal') return;
    setSearch(new URLSearchParams(), { replace: true });
    applyTemplate(next);
  };
  return (
    <section className="card stack">
      <FormField label={t('start.title')} hint={t(`start.${start}.hint`)}>
        {(control) => (
          <select {...control} value={start} onChange={(event) => choose(event.target.value as Start)}>
            {STARTS.map((each) => (
              <option key={each} value={each}>
                {t(`start.${each}`)}
              </option>
            ))}
          </select>
        )}
      </FormField>
      {start === 'from' && <IdForm key="from" name="from" given={search.get('from') ?? ''} onFill={fill} />}
      {start === 'refusal' && <IdForm key="refusal" name="refusal" given={search.get('refusal') ?? ''} onFill={fill} />}
      {start === 'from' && search.get('from') && <FromToken {...props} id={search.get('from')!} />}
      {start === 'refusal' && search.get('refusal') && <FromRefusal {...props} id={search.get('refusal')!} />}
    </section>
  );
}

/** What it chose follows the owner, as long as nobody has changed it by hand. */
function useTemplate({ policy, grantable, draft, change }: SectionProps, start: Start): (start: Start) => void {
  const chosen = useRef<ReadonlySet<string> | null>(null);
  const names = grantable?.scopes ?? policy.scopes.map(({ name }) => name);
  const apply = (next: Start) => {
    const scopes = names.filter((name) => name !== MANAGE_SCOPE && (next === 'all' || isReading(name)));
    chosen.current = new Set(next === 'nothing' ? [] : scopes);
    change({ scopes: chosen.current });
  };
  const key = grantable === undefined ? null : `${grantable.owner} ${grantable.kind}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever it is another's
  useEffect(() => {
    if ((start === 'read' || start === 'all') && chosen.current === draft.scopes) apply(start);
  }, [key]);
  return apply;
}

function startOf(search: URLSearchParams): Start {
  return search.get('refusal') ? 'refusal' : search.get('from') ? 'from' : 'nothing';
}

/** As scopes are named: what other systems call theirs says nothing of it. */
function isReading(scope: string): boolean {
  return /[:.](?:read|list|get|view)|^(?:list|get|retrieve)[A-Z]/.test(scope);
}

interface IdFormProps {
  readonly name: 'from' | 'refusal';
  readonly given: string;
  onFill(name: 'from' | 'refusal', id: string): void;
}

/** Inside the form of the token, so that Enter must not send that. */
function IdForm({ name, given, onFill }: IdFormProps) {
  const t = useTranslate();
  const [id, setId] = useState(given);
  const fill = (event: FormEvent | React.KeyboardEvent) => {
    event.preventDefault();
    if (id.trim() !== '') onFill(name, id.trim());
  };
  return (
    <div className="row end">
      <FormField label={t(`start.${name}.id`)}>
        {(control) => (
          <input
            {...control}
            spellCheck={false}
            value={id}
            onChange={(event) => setId(event.target.value)}
            onKeyDown={(event) => event.key === 'Enter' && fill(event)}
          />
        )}
      </FormField>
      <Button onClick={fill}>{t('start.fill')}</Button>
    </div>
  );
}

/** Once for each `key`: what is changed by hand afterwards stays. */
function useFillOnce(key: string | null, fill: () => void): void {
  const done = useRef<string | null>(null);
  useEffect(() => {
    if (key === null || done.current === key) return;
    done.current = key;
    fill();
  });
}

function FromToken({ org, id, change }: SectionProps & { readonly id: string }) {
  const t = useTranslate();
  const { kind } = useCaller();
  const { data: token, error, refetch } = useQuery(tokenQuery(org, id));
  useFillOnce(token?.id ?? null, () => change(draftLike(token!, kind === 'operator')));
  if (error !== null) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  return (
    <p role="status" className="soft">
      {token === undefined ? t('app.loading') : t('start.from.done', { name: token.name })}
    </p>
  );
}

function FromRefusal({ org, id, change }: SectionProps & { readonly id: string }) {
  const t = useTranslate();
  const { kind } = useCaller();
  const { data: refusal, error, refetch } = useQuery(explanationQuery({ id }));
  const tokenId = refusal?.token?.id ?? null;
  const asked = useQuery({ ...tokenQuery(org, tokenId ?? ''), enabled: tokenId !== null });
  const isKnown = refusal !== undefined && (tokenId === null || asked.data !== undefined);
  const missing = refusal === undefined ? [] : missingIn(refusal);
  useFillOnce(isKnown ? id : null, () => {
    const like = asked.data === undefined ? {} : draftLike(asked.data, kind === 'operator');
    change({ ...like, scopes: new Set([...(like.scopes ?? []), ...missing]) });
  });
  const failed = error ?? asked.error;
  if (failed !== null)
    return <ErrorNote error={failed} onRetry={() => void (error === null ? asked.refetch() : refetch())} />;
  if (!isKnown) return <p role="status">{t('app.loading')}</p>;
  const { method, path } = refusal!.request;
  return (
    <div role="status" className="soft">
      <p>
        <code>
          {method} {path}
        </code>{' '}
        · <code>{refusal!.decided?.reason ?? refusal!.reason}</code>
      </p>
      <p>
        {missing.length === 0 ? t('start.refusal.noScope') : t('start.refusal.done', { scopes: missing.join(', ') })}
      </p>
    </div>
  );
}

/** All that it lacked; where one of several would do, the first of them. */
function missingIn({ checks }: Shapes['Explanation']): string[] {
  const values = checks.find(({ name }) => name === 'scopes')?.values as
    | { readonly needs?: readonly string[]; readonly match?: string; readonly has?: readonly string[] | string }
    | undefined;
  const { needs = [], match, has = [] } = values ?? {};
  const held = new Set(typeof has === 'string' ? needs : has);
  if (match === 'any') return needs.some((scope) => held.has(scope)) ? [] : needs.slice(0, 1);
  return needs.filter((scope) => !held.has(scope));
}

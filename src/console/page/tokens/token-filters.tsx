/** What the list of tokens is narrowed by. It stands in the address, so that it can be sent to somebody and gone back to. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'wouter';
import { policyQuery, type TokenFilters } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { useTranslate } from '../preferences.tsx';

const STATES = ['active', 'inactive', 'expired', 'revoked'] as const;
const DAYS = [7, 30, 90];
const NAMES = ['state', 'kind', 'owner', 'expiringWithinDays', 'cursor'] as const;
/** While somebody types nothing is asked. */
const TYPING_MS = 250;

export function useTokenFilters() {
  const [search, setSearch] = useSearchParams();
  const filters = Object.fromEntries(
    NAMES.flatMap((name) => (search.get(name) ? [[name, search.get(name)]] : [])),
  ) as TokenFilters;
  /** Another filter is another list: it begins at its first page. */
  const narrow = (name: (typeof NAMES)[number], value: string) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (value === '') next.delete(name);
      else next.set(name, value);
      if (name !== 'cursor') next.delete('cursor');
      return next;
    });
  const clear = () => setSearch(new URLSearchParams());
  return { filters, narrow, clear };
}

export function TokenFilterBar({ filters, narrow, clear }: ReturnType<typeof useTokenFilters>) {
  const t = useTranslate();
  const { seesAllTokens } = useCaller();
  const { data: policy } = useQuery(policyQuery);
  const any = <option value="">{t('tokens.filter.any')}</option>;
  const { cursor: _, ...narrowed } = filters;
  return (
    <search className="filters" aria-label={t('tokens.filters')}>
      <FormField label={t('tokens.filter.state')}>
        {(control) => (
          <select {...control} value={filters.state ?? ''} onChange={(event) => narrow('state', event.target.value)}>
            {any}
            {STATES.map((state) => (
              <option key={state} value={state}>
                {t(`state.${state}`)}
              </option>
            ))}
          </select>
        )}
      </FormField>
      <FormField label={t('tokens.filter.kind')}>
        {(control) => (
          <select {...control} value={filters.kind ?? ''} onChange={(event) => narrow('kind', event.target.value)}>
            {any}
            {Object.keys(policy?.kinds ?? {}).map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        )}
      </FormField>
      <FormField label={t('tokens.filter.expiring')}>
        {(control) => (
          <select
            {...control}
            value={filters.expiringWithinDays ?? ''}
            onChange={(event) => narrow('expiringWithinDays', event.target.value)}
          >
            {any}
            {DAYS.map((count) => (
              <option key={count} value={count}>
                {t('tokens.filter.expiring.within', { count })}
              </option>
            ))}
          </select>
        )}
      </FormField>
      {seesAllTokens && <OwnerFilter value={filters.owner ?? ''} onChange={(owner) => narrow('owner', owner)} />}
      {Object.keys(narrowed).length > 0 && (
        <Button kind="quiet" onClick={clear}>
          {t('tokens.filter.clear')}
        </Button>
      )}
    </search>
  );
}

function OwnerFilter({ value, onChange }: { readonly value: string; onChange(owner: string): void }) {
  const t = useTranslate();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(() => onChange(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  });
  return (
    <FormField label={t('tokens.filter.owner')}>
      {(control) => (
        <input
          {...control}
          type="search"
          spellCheck={false}
          placeholder={t('tokens.filter.owner.placeholder')}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      )}
    </FormField>
  );
}

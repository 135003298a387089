/** What the list of tokens is narrowed by. It stands in the address, so that it can be sent to somebody and gone back to. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { policyQuery, type TokenFilters } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { MemberFilter, WorkspaceFilter } from '../directory/named-filters.tsx';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { TypedField } from '../parts/typed-field.tsx';
import { type UrlFilters, useUrlFilters } from '../parts/url-filters.ts';
import { useTranslate } from '../preferences.tsx';
import { findingText } from './token-words.tsx';

const STATES = ['active', 'inactive', 'expired', 'revoked'] as const;
const DAYS = [7, 30, 90];
const NAMES = [
  ...(['name', 'state', 'kind', 'owner', 'scope', 'workspace'] as const),
  ...(['finding', 'expiringWithinDays', 'use'] as const),
];
type Name = (typeof NAMES)[number];
/** All that the API knows, in its order. */
const FINDINGS = [
  ...(['never_used', 'dormant', 'unused_scopes', 'never_expires', 'expires_soon_in_use'] as const),
  ...(['broad_workspaces', 'owner_inactive', 'rotated_value_in_use'] as const),
];

export function useTokenFilters(): UrlFilters<Name> {
  return useUrlFilters(NAMES);
}

/** `use` is two of the API's: never, or not for so many days. */
export function queryOf({ use, ...rest }: UrlFilters<Name>['filters']): TokenFilters {
  const ofUse = use === undefined ? {} : use === 'never' ? { neverUsed: 'true' } : { unusedForDays: use };
  return { ...rest, ...ofUse } as TokenFilters;
}

export function TokenFilterBar({
  org,
  filters,
  isNarrowed,
  narrow,
  clear,
}: UrlFilters<Name> & { readonly org: string }) {
  const t = useTranslate();
  const { seesAllTokens } = useCaller();
  const { data: policy } = useQuery(policyQuery);
  const choice = (name: Name, label: string, options: ReactNode) => (
    <FormField label={label}>
      {(control) => (
        <select {...control} value={filters[name] ?? ''} onChange={(event) => narrow(name, event.target.value)}>
          <option value="">{t('tokens.filter.any')}</option>
          {options}
        </select>
      )}
    </FormField>
  );
  const typed = (name: Name, label: string, placeholder: string) => ({
    ...{ label, placeholder, value: filters[name] ?? '', onChange: (value: string) => narrow(name, value) },
  });
  const options = (values: ReadonlyArray<readonly [value: string | number, text: string]>) =>
    values.map(([value, text]) => (
      <option key={value} value={value}>
        {text}
      </option>
    ));
  const kinds = Object.keys(policy?.kinds ?? {}).map((kind) => [kind, kind] as const);
  const scopes = (policy?.scopes ?? []).map(({ name }) => [name, name] as const);
  return (
    <search className="filters" aria-label={t('tokens.filters')}>
      <TypedField {...typed('name', t('tokens.filter.name'), t('tokens.filter.name.placeholder'))} />
      {choice('state', t('tokens.filter.state'), options(STATES.map((state) => [state, t(`state.${state}`)])))}
      {choice('kind', t('tokens.filter.kind'), options(kinds))}
      {choice(
        'expiringWithinDays',
        t('tokens.filter.expiring'),
        options(DAYS.map((count) => [count, t('tokens.filter.expiring.within', { count })])),
      )}
      {choice(
        'use',
        t('tokens.filter.use'),
        options([
          ['never', t('tokens.filter.use.never')],
          ...DAYS.map((count) => [count, t('tokens.filter.use.days', { count })] as const),
        ]),
      )}
      {choice('scope', t('tokens.filter.scope'), options(scopes))}
      {choice('finding', t('tokens.filter.finding'), options(FINDINGS.map((each) => [each, findingText(each, t)])))}
      <WorkspaceFilter
        org={org}
        {...typed('workspace', t('tokens.filter.workspace'), t('tokens.filter.workspace.placeholder'))}
      />
      {seesAllTokens && (
        <MemberFilter org={org} {...typed('owner', t('tokens.filter.owner'), t('tokens.filter.owner.placeholder'))} />
      )}
      {isNarrowed && (
        <Button kind="quiet" onClick={clear}>
          {t('tokens.filter.clear')}
        </Button>
      )}
    </search>
  );
}

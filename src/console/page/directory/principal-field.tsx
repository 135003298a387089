/** A field for somebody: a member, a team or a service account, found by a part of the name. Keeps the id. */
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { principalsNamedQuery } from '../api/queries.ts';
import { NamedField } from '../parts/named-field.tsx';
import { useTranslate } from '../preferences.tsx';

interface Props {
  readonly org: string;
  readonly type?: 'member' | 'team' | 'service-account';
  readonly label: string;
  readonly mistake?: string | undefined;
  readonly value: string;
  onChange(id: string): void;
}

export function PrincipalField({ org, type = 'member', label, mistake, value, onChange }: Props) {
  const t = useTranslate();
  const typed = useDeferredValue(value.trim());
  const { data } = useQuery(principalsNamedQuery(org, type, typed));
  return (
    <NamedField
      {...{ label, mistake, value, onChange }}
      hint={t('directory.find.hint')}
      isRequired
      offered={data?.items}
    />
  );
}

/** Filters by the id of a member or a workspace: whoever may look for them is offered those whose name holds what is typed. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { principalsNamedQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { useSettled } from '../parts/settled.ts';
import { TypedField } from '../parts/typed-field.tsx';
import { workspaceListQuery } from './directory-queries.ts';

interface Props {
  readonly org: string;
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  onChange(id: string): void;
}

export function MemberFilter({ org, ...field }: Props) {
  const { kind } = useCaller();
  const [typed, setTyped] = useState(field.value);
  const name = useSettled(typed, typed).trim();
  const { data } = useQuery({
    ...principalsNamedQuery(org, 'member', name),
    enabled: kind === 'operator',
    placeholderData: keepPreviousData,
  });
  return <TypedField {...field} offered={data?.items} onTyped={setTyped} />;
}

export function WorkspaceFilter({ org, ...field }: Props) {
  const { kind } = useCaller();
  const [typed, setTyped] = useState(field.value);
  const name = useSettled(typed, typed).trim();
  const { data } = useQuery({
    ...workspaceListQuery(org, name === '' ? {} : { name }),
    enabled: kind === 'operator',
    placeholderData: keepPreviousData,
  });
  return <TypedField {...field} offered={data?.items} onTyped={setTyped} />;
}

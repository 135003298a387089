/** Roles in workspaces, one a line: which workspace, found by a part of its name, and which role there. */
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { NamedField } from '../parts/named-field.tsx';
import { useTranslate } from '../preferences.tsx';
import { workspacesNamedQuery } from './account-queries.ts';

export interface DraftRole {
  /** Tells lines apart that say the same. */
  readonly line: number;
  readonly workspace: string;
  readonly role: 'member' | 'admin';
}

interface Props {
  readonly org: string;
  readonly roles: readonly DraftRole[];
  readonly mistake: string | undefined;
  onChange(roles: readonly DraftRole[]): void;
}

export function RoleSection({ org, roles, mistake, onChange }: Props) {
  const t = useTranslate();
  const change = (line: number, part: Partial<DraftRole>) =>
    onChange(roles.map((each) => (each.line === line ? { ...each, ...part } : each)));
  const add = () => onChange([...roles, { line: (roles.at(-1)?.line ?? 0) + 1, workspace: '', role: 'member' }]);
  return (
    <section className="card stack">
      <h2>{t('newAccount.roles')}</h2>
      <p className="soft small">{t('newAccount.roles.hint')}</p>
      {mistake !== undefined && <p className="mistake">{mistake}</p>}
      {roles.map(({ line, workspace, role }) => (
        <div key={line} className="row role-line">
          <WorkspaceField org={org} value={workspace} onChange={(id) => change(line, { workspace: id })} />
          <FormField label={t('newAccount.role')}>
            {(control) => (
              <select
                {...control}
                value={role}
                onChange={(event) => change(line, { role: event.target.value as DraftRole['role'] })}
              >
                <option value="member">{t('role.member')}</option>
                <option value="admin">{t('role.admin')}</option>
              </select>
            )}
          </FormField>
          <Button
            aria-label={`${t('newAccount.role.remove')} ${workspace}`}
            onClick={() => onChange(roles.filter((each) => each.line !== line))}
          >
            {t('newAccount.role.remove')}
          </Button>
        </div>
      ))}
      <div>
        <Button onClick={add}>{t('newAccount.role.add')}</Button>
      </div>
    </section>
  );
}

interface FieldProps {
  readonly org: string;
  readonly value: string;
  onChange(id: string): void;
}

/** What is kept is the id. */
export function WorkspaceField({ org, value, onChange }: FieldProps) {
  const t = useTranslate();
  const typed = useDeferredValue(value.trim());
  const { data } = useQuery(workspacesNamedQuery(org, typed));
  return (
    <NamedField
      label={t('newAccount.workspace')}
      hint={t('newAccount.workspace.hint')}
      isRequired
      offered={data?.items}
      value={value}
      onChange={onChange}
    />
  );
}

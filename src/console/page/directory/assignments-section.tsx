/** Who has which role in a workspace: given, changed and taken away. */
import { useQuery } from '@tanstack/react-query';
import { answerOf, api } from '../api/client.ts';
import type { KnownNames, TypedId } from '../api/names.ts';
import { ChoiceField } from '../parts/choice-field.tsx';
import { ConfirmAction } from '../parts/confirm-action.tsx';
import { FormAction } from '../parts/form-action.tsx';
import { KnownBy } from '../parts/known-by.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { type DirectoryDone, useAfterChange } from './after-change.ts';
import { ASSIGNEE_TYPES, assignedHref, assignmentsQuery, type ShownAssignment } from './directory-queries.ts';
import { PrincipalField } from './principal-field.tsx';

interface Props {
  readonly org: string;
  readonly id: string;
  onDone(done: DirectoryDone): void;
}

type Role = 'member' | 'admin';
type Kind = ShownAssignment['kind'];

export function AssignmentsSection({ org, id, onDone }: Props) {
  const t = useTranslate();
  const { data, error, refetch } = useQuery(assignmentsQuery(org, id));
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t('workspace.roles')}</h2>
        <GiveRole org={org} id={id} onDone={onDone} />
      </div>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && <p className="soft">{t('workspace.roles.none')}</p>}
      <ul className="lines">
        {data?.items.map((each) => (
          <AssignedLine key={`${each.kind} ${each.id}`} {...{ org, id, onDone }} assigned={each} names={data.names} />
        ))}
      </ul>
      {data?.nextCursor != null && <p className="soft">{t('workspace.roles.more')}</p>}
    </section>
  );
}

function AssignedLine({
  org,
  id,
  assigned,
  names,
  onDone,
}: Props & { readonly assigned: ShownAssignment; readonly names: KnownNames }) {
  const t = useTranslate();
  const { kind } = assigned;
  const of: TypedId = `${ASSIGNEE_TYPES[kind]}/${assigned.id}`;
  const name = names.get(of) ?? assigned.id;
  const after = useAfterChange(org, onDone);
  return (
    <li>
      <div className="grow">
        <KnownBy names={names} of={of} href={assignedHref(org, kind, assigned.id)} isInline />
        <div className="soft small">
          {t(`workspace.roles.${kind}`)} · {t(assigned.role === 'admin' ? 'role.admin' : 'role.member')}
        </div>
      </div>
      <FormAction
        kind="quiet"
        action={t('assignment.change')}
        label={t('assignment.changeOf', { name })}
        title={t('assignment.change.title', { name })}
        start={(): { readonly role: Role } => ({ role: assigned.role === 'admin' ? 'admin' : 'member' })}
        run={({ role }) => giveRole(org, id, kind, assigned.id, role)}
        onDone={(receipt) => after(t('assignment.done', { name }), receipt)}
      >
        {({ draft, set, mistakeOf }) => (
          <RoleChoice value={draft.role} mistake={mistakeOf('role')} onChange={(role) => set({ role })} />
        )}
      </FormAction>
      <ConfirmAction
        action={t('assignment.take')}
        label={t('assignment.takeOf', { name })}
        title={t('assignment.take.title', { name })}
        lead={t('assignment.take.lead')}
        run={() => takeRole(org, id, kind, assigned.id)}
        onDone={(receipt) => after(t('assignment.taken', { name }), receipt)}
      />
    </li>
  );
}

function GiveRole({ org, id, onDone }: Props) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  return (
    <FormAction
      action={t('assignment.give')}
      title={t('assignment.give.title')}
      lead={t('assignment.give.lead')}
      start={(): { kind: Kind; who: string; role: Role } => ({ kind: 'members', who: '', role: 'member' })}
      run={({ kind, who, role }) => giveRole(org, id, kind, who.trim(), role)}
      onDone={(receipt, { who }) => after(t('assignment.done', { name: who }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <ChoiceField
            label={t('assignment.to')}
            options={(['members', 'teams', 'service-accounts'] as const).map((each) => [
              each,
              t(`workspace.roles.${each}`),
            ])}
            value={draft.kind}
            onChange={(kind) => set({ kind, who: '' })}
          />
          <PrincipalField
            org={org}
            type={ASSIGNEE_TYPES[draft.kind]}
            label={t(`workspace.roles.${draft.kind}`)}
            mistake={mistakeOf('id')}
            value={draft.who}
            onChange={(who) => set({ who })}
          />
          <RoleChoice value={draft.role} mistake={mistakeOf('role')} onChange={(role) => set({ role })} />
        </>
      )}
    </FormAction>
  );
}

interface RoleProps {
  readonly value: Role;
  readonly mistake?: string | undefined;
  onChange(role: Role): void;
}

export function RoleChoice({ value, mistake, onChange }: RoleProps) {
  const t = useTranslate();
  return (
    <ChoiceField
      label={t('newAccount.role')}
      mistake={mistake}
      options={[
        ['member', t('role.member')],
        ['admin', t('role.admin')],
      ]}
      value={value}
      onChange={onChange}
    />
  );
}

export function giveRole(org: string, ws: string, kind: Kind, id: string, role: Role) {
  const params = { path: { org, ws, kind, id }, query: WAIT };
  return answerOf(
    api.PUT('/v1/organizations/{org}/workspaces/{ws}/assignments/{kind}/{id}', { params, body: { role } }),
  );
}

export function takeRole(org: string, ws: string, kind: Kind, id: string) {
  const params = { path: { org, ws, kind, id }, query: WAIT };
  return answerOf(api.DELETE('/v1/organizations/{org}/workspaces/{ws}/assignments/{kind}/{id}', { params }));
}

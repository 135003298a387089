/** What can be changed of a member: name and address, role, scopes and actions of their own, roles in workspaces. */
import { useQuery } from '@tanstack/react-query';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { policyQuery } from '../api/queries.ts';
import { CheckLine } from '../parts/check-line.tsx';
import { FormAction } from '../parts/form-action.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { type DraftRole, WorkspaceField } from '../service-accounts/role-section.tsx';
import { ScopeSection } from '../tokens/scope-section.tsx';
import { EmailField, ThingNameField } from './add-one.tsx';
import { type DirectoryDone, useAfterChange } from './after-change.ts';
import { giveRole, RoleChoice } from './assignments-section.tsx';
import { RoleField } from './role-field.tsx';

interface Props {
  readonly org: string;
  readonly member: Shapes['Member'];
  onDone(done: DirectoryDone): void;
}

function patch(org: string, id: string, body: Shapes['MemberPatch']) {
  const params = { path: { org, id }, query: WAIT };
  return answerOf(api.PATCH('/v1/organizations/{org}/members/{id}', { params, body }));
}

export function EditMember({ org, member: { id, name, email }, onDone }: Props) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  return (
    <FormAction
      action={t('directory.edit')}
      title={t('directory.edit.title', { name })}
      start={() => ({ name, email: email ?? '' })}
      run={(draft) => patch(org, id, { name: draft.name, email: draft.email === '' ? null : draft.email })}
      onDone={(receipt, draft) => after(t('directory.edit.done', { name: draft.name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <ThingNameField {...{ draft, set, mistakeOf }} />
          <EmailField {...{ draft, set, mistakeOf }} />
        </>
      )}
    </FormAction>
  );
}

export function ChangeRole({ org, member: { id, name, role }, onDone }: Props) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const { data: policy } = useQuery(policyQuery);
  return (
    <FormAction
      action={t('member.role.change')}
      title={t('member.role.title', { name })}
      lead={t('member.role.lead')}
      start={() => ({ role })}
      run={(draft) => patch(org, id, draft)}
      onDone={(receipt) => after(t('member.role.done', { name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <RoleField
          roles={policy?.organizationRoles}
          mistake={mistakeOf('role')}
          value={draft.role}
          onChange={(chosen) => set({ role: chosen })}
        />
      )}
    </FormAction>
  );
}

/** What is theirs takes the place of what their role gives. */
export function ChangeRights({ org, member, onDone }: Props) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const { data: policy } = useQuery(policyQuery);
  const { id, name } = member;
  const start = () => ({
    ...{ hasScopes: member.scopes !== null, scopes: new Set(member.scopes) as ReadonlySet<string> },
    ...{ hasActions: member.actions !== null, actions: new Set(member.actions) as ReadonlySet<string> },
  });
  return (
    <FormAction
      action={t('member.rights')}
      title={t('member.rights.title', { name })}
      lead={t('member.rights.lead')}
      start={start}
      run={({ hasScopes, scopes, hasActions, actions }) =>
        patch(org, id, { scopes: hasScopes ? [...scopes] : null, actions: hasActions ? [...actions] : null })
      }
      onDone={(receipt) => after(t('directory.edit.done', { name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <CheckLine
            label={t('member.rights.scopes')}
            hint={t('member.rights.hint')}
            isOn={draft.hasScopes}
            onChange={(hasScopes) => set({ hasScopes })}
          />
          {draft.hasScopes && policy !== undefined && (
            <ScopeSection
              policy={policy}
              kind={{ authority: 'client' }}
              draft={draft}
              mistakeOf={mistakeOf}
              change={set}
            />
          )}
          {(policy?.actions.length ?? 0) > 0 && (
            <CheckLine
              label={t('member.rights.actions')}
              hint={t('member.rights.hint')}
              isOn={draft.hasActions}
              onChange={(hasActions) => set({ hasActions })}
            />
          )}
          {draft.hasActions && (
            <fieldset className="card" aria-label={t('member.actions')}>
              {policy?.actions.map((action) => (
                <CheckLine
                  key={action.name}
                  label={<code>{action.name}</code>}
                  hint={action.description}
                  isOn={draft.actions.has(action.name)}
                  onChange={(isOn) =>
                    set({
                      actions: new Set(
                        isOn
                          ? [...draft.actions, action.name]
                          : [...draft.actions].filter((each) => each !== action.name),
                      ),
                    })
                  }
                />
              ))}
            </fieldset>
          )}
        </>
      )}
    </FormAction>
  );
}

interface GiveProps {
  readonly org: string;
  readonly kind: 'members' | 'service-accounts';
  readonly id: string;
  onDone(done: DirectoryDone): void;
}

export function GiveWorkspaceRole({ org, kind, id, onDone }: GiveProps) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  return (
    <FormAction
      action={t('assignment.give')}
      title={t('assignment.give.title')}
      lead={t('assignment.give.lead')}
      start={(): Pick<DraftRole, 'workspace' | 'role'> => ({ workspace: '', role: 'member' })}
      run={({ workspace, role }) => giveRole(org, workspace.trim(), kind, id, role)}
      onDone={(receipt, { workspace }) => after(t('assignment.given', { workspace }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <WorkspaceField org={org} value={draft.workspace} onChange={(workspace) => set({ workspace })} />
          <RoleChoice value={draft.role} mistake={mistakeOf('role')} onChange={(role) => set({ role })} />
        </>
      )}
    </FormAction>
  );
}

/** What can be changed of a service account without ending it: its name and scopes, and its roles in workspaces. */
import { useQuery } from '@tanstack/react-query';
import { answerOf, api } from '../api/client.ts';
import { policyQuery } from '../api/queries.ts';
import { useAfterChange } from '../directory/after-change.ts';
import { giveRole, RoleChoice, takeRole } from '../directory/assignments-section.tsx';
import { directoryPath } from '../directory/directory-queries.ts';
import { ConfirmAction } from '../parts/confirm-action.tsx';
import { FormAction } from '../parts/form-action.tsx';
import { KnownBy } from '../parts/known-by.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { TextField } from '../parts/text-field.tsx';
import { useTranslate } from '../preferences.tsx';
import { ScopeSection } from '../tokens/scope-section.tsx';
import type { AccountDone } from './account-actions.tsx';
import type { OneAccount } from './account-queries.ts';
import type { DraftRole } from './role-section.tsx';

export interface ChangeProps {
  readonly org: string;
  readonly account: OneAccount;
  onDone(done: AccountDone): void;
}

export function EditAccount({ org, account, onDone }: ChangeProps) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const { data: policy } = useQuery(policyQuery);
  const { clientId, name, scopes } = account;
  return (
    <FormAction
      action={t('directory.edit')}
      title={t('directory.edit.title', { name })}
      lead={t('account.edit.lead')}
      start={() => ({ name, scopes: new Set(scopes) as ReadonlySet<string> })}
      run={(draft) => {
        const params = { path: { org, clientId }, query: WAIT };
        const body = { name: draft.name, scopes: [...draft.scopes] };
        return answerOf(api.PATCH('/v1/organizations/{org}/service-accounts/{clientId}', { params, body }));
      }}
      onDone={(receipt, draft) => after(t('directory.edit.done', { name: draft.name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <TextField
            label={t('accounts.name')}
            mistake={mistakeOf('name')}
            value={draft.name}
            onChange={(typed) => set({ name: typed })}
          />
          {policy !== undefined && (
            <ScopeSection
              policy={policy}
              kind={{ authority: 'client' }}
              draft={draft}
              mistakeOf={mistakeOf}
              change={set}
            />
          )}
        </>
      )}
    </FormAction>
  );
}

interface LineProps extends ChangeProps {
  readonly workspace: string;
  readonly role: string;
}

export function AccountRoleLine({ org, account: { clientId, names }, workspace, role, onDone }: LineProps) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const name = names.get(`workspace/${workspace}`) ?? workspace;
  return (
    <li>
      <div className="grow">
        <KnownBy
          names={names}
          of={`workspace/${workspace}`}
          href={directoryPath(org, 'workspaces', workspace)}
          isInline
        />
        <div className="soft small">{t(role === 'admin' ? 'role.admin' : 'role.member')}</div>
      </div>
      <FormAction
        kind="quiet"
        action={t('assignment.change')}
        label={t('assignment.changeOf', { name })}
        title={t('assignment.changeIn.title', { name })}
        start={(): Pick<DraftRole, 'role'> => ({ role: role === 'admin' ? 'admin' : 'member' })}
        run={(draft) => giveRole(org, workspace, 'service-accounts', clientId, draft.role)}
        onDone={(receipt) => after(t('assignment.given', { workspace: name }), receipt)}
      >
        {({ draft, set, mistakeOf }) => (
          <RoleChoice value={draft.role} mistake={mistakeOf('role')} onChange={(chosen) => set({ role: chosen })} />
        )}
      </FormAction>
      <ConfirmAction
        action={t('assignment.take')}
        label={t('assignment.takeOf', { name })}
        title={t('assignment.takeIn.title', { name })}
        lead={t('assignment.take.lead')}
        run={() => takeRole(org, workspace, 'service-accounts', clientId)}
        onDone={(receipt) => after(t('assignment.takenIn', { workspace: name }), receipt)}
      />
    </li>
  );
}

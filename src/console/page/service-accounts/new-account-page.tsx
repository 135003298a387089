/** Makes a service account: its name, scopes and roles in workspaces, all of it or nothing. Its secret is shown once. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ApiError, answerOf, api, type Shapes } from '../api/client.ts';
import { policyQuery } from '../api/queries.ts';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { ScopeSection } from '../tokens/scope-section.tsx';
import { SecretWindow } from '../tokens/secret-window.tsx';
import { accountPath, accountsPath } from './account-queries.ts';
import { type DraftRole, RoleSection } from './role-section.tsx';

export function NewAccountPage({ org }: { readonly org: string }) {
  const t = useTranslate();
  const { data: policy, error, refetch } = useQuery(policyQuery);
  return (
    <>
      <PageHead title={t('newAccount.title')} lead={<Link href={accountsPath(org)}>{t('account.all')}</Link>} />
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {policy === undefined && error === null && <Waiting />}
      {policy !== undefined && <NewAccountForm org={org} policy={policy} />}
    </>
  );
}

function NewAccountForm({ org, policy }: { readonly org: string; readonly policy: Shapes['Policy'] }) {
  const t = useTranslate();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<ReadonlySet<string>>(new Set());
  const [roles, setRoles] = useState<readonly DraftRole[]>([]);
  const create = useMutation({
    mutationFn: () => {
      const given = roles.filter(({ workspace }) => workspace.trim() !== '');
      const body = {
        name,
        scopes: [...scopes],
        roles: given.map(({ workspace, role }) => ({ workspace: workspace.trim(), role })),
      };
      const params = { path: { org }, query: WAIT };
      return answerOf(api.POST('/v1/organizations/{org}/service-accounts', { params, body }));
    },
    onSuccess: () => void client.invalidateQueries({ queryKey: ['accounts', org] }),
  });
  const refusal = create.error instanceof ApiError ? create.error : null;
  const mistakeOf = (...fields: readonly string[]) =>
    fields.includes(refusal?.field?.split('.')[0] ?? '-') ? refusal!.message : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!create.isPending) create.mutate();
  };
  return (
    <form className="stack narrow" onSubmit={submit}>
      <section className="card stack">
        <h2>{t('newAccount.settings')}</h2>
        <FormField label={t('accounts.name')} hint={t('newAccount.name.hint')} mistake={mistakeOf('name')}>
          {(control) => (
            <input
              {...control}
              required
              maxLength={128}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </FormField>
      </section>
      <ScopeSection
        policy={policy}
        kind={{ authority: 'client' }}
        draft={{ scopes }}
        mistakeOf={mistakeOf}
        change={(part) => setScopes(part.scopes)}
      />
      <RoleSection org={org} roles={roles} mistake={mistakeOf('roles')} onChange={setRoles} />
      {create.error !== null && <ErrorNote error={create.error} />}
      <div className="actions">
        <Button kind="first" type="submit" isBusy={create.isPending}>
          {t('newAccount.create')}
        </Button>
        <Link href={accountsPath(org)} className="button">
          {t('app.cancel')}
        </Link>
      </div>
      <SecretWindow
        name={name}
        secret={create.data?.clientSecret ?? null}
        variable="SCOPEGATE_CLIENT_SECRET"
        onClose={() => navigate(accountPath(org, create.data!.clientId))}
      />
    </form>
  );
}

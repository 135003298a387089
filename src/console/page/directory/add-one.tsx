/** Adds a member, a team or a workspace. Never replaces one who is there. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ApiError, answerOf, api } from '../api/client.ts';
import { policyQuery } from '../api/queries.ts';
import { FormAction } from '../parts/form-action.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { TextField } from '../parts/text-field.tsx';
import { useTranslate } from '../preferences.tsx';
import { type DirectoryDone, useAfterChange } from './after-change.ts';
import { memberQuery, teamQuery, workspaceQuery } from './directory-queries.ts';
import { PrincipalField } from './principal-field.tsx';
import { RoleField } from './role-field.tsx';

interface Props {
  readonly org: string;
  onDone(done: DirectoryDone): void;
}

export function AddMember({ org, onDone }: Props) {
  const t = useTranslate();
  const client = useQueryClient();
  const after = useAfterChange(org, onDone);
  const { data: policy } = useQuery(policyQuery);
  const lowest = policy?.organizationRoles.at(-1) ?? '';
  return (
    <FormAction
      kind="first"
      action={t('members.add')}
      title={t('member.add.title')}
      start={() => ({ id: '', name: '', email: '', role: '' })}
      run={async ({ id: typed, name, email, role }) => {
        const id = typed.trim();
        await requireFree(() => client.fetchQuery({ ...memberQuery(org, id), ...ONCE }), t('member.add.taken'));
        const body = { name, role: role === '' ? lowest : role, ...(email === '' ? {} : { email }) };
        const params = { path: { org, id }, query: WAIT };
        return answerOf(api.PUT('/v1/organizations/{org}/members/{id}', { params, body }));
      }}
      onDone={(receipt, { name }) => after(t('member.add.done', { name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <ThingIdField hint={t('member.add.id.hint')} {...{ draft, set, mistakeOf }} />
          <ThingNameField {...{ draft, set, mistakeOf }} />
          <EmailField {...{ draft, set, mistakeOf }} />
          <RoleField
            roles={policy?.organizationRoles}
            mistake={mistakeOf('role')}
            value={draft.role === '' ? lowest : draft.role}
            onChange={(role) => set({ role })}
          />
        </>
      )}
    </FormAction>
  );
}

export function AddTeam({ org, onDone }: Props) {
  const t = useTranslate();
  const client = useQueryClient();
  const after = useAfterChange(org, onDone);
  return (
    <FormAction
      kind="first"
      action={t('teams.add')}
      title={t('team.add.title')}
      start={() => ({ id: '', name: '' })}
      run={async ({ id: typed, name }) => {
        const id = typed.trim();
        await requireFree(() => client.fetchQuery({ ...teamQuery(org, id), ...ONCE }), t('team.add.taken'));
        const params = { path: { org, id }, query: WAIT };
        return answerOf(api.PUT('/v1/organizations/{org}/teams/{id}', { params, body: { name, members: [] } }));
      }}
      onDone={(receipt, { name }) => after(t('team.add.done', { name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <ThingIdField hint={t('directory.id.hint')} {...{ draft, set, mistakeOf }} />
          <ThingNameField {...{ draft, set, mistakeOf }} />
        </>
      )}
    </FormAction>
  );
}

export function AddWorkspace({ org, onDone }: Props) {
  const t = useTranslate();
  const client = useQueryClient();
  const after = useAfterChange(org, onDone);
  return (
    <FormAction
      kind="first"
      action={t('workspaces.add')}
      title={t('workspace.add.title')}
      start={() => ({ id: '', name: '', owner: '' })}
      run={async ({ id: typed, name, owner }) => {
        const id = typed.trim();
        await requireFree(() => client.fetchQuery({ ...workspaceQuery(org, id), ...ONCE }), t('workspace.add.taken'));
        const params = { path: { org, id }, query: WAIT };
        const body = { name, owner: owner.trim() };
        return answerOf(api.PUT('/v1/organizations/{org}/workspaces/{id}', { params, body }));
      }}
      onDone={(receipt, { name }) => after(t('workspace.add.done', { name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <ThingIdField hint={t('directory.id.hint')} {...{ draft, set, mistakeOf }} />
          <ThingNameField {...{ draft, set, mistakeOf }} />
          <PrincipalField
            org={org}
            label={t('directory.owner')}
            mistake={mistakeOf('owner')}
            value={draft.owner}
            onChange={(owner) => set({ owner })}
          />
        </>
      )}
    </FormAction>
  );
}

interface FieldProps<Draft> {
  readonly draft: Draft;
  set(part: Partial<Draft>): void;
  mistakeOf(...fields: readonly string[]): string | undefined;
}

export function ThingIdField(props: FieldProps<{ readonly id: string }> & { readonly hint: string }) {
  const { draft, set, mistakeOf, hint } = props;
  const t = useTranslate();
  return (
    <TextField
      label={t('directory.id')}
      hint={hint}
      isWord
      mistake={mistakeOf('id')}
      value={draft.id}
      onChange={(id) => set({ id })}
    />
  );
}

export function ThingNameField({ draft, set, mistakeOf }: FieldProps<{ readonly name: string }>) {
  const t = useTranslate();
  return (
    <TextField
      label={t('directory.name')}
      mistake={mistakeOf('name')}
      value={draft.name}
      onChange={(name) => set({ name })}
    />
  );
}

export function EmailField({ draft, set, mistakeOf }: FieldProps<{ readonly email: string }>) {
  const t = useTranslate();
  return (
    <TextField
      label={t('directory.email')}
      isOptional
      type="email"
      mistake={mistakeOf('email')}
      value={draft.email}
      onChange={(email) => set({ email })}
    />
  );
}

/** As it is now, or not at all. */
export const ONCE = { retry: false, staleTime: 0 } as const;

/** Whoever cannot say makes it fail. */
export async function requireFree(ask: () => Promise<unknown>, words: string): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return;
    throw error;
  }
  throw new ApiError(409, { code: 'id_taken', field: 'id', detail: words }, null);
}

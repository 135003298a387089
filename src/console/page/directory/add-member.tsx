/** Adds a member: their id, name, role. Never replaces one who is there. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, answerOf, api } from '../api/client.ts';
import { policyQuery } from '../api/queries.ts';
import { Button } from '../parts/button.tsx';
import { ConfirmWindow } from '../parts/confirm-window.tsx';
import { FormField } from '../parts/form-field.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { memberQuery } from './directory-queries.ts';
import type { DirectoryDone } from './one-page.tsx';
import { RoleField } from './role-field.tsx';

const EMPTY = { id: '', name: '', email: '', role: '' };

export function AddMember({ org, onDone }: { readonly org: string; onDone(done: DirectoryDone): void }) {
  const t = useTranslate();
  const client = useQueryClient();
  const { data: policy } = useQuery(policyQuery);
  const [isOpen, setOpen] = useState(false);
  const [draft, setDraft] = useState(EMPTY);
  const role = draft.role === '' ? (policy?.organizationRoles.at(-1) ?? '') : draft.role;
  const add = useMutation({
    mutationFn: async () => {
      const id = draft.id.trim();
      if (await isThere(() => client.fetchQuery({ ...memberQuery(org, id), retry: false, staleTime: 0 })))
        throw new ApiError(409, { code: 'id_taken', field: 'id', detail: t('member.add.taken') }, null);
      const body = { name: draft.name, role, ...(draft.email === '' ? {} : { email: draft.email }) };
      return answerOf(
        api.PUT('/v1/organizations/{org}/members/{id}', { params: { path: { org, id }, query: WAIT }, body }),
      );
    },
    onSuccess: (receipt) => {
      setOpen(false);
      setDraft(EMPTY);
      onDone({ done: t('member.add.done', { name: draft.name }), receipt });
      void client.invalidateQueries({ queryKey: ['directory', org] });
    },
  });
  const refusal = add.error instanceof ApiError ? add.error : null;
  const mistake = (field: string) => (refusal?.field === field ? refusal.message : undefined);
  const set = (part: Partial<typeof EMPTY>) => setDraft((before) => ({ ...before, ...part }));
  return (
    <>
      <Button kind="first" onClick={() => setOpen(true)}>
        {t('members.add')}
      </Button>
      <ConfirmWindow
        isOpen={isOpen}
        title={t('member.add.title')}
        action={t('members.add')}
        isBusy={add.isPending}
        error={add.error}
        onConfirm={() => add.mutate()}
        onClose={() => setOpen(false)}
      >
        <FormField label={t('directory.id')} hint={t('member.add.id.hint')} mistake={mistake('id')}>
          {(control) => (
            <input
              {...control}
              spellCheck={false}
              autoComplete="off"
              value={draft.id}
              onChange={(event) => set({ id: event.target.value })}
            />
          )}
        </FormField>
        <FormField label={t('directory.name')} mistake={mistake('name')}>
          {(control) => (
            <input {...control} value={draft.name} onChange={(event) => set({ name: event.target.value })} />
          )}
        </FormField>
        <FormField label={t('directory.email')} isOptional mistake={mistake('email')}>
          {(control) => (
            <input
              {...control}
              type="email"
              value={draft.email}
              onChange={(event) => set({ email: event.target.value })}
            />
          )}
        </FormField>
        <RoleField
          roles={policy?.organizationRoles}
          mistake={mistake('role')}
          value={role}
          onChange={(chosen) => set({ role: chosen })}
        />
      </ConfirmWindow>
    </>
  );
}

/** Whoever cannot say makes it fail. */
async function isThere(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

/** Finds whose token a pasted value is. Its hash alone is sent, and the value stands neither in the address nor anywhere else. */
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { ApiError, answerOf, api } from '../api/client.ts';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { PageWindow } from '../parts/window.tsx';
import { useTranslate } from '../preferences.tsx';
import { tokenPath } from './token-paths.ts';

export function FindByValue() {
  const t = useTranslate();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('find.open')}</Button>
      <PageWindow isOpen={isOpen} title={t('find.title')} onClose={() => setOpen(false)}>
        <FindForm onClose={() => setOpen(false)} />
      </PageWindow>
    </>
  );
}

/** What was typed goes with it when it is closed. */
function FindForm({ onClose }: { onClose(): void }) {
  const t = useTranslate();
  const [, navigate] = useLocation();
  const [value, setValue] = useState('');
  const find = useMutation({
    mutationFn: async () => answerOf(api.POST('/v1/tokens/find', { body: { sha256: await sha256Of(value.trim()) } })),
    onSuccess: ({ organizationId, id }) => navigate(tokenPath(organizationId, id)),
  });
  const isUnknown = find.error instanceof ApiError && find.error.code === 'not_found';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    find.mutate();
  };
  if (crypto.subtle === undefined) return <p>{t('find.insecure')}</p>;
  return (
    <form className="stack" onSubmit={submit}>
      <p className="soft">{t('find.lead')}</p>
      <FormField label={t('find.value')} mistake={isUnknown ? t('find.unknown') : undefined}>
        {(control) => (
          <input
            {...control}
            type="password"
            required
            autoComplete="off"
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        )}
      </FormField>
      {find.error !== null && !isUnknown && <ErrorNote error={find.error} />}
      <div className="ends">
        <Button onClick={onClose}>{t('app.cancel')}</Button>
        <Button kind="first" type="submit" isBusy={find.isPending}>
          {t('find.find')}
        </Button>
      </div>
    </form>
  );
}

async function sha256Of(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Signing in: by a credential that is typed, or by the code of a link. What it is worth, the sidecar says. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { answerOf, api } from '../api/client.ts';
import { SESSION } from '../api/queries.ts';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { useTranslate } from '../preferences.tsx';

const LINK = '#sign-in=';

/** Once, and gone from the address before anybody can read it there. */
export function takeLinkCode(): string | null {
  if (!location.hash.startsWith(LINK)) return null;
  const code = location.hash.slice(LINK.length);
  history.replaceState(null, '', location.pathname + location.search);
  return code;
}

function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (credential: string) => answerOf(api.POST('/v1/session', { body: { credential } })),
    onSuccess: (session) => {
      // What was refused for want of it is asked again.
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION[0] });
      client.setQueryData(SESSION, session);
    },
  });
}

export function SignInForm({ linkCode }: { readonly linkCode: string | null }) {
  const t = useTranslate();
  const [credential, setCredential] = useState('');
  const signIn = useSignIn();
  const sent = useRef(false);
  useEffect(() => {
    if (linkCode === null || sent.current) return;
    sent.current = true;
    signIn.mutate(linkCode);
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (credential.trim() !== '') signIn.mutate(credential.trim());
  };
  if (linkCode !== null && !signIn.isError) return <p role="status">{t('signIn.link')}</p>;
  return (
    <form className="stack" onSubmit={submit}>
      <FormField label={t('signIn.credential')}>
        {(control) => (
          <input
            {...control}
            type="password"
            autoComplete="current-password"
            spellCheck={false}
            required
            value={credential}
            onChange={(event) => setCredential(event.target.value)}
          />
        )}
      </FormField>
      {signIn.isError && <ErrorNote error={signIn.error} />}
      <Button kind="first" type="submit" isBusy={signIn.isPending}>
        {t('signIn.submit')}
      </Button>
    </form>
  );
}

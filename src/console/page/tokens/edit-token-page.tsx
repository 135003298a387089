/** Changes a token, as far as the policy of its kind allows: sends what is different, and nothing else. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ApiError, answerOf, api, type Shapes } from '../api/client.ts';
import { grantableQuery, policyQuery, tokenQuery } from '../api/queries.ts';
import { Button } from '../parts/button.tsx';
import { FormField } from '../parts/form-field.tsx';
import { EmptyNote, ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { ScopeSection } from './scope-section.tsx';
import type { SectionProps } from './section-props.ts';
import { AddressField, ContactSection, DescriptionField, NameField } from './settings-section.tsx';
import { type Done, useMayEdit } from './token-actions.tsx';
import { draftLike, newDraft, patchOf, type TokenDraft } from './token-draft.ts';
import { tokenPath } from './token-paths.ts';
import type { ShownToken } from './token-words.tsx';
import { WorkspaceSection } from './workspace-section.tsx';

export function EditTokenPage({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const token = useQuery(tokenQuery(org, id));
  const policy = useQuery(policyQuery);
  const error = token.error ?? policy.error;
  const kind = token.data === undefined ? undefined : policy.data?.kinds[token.data.kind];
  const isKnown = token.data !== undefined && policy.data !== undefined;
  const back = token.data?.name ?? id;
  return (
    <>
      <PageHead title={t('edit.title')} lead={<Link href={tokenPath(org, id)}>{back}</Link>} />
      {error !== null && (
        <ErrorNote error={error} onRetry={() => void Promise.all([token.refetch(), policy.refetch()])} />
      )}
      {!isKnown && error === null && <Waiting />}
      {isKnown && kind === undefined && <EmptyNote title={t('edit.noKind')} />}
      {isKnown && kind !== undefined && (
        <EditForm org={org} policy={policy.data} kind={kind} token={token.data} key={id} />
      )}
    </>
  );
}

interface FormProps {
  readonly org: string;
  readonly policy: Shapes['Policy'];
  readonly kind: Shapes['TokenKind'];
  readonly token: ShownToken;
}

function EditForm({ org, policy, kind, token: read }: FormProps) {
  const t = useTranslate();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  // As it was when it was opened: what is read anew meanwhile must not overwrite what is typed.
  const [token] = useState(read);
  const [draft, setDraft] = useState<TokenDraft>(() => draftOf(token));
  const mayEdit = useMayEdit(token, kind);
  const owner = token.ownerId ?? '';
  const { data: grantable } = useQuery({
    ...grantableQuery(org, { owner, kind: token.kind }),
    enabled: owner !== '',
    retry: false,
  });
  const save = useMutation({
    mutationFn: () => {
      const body = patchOf(draft, draftOf(token), Date.now());
      const params = { path: { org, id: token.id }, query: WAIT };
      return answerOf(api.PATCH('/v1/organizations/{org}/tokens/{id}', { params, body }));
    },
    onSuccess: (receipt) => {
      void client.invalidateQueries({ queryKey: ['tokens', org] });
      const done: Done = { done: t('edit.done', { name: receipt.name }), receipt };
      navigate(tokenPath(org, token.id), { state: done });
    },
  });
  if (!mayEdit) return <EmptyNote title={t('edit.notYours')} />;
  const refusal = save.error instanceof ApiError ? save.error : null;
  const section: SectionProps = {
    ...{ org, policy, kind, draft, grantable },
    mistakeOf: (...fields) => (fields.includes(refusal?.field?.split('.')[0] ?? '-') ? refusal!.message : undefined),
    change: (part) => setDraft((before) => ({ ...before, ...part })),
  };
  const may = (field: string) => kind.mutable.includes(field);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="stack narrow" onSubmit={submit}>
      <TextSection {...section} />
      {may('scopes') && token.scopes !== null && <ScopeSection {...section} />}
      {may('workspaces') && <WorkspaceSection {...section} />}
      {may('contacts') && <ContactSection {...section} />}
      {save.error !== null && <ErrorNote error={save.error} />}
      <div className="actions">
        <Button kind="first" type="submit" isBusy={save.isPending}>
          {t('edit.save')}
        </Button>
        <Link href={tokenPath(org, token.id)} className="button">
          {t('app.cancel')}
        </Link>
      </div>
    </form>
  );
}

function draftOf(token: ShownToken): TokenDraft {
  return { ...newDraft(token.kind, undefined), ...draftLike(token, true), name: token.name };
}

/** Only what the policy lets be changed. */
function TextSection(props: SectionProps) {
  const { kind } = props;
  const t = useTranslate();
  const may = (field: string) => kind.mutable.includes(field);
  return (
    <section className="card stack">
      <h2>{t('new.settings')}</h2>
      {may('name') && <NameField {...props} />}
      {may('description') && <DescriptionField {...props} />}
      {kind.expiry.editable ? <NewEnd {...props} /> : <p className="soft">{t('edit.expiry.fixed')}</p>}
      {may('allowedAddresses') && <AddressField {...props} />}
    </section>
  );
}

function NewEnd({ kind, draft, mistakeOf, change }: SectionProps) {
  const t = useTranslate();
  const { presetsDays, never } = kind.expiry;
  return (
    <FormField label={t('tokens.expires')} mistake={mistakeOf('expiresAt')}>
      {(control) => (
        <select {...control} value={draft.expiry} onChange={(event) => change({ expiry: event.target.value })}>
          <option value="">{t('edit.expiry.keep')}</option>
          {presetsDays.map((count) => (
            <option key={count} value={count}>
              {t('new.expiry.days', { count })}
            </option>
          ))}
          {never && <option value="never">{t('tokens.neverExpires')}</option>}
        </select>
      )}
    </FormField>
  );
}

/** Makes a token, section by section: what it is, what it may do and where, and what that comes to before it is made. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ApiError, answerOf, api, type Shapes } from '../api/client.ts';
import { grantableQuery, policyQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { Button } from '../parts/button.tsx';
import { ErrorNote, Waiting } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useSettled } from '../parts/settled.ts';
import { useTranslate } from '../preferences.tsx';
import { DraftReview } from './draft-review.tsx';
import { ScopeSection } from './scope-section.tsx';
import { SecretWindow } from './secret-window.tsx';
import type { SectionProps } from './section-props.ts';
import { ContactSection, SettingsSection } from './settings-section.tsx';
import { StartSection } from './start-section.tsx';
import { firstPreset, inputOf, newDraft, type TokenDraft } from './token-draft.ts';
import { tokenPath, tokensPath } from './token-paths.ts';
import { TryIt } from './try-it.tsx';
import { WorkspaceSection } from './workspace-section.tsx';

export function NewTokenPage({ org }: { readonly org: string }) {
  const t = useTranslate();
  const { data: policy, error, refetch } = useQuery(policyQuery);
  return (
    <>
      <PageHead title={t('new.title')} lead={<Link href={tokensPath(org)}>{t('token.all')}</Link>} />
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {policy === undefined && error === null && <Waiting />}
      {policy !== undefined && <NewTokenForm org={org} policy={policy} />}
    </>
  );
}

function NewTokenForm({ org, policy }: { readonly org: string; readonly policy: Shapes['Policy'] }) {
  const t = useTranslate();
  const caller = useCaller();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const kinds = caller.kinds.filter((name) => policy.kinds[name] !== undefined);
  const first = kinds.find((name) => policy.kinds[name]!.default) ?? kinds[0] ?? '';
  const [draft, setDraft] = useState(() => newDraft(first, firstPreset(policy.kinds[first])));
  const create = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/v1/organizations/{org}/tokens', { params: { path: { org }, query: WAIT }, body: inputOf(draft) }),
      ),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['tokens', org] }),
  });
  const kind = policy.kinds[draft.kind];
  const grantable = useGrantable(org, draft);
  if (kind === undefined) return <p className="note warn">{t('new.noKind')}</p>;
  const refusal = create.error instanceof ApiError ? create.error : null;
  const section: SectionProps = {
    ...{ org, policy, kind, draft, grantable },
    mistakeOf: (...fields) => (fields.includes(refusal?.field?.split('.')[0] ?? '-') ? refusal!.message : undefined),
    change: (part) => setDraft((before) => ({ ...before, ...part })),
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form className="wizard" onSubmit={submit}>
      <div className="stack">
        <StartSection {...section} />
        <SettingsSection {...section} kinds={kinds} />
        <ScopeSection {...section} />
        <WorkspaceSection {...section} />
        <ContactSection {...section} />
      </div>
      <div className="stack beside">
        <DraftReview {...section} />
        {create.error !== null && <ErrorNote error={create.error} />}
        <div className="actions">
          <Button kind="first" type="submit" isBusy={create.isPending}>
            {t('new.create')}
          </Button>
          <Link href={tokensPath(org)} className="button">
            {t('app.cancel')}
          </Link>
        </div>
      </div>
      <SecretWindow
        name={draft.name}
        secret={create.data?.token ?? null}
        onClose={() => navigate(tokenPath(org, create.data!.id))}
      >
        {create.data !== undefined && <TryIt org={org} id={create.data.id} secret={create.data.token} />}
      </SecretWindow>
    </form>
  );
}

/** Of whoever will own it: the caller, where they are a member. */
function useGrantable(org: string, { owner, kind }: TokenDraft): Shapes['Grantable'] | undefined {
  const caller = useCaller();
  const named = useSettled(owner.trim(), owner.trim());
  const whose = caller.kind === 'operator' ? named : caller.member!.id;
  const { data } = useQuery({
    ...grantableQuery(org, { owner: whose, kind }),
    enabled: whose !== '',
    // Of a name that is half typed there is nobody.
    retry: false,
  });
  return whose === '' ? undefined : data;
}

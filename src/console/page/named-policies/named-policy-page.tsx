/** One named policy: what it allows and denies, whom it is attached to; its statements changed, attached, detached, deleted. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api, type Shapes } from '../api/client.ts';
import type { TypedId } from '../api/names.ts';
import { ThingNameField } from '../directory/add-one.tsx';
import { type DirectoryDone, useAfterChange } from '../directory/after-change.ts';
import { directoryPath } from '../directory/directory-queries.ts';
import { OnePage, together } from '../directory/one-page.tsx';
import { PrincipalField } from '../directory/principal-field.tsx';
import { ChoiceField } from '../parts/choice-field.tsx';
import { ConfirmAction } from '../parts/confirm-action.tsx';
import { FormAction } from '../parts/form-action.tsx';
import { KnownBy } from '../parts/known-by.tsx';
import { NameChips } from '../parts/name-chips.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import {
  attachmentsQuery,
  attachNamedPolicy,
  type DraftStatement,
  detachNamedPolicy,
  namedPolicyQuery,
  putNamedPolicy,
} from './named-policy-queries.ts';
import { StatementFields } from './statement-fields.tsx';

interface Props {
  readonly org: string;
  readonly policy: Shapes['IamPolicy'];
  onDone(done: DirectoryDone): void;
}

export function NamedPolicyPage({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const [done, setDone] = useState<DirectoryDone | null>(null);
  return (
    <OnePage
      answer={together(useQuery(namedPolicyQuery(org, id)), useQuery(attachmentsQuery(org, id)))}
      id={id}
      title={t('policy.title')}
      name={({ name }) => name}
      back={{ href: directoryPath(org, 'policies'), words: t('policy.all') }}
      done={done}
      actions={(policy) => (
        <>
          <EditNamedPolicy org={org} policy={policy} onDone={setDone} />
          <DeleteNamedPolicy org={org} policy={policy} onDone={setDone} />
        </>
      )}
    >
      {(policy) => (
        <div className="two">
          <Statements policy={policy} />
          <Attachments org={org} policy={policy} onDone={setDone} />
        </div>
      )}
    </OnePage>
  );
}

function Statements({ policy: { id, statements } }: Pick<Props, 'policy'>) {
  const t = useTranslate();
  return (
    <section className="card stack">
      <h2>{t('policy.statements')}</h2>
      <dl className="facts">
        <dt>{t('directory.id')}</dt>
        <dd className="mono">{id}</dd>
      </dl>
      {statements.map(({ effect, actions, resources }, nth) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two statements may say the same, and none of them moves
        <div key={nth} className="stack tight">
          <h3>
            <span className={`badge ${effect === 'deny' ? 'bad' : 'good'}`}>
              {t(effect === 'deny' ? 'policy.effect.deny' : 'policy.effect.allow')}
            </span>
          </h3>
          <NameChips title={t('policy.actions')} items={actions.map((each) => ({ id: each }))} />
          <NameChips title={t('policy.resources')} items={resources.map((each) => ({ id: each }))} />
        </div>
      ))}
    </section>
  );
}

function Attachments({ org, policy, onDone }: Props) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const { data, error, refetch } = useQuery(attachmentsQuery(org, policy.id));
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t('policy.attached')}</h2>
        <FormAction
          action={t('policy.attach')}
          title={t('policy.attach.title', { name: policy.name })}
          lead={t('policy.attach.lead')}
          start={(): { readonly kind: 'members' | 'teams'; readonly who: string } => ({ kind: 'members', who: '' })}
          run={({ kind, who }) => attachNamedPolicy(org, policy.id, kind, who.trim())}
          onDone={(receipt, { who }) => after(t('policy.attach.done', { name: who }), receipt)}
        >
          {({ draft, set, mistakeOf }) => (
            <>
              <ChoiceField
                label={t('policy.attach.to')}
                options={(['members', 'teams'] as const).map((each) => [each, t(`workspace.roles.${each}`)])}
                value={draft.kind}
                onChange={(kind) => set({ kind, who: '' })}
              />
              <PrincipalField
                org={org}
                type={draft.kind === 'teams' ? 'team' : 'member'}
                label={t(`workspace.roles.${draft.kind}`)}
                mistake={mistakeOf('id')}
                value={draft.who}
                onChange={(who) => set({ who })}
              />
            </>
          )}
        </FormAction>
      </div>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && <p className="soft">{t('policy.attached.none')}</p>}
      <ul className="lines">
        {data?.items.map((each) => {
          const kind = each.kind === 'teams' ? 'teams' : 'members';
          const of: TypedId = `${kind === 'teams' ? 'team' : 'member'}/${each.id}`;
          const name = data.names.get(of) ?? each.id;
          return (
            <li key={of}>
              <div className="grow">
                <KnownBy names={data.names} of={of} href={directoryPath(org, kind, each.id)} isInline />
                <div className="soft small">{t(`workspace.roles.${kind}`)}</div>
              </div>
              <ConfirmAction
                action={t('policy.detach')}
                label={t('policy.detachOf', { name })}
                title={t('policy.detach.title', { name })}
                lead={t('policy.detach.lead')}
                run={() => detachNamedPolicy(org, policy.id, kind, each.id)}
                onDone={(receipt) => after(t('policy.detach.done', { name }), receipt)}
              />
            </li>
          );
        })}
      </ul>
      {data?.nextCursor != null && <p className="soft">{t('directory.more')}</p>}
    </section>
  );
}

function EditNamedPolicy({ org, policy: { id, name, statements }, onDone }: Props) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const written = statements.map(
    ({ effect, actions, resources }, line): DraftStatement => ({
      ...{ line, effect: effect === 'deny' ? 'deny' : 'allow' },
      ...{ actions: actions.join('\n'), resources: resources.join('\n') },
    }),
  );
  return (
    <FormAction
      action={t('directory.edit')}
      title={t('directory.edit.title', { name })}
      lead={t('policy.add.lead')}
      start={() => ({ name, statements: written as readonly DraftStatement[] })}
      run={(draft) => putNamedPolicy(org, id, draft.name, draft.statements)}
      onDone={(receipt, draft) => after(t('directory.edit.done', { name: draft.name }), receipt)}
    >
      {({ draft, set, mistakeOf }) => (
        <>
          <ThingNameField {...{ draft, set, mistakeOf }} />
          <StatementFields
            statements={draft.statements}
            mistake={mistakeOf('statements')}
            onChange={(changed) => set({ statements: changed })}
          />
        </>
      )}
    </FormAction>
  );
}

function DeleteNamedPolicy({ org, policy: { id, name }, onDone }: Props) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  return (
    <ConfirmAction
      kind="danger"
      action={t('workspace.delete')}
      title={t('policy.delete.title', { name })}
      lead={t('policy.delete.lead')}
      run={() => {
        const params = { path: { org, policy: id }, query: WAIT };
        return answerOf(api.DELETE('/v1/organizations/{org}/iam-policies/{policy}', { params }));
      }}
      onDone={(receipt) => after(t('workspace.delete.done', { name }), receipt, ['policy', id])}
    />
  );
}

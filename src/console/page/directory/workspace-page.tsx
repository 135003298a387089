/**
 * One workspace: its owner, who has a role in it, what stands in it, which tokens list it; its name; and its transfer and its end, with
 * what goes with them.
 */
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { Link } from 'wouter';
import { answerOf, api, type Shapes } from '../api/client.ts';
import type { KnownNames } from '../api/names.ts';
import { branchesOf } from '../parts/cascade-branches.ts';
import { EndAction } from '../parts/end-action.tsx';
import { FormAction } from '../parts/form-action.tsx';
import { KnownBy } from '../parts/known-by.tsx';
import { NamedField } from '../parts/named-field.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { tokenPath } from '../tokens/token-paths.ts';
import { ThingNameField } from './add-one.tsx';
import { type DirectoryDone, useAfterChange } from './after-change.ts';
import { AssignmentsSection } from './assignments-section.tsx';
import { EnvironmentsSection, ResourcesSection } from './contents-sections.tsx';
import {
  assignmentsQuery,
  directoryPath,
  environmentsQuery,
  membersQuery,
  resourcesQuery,
  workspaceQuery,
  workspaceTokensQuery,
} from './directory-queries.ts';
import { OnePage, together } from './one-page.tsx';

interface OfWorkspace {
  readonly org: string;
  readonly workspace: Shapes['Workspace'] & { readonly names: KnownNames };
  onDone(done: DirectoryDone): void;
}

export function WorkspacePage({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const [done, setDone] = useState<DirectoryDone | null>(null);
  return (
    <OnePage
      answer={together(
        useQuery(workspaceQuery(org, id)),
        useQuery(assignmentsQuery(org, id)),
        useQuery(environmentsQuery(org, id)),
        useQuery(resourcesQuery(org, id)),
        useQuery(workspaceTokensQuery(org, id)),
      )}
      id={id}
      title={t('workspace.title')}
      name={({ name }) => name}
      back={{ href: directoryPath(org, 'workspaces'), words: t('workspace.all') }}
      done={done}
      actions={(workspace) => (
        <>
          <RenameWorkspace org={org} workspace={workspace} onDone={setDone} />
          <TransferWorkspace org={org} workspace={workspace} onDone={setDone} />
          <DeleteWorkspace org={org} workspace={workspace} onDone={setDone} />
        </>
      )}
    >
      {(workspace) => (
        <div className="two">
          <div className="stack">
            <WorkspaceFacts org={org} workspace={workspace} />
            <AssignmentsSection org={org} id={id} onDone={setDone} />
          </div>
          <div className="stack">
            <EnvironmentsSection org={org} ws={id} onDone={setDone} />
            <ResourcesSection org={org} ws={id} onDone={setDone} />
            <WorkspaceTokens org={org} id={id} />
          </div>
        </div>
      )}
    </OnePage>
  );
}

function WorkspaceFacts({ org, workspace: { id, owner, names } }: Omit<OfWorkspace, 'onDone'>) {
  const t = useTranslate();
  return (
    <section className="card">
      <h2>{t('directory.facts')}</h2>
      <dl className="facts">
        <dt>{t('directory.id')}</dt>
        <dd className="mono">{id}</dd>
        <dt>{t('directory.owner')}</dt>
        <dd>
          <KnownBy names={names} of={`member/${owner}`} href={directoryPath(org, 'members', owner)} isInline />
        </dd>
      </dl>
    </section>
  );
}

function WorkspaceTokens({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const { data, error, refetch } = useQuery(workspaceTokensQuery(org, id));
  return (
    <section className="card stack">
      <h2>{t('workspace.reach')}</h2>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && <p className="soft">{t('workspace.reach.none')}</p>}
      <ul className="stack tight">
        {data?.items.map((token) => (
          <li key={token.id}>
            <Link href={tokenPath(org, token.id)}>{token.name}</Link>{' '}
            <span className="soft">{data.names.get(`member/${token.ownerId}`) ?? token.ownerId}</span>
          </li>
        ))}
      </ul>
      {data !== undefined && data.nextCursor !== null && <p className="soft">{t('workspace.reach.more')}</p>}
      <p className="soft small">{t('workspace.reach.hint')}</p>
    </section>
  );
}

function RenameWorkspace({ org, workspace: { id, name }, onDone }: OfWorkspace) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  return (
    <FormAction
      action={t('directory.rename')}
      title={t('directory.rename.title', { name })}
      start={() => ({ name })}
      run={(body) => {
        const params = { path: { org, id }, query: WAIT };
        return answerOf(api.PATCH('/v1/organizations/{org}/workspaces/{id}', { params, body }));
      }}
      onDone={(receipt, draft) => after(t('directory.rename.done', { name: draft.name }), receipt)}
    >
      {(filled) => <ThingNameField {...filled} />}
    </FormAction>
  );
}

function TransferWorkspace({ org, workspace, onDone }: OfWorkspace) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const { id, name } = workspace;
  const [typed, setTyped] = useState('');
  const owner = useDeferredValue(typed.trim());
  const { data: members } = useQuery(membersQuery(org, owner === '' ? {} : { name: owner }));
  // Half an id is nobody's.
  const isKnown = members?.items.some((member) => member.id === owner) === true;
  const path = { org, id };
  const call = (query: { readonly wait: string } | { readonly dryRun: 'true' }) =>
    answerOf(
      api.POST('/v1/organizations/{org}/workspaces/{id}/transfer', { params: { path, query }, body: { owner } }),
    );
  const preview = async () => {
    const { revokedTokens, keptTokens } = (await call({ dryRun: 'true' })).cascade;
    const branches = await branchesOf(org, [
      { type: 'token', ids: revokedTokens, ends: true, words: (count) => t('workspace.revoked', { count }) },
      { type: 'token', ids: keptTokens, ends: false, words: (count) => t('workspace.goOn', { count }) },
    ]);
    return { name, branches, endedTokens: revokedTokens.length };
  };
  return (
    <EndAction
      action={t('workspace.transfer')}
      title={t('workspace.transfer.title', { name })}
      lead={t('workspace.transfer.lead')}
      name={name}
      question={isKnown ? ['transfer', org, id, owner] : null}
      preview={preview}
      run={() => call(WAIT)}
      onDone={(receipt) => {
        const to = members?.items.find((member) => member.id === owner)?.name ?? owner;
        after(t('workspace.transfer.done', { name, owner: to }), receipt);
        setTyped('');
      }}
    >
      <NamedField
        label={t('workspace.transfer.owner')}
        hint={t('workspace.transfer.owner.hint')}
        offered={members?.items}
        value={typed}
        onChange={setTyped}
      />
    </EndAction>
  );
}

function DeleteWorkspace({ org, workspace, onDone }: OfWorkspace) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const { id, name } = workspace;
  const path = { org, id };
  const preview = async () => {
    const params = { path, query: { dryRun: 'true' as const } };
    const { cascade } = await answerOf(api.DELETE('/v1/organizations/{org}/workspaces/{id}', { params }));
    const { strandedTokens, narrowedTokens, environments } = cascade;
    const branches = await branchesOf(org, [
      { type: 'token', ids: strandedTokens, ends: true, words: (count) => t('workspace.stranded', { count }) },
      { type: 'token', ids: narrowedTokens, ends: false, words: (count) => t('workspace.narrowed', { count }) },
      { type: 'environment', ids: environments, ends: true, words: (count) => t('workspace.environments', { count }) },
    ]);
    return { name, branches, endedTokens: strandedTokens.length };
  };
  return (
    <EndAction
      action={t('workspace.delete')}
      title={t('workspace.delete.title', { name })}
      lead={t('workspace.delete.lead')}
      name={name}
      question={['workspace', org, id]}
      preview={preview}
      run={() => answerOf(api.DELETE('/v1/organizations/{org}/workspaces/{id}', { params: { path, query: WAIT } }))}
      onDone={(receipt) => after(t('workspace.delete.done', { name }), receipt, ['workspace', id])}
    />
  );
}

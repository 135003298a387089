/** One workspace: its owner, who has a role in it, which tokens list it; and its transfer and its end, with what goes with them. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { Link } from 'wouter';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { branchOf, EndAction } from '../parts/end-action.tsx';
import { NamedField } from '../parts/named-field.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { type ReceiptFields, WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { tokenPath } from '../tokens/token-paths.ts';
import {
  assignmentsQuery,
  directoryPath,
  membersQuery,
  workspaceQuery,
  workspaceTokensQuery,
} from './directory-queries.ts';
import { type DirectoryDone, OnePage } from './one-page.tsx';

interface OfWorkspace {
  readonly org: string;
  readonly workspace: Shapes['Workspace'];
  onDone(done: DirectoryDone): void;
}

export function WorkspacePage({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const [done, setDone] = useState<DirectoryDone | null>(null);
  return (
    <OnePage
      answer={useQuery(workspaceQuery(org, id))}
      id={id}
      title={t('workspace.title')}
      name={({ name }) => name}
      back={{ href: directoryPath(org, 'workspaces'), words: t('workspace.all') }}
      done={done}
      actions={(workspace) => (
        <>
          <TransferWorkspace org={org} workspace={workspace} onDone={setDone} />
          <DeleteWorkspace org={org} workspace={workspace} onDone={setDone} />
        </>
      )}
    >
      {({ owner }) => (
        <div className="two">
          <WorkspaceRoles org={org} id={id} owner={owner} />
          <WorkspaceTokens org={org} id={id} />
        </div>
      )}
    </OnePage>
  );
}

function WorkspaceRoles({ org, id, owner }: { readonly org: string; readonly id: string; readonly owner: string }) {
  const t = useTranslate();
  const { data, error, refetch } = useQuery(assignmentsQuery(org, id));
  return (
    <section className="card stack">
      <h2>{t('workspace.roles')}</h2>
      <dl className="facts">
        <dt>{t('directory.id')}</dt>
        <dd className="mono">{id}</dd>
        <dt>{t('directory.owner')}</dt>
        <dd>
          <Link href={directoryPath(org, 'members', owner)}>{owner}</Link>
        </dd>
        {data?.items.map((each) => (
          <div key={`${each.kind} ${each.id}`} className="pair">
            <dt>{t(`workspace.roles.${each.kind}`)}</dt>
            <dd>
              {each.id} <span className="soft">· {t(each.role === 'admin' ? 'role.admin' : 'role.member')}</span>
            </dd>
          </div>
        ))}
      </dl>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
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
            <Link href={tokenPath(org, token.id)}>{token.name}</Link> <span className="soft">{token.ownerId}</span>
          </li>
        ))}
      </ul>
      {data !== undefined && data.nextCursor !== null && <p className="soft">{t('workspace.reach.more')}</p>}
      <p className="soft small">{t('workspace.reach.hint')}</p>
    </section>
  );
}

function useAfter({ org, workspace, onDone }: OfWorkspace) {
  const client = useQueryClient();
  return (done: string, receipt: ReceiptFields, isGone: boolean) => {
    onDone({ done, receipt });
    if (isGone) client.removeQueries({ queryKey: ['directory', org, 'workspace', workspace.id] });
    void client.invalidateQueries({ queryKey: ['directory', org] });
    void client.invalidateQueries({ queryKey: ['tokens', org] });
  };
}

function TransferWorkspace(props: OfWorkspace) {
  const t = useTranslate();
  const after = useAfter(props);
  const { org, workspace } = props;
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
    const branches = [
      ...branchOf(t('workspace.revoked', { count: revokedTokens.length }), revokedTokens, true),
      ...branchOf(t('workspace.goOn', { count: keptTokens.length }), keptTokens, false),
    ];
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
        after(t('workspace.transfer.done', { name, owner }), receipt, false);
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

function DeleteWorkspace(props: OfWorkspace) {
  const t = useTranslate();
  const after = useAfter(props);
  const { org, workspace } = props;
  const { id, name } = workspace;
  const path = { org, id };
  const preview = async () => {
    const params = { path, query: { dryRun: 'true' as const } };
    const { cascade } = await answerOf(api.DELETE('/v1/organizations/{org}/workspaces/{id}', { params }));
    const { strandedTokens, narrowedTokens, environments } = cascade;
    const branches = [
      ...branchOf(t('workspace.stranded', { count: strandedTokens.length }), strandedTokens, true),
      ...branchOf(t('workspace.narrowed', { count: narrowedTokens.length }), narrowedTokens, false),
      ...branchOf(t('workspace.environments', { count: environments.length }), environments, true),
    ];
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
      onDone={(receipt) => after(t('workspace.delete.done', { name }), receipt, true)}
    />
  );
}

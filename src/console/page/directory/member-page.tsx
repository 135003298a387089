/** One member: who they are, where they belong and by what, and what can be done with them. Of themselves members see the same. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { policyQuery } from '../api/queries.ts';
import { useCaller } from '../caller.tsx';
import { Button } from '../parts/button.tsx';
import { ConfirmWindow } from '../parts/confirm-window.tsx';
import { branchOf, EndAction } from '../parts/end-action.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { tokensPath } from '../tokens/token-paths.ts';
import { directoryPath, memberQuery, membershipsQuery } from './directory-queries.ts';
import { type DirectoryDone, NameChips, OnePage } from './one-page.tsx';
import { RoleField } from './role-field.tsx';

interface OfMember {
  readonly org: string;
  readonly member: Shapes['Member'];
  onDone(done: DirectoryDone): void;
}

export function MemberPage({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const { kind } = useCaller();
  const [done, setDone] = useState<DirectoryDone | null>(null);
  const isOperator = kind === 'operator';
  return (
    <OnePage
      answer={useQuery(memberQuery(org, id))}
      id={id}
      title={t('member.title')}
      name={({ name }) => name}
      back={isOperator ? { href: directoryPath(org, 'members'), words: t('member.all') } : null}
      done={done}
      actions={(member) =>
        isOperator && (
          <>
            <ChangeRole org={org} member={member} onDone={setDone} />
            <RemoveMember org={org} member={member} onDone={setDone} />
          </>
        )
      }
    >
      {(member) => (
        <div className="two">
          <MemberFacts org={org} member={member} />
          <MemberRoles org={org} id={id} />
        </div>
      )}
    </OnePage>
  );
}

function MemberFacts({ org, member }: Omit<OfMember, 'onDone'>) {
  const t = useTranslate();
  const { id, email, role, scopes, actions, teams, policies } = member;
  return (
    <section className="card stack">
      <h2>{t('member.facts')}</h2>
      <dl className="facts">
        <dt>{t('directory.id')}</dt>
        <dd className="mono">{id}</dd>
        <dt>{t('directory.email')}</dt>
        <dd>{email ?? '–'}</dd>
        <dt>{t('directory.role')}</dt>
        <dd>{role}</dd>
        <dt>{t('directory.tokens')}</dt>
        <dd>
          <Link href={`${tokensPath(org)}?owner=${encodeURIComponent(id)}`}>{t('member.tokens')}</Link>
        </dd>
      </dl>
      <NameChips title={t('directory.teams')} names={teams} />
      <NameChips title={t('directory.policies')} names={policies} />
      <NameChips title={t('member.scopes')} names={scopes} otherwise={t('member.asRole')} />
      <NameChips title={t('member.actions')} names={actions} otherwise={t('member.asRole')} />
    </section>
  );
}

function MemberRoles({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const { data, error, refetch } = useQuery(membershipsQuery(org, id));
  const roleName = (role: string) => t(role === 'admin' ? 'role.admin' : 'role.member');
  return (
    <section className="card stack">
      <h2>{t('member.workspaces')}</h2>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data !== undefined && data.everywhere !== null && (
        <p>{t('member.everywhere', { role: roleName(data.everywhere) })}</p>
      )}
      {data?.workspaces.length === 0 && <p className="soft">{t('member.noRoles')}</p>}
      <ul className="stack">
        {data?.workspaces.map(({ id: workspace, name, role, sources }) => (
          <li key={workspace}>
            <b>{name}</b> <span className="soft mono small">{workspace}</span>
            <div>
              {roleName(role)}
              <span className="soft">
                {' · '}
                {sources
                  .map(({ source, team }) =>
                    source === 'team' ? t('source.team', { team: team ?? '' }) : t(`source.${source}`),
                  )
                  .join(', ')}
              </span>
            </div>
          </li>
        ))}
      </ul>
      {data?.more === true && <p className="soft">{t('member.more')}</p>}
    </section>
  );
}

function ChangeRole({ org, member, onDone }: OfMember) {
  const t = useTranslate();
  const client = useQueryClient();
  const { data: policy } = useQuery(policyQuery);
  const [isOpen, setOpen] = useState(false);
  const [role, setRole] = useState(member.role);
  const { id, name } = member;
  const change = useMutation({
    mutationFn: () => {
      const params = { path: { org, id }, query: WAIT };
      return answerOf(api.PATCH('/v1/organizations/{org}/members/{id}', { params, body: { role } }));
    },
    onSuccess: (receipt) => {
      setOpen(false);
      onDone({ done: t('member.role.done', { name }), receipt });
      void client.invalidateQueries({ queryKey: ['directory', org] });
    },
  });
  const open = () => {
    change.reset();
    setRole(member.role);
    setOpen(true);
  };
  return (
    <>
      <Button onClick={open}>{t('member.role.change')}</Button>
      <ConfirmWindow
        isOpen={isOpen}
        title={t('member.role.title', { name })}
        action={t('member.role.change')}
        isBusy={change.isPending}
        error={change.error}
        onConfirm={() => change.mutate()}
        onClose={() => setOpen(false)}
      >
        <p>{t('member.role.lead')}</p>
        <RoleField roles={policy?.organizationRoles} value={role} onChange={setRole} />
      </ConfirmWindow>
    </>
  );
}

function RemoveMember({ org, member, onDone }: OfMember) {
  const t = useTranslate();
  const client = useQueryClient();
  const { id, name } = member;
  const path = { org, id };
  const preview = async () => {
    const params = { path, query: { dryRun: 'true' as const } };
    const { cascade } = await answerOf(api.DELETE('/v1/organizations/{org}/members/{id}', { params }));
    const { deactivatedTokens, keptTokens, contactlessTokens, leftTeams, ownedWorkspaces } = cascade;
    const branches = [
      ...branchOf(t('member.ended', { count: deactivatedTokens.length }), deactivatedTokens, true),
      ...branchOf(t('member.contactless', { count: contactlessTokens.length }), contactlessTokens, true),
      ...branchOf(t('member.ownerless', { count: ownedWorkspaces.length }), ownedWorkspaces, true),
      ...branchOf(t('member.left', { count: leftTeams.length }), leftTeams, true),
      ...branchOf(t('member.kept', { count: keptTokens.length }), keptTokens, false),
    ];
    return { name, branches, endedTokens: deactivatedTokens.length };
  };
  return (
    <EndAction
      action={t('member.remove')}
      title={t('member.remove.title', { name })}
      lead={t('member.remove.lead')}
      name={name}
      question={['member', org, id]}
      preview={preview}
      run={() => answerOf(api.DELETE('/v1/organizations/{org}/members/{id}', { params: { path, query: WAIT } }))}
      onDone={(receipt) => {
        onDone({ done: t('member.remove.done', { name }), receipt });
        client.removeQueries({ queryKey: ['directory', org, 'member', id] });
        void client.invalidateQueries({ queryKey: ['directory', org] });
        void client.invalidateQueries({ queryKey: ['tokens', org] });
      }}
    />
  );
}

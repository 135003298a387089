/** One member: who they are, where they belong and by what, and what can be done with them. Of themselves members see the same. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { answerOf, api, type Shapes } from '../api/client.ts';
import type { KnownNames } from '../api/names.ts';
import { useCaller } from '../caller.tsx';
import { branchesOf } from '../parts/cascade-branches.ts';
import { EndAction } from '../parts/end-action.tsx';
import { NameChips } from '../parts/name-chips.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { tokensPath } from '../tokens/token-paths.ts';
import { type DirectoryDone, useAfterChange } from './after-change.ts';
import { directoryPath, memberQuery, membershipsQuery } from './directory-queries.ts';
import { ChangeRights, ChangeRole, EditMember, GiveWorkspaceRole } from './member-changes.tsx';
import { OnePage, together } from './one-page.tsx';

interface OfMember {
  readonly org: string;
  readonly member: Shapes['Member'] & { readonly names: KnownNames };
  onDone(done: DirectoryDone): void;
}

export function MemberPage({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const { kind } = useCaller();
  const [done, setDone] = useState<DirectoryDone | null>(null);
  const isOperator = kind === 'operator';
  return (
    <OnePage
      answer={together(useQuery(memberQuery(org, id)), useQuery(membershipsQuery(org, id)))}
      id={id}
      title={t('member.title')}
      name={({ name }) => name}
      back={isOperator ? { href: directoryPath(org, 'members'), words: t('member.all') } : null}
      done={done}
      actions={(member) =>
        isOperator && (
          <>
            <EditMember org={org} member={member} onDone={setDone} />
            <ChangeRole org={org} member={member} onDone={setDone} />
            <ChangeRights org={org} member={member} onDone={setDone} />
            <RemoveMember org={org} member={member} onDone={setDone} />
          </>
        )
      }
    >
      {(member) => (
        <div className="two">
          <MemberFacts org={org} member={member} />
          <MemberRoles org={org} member={member} onDone={setDone} />
        </div>
      )}
    </OnePage>
  );
}

function MemberFacts({ org, member }: Omit<OfMember, 'onDone'>) {
  const t = useTranslate();
  const { id, email, role, scopes, actions, teams, policies, names } = member;
  const { kind } = useCaller();
  // Of these pages members have none.
  const chipOf = (type: 'team' | 'iam-policy', area: 'teams' | 'policies', each: string) => ({
    ...{ id: each, name: names.get(`${type}/${each}`) },
    ...(kind === 'operator' ? { href: directoryPath(org, area, each) } : {}),
  });
  const plain = (words: readonly string[] | null) => words?.map((each) => ({ id: each })) ?? null;
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
      <NameChips title={t('directory.teams')} items={teams.map((team) => chipOf('team', 'teams', team))} />
      <NameChips
        title={t('directory.policies')}
        items={policies.map((policy) => chipOf('iam-policy', 'policies', policy))}
      />
      <NameChips title={t('member.scopes')} items={plain(scopes)} otherwise={t('member.asRole')} />
      <NameChips title={t('member.actions')} items={plain(actions)} otherwise={t('member.asRole')} />
    </section>
  );
}

function MemberRoles({ org, member, onDone }: OfMember) {
  const t = useTranslate();
  const { kind } = useCaller();
  const { id } = member;
  const { data, error, refetch } = useQuery(membershipsQuery(org, id));
  const roleName = (role: string) => t(role === 'admin' ? 'role.admin' : 'role.member');
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t('member.workspaces')}</h2>
        {kind === 'operator' && <GiveWorkspaceRole org={org} kind="members" id={id} onDone={onDone} />}
      </div>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data !== undefined && data.everywhere !== null && (
        <p>{t('member.everywhere', { role: roleName(data.everywhere) })}</p>
      )}
      {data?.workspaces.length === 0 && <p className="soft">{t('member.noRoles')}</p>}
      <ul className="stack">
        {data?.workspaces.map(({ id: workspace, name, role, sources }) => (
          <li key={workspace}>
            {kind === 'operator' ? (
              <Link href={directoryPath(org, 'workspaces', workspace)}>{name}</Link>
            ) : (
              <b>{name}</b>
            )}{' '}
            <span className="soft mono small">{workspace}</span>
            <div>
              {roleName(role)}
              <span className="soft">
                {' · '}
                {sources
                  .map(({ source, team }) =>
                    source === 'team'
                      ? t('source.team', { team: data.teams.find((each) => each.id === team)?.name ?? team ?? '' })
                      : t(`source.${source}`),
                  )
                  .join(t('list.comma'))}
              </span>
            </div>
          </li>
        ))}
      </ul>
      {data?.more === true && <p className="soft">{t('member.more')}</p>}
    </section>
  );
}

function RemoveMember({ org, member, onDone }: OfMember) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const { id, name } = member;
  const path = { org, id };
  const preview = async () => {
    const params = { path, query: { dryRun: 'true' as const } };
    const { cascade } = await answerOf(api.DELETE('/v1/organizations/{org}/members/{id}', { params }));
    const { deactivatedTokens, keptTokens, contactlessTokens, leftTeams, ownedWorkspaces } = cascade;
    const branches = await branchesOf(org, [
      { type: 'token', ids: deactivatedTokens, ends: true, words: (count) => t('member.ended', { count }) },
      { type: 'token', ids: contactlessTokens, ends: true, words: (count) => t('member.contactless', { count }) },
      { type: 'workspace', ids: ownedWorkspaces, ends: true, words: (count) => t('member.ownerless', { count }) },
      { type: 'team', ids: leftTeams, ends: true, words: (count) => t('member.left', { count }) },
      { type: 'token', ids: keptTokens, ends: false, words: (count) => t('member.kept', { count }) },
    ]);
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
      onDone={(receipt) => after(t('member.remove.done', { name }), receipt, ['member', id])}
    />
  );
}

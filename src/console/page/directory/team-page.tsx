/** One team: who is in it, the named policies that come with it, its name and its end. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api, type Shapes } from '../api/client.ts';
import type { KnownNames } from '../api/names.ts';
import { branchesOf } from '../parts/cascade-branches.ts';
import { ConfirmAction } from '../parts/confirm-action.tsx';
import { EndAction } from '../parts/end-action.tsx';
import { FormAction } from '../parts/form-action.tsx';
import { KnownBy } from '../parts/known-by.tsx';
import { NameChips } from '../parts/name-chips.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { ONCE, ThingNameField } from './add-one.tsx';
import { type DirectoryDone, useAfterChange } from './after-change.ts';
import { directoryPath, teamQuery } from './directory-queries.ts';
import { OnePage } from './one-page.tsx';
import { PrincipalField } from './principal-field.tsx';

interface Props {
  readonly org: string;
  readonly team: Shapes['Team'] & { readonly names: KnownNames };
  onDone(done: DirectoryDone): void;
}

export function TeamPage({ org, id }: { readonly org: string; readonly id: string }) {
  const t = useTranslate();
  const [done, setDone] = useState<DirectoryDone | null>(null);
  return (
    <OnePage
      answer={useQuery(teamQuery(org, id))}
      id={id}
      title={t('team.title')}
      name={({ name }) => name}
      back={{ href: directoryPath(org, 'teams'), words: t('team.all') }}
      done={done}
      actions={(team) => (
        <>
          <RenameTeam org={org} team={team} onDone={setDone} />
          <DeleteTeam org={org} team={team} onDone={setDone} />
        </>
      )}
    >
      {(team) => (
        <div className="two">
          <TeamMembers org={org} team={team} onDone={setDone} />
          <section className="card stack">
            <h2>{t('directory.facts')}</h2>
            <dl className="facts">
              <dt>{t('directory.id')}</dt>
              <dd className="mono">{id}</dd>
            </dl>
            <NameChips
              title={t('directory.policies')}
              items={team.policies.map((policy) => ({
                id: policy,
                name: team.names.get(`iam-policy/${policy}`),
                href: directoryPath(org, 'policies', policy),
              }))}
            />
          </section>
        </div>
      )}
    </OnePage>
  );
}

/** Of the team as it is now: somebody else may have changed it since it was shown. */
function useTeamChange({ org, team: { id } }: Props) {
  const client = useQueryClient();
  return async (change: (team: Shapes['Team']) => Shapes['TeamInput']) => {
    const body = change(await client.fetchQuery({ ...teamQuery(org, id), ...ONCE }));
    return answerOf(
      api.PUT('/v1/organizations/{org}/teams/{id}', { params: { path: { org, id }, query: WAIT }, body }),
    );
  };
}

function TeamMembers(props: Props) {
  const { org, team, onDone } = props;
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const change = useTeamChange(props);
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t('directory.members')}</h2>
        <FormAction
          action={t('team.member.add')}
          title={t('team.member.add.title', { name: team.name })}
          lead={t('team.member.add.lead')}
          start={() => ({ who: '' })}
          run={({ who }) => change(({ name, members }) => ({ name, members: [...new Set([...members, who.trim()])] }))}
          onDone={(receipt, { who }) => after(t('team.member.add.done', { name: who, team: team.name }), receipt)}
        >
          {({ draft, set, mistakeOf }) => (
            <PrincipalField
              org={org}
              label={t('workspace.roles.members')}
              mistake={mistakeOf('members')}
              value={draft.who}
              onChange={(who) => set({ who })}
            />
          )}
        </FormAction>
      </div>
      {team.members.length === 0 && <p className="soft">{t('team.member.none')}</p>}
      <ul className="lines">
        {team.members.map((member) => {
          const name = team.names.get(`member/${member}`) ?? member;
          return (
            <li key={member}>
              <div className="grow">
                <KnownBy
                  names={team.names}
                  of={`member/${member}`}
                  href={directoryPath(org, 'members', member)}
                  isInline
                />
              </div>
              <ConfirmAction
                action={t('member.remove')}
                label={t('team.member.removeOf', { name })}
                title={t('team.member.remove.title', { name, team: team.name })}
                lead={t('team.member.remove.lead')}
                run={() =>
                  change((now) => ({ name: now.name, members: now.members.filter((each) => each !== member) }))
                }
                onDone={(receipt) => after(t('team.member.remove.done', { name, team: team.name }), receipt)}
              />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function RenameTeam(props: Props) {
  const { org, team, onDone } = props;
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const change = useTeamChange(props);
  return (
    <FormAction
      action={t('directory.rename')}
      title={t('directory.rename.title', { name: team.name })}
      start={() => ({ name: team.name })}
      run={({ name }) => change(({ members }) => ({ name, members }))}
      onDone={(receipt, { name }) => after(t('directory.rename.done', { name }), receipt)}
    >
      {(filled) => <ThingNameField {...filled} />}
    </FormAction>
  );
}

function DeleteTeam({ org, team: { id, name }, onDone }: Props) {
  const t = useTranslate();
  const after = useAfterChange(org, onDone);
  const path = { org, id };
  const preview = async () => {
    const params = { path, query: { dryRun: 'true' as const } };
    const { cascade } = await answerOf(api.DELETE('/v1/organizations/{org}/teams/{id}', { params }));
    const branches = await branchesOf(org, [
      { type: 'member', ids: cascade.members, ends: true, words: (count) => t('team.left', { count }) },
      { type: 'workspace', ids: cascade.lostRoles, ends: true, words: (count) => t('team.lost', { count }) },
    ]);
    return { name, branches, endedTokens: 0 };
  };
  return (
    <EndAction
      action={t('team.delete')}
      title={t('team.delete.title', { name })}
      lead={t('team.delete.lead')}
      name={name}
      question={['team', org, id]}
      preview={preview}
      run={() => answerOf(api.DELETE('/v1/organizations/{org}/teams/{id}', { params: { path, query: WAIT } }))}
      onDone={(receipt) => after(t('team.delete.done', { name }), receipt, ['team', id])}
    />
  );
}

/** One team: who is in it, the named policies that come with it, and its end. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api, type Shapes } from '../api/client.ts';
import { branchOf, EndAction } from '../parts/end-action.tsx';
import { WAIT } from '../parts/receipt.tsx';
import { useTranslate } from '../preferences.tsx';
import { directoryPath, teamQuery } from './directory-queries.ts';
import { type DirectoryDone, NameChips, OnePage } from './one-page.tsx';

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
      actions={(team) => <DeleteTeam org={org} team={team} onDone={setDone} />}
    >
      {({ members, policies }) => (
        <section className="card stack">
          <h2>{t('directory.facts')}</h2>
          <dl className="facts">
            <dt>{t('directory.id')}</dt>
            <dd className="mono">{id}</dd>
          </dl>
          <NameChips title={t('directory.members')} names={members} />
          <NameChips title={t('directory.policies')} names={policies} />
        </section>
      )}
    </OnePage>
  );
}

interface DeleteProps {
  readonly org: string;
  readonly team: Shapes['Team'];
  onDone(done: DirectoryDone): void;
}

function DeleteTeam({ org, team: { id, name }, onDone }: DeleteProps) {
  const t = useTranslate();
  const client = useQueryClient();
  const path = { org, id };
  const preview = async () => {
    const params = { path, query: { dryRun: 'true' as const } };
    const { cascade } = await answerOf(api.DELETE('/v1/organizations/{org}/teams/{id}', { params }));
    const branches = [
      ...branchOf(t('team.left', { count: cascade.members.length }), cascade.members, true),
      ...branchOf(t('team.lost', { count: cascade.lostRoles.length }), cascade.lostRoles, true),
    ];
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
      onDone={(receipt) => {
        onDone({ done: t('team.delete.done', { name }), receipt });
        client.removeQueries({ queryKey: ['directory', org, 'team', id] });
        void client.invalidateQueries({ queryKey: ['directory', org] });
      }}
    />
  );
}

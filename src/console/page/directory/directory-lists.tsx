/** The members, teams and workspaces of an organization, page by page, found by name. A member is shown their own memberships. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { useCaller } from '../caller.tsx';
import { KnownBy } from '../parts/known-by.tsx';
import { ListView } from '../parts/list-view.tsx';
import { EmptyNote } from '../parts/notes.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ReceiptNote } from '../parts/receipt.tsx';
import { TypedField } from '../parts/typed-field.tsx';
import { type UrlFilters, useUrlFilters } from '../parts/url-filters.ts';
import { useTranslate } from '../preferences.tsx';
import { AddMember, AddTeam, AddWorkspace } from './add-one.tsx';
import type { DirectoryDone } from './after-change.ts';
import { directoryPath, membersQuery, teamsQuery, workspaceListQuery } from './directory-queries.ts';
import { MemberPage } from './member-page.tsx';

export function MembersPage({ org }: { readonly org: string }) {
  const { kind, member } = useCaller();
  // Others may read of themselves alone.
  return kind === 'operator' ? <MemberList org={org} /> : <MemberPage org={org} id={member?.id ?? ''} />;
}

function MemberList({ org }: { readonly org: string }) {
  const t = useTranslate();
  const asked = useUrlFilters(['name']);
  const answer = useQuery({ ...membersQuery(org, asked.filters), placeholderData: keepPreviousData });
  const [done, setDone] = useState<DirectoryDone | null>(null);
  return (
    <>
      <PageHead title={t('members.title')}>
        <AddMember org={org} onDone={setDone} />
      </PageHead>
      {done !== null && <ReceiptNote {...done} />}
      <SearchBar {...asked} />
      <ListView
        asked={asked}
        answer={answer}
        title={t('members.title')}
        columns={[t('directory.name'), t('directory.role'), t('directory.teams'), t('directory.policies')]}
        empty={<EmptyNote title={t('members.empty')} hint={t('directory.empty.hint')} command={APPLY} />}
        row={({ id, name, role, teams, policies }) => (
          <NamedRow key={id} href={directoryPath(org, 'members', id)} id={id} name={name}>
            <td data-label={t('directory.role')}>{role}</td>
            <td data-label={t('directory.teams')}>{teams.length}</td>
            <td data-label={t('directory.policies')}>{policies.length}</td>
          </NamedRow>
        )}
      />
    </>
  );
}

export function TeamsPage({ org }: { readonly org: string }) {
  const t = useTranslate();
  const asked = useUrlFilters(['name']);
  const answer = useQuery({ ...teamsQuery(org, asked.filters), placeholderData: keepPreviousData });
  const [done, setDone] = useState<DirectoryDone | null>(null);
  return (
    <>
      <PageHead title={t('teams.title')}>
        <AddTeam org={org} onDone={setDone} />
      </PageHead>
      {done !== null && <ReceiptNote {...done} />}
      <SearchBar {...asked} />
      <ListView
        asked={asked}
        answer={answer}
        title={t('teams.title')}
        columns={[t('directory.name'), t('directory.members'), t('directory.policies')]}
        empty={<EmptyNote title={t('teams.empty')} hint={t('directory.empty.hint')} command={APPLY} />}
        row={({ id, name, members, policies }) => (
          <NamedRow key={id} href={directoryPath(org, 'teams', id)} id={id} name={name}>
            <td data-label={t('directory.members')}>{members.length}</td>
            <td data-label={t('directory.policies')}>{policies.length}</td>
          </NamedRow>
        )}
      />
    </>
  );
}

export function WorkspacesPage({ org }: { readonly org: string }) {
  const t = useTranslate();
  const asked = useUrlFilters(['name']);
  const answer = useQuery({ ...workspaceListQuery(org, asked.filters), placeholderData: keepPreviousData });
  const [done, setDone] = useState<DirectoryDone | null>(null);
  return (
    <>
      <PageHead title={t('workspaces.title')}>
        <AddWorkspace org={org} onDone={setDone} />
      </PageHead>
      {done !== null && <ReceiptNote {...done} />}
      <SearchBar {...asked} />
      <ListView
        asked={asked}
        answer={answer}
        title={t('workspaces.title')}
        columns={[t('directory.name'), t('directory.owner')]}
        empty={<EmptyNote title={t('workspaces.empty')} hint={t('directory.empty.hint')} command={APPLY} />}
        row={({ id, name, owner }) => (
          <NamedRow key={id} href={directoryPath(org, 'workspaces', id)} id={id} name={name}>
            <td data-label={t('directory.owner')}>
              <KnownBy names={answer.data?.names} of={`member/${owner}`} href={directoryPath(org, 'members', owner)} />
            </td>
          </NamedRow>
        )}
      />
    </>
  );
}

const APPLY = 'scopegate apply directory.yaml';

function SearchBar({ filters, narrow }: UrlFilters<'name'>) {
  const t = useTranslate();
  return (
    <search className="filters" aria-label={t('list.filters')}>
      <TypedField label={t('list.search')} value={filters.name ?? ''} onChange={(name) => narrow('name', name)} />
    </search>
  );
}

interface RowProps {
  readonly href: string;
  readonly id: string;
  readonly name: string;
  readonly children: ReactNode;
}

function NamedRow({ href, id, name, children }: RowProps) {
  return (
    <tr>
      <td className="name">
        <Link href={href}>{name}</Link>
        <span className="sub mono">{id}</span>
      </td>
      {children}
    </tr>
  );
}

/** `scopegate service-account list`, `member list`, `workspace list`, `organization list` and `enterprise list`. */
import type { Invocation } from '../command.ts';
import { type ListValues, showList } from '../lists.ts';
import { type ActingValues, type OrganizationValues, Session } from '../session.ts';
import type { Column } from '../terminal.ts';
import { type Account, accountColumns } from './account.ts';

type Call = Invocation<OrganizationValues & ListValues>;

interface Member {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: string;
  readonly teams: readonly string[];
}

interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
}

interface Organization {
  readonly id: string;
  readonly name: string;
  readonly edition: string;
  readonly enterprise: string | null;
}

interface Enterprise {
  readonly id: string;
  readonly name: string;
}

const MEMBERS: ReadonlyArray<Column<Member>> = [
  { title: 'ID', text: ({ id }) => id, whole: true },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'ROLE', text: ({ role }) => role },
  { title: 'TEAMS', text: ({ teams }) => teams.join(' ') || '-' },
  { title: 'EMAIL', text: ({ email }) => email ?? '-' },
];

const WORKSPACES: ReadonlyArray<Column<Workspace>> = [
  { title: 'ID', text: ({ id }) => id, whole: true },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'OWNER', text: ({ owner }) => owner },
];

const ORGANIZATIONS: ReadonlyArray<Column<Organization>> = [
  { title: 'ID', text: ({ id }) => id, whole: true },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'EDITION', text: ({ edition }) => edition },
  { title: 'ENTERPRISE', text: ({ enterprise }) => enterprise ?? '-' },
];

const ENTERPRISES: ReadonlyArray<Column<Enterprise>> = [
  { title: 'ID', text: ({ id }) => id, whole: true },
  { title: 'NAME', text: ({ name }) => name },
];

export async function listAccountsCommand({ values, env }: Call): Promise<void> {
  const accounts = (await Session.open(values, env)).all<Account>(['service-accounts']);
  await showList(accounts, values, { columns: accountColumns, many: 'service accounts' });
}

export async function listMembersCommand({ values, env }: Call): Promise<void> {
  const members = (await Session.open(values, env)).all<Member>(['members']);
  await showList(members, values, { columns: MEMBERS, many: 'members' });
}

export async function listWorkspacesCommand({ values, env }: Call): Promise<void> {
  const workspaces = (await Session.open(values, env)).all<Workspace>(['workspaces']);
  await showList(workspaces, values, { columns: WORKSPACES, many: 'workspaces' });
}

export async function listOrganizationsCommand({ values, env }: Invocation<ActingValues & ListValues>): Promise<void> {
  const organizations = (await Session.open(values, env)).all<Organization>(null);
  await showList(organizations, values, { columns: ORGANIZATIONS, many: 'organizations' });
}

export async function listEnterprisesCommand({ values, env }: Invocation<ActingValues & ListValues>): Promise<void> {
  const enterprises = (await Session.open(values, env)).all<Enterprise>(null, {}, 'enterprises');
  await showList(enterprises, values, { columns: ENTERPRISES, many: 'enterprises' });
}

/** The commands about service accounts, members, workspaces, organizations and enterprises. Only says what they take. */
import {
  ACTING_OPTIONS,
  CHANGE_OPTIONS,
  type Command,
  command,
  LIST_OPTIONS,
  MANY_OPTIONS,
  READ_OPTIONS,
} from '../command.ts';

const CLIENT = [{ name: 'CLIENT-ID' }] as const;
const SCOPES = {
  value: 'SCOPE',
  short: 's',
  many: true,
  about: 'what its access tokens may do; once for each',
} as const;
const REVOKE = { 'revoke-tokens': { about: 'end the access tokens that it was issued, too' } } as const;

const accounts: readonly Command[] = [
  command({
    words: 'service-account create',
    summary: 'make a service account, and print its secret this once',
    about: `Prints the secret alone; the client id goes to standard error.`,
    options: { name: { value: 'NAME', short: 'n', about: 'for people' }, scope: SCOPES, ...CHANGE_OPTIONS },
    example: 'scopegate service-account create --name importer --scope content:read',
    load: async () => (await import('../directory/service-account.ts')).createAccountCommand,
  }),
  command({
    words: 'service-account list',
    summary: 'list service accounts',
    options: MANY_OPTIONS,
    example: 'scopegate service-account list',
    load: async () => (await import('../directory/lists.ts')).listAccountsCommand,
  }),
  command({
    words: 'service-account show',
    args: CLIENT,
    summary: 'read a service account, and what it was issued',
    options: READ_OPTIONS,
    example: 'scopegate service-account show $CLIENT',
    load: async () => (await import('../directory/service-account.ts')).showAccountCommand,
  }),
  command({
    words: 'service-account edit',
    args: CLIENT,
    summary: 'change its name or its scopes; the scopes that are given are all that it has then',
    options: { name: { value: 'NAME', short: 'n', about: 'for people' }, scope: SCOPES, ...CHANGE_OPTIONS },
    example: 'scopegate service-account edit $CLIENT --name loader',
    load: async () => (await import('../directory/service-account.ts')).editAccountCommand,
  }),
  command({
    words: 'service-account rotate-secret',
    args: CLIENT,
    summary: 'replace its secret, and print the new one this once',
    options: CHANGE_OPTIONS,
    example: 'scopegate service-account rotate-secret $CLIENT',
    load: async () => (await import('../directory/service-account.ts')).rotateSecretCommand,
  }),
  command({
    words: 'service-account disable',
    args: CLIENT,
    summary: 'issue no more access tokens to it; those that it has live on until they expire',
    options: { ...REVOKE, ...CHANGE_OPTIONS },
    example: 'scopegate service-account disable $CLIENT',
    load: async () => (await import('../directory/service-account.ts')).disableAccountCommand,
  }),
  command({
    words: 'service-account enable',
    args: CLIENT,
    summary: 'issue access tokens to it again',
    options: CHANGE_OPTIONS,
    example: 'scopegate service-account enable $CLIENT',
    load: async () => (await import('../directory/service-account.ts')).enableAccountCommand,
  }),
  command({
    words: 'service-account revoke-tokens',
    args: CLIENT,
    summary: 'end all access tokens that it was issued',
    options: CHANGE_OPTIONS,
    example: 'scopegate service-account revoke-tokens $CLIENT',
    load: async () => (await import('../directory/service-account.ts')).revokeAccountTokensCommand,
  }),
  command({
    words: 'service-account delete',
    args: CLIENT,
    summary: 'delete it; access tokens that it has live on until they expire',
    options: { ...REVOKE, ...CHANGE_OPTIONS },
    example: 'scopegate service-account delete $CLIENT --revoke-tokens',
    load: async () => (await import('../directory/service-account.ts')).deleteAccountCommand,
  }),
];

export const DIRECTORY_COMMANDS: readonly Command[] = [
  ...accounts,
  command({
    words: 'member list',
    summary: 'list the members of an organization',
    options: MANY_OPTIONS,
    example: 'scopegate member list',
    load: async () => (await import('../directory/lists.ts')).listMembersCommand,
  }),
  command({
    words: 'workspace list',
    summary: 'list the workspaces of an organization',
    options: MANY_OPTIONS,
    example: 'scopegate workspace list',
    load: async () => (await import('../directory/lists.ts')).listWorkspacesCommand,
  }),
  command({
    words: 'organization list',
    summary: 'list all organizations; for the admin key alone',
    options: { ...LIST_OPTIONS, ...ACTING_OPTIONS },
    example: 'scopegate organization list',
    load: async () => (await import('../directory/lists.ts')).listOrganizationsCommand,
  }),
  command({
    words: 'enterprise list',
    summary: 'list all enterprises; for the admin key alone',
    options: { ...LIST_OPTIONS, ...ACTING_OPTIONS },
    example: 'scopegate enterprise list',
    load: async () => (await import('../directory/lists.ts')).listEnterprisesCommand,
  }),
];

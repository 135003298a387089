/** A service account as the sidecar shows it, and how people are shown it. */
import type { Column, FieldRows } from '../terminal.ts';

export interface Account {
  readonly clientId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly state: string;
  readonly createdBy: string | null;
  readonly createdAt: string;
  readonly tokens?: { readonly live: number; readonly issued: number; readonly lastIssuedAt: string | null };
}

export const accountColumns: ReadonlyArray<Column<Account>> = [
  { title: 'CLIENT ID', text: ({ clientId }) => clientId, whole: true },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'STATE', text: ({ state }) => state },
  { title: 'SCOPES', text: ({ scopes }) => scopes.join(' ') || 'none' },
];

export function accountFields({ clientId, name, state, scopes, createdAt, tokens }: Account): FieldRows {
  return [
    ['client id', clientId],
    ['name', name],
    ['state', state],
    ['scopes', scopes.join(' ') || 'none'],
    ['created', createdAt],
    ...(tokens === undefined
      ? []
      : [
          ['live tokens', String(tokens.live)] as const,
          ['issued so far', String(tokens.issued)] as const,
          ['last issued', tokens.lastIssuedAt ?? 'never'] as const,
        ]),
  ];
}

export function accountName({ clientId, name }: Account): string {
  return `service account ${clientId} ${JSON.stringify(name)}`;
}

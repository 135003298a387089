/** `scopegate token list`: the tokens that one may see, filtered. */
import { DAY_MS } from '../../core/policy.ts';
import type { Invocation } from '../command.ts';
import { type ListValues, showList } from '../lists.ts';
import { type OrganizationValues, Session } from '../session.ts';
import { bad, type Column, good } from '../terminal.ts';
import { durationMs, seen } from '../time-words.ts';
import { scopesText, type Token, workspacesText } from './token.ts';

interface ListTokensValues extends OrganizationValues, ListValues {
  readonly owner: string | undefined;
  readonly kind: string | undefined;
  readonly state: string | undefined;
  readonly expiring: string | undefined;
  readonly unused: string | undefined;
}

export async function listTokensCommand({ values, env }: Invocation<ListTokensValues>): Promise<void> {
  const { owner, kind, state, expiring } = values;
  const query = {
    ...(owner === undefined ? {} : { owner }),
    ...(kind === undefined ? {} : { kind }),
    ...(state === undefined ? {} : { state }),
    ...(expiring === undefined
      ? {}
      : { expiringWithinDays: String(Math.ceil(durationMs(expiring, '--expiring') / DAY_MS)) }),
  };
  const unusedMs = values.unused === undefined ? null : durationMs(values.unused, '--unused');
  const session = await Session.open(values, env);
  const nowMs = Date.now();
  const tokens = session.all<Token>(['tokens'], query);
  await showList(unusedMs === null ? tokens : unused(tokens, nowMs - unusedMs), values, {
    columns: columns(nowMs),
    many: 'tokens',
  });
}

/** A young token that nobody has used yet is not an unused one. */
async function* unused(tokens: AsyncIterable<Token>, sinceMs: number): AsyncGenerator<Token> {
  for await (const token of tokens) if (Date.parse(token.lastUsedAt ?? token.createdAt) < sinceMs) yield token;
}

function columns(nowMs: number): ReadonlyArray<Column<Token>> {
  return [
    { title: 'ID', text: ({ id }) => id, whole: true },
    { title: 'NAME', text: ({ name }) => name },
    { title: 'KIND', text: ({ kind }) => kind },
    { title: 'OWNER', text: ({ ownerId }) => ownerId ?? '-' },
    { title: 'STATE', text: ({ state }) => state, style: (text, { state }) => (state === 'active' ? good : bad)(text) },
    { title: 'EXPIRES', text: ({ expiresAt }) => seen(expiresAt, nowMs) },
    { title: 'LAST USED', text: ({ lastUsedAt }) => seen(lastUsedAt, nowMs) },
    { title: 'WORKSPACES', text: workspacesText },
    { title: 'SCOPES', text: scopesText },
  ];
}

/** `scopegate token list`: the tokens that one may see, filtered. */
import { DAY_MS } from '../../core/policy.ts';
import type { Invocation } from '../command.ts';
import { type ListValues, showList } from '../lists.ts';
import { note, type OrganizationValues, Session } from '../session.ts';
import { bad, type Column, good } from '../terminal.ts';
import { durationMs, seen } from '../time-words.ts';
import { scopesText, scopesUsedText, type Token, workspacesText } from './token.ts';

interface ListTokensValues extends OrganizationValues, ListValues {
  readonly owner: string | undefined;
  readonly kind: string | undefined;
  readonly state: string | undefined;
  readonly expiring: string | undefined;
  readonly unused: string | undefined;
  readonly finding: string | undefined;
}

export async function listTokensCommand({ values, env }: Invocation<ListTokensValues>): Promise<void> {
  const { owner, kind, state, expiring, finding } = values;
  const unusedMs = values.unused === undefined ? null : durationMs(values.unused, '--unused');
  const query = {
    ...(owner === undefined ? {} : { owner }),
    ...(kind === undefined ? {} : { kind }),
    ...(state === undefined ? {} : { state }),
    ...(expiring === undefined
      ? {}
      : { expiringWithinDays: String(Math.ceil(durationMs(expiring, '--expiring') / DAY_MS)) }),
    ...(finding === undefined ? {} : { finding }),
    ...(unusedMs === null ? {} : { unusedDays: String(Math.ceil(unusedMs / DAY_MS)) }),
  };
  const session = await Session.open(values, env);
  const nowMs = Date.now();
  const tokens = session.all<Token>(['tokens'], query);
  const isAboutUse = unusedMs !== null || finding !== undefined;
  // With a finding the time is its window; without one it is what is looked for.
  const shown = unusedMs === null || finding !== undefined ? tokens : unused(tokens, nowMs - unusedMs);
  await showList(shown, values, {
    columns: [...columns(nowMs), ...(isAboutUse ? USE_COLUMNS : GRANT_COLUMNS)],
    many: 'tokens',
  });
  if (finding === 'unused_scopes') note('narrow one to what it uses: scopegate token edit ID --scopes-used');
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
  ];
}

const GRANT_COLUMNS: ReadonlyArray<Column<Token>> = [
  { title: 'WORKSPACES', text: workspacesText },
  { title: 'SCOPES', text: scopesText },
];
const USE_COLUMNS: ReadonlyArray<Column<Token>> = [
  { title: 'SCOPES USED', text: scopesUsedText },
  { title: 'FINDINGS', text: ({ findings }) => findings.join(' ') },
];

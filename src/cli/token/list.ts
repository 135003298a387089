/** `scopegate token list`: the tokens that one may see, filtered. */
import { DAY_MS } from '../../core/policy.ts';
import type { Invocation } from '../command.ts';
import { type ListValues, showList } from '../lists.ts';
import { note, type OrganizationValues, Session } from '../session.ts';
import { bad, type Column, good } from '../terminal.ts';
import { durationMs, seen } from '../time-words.ts';
import { scopesText, scopesUsedText, type Token, workspacesText } from './token.ts';

interface ListTokensValues extends OrganizationValues, ListValues {
  readonly name: string | undefined;
  readonly owner: string | undefined;
  readonly kind: string | undefined;
  readonly state: string | undefined;
  readonly scope: string | undefined;
  readonly workspace: string | undefined;
  readonly expiring: string | undefined;
  readonly unused: string | undefined;
  readonly 'never-used': boolean | undefined;
  readonly finding: string | undefined;
}

export async function listTokensCommand({ values, env }: Invocation<ListTokensValues>): Promise<void> {
  const { name, owner, kind, state, scope, workspace, finding } = values;
  const days = (option: 'expiring' | 'unused') => {
    const time = values[option];
    return time === undefined ? undefined : String(Math.ceil(durationMs(time, `--${option}`) / DAY_MS));
  };
  const asked = {
    ...{ name, owner, kind, state, scope, workspace, finding },
    expiringWithinDays: days('expiring'),
    // With a finding the time is its window; without one it is what is looked for.
    [finding === undefined ? 'unusedForDays' : 'unusedDays']: days('unused'),
    neverUsed: values['never-used'] ? 'true' : undefined,
  };
  const query = Object.fromEntries(
    Object.entries(asked).filter((each): each is [string, string] => each[1] !== undefined),
  );
  const session = await Session.open(values, env);
  const nowMs = Date.now();
  const isAboutUse = values.unused !== undefined || values['never-used'] === true || finding !== undefined;
  await showList(session.all<Token>(['tokens'], query), values, {
    columns: [...columns(nowMs), ...(isAboutUse ? USE_COLUMNS : GRANT_COLUMNS)],
    many: 'tokens',
  });
  if (finding === 'unused_scopes') note('narrow one to what it uses: scopegate token edit ID --scopes-used');
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

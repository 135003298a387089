/** `scopegate token usage`: the tokens that work, and when each was used last; those that nobody uses come first. */
import type { Invocation } from '../command.ts';
import { type ListValues, showList } from '../lists.ts';
import { type OrganizationValues, Session } from '../session.ts';
import type { Column } from '../terminal.ts';
import { seen } from '../time-words.ts';
import type { Token } from './token.ts';

interface UsageValues extends OrganizationValues, ListValues {
  readonly owner: string | undefined;
}

export async function usageCommand({ values, env }: Invocation<UsageValues>): Promise<void> {
  const session = await Session.open(values, env);
  const query = { state: 'active', ...(values.owner === undefined ? {} : { owner: values.owner }) };
  const tokens: Token[] = [];
  for await (const token of session.all<Token>(['tokens'], query)) tokens.push(token);
  tokens.sort((a, b) => lastSign(a) - lastSign(b));
  await showList(each(tokens), values, { columns: columns(Date.now()), many: 'tokens that work' });
}

/** Its last use, else the day on which it was made. */
function lastSign({ lastUsedAt, createdAt }: Token): number {
  return Date.parse(lastUsedAt ?? createdAt);
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function columns(nowMs: number): ReadonlyArray<Column<Token>> {
  return [
    { title: 'ID', text: ({ id }) => id, whole: true },
    { title: 'NAME', text: ({ name }) => name },
    { title: 'OWNER', text: ({ ownerId }) => ownerId ?? '-' },
    { title: 'LAST USED', text: ({ lastUsedAt }) => seen(lastUsedAt, nowMs) },
    { title: 'MADE', text: ({ createdAt }) => createdAt.slice(0, 10) },
    { title: 'EXPIRES', text: ({ expiresAt }) => seen(expiresAt, nowMs) },
  ];
}

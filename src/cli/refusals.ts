/** `scopegate refusals`: what the gateway processes remember of what they refused. */
import type { Invocation } from './command.ts';
import { type ListValues, showList } from './lists.ts';
import { note, type OrganizationValues, Session } from './session.ts';
import { bad, type Column } from './terminal.ts';
import { durationMs } from './time-words.ts';

interface RefusalsValues extends OrganizationValues, ListValues {
  readonly reason: string | undefined;
  readonly route: string | undefined;
  readonly token: string | undefined;
  readonly address: string | undefined;
  readonly since: string | undefined;
}

interface Refusal {
  readonly id: string;
  readonly at: string;
  readonly status: number | null;
  readonly reason: string;
  readonly method: string;
  readonly path: string;
  readonly token: string | null;
  readonly owner: string | null;
  readonly address: string;
}

interface Page {
  readonly items: readonly Refusal[];
  readonly nextCursor: string | null;
  readonly unanswered: readonly string[] | null;
}

const PAGE = '200';

export async function refusalsCommand({ values, env }: Invocation<RefusalsValues>): Promise<void> {
  const session = await Session.open(values, env);
  await showList(refusals(session, queryOf(values, Date.now())), values, { columns: COLUMNS, many: 'refusals' });
}

function queryOf(values: RefusalsValues, nowMs: number): Readonly<Record<string, string>> {
  const { reason, route, token, address, organization, since } = values;
  const wanted = { reason, route, token, address, organization };
  const sinceAt = since === undefined ? undefined : new Date(nowMs - durationMs(since, '--since')).toISOString();
  const given = Object.entries({ ...wanted, since: sinceAt }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Record<string, string>;
}

async function* refusals(session: Session, query: Readonly<Record<string, string>>): AsyncGenerator<Refusal> {
  let cursor: string | null = null;
  do {
    const asked: Record<string, string> = { ...query, limit: PAGE, ...(cursor === null ? {} : { cursor }) };
    const page = (await session.client.send({ method: 'GET', path: '/v1/refusals', query: asked })) as unknown as Page;
    if (page.unanswered === null) note('the store could not be asked which other processes there are');
    else if (page.unanswered.length > 0) note(`not answered by ${page.unanswered.join(', ')}`);
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

const COLUMNS: ReadonlyArray<Column<Refusal>> = [
  { title: 'ID', text: ({ id }) => id, whole: true },
  { title: 'AT', text: ({ at }) => at, whole: true },
  { title: 'STATUS', text: ({ status }) => String(status ?? '-') },
  { title: 'REASON', text: ({ reason }) => reason, style: (text) => bad(text) },
  { title: 'REQUEST', text: ({ method, path }) => `${method} ${path}` },
  { title: 'TOKEN', text: ({ token }) => token ?? '-' },
  { title: 'OWNER', text: ({ owner }) => owner ?? '-' },
  { title: 'FROM', text: ({ address }) => address },
];

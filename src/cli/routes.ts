/** `scopegate routes`: the routes in force, in the order in which they are tried, and how often they are asked for. */
import type { Invocation } from './command.ts';
import { type ListValues, showList } from './lists.ts';
import type { GatewayOptionValues } from './named-gateway.ts';
import { note, Session } from './session.ts';
import { bad, type Column } from './terminal.ts';

interface RoutesValues extends GatewayOptionValues, ListValues {
  readonly path: string | undefined;
  readonly method: string | undefined;
  readonly scope: string | undefined;
  readonly only: string | undefined;
}

interface ListedRoute {
  readonly order: number;
  readonly id: string;
  readonly methods: readonly string[] | null;
  readonly path: string;
  readonly asks: {
    readonly scopes: { readonly names: readonly string[]; readonly match: 'all' | 'any' } | null;
    readonly workspace: { readonly from: readonly string[]; readonly role: string } | null;
  } | null;
  readonly place: { readonly file: string; readonly line: number } | null;
  readonly requests: number | null;
  readonly refused: number | null;
  readonly findings: ReadonlyArray<{ readonly code: string }>;
}

interface Page {
  readonly items: readonly ListedRoute[];
  readonly nextCursor: string | null;
  readonly files: 'inForce' | 'changed' | 'unreadable';
  readonly unanswered: readonly string[] | null;
}

const PAGE = '500';

export async function routesCommand({ values, env }: Invocation<RoutesValues>): Promise<void> {
  const session = await Session.open({ ...values, as: undefined }, env);
  const { path, method, scope, only } = values;
  const wanted = Object.entries({ path, method, scope, only }).filter(([, value]) => value !== undefined);
  const routes = listed(session, Object.fromEntries(wanted) as Record<string, string>);
  await showList(routes, values, { columns: COLUMNS, many: 'routes' });
}

async function* listed(session: Session, query: Readonly<Record<string, string>>): AsyncGenerator<ListedRoute> {
  let cursor: string | null = null;
  do {
    const asked: Record<string, string> = { ...query, limit: PAGE, ...(cursor === null ? {} : { cursor }) };
    const page = (await session.client.send({ method: 'GET', path: '/v1/routes', query: asked })) as unknown as Page;
    if (cursor === null) tell(page);
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

function tell({ files, unanswered }: Page): void {
  if (files === 'changed') note('the files are newer than what is in force; lines and findings are those of the files');
  if (files === 'unreadable')
    note('the files are no valid configuration now; without them there are no lines and no findings');
  if (unanswered === null) note('the store could not be asked which other processes there are');
  else if (unanswered.length > 0) note(`not answered by ${unanswered.join(', ')}`);
}

const COLUMNS: ReadonlyArray<Column<ListedRoute>> = [
  { title: '#', text: ({ order }) => String(order) },
  { title: 'ID', text: ({ id }) => id, whole: true },
  { title: 'METHODS', text: ({ methods }) => methods?.join(' ') ?? 'any' },
  { title: 'PATH', text: ({ path }) => path },
  { title: 'SCOPES', text: scopesText },
  { title: 'ROLE', text: ({ asks }) => asks?.workspace?.role ?? '-' },
  { title: 'REQUESTS', text: ({ requests }) => String(requests ?? '-') },
  { title: 'REFUSED', text: ({ refused }) => String(refused ?? '-') },
  { title: 'LINE', text: ({ place }) => (place === null ? '-' : `${place.file}:${place.line}`) },
  {
    title: 'LINT',
    text: ({ findings }) => findings.map(({ code }) => code).join(' ') || '-',
    style: (text) => (text.startsWith('SG') ? bad(text) : text),
  },
];

function scopesText({ asks }: ListedRoute): string {
  if (asks === null) return 'public';
  return asks.scopes === null ? '-' : asks.scopes.names.join(asks.scopes.match === 'all' ? ' ' : ' or ');
}

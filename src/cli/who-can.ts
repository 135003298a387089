/**
 * `scopegate who-can`: what a route asks for, who could with a fitting token, and which tokens can now. Looks no further than
 * it shows, and says where it stopped. Exit code 2: nobody can.
 */

import { SetupError } from '../errors.ts';
import type { Invocation } from './command.ts';
import { note, type OrganizationValues, printJson, Session } from './session.ts';
import { bad, type Column, good, table, widthOf } from './terminal.ts';

interface WhoCanValues extends OrganizationValues {
  readonly address: string | undefined;
  readonly limit: string;
  readonly json: boolean;
}

interface Position {
  readonly file: string;
  readonly line: number;
}

interface Needs {
  readonly scopes: readonly string[] | null;
  readonly match: 'all' | 'any';
  readonly role: string | null;
  readonly workspace: string | null;
  readonly relation: string | null;
  readonly sources: Readonly<Record<'route' | 'scopes' | 'workspace' | 'role' | 'resource', Position | null>>;
}

interface Item {
  readonly id: string;
  readonly name: string;
  readonly kind: string | null;
  readonly ownerId: string | null;
  readonly role: string | null;
}

interface Page {
  readonly route: string | null;
  readonly reason: string | null;
  readonly public: boolean;
  readonly depends: boolean;
  readonly needs: Needs | null;
  readonly items: readonly Item[];
  readonly examined: number;
  readonly nextCursor: string | null;
}

interface Found {
  readonly items: readonly Item[];
  readonly examined: number;
  /** There may be others. */
  readonly isCut: boolean;
}

const LISTS = ['members', 'service-accounts', 'tokens'] as const;
/** More than this many empty pages are told of. */
const NOTED_AFTER = 10_000;

export async function whoCanCommand({ values, args, env }: Invocation<WhoCanValues>): Promise<void> {
  const limit = limitOf(values.limit);
  const [method, url] = args as [string, string];
  const session = await Session.open(values, env);
  const query = {
    method: method.toUpperCase(),
    url,
    ...(values.address === undefined ? {} : { address: values.address }),
  };
  const found = {} as Record<(typeof LISTS)[number], Found>;
  let asked: Page | undefined;
  for (const list of LISTS) [asked, found[list]] = await search(session, list, query, limit);
  const { items: _items, examined: _examined, nextCursor: _next, ...route } = asked!;
  if (values.json) printJson({ ...route, ...found });
  else process.stdout.write(text(`${query.method} ${url}`, asked!, found));
  const isNobody = LISTS.every((list) => found[list].items.length === 0 && !found[list].isCut);
  if (!asked!.public && isNobody) process.exitCode = 2;
}

async function search(
  session: Session,
  list: string,
  query: Readonly<Record<string, string>>,
  limit: number,
): Promise<[Page, Found]> {
  const items: Item[] = [];
  let examined = 0;
  let cursor: string | null = null;
  for (;;) {
    const asked: Record<string, string> = { ...query, limit: String(Math.min(1000, limit - items.length)) };
    const path = ['v1', 'organizations', await session.organization(), 'who-can', list];
    const page = (await session.client.send({
      method: 'GET',
      path: `/${path.map(encodeURIComponent).join('/')}`,
      query: { ...asked, ...(cursor === null ? {} : { cursor }) },
    })) as unknown as Page;
    items.push(...page.items);
    examined += page.examined;
    cursor = page.nextCursor;
    if (cursor === null || items.length >= limit) return [page, { items, examined, isCut: cursor !== null }];
    if (examined % NOTED_AFTER === 0)
      note(`${examined.toLocaleString('en-US')} ${list} looked at, ${items.length} can`);
  }
}

function limitOf(limit: string): number {
  if (!/^[1-9]\d{0,5}$/.test(limit))
    throw new SetupError(`--limit takes a whole number from 1, not ${JSON.stringify(limit)}`);
  return Number(limit);
}

function text(request: string, asked: Page, found: Readonly<Record<(typeof LISTS)[number], Found>>): string {
  const { route, reason, needs } = asked;
  if (reason !== null) return `${request}: ${bad(`nobody can: ${reason}`)}\n`;
  if (needs === null) return `${request}: route ${route}: ${good('everybody can, without a token')}\n`;
  const could = [...found.members.items, ...found['service-accounts'].items];
  return [
    `${request}: route ${route} ${place(needs.sources.route)}\n`,
    needsText(needs),
    ...(asked.depends ? ['The rest depends on its body; these pass what comes before it.\n'] : []),
    `${countText(could.length, found.members.isCut || found['service-accounts'].isCut)} could with a fitting token\n`,
    table(COLUMNS, could, widthOf(process.stdout)),
    `${countText(found.tokens.items.length, found.tokens.isCut)} of ${found.tokens.examined.toLocaleString('en-US')} tokens${found.tokens.isCut ? ' looked at' : ''} can now\n`,
    table(TOKEN_COLUMNS, found.tokens.items, widthOf(process.stdout)),
  ].join('');
}

function countText(count: number, isCut: boolean): string {
  return `${count === 0 ? 'none' : count.toLocaleString('en-US')}${isCut ? ' or more (--limit)' : ''}`;
}

function needsText({ scopes, match, role, workspace, relation, sources }: Needs): string {
  const lines = [
    scopes === null ? 'any token' : `${scopes.join(match === 'all' ? ' and ' : ' or ')} ${place(sources.scopes)}`,
    ...(role === null ? [] : [`${role} of ${workspace} ${place(sources.role ?? sources.workspace)}`]),
    ...(relation === null ? [] : [`${relation} ${place(sources.resource)}`]),
  ];
  return lines.map((line) => `  needs ${line}\n`).join('');
}

function place(position: Position | null): string {
  return position === null ? '' : `(${position.file}:${position.line})`;
}

const COLUMNS: ReadonlyArray<Column<Item>> = [
  { title: 'ID', text: ({ id }) => id, whole: true },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'ROLE', text: ({ role }) => role ?? '-' },
];
const TOKEN_COLUMNS: ReadonlyArray<Column<Item>> = [
  ...COLUMNS,
  { title: 'KIND', text: ({ kind }) => kind ?? '-' },
  { title: 'OWNER', text: ({ ownerId }) => ownerId ?? '-' },
];

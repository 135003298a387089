/** `scopegate token create --dry-run`: what the token would be, and which routes it would reach. Makes nothing. */
import { note, printJson, type Session } from '../session.ts';
import { bad, type Column, good, table, widthOf } from '../terminal.ts';
import { seen } from '../time-words.ts';
import type { GrantBody } from './grant.ts';

interface Preview {
  readonly token: { readonly kind: string; readonly ownerId: string; readonly expiresAt: string | null };
  readonly reach: {
    readonly routes: number;
    readonly reached: number;
    readonly lost: ReadonlyArray<{ readonly reason: string; readonly routes: number }>;
    readonly items: readonly Reached[];
  };
}

interface Reached {
  readonly route: string;
  readonly methods: readonly string[] | null;
  readonly path: string;
  readonly reason: string | null;
  readonly missing: readonly string[];
  readonly role: string | null;
}

/** As many as one answer has; the numbers are of all. */
const ROUTES_MAX = '1000';

const COLUMNS: ReadonlyArray<Column<Reached>> = [
  { title: 'Methods', text: ({ methods }) => methods?.join(' ') ?? 'all others' },
  { title: 'Path', text: ({ path }) => path, whole: true },
  { title: 'Route', text: ({ route }) => route },
  { title: 'Reached', text: reachText, style: (text, { reason }) => (reason === null ? good(text) : bad(text)) },
];

export async function previewToken(session: Session, body: GrantBody, asJson: boolean): Promise<void> {
  await session.client.identify();
  const path = `/v1/organizations/${encodeURIComponent(await session.organization())}/tokens/preview`;
  const asked = { method: 'POST', path, query: { limit: ROUTES_MAX }, body } as const;
  const found = (await session.client.send(asked)) as unknown as Preview;
  if (asJson) return printJson(found);
  const { token, reach } = found;
  const ends = token.expiresAt === null ? 'never ends' : `ends ${seen(token.expiresAt, Date.now())}`;
  note(`Nothing was made. It would be a ${token.kind} token of ${token.ownerId} that ${ends}.`);
  const lost = reach.lost.map(({ reason, routes }) => `${routes} by ${reason}`).join(', ');
  process.stdout.write(
    `reaches ${reach.reached} of ${reach.routes} routes${lost === '' ? '' : `; refused at ${lost}`}\n`,
  );
  process.stdout.write(table(COLUMNS, reach.items, widthOf(process.stdout)));
}

function reachText({ reason, missing, role }: Reached): string {
  if (reason === null) return 'yes';
  const lacks = reason === 'role_insufficient' ? role : missing.join(' ');
  return lacks === null || lacks === '' ? `no: ${reason}` : `no: ${reason} (${lacks})`;
}

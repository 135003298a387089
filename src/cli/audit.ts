/** `scopegate audit`: who did what to what, and who was refused, as the audit trail has it. */
import { SetupError } from '../errors.ts';
import type { Invocation } from './command.ts';
import { type ListValues, showList } from './lists.ts';
import { type OrganizationValues, Session } from './session.ts';
import { bad, type Column, good } from './terminal.ts';
import { durationMs } from './time-words.ts';

interface AuditValues extends OrganizationValues, ListValues {
  readonly actor: string | undefined;
  readonly object: string | undefined;
  readonly kind: string | undefined;
  readonly outcome: string | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly oldest: boolean | undefined;
}

interface AuditEvent {
  readonly at: string;
  readonly actor: { readonly kind: string; readonly id: string | null; readonly tokenId: string | null };
  readonly action: string;
  readonly outcome: string;
  readonly target: { readonly type: string; readonly id: string } | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly code: string | null;
}

export async function auditCommand({ values, env }: Invocation<AuditValues>): Promise<void> {
  const { actor, object, kind, outcome, oldest, since, until } = values;
  const nowMs = Date.now();
  const asked = {
    ...{ order: oldest === true ? 'oldest' : 'newest', actor, object, kind, outcome },
    since: instantOf(since, '--since', nowMs),
    until: instantOf(until, '--until', nowMs),
  };
  const query = Object.fromEntries(
    Object.entries(asked).filter((each): each is [string, string] => each[1] !== undefined),
  );
  const session = await Session.open(values, env);
  await showList(session.all<AuditEvent>(['audit-events'], query), values, { columns: COLUMNS, many: 'events' });
}

/** `30m`: so long ago. Throws SetupError. */
function instantOf(text: string | undefined, option: string, nowMs: number): string | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{4}-/.test(text)) return new Date(nowMs - durationMs(text, option)).toISOString();
  if (Number.isNaN(Date.parse(text)))
    throw new SetupError(
      `${option} takes 30m, 12h, 7d, or an instant such as 2030-01-31T00:00:00Z, not ${JSON.stringify(text)}`,
    );
  return new Date(text).toISOString();
}

const COLUMNS: ReadonlyArray<Column<AuditEvent>> = [
  { title: 'AT', text: ({ at }) => at, whole: true },
  { title: 'WHO', text: ({ actor }) => actor.id ?? actor.kind },
  { title: 'DID', text: ({ action }) => action },
  { title: 'TO', text: ({ target }) => (target === null ? '-' : `${target.type}/${target.id}`) },
  {
    title: 'OUTCOME',
    text: ({ outcome, code }) => (code === null ? outcome : `${outcome} ${code}`),
    style: (text, { outcome }) => (outcome === 'done' ? good : bad)(text),
  },
  { title: 'CHANGED', text: ({ before, after }) => changedFields(before, after) },
];

/** Of a change: what is other than before. The values stand in --json. */
function changedFields(before: unknown, after: unknown): string {
  const [was, is] = [before, after].map((each) => (each ?? {}) as Readonly<Record<string, unknown>>);
  if (before === null || after === null) return '-';
  const names = [...new Set([...Object.keys(was!), ...Object.keys(is!)])];
  return names.filter((name) => JSON.stringify(was![name]) !== JSON.stringify(is![name])).join(' ') || '-';
}

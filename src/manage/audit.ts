/**
 * Who did what to what, and when. Written with the change itself, so that neither exists without the other; derived
 * from what the unit of work writes, so that no rule can forget it. Never holds a secret or a hash of one.
 */
import type { Assignments, Party } from '../core/facts.ts';
import { randomText } from '../secret.ts';
import type { Actor } from './actor.ts';
import type { AuditDoc, DocKind, OrganizationDoc } from './unit-of-work/records.ts';

/** What happened, without who and when. Of what was done unless it says that it was refused. */
export type AuditLine = Pick<AuditDoc, 'action' | 'target' | 'before' | 'after'> &
  Partial<Pick<AuditDoc, 'outcome' | 'code' | 'detail'>>;

export function auditDoc(
  { id: organizationId, generation }: Pick<OrganizationDoc, 'id'> & Partial<Pick<OrganizationDoc, 'generation'>>,
  actor: AuditDoc['actor'],
  atMs: number,
  line: AuditLine,
): AuditDoc {
  const whose = generation === undefined ? { organizationId } : { organizationId, generation };
  return { ...whose, id: newAuditId(atMs), atMs, actor, outcome: 'done', code: null, detail: null, ...line };
}

/** What a unit of work did to one record. */
export interface Written {
  readonly kind: DocKind;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** Where the two do not tell. */
  readonly verb?: string | undefined;
}

/** Bookkeeping that says nothing by itself. */
const SILENT: ReadonlySet<DocKind> = new Set(['credential', 'client', 'issuance', 'audit', 'cleanup', 'snapshot']);

export function isSilent(kind: DocKind): boolean {
  return SILENT.has(kind);
}

/** Fields that never leave the store. */
const SECRET = new Set(['hash', 'secretHash', 'replaced']);
/** Fields that tell generations apart, which mean nothing to a reader. */
const NUMBERS = new Set([
  'generation',
  'snapshotId',
  'ownerGeneration',
  'workspaceGeneration',
  'tokensFrom',
  'transferredIn',
]);

/** null where nothing is worth a line. */
export function describeWrite({ kind, before, after, verb }: Written): AuditLine | null {
  if (isSilent(kind) || (before === null && after === null)) return null;
  const { shownBefore, shownAfter } = difference(legible(before), legible(after));
  const rotated = before?.hash !== after?.hash || before?.secretHash !== after?.secretHash;
  if (before !== null && after !== null && !rotated && Object.keys(shownAfter ?? {}).length === 0) return null;
  const doc = (after ?? before)!;
  return {
    action: `${NAMES[kind] ?? kind}.${verb ?? verbOf(before, after, rotated)}`,
    target: { type: NAMES[kind] ?? kind, id: String(doc.clientId ?? doc.id) },
    before: shownBefore,
    after: shownAfter,
  };
}

const NAMES: Partial<Record<DocKind, string>> = { account: 'service-account' };

function verbOf(before: Written['before'], after: Written['after'], rotated: boolean): string {
  if (before === null) return 'created';
  if (after === null || (after.state === 'deleted' && before.state !== 'deleted')) return 'deleted';
  if (rotated) return 'rotated';
  if (before.state === after.state) return 'updated';
  const verbs: Record<string, string> = {
    active: 'activated',
    inactive: 'deactivated',
    revoked: 'revoked',
    disabled: 'disabled',
  };
  return verbs[String(after.state)] ?? 'updated';
}

/** Ids as people know them, without their generations. */
function legible(doc: Written['before']): Written['before'] {
  if (doc === null) return null;
  const { owner, ...rest } = doc;
  const shown: Record<string, unknown> = { ...rest, ...(owner === undefined ? {} : { ownerId: (owner as Party)[0] }) };
  for (const field of ['workspaces', 'environments', 'teams', 'policies', 'collaborators'])
    if (Array.isArray(shown[field])) shown[field] = (shown[field] as readonly Party[]).map(([id]) => id);
  if (shown.contacts) shown.contacts = { ...shown.contacts, primaryGeneration: undefined };
  if (Array.isArray(shown.assignments))
    shown.assignments = (shown.assignments as Assignments).map(([id, role]) => [id, role]);
  return shown;
}

/** Of a change only what changed; of a creation or deletion everything. */
function difference(before: Written['before'], after: Written['after']) {
  const names =
    before !== null && after !== null
      ? [...new Set([...Object.keys(before), ...Object.keys(after)])]
      : Object.keys(before ?? after ?? {});
  const keys = names.filter((key) => !SECRET.has(key) && !NUMBERS.has(key));
  const changed =
    before === null || after === null
      ? keys
      : keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  const pick = (doc: Written['before']) =>
    doc === null ? null : Object.fromEntries(changed.map((key) => [key, doc[key] ?? null]));
  return { shownBefore: pick(before), shownAfter: pick(after) };
}

export function actorView(actor: Actor): AuditDoc['actor'] {
  if (actor.kind === 'operator') return { kind: 'admin-key', id: null, tokenId: null };
  return { kind: actor.kind, id: actor.id, tokenId: actor.kind === 'token' ? actor.token.id : null };
}

/** Sorts by time. */
function newAuditId(nowMs: number): string {
  return `evt_${nowMs.toString(36).padStart(9, '0')}${randomText(12)}`;
}

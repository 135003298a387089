/**
 * Reads the audit trail. An organization has its own, even where one of the same id was there before: by the generation
 * that every line carries. What earlier ones left is the operator's alone. Whoever is no administrator reads what they did
 * themselves since they are a member, and nothing of others.
 */
import { organizationKey } from '../core/facts.ts';
import { requireOperator } from './actor.ts';
import { enter, type ManageContext, reader } from './context.ts';
import { list, type Page, type PageRequest } from './listing.ts';
import { lists } from './unit-of-work/places.ts';
import type { AuditDoc, MemberDoc } from './unit-of-work/records.ts';

/** A page ends after so many lines, also where few of them fit. */
const EXAMINE_MAX = 5000;
/** Of one step of an export. */
const STEP = 500;

export interface TrailQuestion {
  /** Of the organizations that had this id before, whether there is one now or not. */
  readonly ended: boolean;
  readonly newestFirst: boolean;
  /** An id, or `KIND/ID`: `member/ann`; `admin-key`. Of a token its own id, too. */
  readonly actor?: string | undefined;
  /** An id, or `TYPE/ID`: `token/tok_1`. */
  readonly object?: string | undefined;
  /** What was done, `token.revoked`, or to what: `token`. */
  readonly kind?: string | undefined;
  readonly outcome?: AuditDoc['outcome'] | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export async function readTrail(
  context: ManageContext,
  org: string,
  question: TrailQuestion,
  page: PageRequest,
): Promise<Page<AuditDoc>> {
  const mayShow = await judgeOfLines(context, org, question.ended);
  return list(context.store, 'audit', lists.audit(org), {
    ...page,
    ...bounds(question),
    examineMax: EXAMINE_MAX,
    pick,
  });
  function pick(doc: AuditDoc): AuditDoc | null {
    return mayShow(doc) && fits(doc, question) ? doc : null;
  }
}

/** All of it, page by page. The first is read before it returns: whoever may not have it is refused, not cut off. */
export async function exportTrail(
  context: ManageContext,
  org: string,
  question: TrailQuestion,
): Promise<AsyncGenerator<readonly AuditDoc[]>> {
  const first = await readTrail(context, org, question, { limit: STEP, cursor: null });
  return (async function* () {
    for (let page = first; ; page = await readTrail(context, org, question, { limit: STEP, cursor: page.nextCursor })) {
      yield page.items;
      if (page.nextCursor === null) return;
    }
  })();
}

/** Which lines this caller may see; throws Rejection where it is none. */
async function judgeOfLines(context: ManageContext, org: string, ended: boolean): Promise<(doc: AuditDoc) => boolean> {
  const unit = reader(context.store);
  if (ended) {
    requireOperator(context.actor, 'read what earlier organizations of this id have left');
    const current = await unit.get('organization', organizationKey(org));
    return ({ generation }) => current === null || generation !== current.generation;
  }
  const { organization, rights } = await enter(context, unit, org);
  const { member, administrator, actor } = rights;
  const isOurs = ({ generation }: AuditDoc) => generation === organization.generation;
  // A token manages tokens and nothing else: that of an administrator is no key to the trail.
  if (member === null || (administrator && actor.kind !== 'token')) return isOurs;
  return (doc) => isOurs(doc) && isBy(doc, member);
}

/** Not by somebody who had the same id before. */
function isBy({ actor, atMs }: AuditDoc, { id, createdAtMs }: MemberDoc): boolean {
  return (actor.kind === 'member' || actor.kind === 'token') && actor.id === id && atMs >= createdAtMs;
}

/** Where to begin and to end, in the order that is asked for. Between two milliseconds stands nothing. */
function bounds({ newestFirst, sinceMs, untilMs }: TrailQuestion) {
  const isEarly = ({ atMs }: AuditDoc) => sinceMs !== undefined && atMs < sinceMs;
  const isLate = ({ atMs }: AuditDoc) => untilMs !== undefined && atMs > untilMs;
  if (!newestFirst)
    return { from: sinceMs === undefined ? undefined : { score: sinceMs - 0.5, key: '' }, isEnd: isLate };
  return {
    backwards: true,
    from: untilMs === undefined ? undefined : { score: untilMs + 0.5, key: '' },
    isEnd: isEarly,
  };
}

function fits(doc: AuditDoc, { actor, object, kind, outcome }: TrailQuestion): boolean {
  const { actor: by, target } = doc;
  return (
    (actor === undefined ||
      [by.id, by.tokenId, by.kind === 'admin-key' ? by.kind : `${by.kind}/${by.id}`].includes(actor)) &&
    (object === undefined || (target !== null && [target.id, `${target.type}/${target.id}`].includes(object))) &&
    (kind === undefined || [doc.action, target?.type, doc.action.split('.', 1)[0]].includes(kind)) &&
    (outcome === undefined || doc.outcome === outcome)
  );
}

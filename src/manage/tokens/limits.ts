/**
 * How many tokens there may be (COZE-PAT-8/9, COZE-SAT-8/9). Active and inactive ones count; expired, revoked and
 * deleted ones do not, nor those that ended with their owner's removal. Exact, because it is counted inside the unit of work that makes the token.
 */
import { tokenKey } from '../../core/facts.ts';
import type { KindPolicy } from '../../core/policy.ts';
import { conflict } from '../rejection.ts';
import { countsInLimits, lists } from '../unit-of-work/places.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { scannedDoc } from '../unit-of-work/stored-docs.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { standingOf } from './standing.ts';

const PENDING_MAX = 100;

/** Room for this token, whether it is new or about to count again? Throws Rejection (409) naming the limit. */
export async function checkLimits(unit: UnitOfWork, kind: KindPolicy, token: TokenDoc, nowMs: number): Promise<void> {
  const rule = kind.limits.find(({ editions }) => editions === null || editions.has(token.edition));
  if (rule === undefined) return;
  const { organizationId: org, ownerId, id } = token;
  const key = tokenKey(org, id);
  if (ownerId !== null && rule.perOwner !== Number.POSITIVE_INFINITY) {
    const count = await countUpTo(rule.perOwner, unit, org, lists.countedOwnedBy(org, kind.name, ownerId), key, nowMs);
    if (count >= rule.perOwner)
      throw reached(`${ownerId} already has ${count} ${kind.name} tokens`, rule.perOwner, 'per user', token);
  }
  if (rule.perOrganization !== Number.POSITIVE_INFINITY) {
    const count = await countUpTo(rule.perOrganization, unit, org, lists.counted(org, kind.name), key, nowMs);
    if (count >= rule.perOrganization) {
      throw reached(
        `The organization already has ${count} ${kind.name} tokens`,
        rule.perOrganization,
        'per organization',
        token,
      );
    }
  }
}

/**
 * At the limit it matters whether all of them still stand: what ended with a member or a workspace is brought up to date
 * behind that change, and until then the list holds it.
 */
async function countUpTo(
  limit: number,
  unit: UnitOfWork,
  org: string,
  index: string,
  except: string,
  nowMs: number,
): Promise<number> {
  const listed = await unit.count(index, nowMs, except);
  if (listed < limit || !(await mayBeBehind(unit, org))) return listed;
  let count = 0;
  for (const { key, doc } of await unit.all('token', index)) {
    if (key === except || (doc.expiresAtMs !== null && nowMs >= doc.expiresAtMs)) continue;
    const standing = await standingOf(unit, doc);
    if (standing !== null && countsInLimits(standing)) count++;
  }
  return count;
}

/** Is something left to do after an end in this organization? With very many anywhere it is taken for granted. */
async function mayBeBehind(unit: UnitOfWork, org: string): Promise<boolean> {
  const pending = await unit.page(lists.cleanups(), PENDING_MAX, null);
  return (
    pending.length === PENDING_MAX || pending.some((entry) => scannedDoc('cleanup', entry).doc.organizationId === org)
  );
}

function reached(what: string, limit: number, subject: string, token: TokenDoc) {
  return conflict(
    'limit_reached',
    `${what}; the limit is ${limit} ${subject} in edition ${token.edition}. Revoke or delete one first.`,
  );
}

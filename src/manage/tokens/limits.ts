/**
 * How many tokens there may be (COZE-PAT-8/9, COZE-SAT-8/9). Active and inactive ones count; expired, revoked and
 * deleted ones do not. Exact, because it is counted inside the unit of work that makes the token.
 */
import { tokenKey } from '../../core/facts.ts';
import type { KindPolicy } from '../../core/policy.ts';
import { conflict } from '../rejection.ts';
import { lists } from '../unit-of-work/places.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Room for this token, whether it is new or about to count again? Throws Rejection (409) naming the limit. */
export async function checkLimits(unit: UnitOfWork, kind: KindPolicy, token: TokenDoc, nowMs: number): Promise<void> {
  const rule = kind.limits.find(({ editions }) => editions === null || editions.has(token.edition));
  if (rule === undefined) return;
  const { organizationId: org, ownerId, id } = token;
  const key = tokenKey(org, id);
  if (ownerId !== null && rule.perOwner !== Number.POSITIVE_INFINITY) {
    const count = await unit.count(lists.countedOwnedBy(org, kind.name, ownerId), nowMs, key);
    if (count >= rule.perOwner)
      throw reached(`${ownerId} already has ${count} ${kind.name} tokens`, rule.perOwner, 'per user', token);
  }
  if (rule.perOrganization !== Number.POSITIVE_INFINITY) {
    const count = await unit.count(lists.counted(org, kind.name), nowMs, key);
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

function reached(what: string, limit: number, subject: string, token: TokenDoc) {
  return conflict(
    'limit_reached',
    `${what}; the limit is ${limit} ${subject} in edition ${token.edition}. Revoke or delete one first.`,
  );
}

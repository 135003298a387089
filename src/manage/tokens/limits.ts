/**
 * How many tokens there may be (COZE-PAT-8/9, COZE-SAT-8/9). Active and inactive ones count; expired, revoked and
 * deleted ones do not, nor those that ended with their owner's removal. Exact, because it is counted inside the unit of work
 * that makes the token, and that is a change of the enterprise, too, where the enterprise's are counted.
 */
import { organizationKey, tokenKey } from '../../core/facts.ts';
import type { KindPolicy, Policy } from '../../core/policy.ts';
import { conflict } from '../rejection.ts';
import { countsInLimits, enterpriseKey, lists } from '../unit-of-work/places.ts';
import type { OrganizationDoc, TokenDoc } from '../unit-of-work/records.ts';
import { scannedDoc } from '../unit-of-work/stored-docs.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { standingOf } from './standing.ts';

const PENDING_MAX = 100;

/** Room for this token, whether it is new or about to count again? Throws Rejection (409) naming the limit. */
export async function checkLimits(unit: UnitOfWork, kind: KindPolicy, token: TokenDoc, nowMs: number): Promise<void> {
  const rule = ruleFor(kind, token.edition);
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
  if (rule.perEnterprise !== Number.POSITIVE_INFINITY)
    await checkEnterprise(unit, kind, rule.perEnterprise, token, nowMs);
}

async function checkEnterprise(
  unit: UnitOfWork,
  kind: KindPolicy,
  limit: number,
  token: TokenDoc,
  nowMs: number,
): Promise<void> {
  const organization = await unit.get('organization', organizationKey(token.organizationId));
  const enterpriseId = organization?.enterpriseId ?? null;
  if (enterpriseId === null) return;
  await unit.alsoIn(enterpriseKey(enterpriseId));
  const key = tokenKey(token.organizationId, token.id);
  const count = await countInEnterprise(limit, unit, enterpriseId, kind.name, key, nowMs);
  if (count >= limit)
    throw reached(
      `The enterprise ${enterpriseId} already has ${count} ${kind.name} tokens`,
      limit,
      'per enterprise',
      token,
    );
}

/** Of all its organizations; the one that this unit of work puts into it among them. */
async function countInEnterprise(
  limit: number,
  unit: UnitOfWork,
  enterpriseId: string,
  kind: string,
  except: string,
  nowMs: number,
): Promise<number> {
  let count = 0;
  const organizations = await unit.all('organization', lists.organizationsOf(enterpriseId));
  for (const { doc } of organizations) count += await unit.count(lists.counted(doc.id, kind), nowMs, except);
  if (count < limit) return count;
  count = 0;
  for (const { doc } of organizations)
    count += await countUpTo(0, unit, doc.id, lists.counted(doc.id, kind), except, nowMs);
  return count;
}

/**
 * An organization comes with all its tokens, which have to have room in the enterprise. `unit` has written that it
 * belongs there. Throws Rejection (409) naming the limit.
 */
export async function checkJoining(
  unit: UnitOfWork,
  policy: Policy,
  { id, edition }: OrganizationDoc,
  enterpriseId: string,
  nowMs: number,
): Promise<void> {
  for (const kind of policy.kinds.values()) {
    const limit = ruleFor(kind, edition)?.perEnterprise ?? Number.POSITIVE_INFINITY;
    if (limit === Number.POSITIVE_INFINITY) continue;
    const count = await countInEnterprise(limit + 1, unit, enterpriseId, kind.name, '', nowMs);
    if (count > limit) {
      const detail = `With those of ${id} the enterprise ${enterpriseId} would have ${count} ${kind.name} tokens; the limit is ${limit} per enterprise. Revoke or delete some first.`;
      throw conflict('limit_reached', detail);
    }
  }
}

function ruleFor(kind: KindPolicy, edition: TokenDoc['edition']) {
  return kind.limits.find(({ editions }) => editions === null || editions.has(edition));
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

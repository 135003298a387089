/** Organizations: the walls between tenants. An edition never changes; an upgrade is a new organization (COZE-SAT-23). */
import { type Edition, isId, organizationKey } from '../../core/facts.ts';
import { requireOperator } from '../actor.ts';
import { actorView } from '../audit.ts';
import { checkId, enter, type ManageContext, type Put, reader, requireOrganization } from '../context.ts';
import { conflict, unacceptable } from '../rejection.ts';
import { checkJoining } from '../tokens/limits.ts';
import { cleanUpSoon, leaveCleanup, requireCleanedUp, requireUnused } from '../unit-of-work/cleanup.ts';
import { enterpriseKey } from '../unit-of-work/places.ts';
import type { OrganizationDoc } from '../unit-of-work/records.ts';
import { change, type UnitOfWork, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { requireName } from '../written-text.ts';

export interface OrganizationInput {
  readonly name: string;
  readonly edition: Edition;
  /** null or absent: it belongs to none. */
  readonly enterprise?: string | null;
}

export async function putOrganization(
  context: ManageContext,
  id: string,
  input: OrganizationInput,
): Promise<WorkResult<Put<OrganizationDoc>>> {
  checkId(id, 'org');
  requireOperator(context.actor, 'create or change an organization');
  requireName(input.name);
  await requireCleanedUp(context, 'organization', organizationKey(id));
  return change(context, id, async (unit) => {
    await requireUnused(unit, 'organization', organizationKey(id));
    const before = await unit.get('organization', organizationKey(id));
    if (before !== null && before.edition !== input.edition) {
      throw conflict(
        'edition_fixed',
        `The edition of an organization never changes; ${id} is ${before.edition}. Create a new organization.`,
      );
    }
    const { name, edition, enterprise: enterpriseId = null } = input;
    const item: OrganizationDoc = {
      ...{ id, name, edition },
      ...(enterpriseId === null ? {} : { enterpriseId }),
      generation: before?.generation ?? unit.generation,
      createdAtMs: before?.createdAtMs ?? context.nowMs(),
      deletedAtMs: null,
    };
    unit.put('organization', item);
    if (enterpriseId !== null && enterpriseId !== (before?.enterpriseId ?? null))
      await join(context, unit, item, enterpriseId);
    return { created: before === null, item };
  });
}

/** It counts with the others of the enterprise from now on. */
async function join(
  context: ManageContext,
  unit: UnitOfWork,
  organization: OrganizationDoc,
  enterpriseId: string,
): Promise<void> {
  if (organization.edition === 'personal')
    throw unacceptable(
      'enterprise_not_for_edition',
      'enterprise',
      'An organization of edition personal is a crowd of strangers, and belongs to no enterprise.',
    );
  if (isId(enterpriseId)) await unit.alsoIn(enterpriseKey(enterpriseId));
  if (!isId(enterpriseId) || (await unit.get('enterprise', enterpriseKey(enterpriseId))) === null)
    throw unacceptable(
      'enterprise_unknown',
      'enterprise',
      `There is no enterprise ${JSON.stringify(enterpriseId)}; make it first.`,
    );
  await checkJoining(unit, context.policy(), organization, enterpriseId, context.nowMs());
}

export async function getOrganization(context: ManageContext, id: string): Promise<OrganizationDoc> {
  return (await enter(context, reader(context.store), id)).organization;
}

/** Everything in it goes with it; its tokens are unknown from the next request on, however many. */
export async function deleteOrganization(context: ManageContext, id: string): Promise<WorkResult<void>> {
  const work = async (unit: UnitOfWork) => {
    requireOperator(context.actor, 'delete an organization');
    const organization = await requireOrganization(unit, id);
    unit.put('organization', { ...organization, deletedAtMs: context.nowMs() });
    return leaveCleanup(unit, { organizationId: id, what: 'organization', id, actor: actorView(context.actor) });
  };
  const { value, revision } = await change(context, id, work, { ends: true });
  await cleanUpSoon(context, value);
  return { value: undefined, revision };
}

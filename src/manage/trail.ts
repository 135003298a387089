/**
 * Reads the audit trail. An organization has its own, even where one of the same id was there before: by the generation
 * that every line carries. What earlier ones left is the operator's alone.
 */
import { organizationKey } from '../core/facts.ts';
import { requireAdministrator, requireOperator } from './actor.ts';
import { enter, type ManageContext, reader } from './context.ts';
import { list, type Page, type PageRequest } from './listing.ts';
import { lists } from './unit-of-work/places.ts';
import type { AuditDoc } from './unit-of-work/records.ts';

/** `ended`: of the organizations that had this id before, whether there is one now or not. */
export async function readTrail(
  context: ManageContext,
  org: string,
  page: PageRequest,
  ended: boolean,
): Promise<Page<AuditDoc>> {
  const unit = reader(context.store);
  if (ended) {
    requireOperator(context.actor, 'read what earlier organizations of this id have left');
    const current = await unit.get('organization', organizationKey(org));
    const pick = (doc: AuditDoc) => (current === null || doc.generation !== current.generation ? doc : null);
    return list(context.store, 'audit', lists.audit(org), { ...page, pick });
  }
  const { organization, rights } = await enter(context, unit, org);
  requireAdministrator(rights, 'read the audit trail');
  const pick = (doc: AuditDoc) => (doc.generation === organization.generation ? doc : null);
  return list(context.store, 'audit', lists.audit(org), { ...page, pick });
}

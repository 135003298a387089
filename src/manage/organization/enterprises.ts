/**
 * Enterprises: they hold organizations, and what a policy allows per enterprise is counted over all of those (COZE-PAT-9,
 * COZE-SAT-8). For the operator alone. Gives nobody any right in an organization.
 */
import { requireProcessOperator } from '../actor.ts';
import { checkId, type ManageContext, type Put, reader } from '../context.ts';
import { list, type Page, type PageRequest } from '../listing.ts';
import { conflict, notFound } from '../rejection.ts';
import { enterpriseKey, lists } from '../unit-of-work/places.ts';
import type { AuditDoc, DocReader, EnterpriseDoc, OrganizationDoc } from '../unit-of-work/records.ts';
import { scannedDoc } from '../unit-of-work/stored-docs.ts';
import { change, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { requireName } from '../written-text.ts';

/** Of the organizations that keep one from being deleted, so many are named. */
const NAMED_MAX = 3;

export async function putEnterprise(
  context: ManageContext,
  id: string,
  input: { readonly name: string },
): Promise<WorkResult<Put<EnterpriseDoc>>> {
  checkId(id, 'id');
  requireProcessOperator(context.actor);
  requireName(input.name);
  return change(context, enterpriseKey(id), async (unit) => {
    const before = await unit.get('enterprise', enterpriseKey(id));
    const item = { id, name: input.name, createdAtMs: before?.createdAtMs ?? context.nowMs() };
    unit.put('enterprise', item);
    return { created: before === null, item };
  });
}

export async function getEnterprise(context: ManageContext, id: string): Promise<EnterpriseDoc> {
  requireProcessOperator(context.actor);
  return requireEnterprise(reader(context.store), id);
}

export async function listEnterprises(context: ManageContext, page: PageRequest): Promise<Page<EnterpriseDoc>> {
  requireProcessOperator(context.actor);
  return list(context.store, 'enterprise', lists.enterprises(), page);
}

export async function listOrganizationsOf(
  context: ManageContext,
  id: string,
  page: PageRequest,
): Promise<Page<OrganizationDoc>> {
  await getEnterprise(context, id);
  return list(context.store, 'organization', lists.organizationsOf(id), page);
}

/** Only an empty one: its organizations leave it one by one, each by a change of its own. */
export async function deleteEnterprise(context: ManageContext, id: string): Promise<WorkResult<void>> {
  requireProcessOperator(context.actor);
  const key = enterpriseKey(id);
  return change(
    context,
    key,
    async (unit) => {
      await requireEnterprise(unit, id);
      const held = await unit.page(lists.organizationsOf(id), NAMED_MAX + 1, null);
      if (held.length > 0)
        throw notEmpty(
          id,
          held.map((entry) => scannedDoc('organization', entry).doc.id),
        );
      unit.delete(key);
    },
    { ends: true },
  );
}

/** What was done to it, oldest first. */
export async function readEnterpriseTrail(
  context: ManageContext,
  id: string,
  page: PageRequest,
): Promise<Page<AuditDoc>> {
  requireProcessOperator(context.actor);
  return list(context.store, 'audit', lists.audit(enterpriseKey(id)), page);
}

async function requireEnterprise(unit: DocReader, id: string): Promise<EnterpriseDoc> {
  const enterprise = await unit.get('enterprise', enterpriseKey(id));
  if (enterprise === null) throw notFound('enterprise', id);
  return enterprise;
}

function notEmpty(id: string, organizations: readonly string[]) {
  const named = organizations.slice(0, NAMED_MAX).join(', ');
  const more = organizations.length > NAMED_MAX ? ' and more' : '';
  return conflict('enterprise_not_empty', `${id} still holds ${named}${more}; take them out of it first.`);
}

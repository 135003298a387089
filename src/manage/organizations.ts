/** Organizations: the walls between tenants. An edition never changes; an upgrade is a new organization (COZE-SAT-23). */
import type { Edition } from '../core/facts.ts';
import { requireOperator } from './actor.ts';
import { checkId, enter, type ManageContext, type Put, reader, requireOrganization } from './context.ts';
import { change, type Drafted } from './draft.ts';
import { lists, organizationKey } from './places.ts';
import type { OrganizationDoc } from './records.ts';
import { conflict } from './rejection.ts';

export async function putOrganization(
  context: ManageContext,
  id: string,
  input: { readonly name: string; readonly edition: Edition },
): Promise<Drafted<Put<OrganizationDoc>>> {
  checkId(id, 'org');
  requireOperator(context.actor, 'create or change an organization');
  return change(context, id, async (draft) => {
    const before = await draft.get('organization', organizationKey(id));
    if (before !== null && before.edition !== input.edition) {
      throw conflict(
        'edition_fixed',
        `The edition of an organization never changes; ${id} is ${before.edition}. Create a new organization.`,
      );
    }
    const item = { id, ...input, createdAtMs: before?.createdAtMs ?? context.nowMs() };
    draft.put('organization', item);
    return { created: before === null, item };
  });
}

export async function getOrganization(context: ManageContext, id: string): Promise<OrganizationDoc> {
  return (await enter(context, reader(context.store), id)).organization;
}

/** Everything in it goes with it; its tokens are unknown from the next request on. */
export async function deleteOrganization(context: ManageContext, id: string): Promise<Drafted<void>> {
  return change(context, id, async (draft) => {
    requireOperator(context.actor, 'delete an organization');
    await requireOrganization(draft, id);
    for (const { key } of await draft.all('organization', lists.everything(id))) draft.deleteSilently(key);
    draft.delete(organizationKey(id));
  });
}

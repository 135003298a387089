/** Organizations: the walls between tenants. An edition never changes; an upgrade is a new organization (COZE-SAT-23). */
import type { Edition } from '../core/facts.ts';
import { checkId, type ManageContext, type Put, reader, requireOrganization } from './context.ts';
import { change, type Drafted } from './draft.ts';
import { lists, type OrganizationDoc, organizationKey } from './records.ts';
import { conflict } from './rejection.ts';

export async function putOrganization(
  context: ManageContext,
  id: string,
  input: { readonly name: string; readonly edition: Edition },
): Promise<Drafted<Put<OrganizationDoc>>> {
  checkId(id, 'org');
  return change(context.store, id, async (draft) => {
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
  return requireOrganization(reader(context.store), id);
}

/** Everything in it goes with it; its tokens are unknown from the next request on. */
export async function deleteOrganization(context: ManageContext, id: string): Promise<Drafted<void>> {
  return change(context.store, id, async (draft) => {
    await requireOrganization(draft, id);
    for (const { key } of await draft.all('organization', lists.everything(id))) draft.delete(key);
  });
}

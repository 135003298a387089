/**
 * Resources that an upstream has made or removed, as its answers tell: created for the owner of the token that asked, or
 * taken away. Only creates: what exists anywhere in the organization stays as it is. Asks nobody's leave: the request has
 * been judged.
 */
import { accountKey, type Generation, memberKey, type Party, resourceKey, workspaceKey } from '../../core/facts.ts';
import type { Store } from '../../store/store.ts';
import { OPERATOR } from '../actor.ts';
import { checkId } from '../context.ts';
import { conflict, notFound, unacceptable } from '../rejection.ts';
import type { AuditDoc, DocReader } from '../unit-of-work/records.ts';
import { change } from '../unit-of-work/unit-of-work.ts';
import { stillThere } from './workspace-contents.ts';

/** Whose token asked, and where. */
export interface Registering {
  readonly organizationId: string;
  readonly workspaceId: string;
  readonly tokenId: string;
  readonly ownerId: string | null;
  readonly ownerGeneration: Generation | null;
  readonly clientId: string | null;
}

interface Context {
  readonly store: Store;
  readonly nowMs: () => number;
}

/** Rejects with Rejection: `conflict` where there is one of this id. */
export async function registerResource(context: Context, asking: Registering, type: string, id: string): Promise<void> {
  checkId(id, 'id');
  const { organizationId: org, workspaceId } = asking;
  await change(
    { ...context, actor: OPERATOR },
    org,
    async (unit) => {
      const workspace = await unit.get('workspace', workspaceKey(org, workspaceId));
      if (workspace === null) throw notFound('workspace', workspaceId);
      const owner = await ownerOf(unit, asking);
      const before = await unit.get('resource', resourceKey(org, type, id));
      if ((await stillThere(unit, org, before)) !== null)
        throw conflict('id_taken', `${type} ${id} is registered already.`);
      const workspaceGeneration = workspace.generation;
      unit.put('resource', {
        organizationId: org,
        workspaceId,
        workspaceGeneration,
        type,
        id,
        owner,
        collaborators: [],
      });
    },
    { actor: actorOf(asking) },
  );
}

/** Rejects with Rejection: `not_found` where it is not there any more, or has moved to another workspace. */
export async function unregisterResource(
  context: Context,
  asking: Registering,
  type: string,
  id: string,
): Promise<void> {
  const { organizationId: org, workspaceId } = asking;
  await change(
    { ...context, actor: OPERATOR },
    org,
    async (unit) => {
      const key = resourceKey(org, type, id);
      const resource = await unit.get('resource', key);
      if (resource === null || resource.workspaceId !== workspaceId) throw notFound(type, id);
      unit.ends();
      unit.delete(key);
    },
    { actor: actorOf(asking) },
  );
}

/** Still the one for whom the token was made. */
async function ownerOf(unit: DocReader, asking: Registering): Promise<Party> {
  const { organizationId: org, ownerId, ownerGeneration, clientId } = asking;
  if (ownerId !== null) {
    const member = await unit.get('member', memberKey(org, ownerId));
    if (member !== null && member.generation === ownerGeneration) return [ownerId, ownerGeneration];
  } else if (clientId !== null) {
    const account = await unit.get('account', accountKey(org, clientId));
    if (account !== null && account.state !== 'deleted') return [clientId, null];
  }
  throw unacceptable('owner_unknown', 'owner', 'The owner of the token is none of this organization any more.');
}

function actorOf({ ownerId, clientId, tokenId }: Registering): AuditDoc['actor'] {
  return ownerId === null ? { kind: 'client', id: clientId, tokenId } : { kind: 'token', id: ownerId, tokenId };
}

/**
 * The part of a sidecar that an empty directory is filled through, without HTTP: what `apply` would ask of it goes to the same
 * rules of management. Has no rule of its own.
 */
import type { Role } from '../core/facts.ts';
import { type Call, type Sidecar, type SidecarAnswer, SidecarRefusal } from '../directory/sidecar.ts';
import { Bug } from '../errors.ts';
import type { ManageContext } from '../manage/context.ts';
import { type AssigneeKind, putAssignment } from '../manage/organization/assignments.ts';
import { putEnterprise } from '../manage/organization/enterprises.ts';
import { putMember, putTeam } from '../manage/organization/members.ts';
import { putOrganization } from '../manage/organization/organizations.ts';
import { putEnvironment, putResource } from '../manage/organization/workspace-contents.ts';
import { putWorkspace } from '../manage/organization/workspaces.ts';
import { Rejection } from '../manage/rejection.ts';

/** Of a store that holds nothing yet. */
export function inMemorySidecar(manage: ManageContext): Sidecar {
  const policy = manage.policy();
  return {
    policy: async () => ({
      organizationRoles: [...policy.organizationRoles.keys()],
      scopes: [...policy.scopes.keys()],
      actions: [...policy.actions.keys()],
    }),
    async call(call: Call): Promise<SidecarAnswer> {
      if (call.method === 'GET' && call.path.length === 0) return { items: [], nextCursor: null };
      if (call.method === 'GET') throw new SidecarRefusal(404, 'not_found', 'there is nothing yet');
      try {
        await put(manage, call);
        return {};
      } catch (error) {
        if (error instanceof Rejection) throw new SidecarRefusal(422, error.details.code, error.details.detail);
        throw error;
      }
    },
  };
}

/** Bodies have been held against the schema of directory files. */
function put(manage: ManageContext, { method, collection, path, body }: Call): Promise<unknown> {
  const [org, list, id, inside, kind, last] = path as [string, string, string, string, string, string];
  const given = body as never;
  if (collection === 'enterprises') return putEnterprise(manage, org, given);
  const what = [list, inside].filter((word) => word !== undefined).join('/');
  switch (method === 'PUT' ? what : method) {
    case '':
      return putOrganization(manage, org, given);
    case 'members':
      return putMember(manage, org, id, given);
    case 'teams':
      return putTeam(manage, org, id, given);
    case 'workspaces':
      return putWorkspace(manage, org, id, given);
    case 'workspaces/environments':
      return putEnvironment(manage, org, id, kind, given);
    case 'workspaces/assignments':
      return putAssignment(manage, org, id, kind as AssigneeKind, last, (body as { role: Role }).role);
    case 'workspaces/resources':
      return putResource(manage, org, id, kind, last, given);
    default:
      throw new Bug(`an empty directory needs no ${method} ${path.join('/')}`);
  }
}

/**
 * Lists what a directory file asks for. Takes any data, also of a file that its schema refuses, and passes over what
 * it cannot read: saying so is the schema's business.
 */
import { type Item, itemOf } from './item.ts';

const ASSIGNEES = ['members', 'teams', 'service-accounts'] as const;

export function wantedEnterprises(data: unknown): Item[] {
  return entries(data, 'enterprises').map(([id, enterprise]) => itemOf('enterprise', [id], enterprise));
}

/** Everything else that the file names, an organization before what is in it, a workspace before what is in it. */
export function wantedItems(data: unknown): Item[] {
  const items: Item[] = [];
  for (const [org, organization] of entries(data, 'organizations')) {
    items.push(itemOf('organization', [org], organization));
    for (const [id, member] of entries(organization, 'members'))
      items.push(itemOf('member', [org, 'members', id], member));
    for (const [id, team] of entries(organization, 'teams')) items.push(itemOf('team', [org, 'teams', id], team));
    for (const [id, workspace] of entries(organization, 'workspaces')) {
      const path = [org, 'workspaces', id];
      items.push(itemOf('workspace', path, workspace), ...contentsOf(path, workspace));
    }
  }
  return items;
}

function contentsOf(workspacePath: readonly string[], workspace: unknown): Item[] {
  const items: Item[] = [];
  for (const [id, environment] of entries(workspace, 'environments'))
    items.push(itemOf('environment', [...workspacePath, 'environments', id], environment));
  for (const kind of ASSIGNEES) {
    for (const [id, role] of entries(under(workspace, 'assignments'), kind))
      items.push(itemOf('assignment', [...workspacePath, 'assignments', kind, id], { role }));
  }
  for (const [type, ofType] of entries(workspace, 'resources')) {
    for (const [id, resource] of entries({ ofType }, 'ofType'))
      items.push(itemOf('resource', [...workspacePath, 'resources', type, id], resource));
  }
  return items;
}

function under(data: unknown, key: string): unknown {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, key)) return undefined;
  return (data as Readonly<Record<string, unknown>>)[key];
}

function entries(data: unknown, key: string): Array<[string, unknown]> {
  const mapping = under(data, key);
  return typeof mapping === 'object' && mapping !== null && !Array.isArray(mapping) ? Object.entries(mapping) : [];
}

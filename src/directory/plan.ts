/**
 * What has to change so that the directory is as the file says, and the calls that do it, in an order that works. Pure:
 * asks nobody and changes nothing.
 */

import type { Present } from './current.ts';
import {
  collectionOf,
  type Field,
  type Fields,
  type Item,
  type ItemType,
  itemKey,
  sameField,
  workspaceOf,
} from './item.ts';
import type { Call } from './sidecar.ts';

export type Action = 'created' | 'changed' | 'removed';

/** What goes with a change: lists of ids by what becomes of them, in the sidecar's words. */
export type Cascade = Readonly<Record<string, readonly string[]>>;

export interface PlannedChange {
  readonly action: Action;
  readonly item: Item;
  /** Only what differs. undefined: there was no such field, or there will be none. */
  readonly fields: Readonly<Record<string, { readonly before: Field | undefined; readonly after: Field | undefined }>>;
  /** null: nothing can go with it, or it is not known beforehand. */
  readonly cascade: Cascade | null;
  /** One after the other; safe to repeat from the start. */
  readonly calls: readonly Call[];
}

export interface Plan {
  readonly changes: readonly PlannedChange[];
  /** How many items of the file are as they should be. */
  readonly unchanged: number;
}

/** Those of the file; no other is touched. */
export function planEnterprises(wanted: readonly Item[], present: ReadonlyMap<string, Item>): Plan {
  const changes = changesOf(wanted, present);
  return { changes, unchanged: wanted.length - changes.length };
}

/** For one organization. `wanted`: every item of it in the file, whose references hold. */
export function planOrganization(wanted: readonly Item[], present: Present, prune: boolean): Plan {
  const changes = changesOf(wanted, present.items);
  const unchanged = wanted.length - changes.length;
  if (prune) changes.push(...removals(wanted, present));
  return { changes: changes.toSorted((left, right) => rank(left) - rank(right)), unchanged };
}

function changesOf(wanted: readonly Item[], present: ReadonlyMap<string, Item>): PlannedChange[] {
  const changes: PlannedChange[] = [];
  for (const item of wanted) {
    const before = present.get(itemKey(item));
    const change = before === undefined ? creation(item) : difference(before, item);
    if (change !== null) changes.push(change);
  }
  return changes;
}

/** What the sidecar needs and a file may leave out. */
const DEFAULTS: Partial<Record<ItemType, Fields>> = { resource: { collaborators: [] } };

function creation(item: Item): PlannedChange {
  const after = { ...item.fields };
  for (const [name, value] of Object.entries(DEFAULTS[item.type] ?? {})) after[name] ??= value;
  const fields = Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, { before: undefined, after: value }]),
  );
  const calls = [{ method: 'PUT', collection: collectionOf(item), path: item.path, body: after } as const];
  return { action: 'created', item, fields, cascade: null, calls };
}

function difference(before: Item, item: Item): PlannedChange | null {
  const different = Object.entries(item.fields).filter(([name, value]) => !sameField(before.fields[name], value));
  if (different.length === 0) return null;
  const fields = Object.fromEntries(
    different.map(([name, value]) => [name, { before: before.fields[name], after: value }]),
  );
  const calls = changing(before, item, Object.fromEntries(different));
  return { action: 'changed', item, fields, cascade: null, calls };
}

function changing(before: Item, item: Item, different: Fields): Call[] {
  const { type, path, fields } = item;
  // Only what differs, so that nobody else's change meanwhile is taken back.
  if (type === 'member') return [{ method: 'PATCH', path, body: different }];
  if (type !== 'workspace')
    return [{ method: 'PUT', collection: collectionOf(item), path, body: { ...before.fields, ...fields } }];
  const { owner, ...rest } = different;
  return [
    ...(Object.keys(rest).length === 0 ? [] : [{ method: 'PATCH', path, body: rest } as const]),
    ...(owner === undefined ? [] : [{ method: 'POST', path: [...path, 'transfer'], body: { owner } } as const]),
  ];
}

function removals(wanted: readonly Item[], present: Present): PlannedChange[] {
  const named = new Set(wanted.map(itemKey));
  const items = [...present.items.values()];
  const gone = items.filter((item) => item.type !== 'organization' && !named.has(itemKey(item)));
  const workspaces = new Set(gone.filter(({ type }) => type === 'workspace').map(workspaceOf));
  // A workspace takes its contents with it.
  return gone
    .filter((item) => item.type === 'workspace' || !workspaces.has(workspaceOf(item)))
    .map((item) => ({
      action: 'removed',
      item,
      fields: {},
      cascade: item.type === 'workspace' ? contents(item, items) : null,
      calls: [{ method: 'DELETE', path: item.path }],
    }));
}

function contents(workspace: Item, items: readonly Item[]): Cascade {
  const inside = items.filter((item) => item !== workspace && workspaceOf(item) === workspaceOf(workspace));
  const names = (type: ItemType) =>
    inside.filter((item) => item.type === type).map(({ path }) => path.slice(4).join('/'));
  return { environments: names('environment'), assignments: names('assignment'), resources: names('resource') };
}

const MAKING: Readonly<Record<ItemType, number>> = {
  enterprise: 0,
  organization: 0,
  member: 1,
  team: 2,
  workspace: 3,
  environment: 5,
  assignment: 6,
  resource: 7,
};

/**
 * Removals within workspaces come before what is made there, since an id may move from one to another; people go last,
 * when nothing is theirs any more.
 */
function rank({ action, item: { type } }: PlannedChange): number {
  if (action !== 'removed') return MAKING[type];
  if (type === 'team') return 8;
  return type === 'member' ? 9 : 4;
}

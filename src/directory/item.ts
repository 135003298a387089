/**
 * One entry of a directory, as the file and the sidecar both know it: what it is, where it stands, what it holds. Only
 * names and shapes; says nothing about what should become of it.
 */

export type ItemType =
  | 'enterprise'
  | 'organization'
  | 'member'
  | 'team'
  | 'workspace'
  | 'environment'
  | 'assignment'
  | 'resource';

/** A text, nothing, or a list whose order means nothing. */
export type Field = string | null | readonly string[];
export type Fields = Readonly<Record<string, Field>>;

export interface Item {
  readonly type: ItemType;
  /**
   * Below `/v1/organizations` at the sidecar and below `organizations` in the file, an enterprise's below `enterprises`: the
   * two are laid out alike.
   */
  readonly path: readonly string[];
  /** A field that is not here was not said. */
  readonly fields: Fields;
}

/** The fields of each type that a file may set. */
const FIELDS: Readonly<Record<ItemType, readonly string[]>> = {
  enterprise: ['name'],
  organization: ['name', 'edition', 'enterprise'],
  member: ['name', 'role', 'email', 'scopes', 'actions'],
  team: ['name', 'members'],
  workspace: ['name', 'owner'],
  environment: ['name'],
  assignment: ['role'],
  resource: ['owner', 'collaborators'],
};

/** An item made of whatever holds its fields; anything in it that is no field is left out. */
export function itemOf(type: ItemType, path: readonly string[], source: unknown): Item {
  const values = (typeof source === 'object' && source !== null ? source : {}) as Readonly<Record<string, unknown>>;
  const fields: Record<string, Field> = {};
  for (const field of FIELDS[type]) {
    const value = Object.hasOwn(values, field) ? values[field] : undefined;
    if (isField(value)) fields[field] = value;
  }
  return { type, path, fields };
}

function isField(value: unknown): value is Field {
  return (
    typeof value === 'string' ||
    value === null ||
    (Array.isArray(value) && value.every((each) => typeof each === 'string'))
  );
}

/** One text per item, of enterprises or of what is in an organization. Ids hold no slash. */
export function itemKey({ path }: Pick<Item, 'path'>): string {
  return path.join('/');
}

/** The collection that its path is below. */
export function collectionOf({ type }: Pick<Item, 'type'>): 'enterprises' | 'organizations' {
  return type === 'enterprise' ? 'enterprises' : 'organizations';
}

/** How people are told of it: its path without the words that say what stands where. */
export function itemName({ path }: Pick<Item, 'path'>): string {
  return path.filter((_, index) => index !== 1 && index !== 3).join('/');
}

/** The workspace that the item is or stands in, if any. */
export function workspaceOf({ path }: Pick<Item, 'path'>): string | undefined {
  return path[1] === 'workspaces' ? path[2] : undefined;
}

/** What of an environment or resource stands once in its organization; undefined for everything else. */
export function uniqueName({ type, path }: Item): string | undefined {
  return type === 'environment' || type === 'resource' ? [type, ...path.slice(4)].join('/') : undefined;
}

/** Lists are sets: their order means nothing. */
export function sameField(left: Field | undefined, right: Field | undefined): boolean {
  if (!Array.isArray(left) || !Array.isArray(right)) return left === right;
  const known = new Set(left);
  return new Set(right).size === known.size && right.every((each) => known.has(each));
}

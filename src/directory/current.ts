/** Reads from the sidecar what a directory holds at present. Changes nothing and judges nothing. */
import { type Item, itemKey, itemOf } from './item.ts';
import { listAll, type Sidecar, type SidecarAnswer, SidecarRefusal } from './sidecar.ts';

/** Every enterprise that there is, by itemKey. Rejects with SidecarRefusal or SetupError. */
export async function readEnterprises(sidecar: Sidecar): Promise<ReadonlyMap<string, Item>> {
  const listed = await listAll(sidecar, [], 'enterprises');
  const items = listed.map((each) => itemOf('enterprise', [textOf(each, 'id')], each));
  return new Map(items.map((item) => [itemKey(item), item]));
}

/** One organization as it stands; empty where there is none yet. */
export interface Present {
  /** By itemKey. Workspaces whose contents were not asked for stand here alone. */
  readonly items: ReadonlyMap<string, Item>;
  readonly members: ReadonlySet<string>;
  readonly teams: ReadonlySet<string>;
  /** Client ids; empty unless they were asked for. */
  readonly accounts: ReadonlySet<string>;
}

export interface PresentOptions {
  /** Of which workspaces the contents are read. */
  readonly wantsContents: (workspaceId: string) => boolean;
  readonly wantsAccounts: boolean;
}

const NOTHING: Present = {
  items: new Map(),
  members: new Set(),
  teams: new Set(),
  accounts: new Set(),
};

/** Rejects with SidecarRefusal or SetupError. Lists are read one after the other: this is no snapshot. */
export async function readPresent(sidecar: Sidecar, org: string, options: PresentOptions): Promise<Present> {
  const organization = await organizationOrNull(sidecar, org);
  if (organization === null) return NOTHING;
  const items = new Map<string, Item>();
  const add = (item: Item) => void items.set(itemKey(item), item);
  add(itemOf('organization', [org], organization));
  const read = async (type: 'member' | 'team' | 'workspace') => {
    const listed = await listAll(sidecar, [org, `${type}s`]);
    for (const each of listed) add(itemOf(type, [org, `${type}s`, textOf(each, 'id')], each));
    return listed.map((each) => textOf(each, 'id'));
  };
  const members = new Set(await read('member'));
  const teams = new Set(await read('team'));
  for (const id of await read('workspace')) {
    if (options.wantsContents(id)) for (const item of await readContents(sidecar, [org, 'workspaces', id])) add(item);
  }
  const accounts = options.wantsAccounts ? await listAll(sidecar, [org, 'service-accounts']) : [];
  return { items, members, teams, accounts: new Set(accounts.map((each) => textOf(each, 'clientId'))) };
}

async function readContents(sidecar: Sidecar, path: readonly string[]): Promise<Item[]> {
  const [environments, assignments, resources] = await Promise.all(
    ['environments', 'assignments', 'resources'].map((list) => listAll(sidecar, [...path, list])),
  );
  const under = (list: string, answer: SidecarAnswer, ...ids: string[]) => [
    ...path,
    list,
    ...ids.map((id) => textOf(answer, id)),
  ];
  return [
    ...environments!.map((each) => itemOf('environment', under('environments', each, 'id'), each)),
    ...assignments!.map((each) => itemOf('assignment', under('assignments', each, 'kind', 'id'), each)),
    ...resources!.map((each) => itemOf('resource', under('resources', each, 'type', 'id'), each)),
  ];
}

async function organizationOrNull(sidecar: Sidecar, org: string): Promise<SidecarAnswer | null> {
  try {
    return await sidecar.call({ method: 'GET', path: [org] });
  } catch (error) {
    if (error instanceof SidecarRefusal && error.status === 404) return null;
    throw error;
  }
}

function textOf(answer: SidecarAnswer, key: string): string {
  return String(answer[key]);
}

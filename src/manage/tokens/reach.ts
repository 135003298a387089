/**
 * A token that is looked at before it is made, and where any token is to be tried: the workspaces that its grant may reach.
 * Makes nothing; who is let through where is the decision's to say.
 */
import { memberKey, type SnapshotRecord, snapshotKey, type TokenHash, teamKey } from '../../core/facts.ts';
import { type ManageContext, reader } from '../context.ts';
import { list } from '../listing.ts';
import { lists } from '../unit-of-work/places.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { change } from '../unit-of-work/unit-of-work.ts';
import { newToken, type TokenInput } from './new-token.ts';

export interface DraftToken {
  readonly doc: TokenDoc;
  /** What it would keep of its owner's roles; null: nothing. */
  readonly snapshot: SnapshotRecord | null;
}

/** Nobody has its value. */
const NO_VALUE = { hash: 'draft' as TokenHash, hint: null };

/** As createToken() would make it, or its Rejection. */
export async function draftToken(context: ManageContext, org: string, input: TokenInput): Promise<DraftToken> {
  const { value } = await change(
    context,
    org,
    async (unit) => {
      const doc = await newToken(context, unit, org, input, () => NO_VALUE);
      const { snapshotId: id } = doc;
      return { doc, snapshot: id == null ? null : await unit.get('snapshot', snapshotKey(org, id)) };
    },
    { dryRun: true },
  );
  return value;
}

/** Of those that a rule reaches without naming them, each is like the others. */
const SAMPLE_MAX = 100;
const OWNED_MAX = 1000;

/** Those in which its owner has most come first. */
export async function placesToTry(context: ManageContext, doc: TokenDoc) {
  const { workspaces, environments, allowedAddresses } = doc;
  return {
    workspaces: typeof workspaces === 'string' ? await reachedByRule(context, doc) : workspaces.map(([id]) => id),
    environments: environments?.map(([id]) => id) ?? [],
    address: allowedAddresses?.[0]?.split('/')[0] ?? null,
  };
}

async function reachedByRule(
  { store }: ManageContext,
  { organizationId: org, ownerId, snapshotId }: TokenDoc,
): Promise<string[]> {
  const { get } = reader(store);
  const found = new Set<string>();
  const note = (assigned: ReadonlyArray<readonly [string, ...unknown[]]>) => {
    for (const [id] of assigned) found.add(id);
  };
  const owner = ownerId === null ? null : await get('member', memberKey(org, ownerId));
  if (ownerId !== null) {
    const owned = await list(store, 'workspace', lists.workspacesOwnedBy(org, ownerId), {
      limit: OWNED_MAX,
      cursor: null,
    });
    for (const { id } of owned.items) found.add(id);
  }
  if (snapshotId != null) note((await get('snapshot', snapshotKey(org, snapshotId)))?.roles ?? []);
  note(owner?.assignments ?? []);
  for (const [id] of owner?.teams ?? []) note((await get('team', teamKey(org, id)))?.assignments ?? []);
  const sample = await list(store, 'workspace', lists.workspaces(org), { limit: SAMPLE_MAX, cursor: null });
  for (const { id } of sample.items) found.add(id);
  return [...found];
}

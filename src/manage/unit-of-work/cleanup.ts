/**
 * Brings up to date what still names something that has ended: tokens of a removed member, of a transferred or deleted
 * workspace, of a revoked account; records of a deleted organization. Nothing is ended here: every decision compares
 * generations, so this may come late, be interrupted and be done twice. What is left to do stands in the store.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import {
  accountKey,
  credentialKey,
  kindOf,
  memberKey,
  organizationKey,
  type TokenHash,
  tokenKey,
  workspaceKey,
} from '../../core/facts.ts';
import type { Scanned, ScanOptions, Store, Write } from '../../store/store.ts';
import { OPERATOR } from '../actor.ts';
import type { ManageContext } from '../context.ts';
import { conflict } from '../rejection.ts';
import { standingOf } from '../tokens/standing.ts';
import { cleanupKey, lists } from './places.ts';
import type { CleanupDoc, TokenDoc } from './records.ts';
import { getDoc, scanDocs, scannedDoc } from './stored-docs.ts';
import { change, type UnitOfWork } from './unit-of-work.ts';

/** Records of one commit. The embedded store lets nothing else happen meanwhile (bench/turns.ts). */
const PAGE = 20;
/** For so long whoever ended something waits for what follows; nearly always it is done by then. */
const WAIT_MS = 250;
/** An id can be used again only when nothing is left that names it. */
const WAIT_FOR_REUSE_MS = 5000;

type World = Pick<ManageContext, 'store' | 'nowMs'>;

/** Rejects with StoreUnavailable; what was done by then stays done. */
async function cleanUp(world: World, job: CleanupDoc, isLast: boolean): Promise<void> {
  for (const step of STEPS[job.what](job)) await throughPages(step, world, job);
  // Other processes may still hold a token as it was, and one whose workspace is missing is refused: the record stays.
  if (job.what !== 'workspace' || isLast) await finish(world.store, job);
}

async function throughPages(step: Step, world: World, job: CleanupDoc): Promise<void> {
  let after: { score: number; key: string } | null = null;
  for (;;) {
    const page: Page = await step(world, job, after);
    if (page.next === null) return;
    after = page.next;
    await breathe();
  }
}

/** After the end itself was made durable: what follows it, for a moment now and the rest in the background. */
export async function cleanUpSoon(world: World, job: CleanupDoc): Promise<void> {
  await within(WAIT_MS, cleanUpInBackground(world, job));
}

/** Resolves with whether it came to its end. What fails is taken up again by the purge, which says so in the log. */
export function cleanUpInBackground(world: World, job: CleanupDoc, isLast = false): Promise<boolean> {
  return cleanUp(world, job, isLast).then(
    () => true,
    () => false,
  );
}

/** false: it goes on behind us. Others' changes may take their turns before it. */
function within(waitMs: number, running: Promise<boolean>): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(resolve, waitMs, false).unref());
  return Promise.race([running, late]);
}

/**
 * What was left to do by a process that has ended meanwhile, and deleted workspaces' records that have stayed for
 * `heardAfterMs`, in which every process has heard of the rest. Rejects with StoreUnavailable.
 */
export async function resumeCleanups(world: World, heardAfterMs: number): Promise<void> {
  let after: ScanOptions['after'];
  for (;;) {
    const page = await scanDocs(world.store, 'cleanup', lists.cleanups(), { limit: PAGE, ...(after && { after }) });
    for (const { doc } of page) await cleanUp(world, doc, await isHeard(world, doc, heardAfterMs));
    const next = nextOf(page);
    if (next === null) return;
    after = next;
  }
}

async function isHeard({ store, nowMs }: World, job: CleanupDoc, heardAfterMs: number): Promise<boolean> {
  if (job.what !== 'workspace') return true;
  const stored = await getDoc(store, 'workspace', workspaceKey(job.organizationId, job.id));
  return nowMs() - (stored?.doc.deletedAtMs ?? 0) > heardAfterMs;
}

/** Before something is made under this id: nothing of a deleted one of the same id may be left. Throws Rejection (409). */
export async function requireCleanedUp(world: World, kind: 'organization' | 'workspace', key: string): Promise<void> {
  const doc = (await getDoc<'organization' | 'workspace'>(world.store, kind, key))?.doc ?? null;
  if (doc === null || doc.deletedAtMs === null) return;
  const organizationId = 'organizationId' in doc ? doc.organizationId : doc.id;
  const actor = { kind: 'admin-key', id: null, tokenId: null } as const;
  const job: CleanupDoc = { organizationId, what: kind, id: doc.id, generation: doc.generation, actor };
  if (await within(WAIT_FOR_REUSE_MS, cleanUpInBackground(world, job, true))) return;
  throw stillDeleting(kind, doc.id);
}

/** The same, inside the unit of work that makes it: it may have been deleted since. */
export async function requireUnused(unit: UnitOfWork, kind: 'organization' | 'workspace', key: string): Promise<void> {
  const doc = await unit.getEvenDeleted(kind, key);
  if (doc !== null && doc.deletedAtMs !== null) throw stillDeleting(kind, doc.id);
}

function stillDeleting(kind: string, id: string) {
  return conflict('still_deleting', `What belonged to the deleted ${kind} ${id} is still being removed; try again.`);
}

interface Page {
  /** Where to go on; null: this was the last. */
  readonly next: { score: number; key: string } | null;
}
type Step = (world: World, job: CleanupDoc, after: { score: number; key: string } | null) => Promise<Page>;

const STEPS: Readonly<Record<CleanupDoc['what'], (job: CleanupDoc) => readonly Step[]>> = {
  organization: ({ organizationId: org }) => [removeTokens(lists.tokens(org)), removeAll],
  workspace: ({ organizationId: org, id }) => [
    remove('environment', lists.environments(org, id)),
    remove('resource', lists.resources(org, id)),
    unassign,
    updateTokens(lists.tokensListing(org, id)),
  ],
  transfer: ({ organizationId: org, id }) => [updateTokens(lists.tokensListing(org, id))],
  member: ({ organizationId: org, id }) => [
    updateTokens(lists.tokensOwnedBy(org, id)),
    updateTokens(lists.tokensContacting(org, id)),
  ],
  team: () => [leaveTeam],
  account: () => [removeIssued],
};

/** One page of a list, changed in one unit of work in the name of whoever ended what this follows. */
function inDraft(
  work: (unit: UnitOfWork, entry: Scanned, job: CleanupDoc) => Promise<void>,
  index: (job: CleanupDoc) => string,
): Step {
  return async ({ store, nowMs }, job, after) => {
    const context = { store, nowMs, actor: OPERATOR };
    const worked = await change(
      context,
      job.organizationId,
      async (unit) => {
        unit.ends();
        const page = await unit.page(index(job), PAGE, after);
        for (const entry of page) await work(unit, entry, job);
        return page;
      },
      { actor: job.actor },
    );
    return { next: nextOf(worked.value) };
  };
}

function nextOf(page: ReadonlyArray<Pick<Scanned, 'key' | 'score'>>): Page['next'] {
  const last = page.at(-1);
  return page.length < PAGE || last === undefined ? null : { score: last.score, key: last.key };
}

/** Tokens are written as they stand, so that lists and limits say so, too. */
function updateTokens(index: string): Step {
  const update = async (unit: UnitOfWork, entry: Scanned) => {
    const { doc } = scannedDoc('token', entry);
    const standing = await standingOf(unit, doc);
    if (standing !== null && standing !== doc) unit.put('token', standing);
  };
  return inDraft(update, () => index);
}

/** Of a deleted workspace; a record that has moved to another one since stays. */
function remove(kind: 'environment' | 'resource', index: string): Step {
  const drop = async (unit: UnitOfWork, entry: Scanned, job: CleanupDoc) => {
    const { workspaceId, workspaceGeneration } = scannedDoc(kind, entry).doc;
    if (workspaceId === job.id && workspaceGeneration <= job.generation) unit.delete(entry.key);
  };
  return inDraft(drop, () => index);
}

const unassign = inDraft(
  async (unit, entry, { id, generation }) => {
    const kind = kindOf(entry.key) as 'member' | 'team' | 'account';
    const { doc } = scannedDoc(kind, entry);
    const assignments = doc.assignments.filter(([other, , made]) => other !== id || made > generation);
    if (assignments.length < doc.assignments.length) unit.put(kind, { ...doc, assignments } as never);
  },
  ({ organizationId, id }) => lists.assigned(organizationId, id),
);

/** A team's members are in no list; the job names them. */
const leaveTeam: Step = async ({ store, nowMs }, job, after) => {
  const members = job.members ?? [];
  const from = after?.score ?? 0;
  const { organizationId: org, id, generation } = job;
  const work = async (unit: UnitOfWork) => {
    unit.ends();
    for (const memberId of members.slice(from, from + PAGE)) {
      const member = await unit.get('member', memberKey(org, memberId));
      const teams = member?.teams.filter(([team, made]) => team !== id || made > generation);
      if (member !== null && teams!.length < member.teams.length) unit.put('member', { ...member, teams: teams! });
    }
  };
  await change({ store, nowMs, actor: OPERATOR }, org, work, { actor: job.actor });
  return { next: from + PAGE < members.length ? { score: from + PAGE, key: '' } : null };
};

/** Access tokens of an earlier generation. */
const removeIssued: Step = async ({ store }, { organizationId: org, id, generation }, after) => {
  const options = { limit: PAGE, ...(after === null ? {} : { after }) };
  const page = await scanDocs(store, 'token', lists.tokensOfClient(org, id), options);
  const ended = page.map(({ doc }) => doc).filter((doc) => doc.generation < generation);
  const writes = ended.flatMap((doc) => removal(doc));
  // No unit of work: nobody but the decision reads them, and it has refused them since their generation ended.
  if (writes.length > 0) await store.commit({ expects: [], writes, ends: true });
  return { next: nextOf(page) };
};

/** Tokens of a deleted organization, with their values. */
function removeTokens(index: string): Step {
  return async ({ store }, job, after) => {
    const page = await store.scan(index, { limit: PAGE, ...(after === null ? {} : { after }) });
    const writes = await Promise.all(page.map((entry) => wholeToken(store, entry)));
    return { next: (await removeEnded(store, job, writes.flat())) ? nextOf(page) : null };
  };
}

/** What was imported can be imported again by whoever has the list, so its value is remembered as ended for ever. */
async function wholeToken(store: Store, { key, record }: Scanned): Promise<Write[]> {
  // Whatever else is wrong with it: a damaged record is to go with the rest.
  const { hash, replaced } = Object(record) as { readonly hash?: unknown; readonly replaced?: unknown };
  const values = [hash, Object(replaced).hash].filter((value) => typeof value === 'string');
  const stored = await Promise.all(values.map((value) => store.get(credentialKey(value as TokenHash))));
  const ended = stored.filter((each) => each !== null && Object(each.record).imported !== true);
  return [key, ...ended.map((each) => each!.key)].map((each) => ({ key: each, record: null }));
}

const removeAll: Step = async (world, job, after) => {
  const { store } = world;
  const { organizationId: org } = job;
  const page = await store.scan(lists.everything(org), { limit: PAGE, ...(after === null ? {} : { after }) });
  const accounts = page.filter(({ key }) => kindOf(key) === 'account').map(({ key }) => key);
  const removeIssuedTo = async () => {
    for (const key of accounts) {
      const clientId = key.slice(accountKey(org, '').length);
      await throughPages(removeTokens(lists.tokensOfClient(org, clientId)), world, job);
    }
  };
  await removeIssuedTo();
  const removed = await removeEnded(
    store,
    job,
    page.map(({ key }) => ({ key, record: null })),
  );
  // One may have been issued meanwhile; from now on nobody can be issued any.
  await removeIssuedTo();
  return { next: removed ? nextOf(page) : null };
};

/** Of a deleted organization. false: somebody else has finished it, and it may have been made anew; nothing more is to go. */
async function removeEnded(
  store: Store,
  { organizationId, generation }: CleanupDoc,
  writes: readonly Write[],
): Promise<boolean> {
  const key = organizationKey(organizationId);
  const stored = await getDoc(store, 'organization', key);
  if (stored === null || stored.doc.deletedAtMs === null || stored.doc.generation > generation) return false;
  // No unit of work: nobody can enter a deleted organization; that it is still that one is expected here.
  const committed = await store.commit({ expects: [{ key, version: stored.version }], writes, ends: true });
  return committed.ok;
}

/** The job, and what stayed only for it. */
async function finish(store: Store, job: CleanupDoc): Promise<void> {
  const writes: Write[] = [{ key: cleanupKey(job), record: null }];
  const expects: Array<{ key: string; version: number }> = [];
  if (job.what === 'organization' || job.what === 'workspace') {
    const { organizationId: org, id } = job;
    const key = job.what === 'organization' ? organizationKey(org) : workspaceKey(org, id);
    const stored = await getDoc<'organization' | 'workspace'>(store, job.what, key);
    if (stored !== null && stored.doc.deletedAtMs !== null && stored.doc.generation <= job.generation) {
      expects.push({ key, version: stored.version });
      writes.push({ key, record: null });
    }
  }
  // No unit of work: it removes what nobody can read. Where somebody else has finished it, nothing is left to write.
  await store.commit({ expects, writes, ends: true });
}

/** The records of a token that is gone. */
export function removal({ organizationId, id, hash, replaced }: TokenDoc): Write[] {
  const values: TokenHash[] = replaced === null ? [hash] : [hash, replaced.hash];
  return [tokenKey(organizationId, id), ...values.map(credentialKey)].map((key) => ({ key, record: null }));
}

/** Puts what is left to do beside what ends. */
export function leaveCleanup(unit: UnitOfWork, job: Omit<CleanupDoc, 'generation'>): CleanupDoc {
  const doc = { ...job, generation: unit.generation };
  unit.put('cleanup', doc);
  return doc;
}

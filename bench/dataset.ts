/**
 * The organization that every benchmark uses: 100 workspaces with an environment each, up to 1,000 members, and as
 * many personal tokens as asked for, each for the one workspace of its owner. Written through the store's port in
 * large commits, because the sidecar makes one durable commit per token. Lists and audit lines only where asked for: the
 * hot path reads none.
 */
import {
  type CredentialRecord,
  credentialKey,
  environmentKey,
  type MemberRecord,
  memberKey,
  type OrganizationRecord,
  organizationKey,
  type TokenHash,
  type TokenRecord,
  tokenKey,
  type WorkspaceRecord,
  workspaceKey,
} from '../src/core/facts.ts';
import { DAY_MS } from '../src/core/policy.ts';
import { CURRENT_FORMAT } from '../src/format/upgrades.ts';
import { OPERATOR } from '../src/manage/actor.ts';
import { actorView, auditDoc } from '../src/manage/audit.ts';
import { place } from '../src/manage/unit-of-work/places.ts';
import type { TokenDoc } from '../src/manage/unit-of-work/records.ts';
import { mintToken } from '../src/secret.ts';
import { FORMAT_KEY } from '../src/store/format.ts';
import type { Change, Store, Write } from '../src/store/store.ts';

const ORGANIZATION = 'acme';
const WORKSPACES = 100;
const MEMBERS_MAX = 1000;
const TOKENS_PER_COMMIT = 10_000;

/** A token and where it may go. */
export interface Holder {
  readonly text: string;
  readonly hash: TokenHash;
  readonly expiresAtMs: number;
  readonly scopes: readonly string[];
  readonly workspaceId: string;
  readonly environmentId: string;
  /** An environment of a workspace that it was not granted. */
  readonly elsewhere: string;
}

export interface Dataset {
  /** `workflows:read` and `bot:read`, role member. The tokens asked for by `keep`, in its order. */
  readonly holders: readonly Holder[];
  /** The same, without `workflows:read`. */
  readonly unscoped: Holder;
  /** Right in form, known to nobody. */
  readonly unknown: string;
}

export interface DatasetOptions {
  readonly tokens: number;
  /** Which tokens, by number, to hand back: keeping a million would fill the memory that is measured. */
  readonly keep: readonly number[];
  readonly say: (line: string) => void;
  /** With the lists and the audit line that the sidecar writes with each token. */
  readonly whole?: boolean;
  readonly tokensPerCommit?: number;
}

export async function buildDataset(store: Store, options: DatasetOptions): Promise<Dataset> {
  const { tokens, keep, say, whole = false, tokensPerCommit = TOKENS_PER_COMMIT } = options;
  const members = Math.min(tokens, MEMBERS_MAX);
  const expiresAtMs = Date.now() + 30 * DAY_MS;
  const wanted = new Map(keep.map((index, place) => [index, place]));
  const holders: Holder[] = new Array(keep.length);
  const issued: Array<readonly [TokenHash, number]> = [];
  for (let index = 0; index < tokens; index++) {
    const holder = newHolder(index % members, expiresAtMs, ['workflows:read', 'bot:read']);
    const place = wanted.get(index);
    if (place !== undefined) holders[place] = holder;
    issued.push([holder.hash, index]);
  }
  const hashes = issued.map(([hash]) => hash);
  const unscoped = newHolder(0, expiresAtMs, ['bot:read']);
  // In the order of the keys a B-tree is filled from left to right, which is several times as fast.
  issued.sort(([left], [right]) => (left < right ? -1 : 1));

  const commit = async (writes: Write[]) => {
    if (!(await store.commit({ expects: [], writes })).ok) throw new Error('the store refused to be filled');
  };
  await commit([
    ...directory(members),
    { key: credentialKey(unscoped.hash), record: credential('tok_unscoped') },
    {
      key: tokenKey(ORGANIZATION, 'tok_unscoped'),
      record: token('tok_unscoped', unscoped.hash, 0, expiresAtMs, unscoped.scopes),
    },
  ]);
  const scopes = ['workflows:read', 'bot:read'];
  for (let from = 0; from < tokens; from += tokensPerCommit) {
    const until = Math.min(tokens, from + tokensPerCommit);
    const writes: Write[] = [];
    for (const [hash, index] of issued.slice(from, until)) {
      const record = credential(tokenId(index));
      const indexes = whole ? place('credential', record, { hash }).indexes : [];
      writes.push({ key: credentialKey(hash), record, indexes });
    }
    for (let index = from; index < until; index++) {
      const record = token(tokenId(index), hashes[index]!, index % members, expiresAtMs, scopes);
      if (whole) writes.push(...asCreated(record));
      else writes.push({ key: tokenKey(ORGANIZATION, tokenId(index)), record });
    }
    await commit(writes);
    if (until % 250_000 === 0)
      say(`${until.toLocaleString('en-US')} of ${tokens.toLocaleString('en-US')} tokens stored`);
  }
  return { holders, unscoped, unknown: mintToken('pat_').reveal() };
}

/** What the sidecar writes for a token beside its credential. */
function asCreated(record: TokenRecord): Write[] {
  const line = { action: 'token.created', target: { type: 'token', id: record.id }, before: null };
  const audit = auditDoc({ id: ORGANIZATION }, actorView(OPERATOR), record.createdAtMs, {
    ...line,
    after: { ...record },
  });
  return [
    { ...place('token', record as TokenDoc), record },
    { ...place('audit', audit), record: audit },
  ];
}

/** One token as the sidecar creates it: one commit that fails where another has changed its organization meanwhile. */
export function creation(organizationId: string, version: number, nth: number): Change {
  const minted = mintToken('pat_');
  const hash = minted.hash();
  const id = tokenId(nth);
  const record = {
    ...token(id, hash, nth % MEMBERS_MAX, Date.now() + 30 * DAY_MS, ['workflows:read']),
    name: 'n',
    organizationId,
  };
  const value = { organizationId, tokenId: id };
  const lock = `lock/${organizationId}`;
  return {
    expects: [
      { key: lock, version },
      { key: credentialKey(hash), version: 0 },
    ],
    writes: [
      { key: lock, record: {} },
      { ...place('credential', value, { hash }), record: value },
      ...asCreated(record),
    ],
  };
}

function newHolder(member: number, expiresAtMs: number, scopes: readonly string[]): Holder {
  const minted = mintToken('pat_');
  const workspace = member % WORKSPACES;
  return {
    text: minted.reveal(),
    hash: minted.hash(),
    expiresAtMs,
    scopes,
    workspaceId: `ws_${workspace}`,
    environmentId: `env_${workspace}`,
    elsewhere: `env_${(workspace + 1) % WORKSPACES}`,
  };
}

function directory(members: number): Write[] {
  const organization: OrganizationRecord = { id: ORGANIZATION, generation: 1, deletedAtMs: null };
  const writes: Write[] = [
    { key: FORMAT_KEY, record: { number: CURRENT_FORMAT } },
    { key: organizationKey(ORGANIZATION), record: organization },
  ];
  for (let index = 0; index < WORKSPACES; index++) {
    const id = `ws_${index}`;
    const workspace: WorkspaceRecord = {
      organizationId: ORGANIZATION,
      id,
      generation: 1,
      ownerId: 'founder',
      ownerGeneration: 1,
      transferredIn: null,
      tokensFrom: [],
      deletedAtMs: null,
    };
    writes.push({ key: workspaceKey(ORGANIZATION, id), record: workspace });
    writes.push({
      key: environmentKey(ORGANIZATION, `env_${index}`),
      record: { workspaceId: id, workspaceGeneration: 1 },
    });
  }
  for (let index = 0; index < members; index++) {
    const member: MemberRecord = {
      organizationId: ORGANIZATION,
      edition: 'team',
      id: memberId(index),
      generation: index + 1,
      role: 'member',
      scopes: null,
      teams: [],
      assignments: [[`ws_${index % WORKSPACES}`, 'member', 1]],
    };
    writes.push({ key: memberKey(ORGANIZATION, member.id), record: member });
  }
  return writes;
}

function credential(id: string): CredentialRecord {
  return { organizationId: ORGANIZATION, tokenId: id };
}

function token(
  id: string,
  hash: TokenHash,
  member: number,
  expiresAtMs: number,
  scopes: readonly string[],
): TokenRecord {
  return {
    organizationId: ORGANIZATION,
    edition: 'team',
    id,
    generation: 1,
    hash,
    replaced: null,
    kind: 'personal',
    authority: 'live',
    ownerId: memberId(member),
    ownerGeneration: member + 1,
    clientId: null,
    scopes,
    workspaces: [[`ws_${member % WORKSPACES}`, 1]],
    roles: [],
    state: 'active',
    stateReason: null,
    createdAtMs: expiresAtMs - 30 * DAY_MS,
    expiresAtMs,
  };
}

function memberId(index: number): string {
  return `member_${index}`;
}

/** As long as the ids that the sidecar gives. */
function tokenId(index: number): string {
  return `tok_${String(index).padStart(29, '0')}`;
}

/**
 * Format 1 to 2: what names something names its generation, too (core/facts). Everything that is there is of generation 0,
 * which no later change has, except where an order or an identity must be told: tokens and transfers keep the times that
 * they were compared by, a membership gets a number of its own. Nothing that works ends with it, and nothing that has
 * ended works again. Knows the old shapes by itself; the new ones are those of that time.
 */
import { createHash } from 'node:crypto';
import type { Exported } from '../store/exportable.ts';
import type { IndexEntry } from '../store/store.ts';
import { asInteger, asText } from './stored-values.ts';
import type { FormatUpgrade, Rewriting, Rewritten, UpgradeReader } from './upgrade.ts';

/** Of what is told apart by nothing but its id: organizations, teams, workspaces. */
const BEFORE_ALL = 0;
/** Of a membership that has ended, for whatever still names it. */
const GONE = 0;
/** Below every number that a change can have: those are times, and this was in 2004. */
const MEMBERSHIPS = 2 ** 40;

type Doc = Readonly<Record<string, unknown>>;
type Pairs = ReadonlyArray<readonly [string, string]>;

export const toGenerations: FormatUpgrade = {
  to: 2,
  what: 'generations in place of lists',
  async rewrite(page, reader) {
    const pass = new Page(reader);
    await Promise.all(page.map((found) => pass.take(found)));
    await pass.raiseLocks();
    return pass.rewriting;
  },
};

class Page {
  readonly #reader: UpgradeReader;
  readonly #writes = new Map<string, Rewritten>();
  readonly #damaged = new Set<string>();
  /** By key: a token is met once for itself and once for each of its values. */
  readonly #tokens = new Map<string, Promise<void>>();
  readonly #docs = new Map<string, Promise<Doc | null>>();
  /** By organization: the highest number that something got here. */
  readonly #highest = new Map<string, number>();

  constructor(reader: UpgradeReader) {
    this.#reader = reader;
  }

  get rewriting(): Rewriting {
    return { writes: [...this.#writes.values()], damaged: [...this.#damaged] };
  }

  async take(found: Exported): Promise<void> {
    try {
      await this.#rewrite(found, found.record as Doc);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#damaged.add(found.key);
    }
  }

  /** Whatever changes an organization from now on takes a higher number than all that is there, whatever its clock says. */
  async raiseLocks(): Promise<void> {
    const keys = Array.from(this.#highest.keys(), (organizationId) => `lock/${organizationId}`);
    const found = await this.#reader.exported(keys);
    for (const [place, [, highest]] of [...this.#highest].entries()) {
      const lock = (found[place]?.record ?? {}) as { readonly changes?: number };
      if ((lock.changes ?? 0) >= highest) continue;
      const key = keys[place]!;
      const [version, indexes] = [found[place]?.version ?? 0, found[place]?.indexes ?? []];
      this.#writes.set(key, { key, version, record: { ...lock, changes: highest }, indexes });
    }
  }

  async #rewrite(found: Exported, doc: Doc): Promise<void> {
    switch (kindOf(found.key)) {
      case 'credential':
        if ('endsAtMs' in doc) await this.#credential(found, doc);
        return;
      case 'token':
        return this.#token(found.key);
      case 'member':
        if (typeof doc.generation === 'string') this.#put(found, { ...doc, ...memberOf(doc) });
        return;
      case 'workspace':
        if (!('generation' in doc)) this.#put(found, await this.#workspace(doc));
        return;
      case 'resource':
        if ('ownerId' in doc) this.#put(found, await this.#resource(doc));
        return;
      case 'audit':
        if (!found.indexes.some(({ index }) => index === 'audit')) await this.#audit(found, doc);
        return;
      default:
        this.#simple(found, doc);
    }
  }

  #simple(found: Exported, doc: Doc): void {
    switch (kindOf(found.key)) {
      case 'organization':
        if (!('generation' in doc)) this.#put(found, { ...doc, generation: BEFORE_ALL, deletedAtMs: null });
        return;
      case 'team':
        if (!('generation' in doc)) this.#put(found, { ...doc, generation: BEFORE_ALL, ...assignmentsOf(doc) });
        return;
      case 'account':
        // Its tokens are those that are there: whatever was revoked is gone.
        if (!('tokensFrom' in doc)) this.#put(found, { ...doc, tokensFrom: BEFORE_ALL, ...assignmentsOf(doc) });
        return;
      case 'environment':
        if (!('workspaceGeneration' in doc)) this.#put(found, { ...doc, workspaceGeneration: BEFORE_ALL });
    }
  }

  async #workspace({ transferredAtMs, ...doc }: Doc): Promise<Doc> {
    if (transferredAtMs !== null) this.#reaches(doc, asInteger(transferredAtMs));
    return {
      ...doc,
      generation: BEFORE_ALL,
      ownerGeneration: await this.#membership(asText(doc.organizationId), asText(doc.ownerId)),
      transferredIn: transferredAtMs,
      // Tokens that a transfer has ended are revoked by themselves.
      tokensFrom: [],
      deletedAtMs: null,
    };
  }

  async #resource({ ownerId, collaborators, ...doc }: Doc): Promise<Doc> {
    const party = (id: unknown) => this.#party(asText(doc.organizationId), asText(id));
    return {
      ...doc,
      workspaceGeneration: BEFORE_ALL,
      owner: await party(ownerId),
      collaborators: await Promise.all(list(collaborators).map(party)),
    };
  }

  /** A membership, or null for a service account. */
  async #party(organizationId: string, id: string): Promise<readonly [string, number | null]> {
    const member = await this.#doc(`member/${organizationId}/${id}`);
    const isAccount = member === null && (await this.#doc(`account/${organizationId}/${id}`)) !== null;
    return [id, isAccount ? null : await this.#membership(organizationId, id)];
  }

  /** Of whoever has the id now: until now it was theirs by nothing else. */
  async #membership(organizationId: string, id: string): Promise<number> {
    const member = await this.#doc(`member/${organizationId}/${id}`);
    if (member === null) return GONE;
    return typeof member.generation === 'string' ? numberOf(member.generation) : asInteger(member.generation);
  }

  /** The events of an organization that is no more stay the operator's alone. */
  async #audit(found: Exported, doc: Doc): Promise<void> {
    const { organizationId, ...rest } = doc;
    const atMs = asInteger(doc.atMs);
    const organization = await this.#doc(`organization/${asText(organizationId)}`);
    const isIts = organization !== null && atMs >= asInteger(organization.createdAtMs);
    const generation = isIts ? { generation: organization.generation ?? BEFORE_ALL } : {};
    const indexes = [...found.indexes, { index: 'audit', score: atMs }];
    this.#put(found, { organizationId, ...generation, ...rest }, indexes);
  }

  /** With its token, which says which of its values work; alone where that is gone. */
  async #credential(found: Exported, doc: Doc): Promise<void> {
    const key = `token/${asText(doc.organizationId)}/${asText(doc.tokenId)}`;
    const token = await this.#doc(key);
    if (token !== null && !('generation' in token)) await this.#token(key);
    if (!this.#writes.has(found.key)) this.#loose(found, doc);
  }

  /** A value of a token that has another one, or that is no more. */
  #loose(found: Exported, { endsAtMs, ...doc }: Doc): void {
    // An imported value is remembered for ever, so that it cannot be imported again.
    if (endsAtMs !== null && doc.imported !== true) this.#write(found, null, []);
    else this.#put(found, doc, withoutValues(found.indexes));
  }

  #token(key: string): Promise<void> {
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    const rewriting = this.#tokenWithValues(key).catch((error) => {
      if (!(error instanceof TypeError)) throw error;
      this.#damaged.add(key);
    });
    this.#tokens.set(key, rewriting);
    return rewriting;
  }

  async #tokenWithValues(key: string): Promise<void> {
    const [found] = await this.#reader.exported([key]);
    if (found == null || 'generation' in (found.record as Doc)) return;
    const doc = found.record as Doc;
    const organizationId = asText(doc.organizationId);
    const values = await this.#reader.listed(`credentials/${organizationId}/${asText(doc.id)}`);
    const credentials = await this.#reader.exported(values.map((value) => value.key));
    const replaced = replacedOf(asText(doc.hash), credentials);
    // Read first and written together: a value whose end is forgotten must never stand beside a token that has none.
    const token = await this.#tokenDoc(doc, replaced);
    this.#put(found, token, found.indexes.map(byExpiry(doc)));
    for (const credential of credentials) {
      if (credential === null || !('endsAtMs' in (credential.record as Doc))) continue;
      const { endsAtMs, ...rest } = credential.record as Doc;
      if (credential.key === replaced?.hash) this.#put(credential, rest, withoutValues(credential.indexes));
      // What was ended and is its token's value nevertheless no rule has made. It stays ended.
      else if (credential.key === doc.hash && endsAtMs !== null) this.#write(credential, null, []);
      else this.#loose(credential, credential.record as Doc);
    }
  }

  async #tokenDoc(doc: Doc, replaced: Replaced | null): Promise<Doc> {
    // Older than a transfer is what was: by the same times, in the same order.
    const generation = Math.max(BEFORE_ALL, asInteger(doc.createdAtMs));
    const { organizationId, ownerId, ownerGeneration, workspaces } = doc;
    const isOwned = ownerId !== null && ownerGeneration !== null;
    const isMember = isOwned && (await this.#doc(`member/${asText(organizationId)}/${asText(ownerId)}`)) !== null;
    const isClients = doc.clientId !== null;
    if (!isClients) this.#reaches(doc, generation);
    return {
      ...doc,
      // As those that the account is issued from now on.
      generation: isClients ? BEFORE_ALL : generation,
      replaced,
      ownerGeneration: isMember ? numberOf(asText(ownerGeneration)) : isOwned ? GONE : null,
      workspaces: typeof workspaces === 'string' ? workspaces : list(workspaces).map((id) => [asText(id), BEFORE_ALL]),
    };
  }

  #reaches({ organizationId }: Doc, generation: number): void {
    const id = asText(organizationId);
    this.#highest.set(id, Math.max(this.#highest.get(id) ?? 0, generation));
  }

  #doc(key: string): Promise<Doc | null> {
    const known = this.#docs.get(key) ?? this.#reader.get(key).then((found) => (found?.record ?? null) as Doc | null);
    this.#docs.set(key, known);
    return known;
  }

  #put(found: Exported, record: Doc, indexes: readonly IndexEntry[] = found.indexes): void {
    this.#write(found, record, indexes);
  }

  #write({ key, version }: Exported, record: Doc | null, indexes: readonly IndexEntry[]): void {
    this.#writes.set(key, { key, version, record, indexes });
  }
}

interface Replaced {
  readonly hash: string;
  readonly endsAtMs: number;
}

/** The value before the token's own. Its grace may be over; what had an earlier one ended with the last rotation. */
function replacedOf(hash: string, credentials: ReadonlyArray<Exported | null>): Replaced | null {
  let last: Replaced | null = null;
  for (const credential of credentials) {
    const endsAtMs = (credential?.record as Doc | undefined)?.endsAtMs;
    if (typeof endsAtMs !== 'number' || endsAtMs <= (last?.endsAtMs ?? 0) || credential!.key === hash) continue;
    last = { hash: credential!.key, endsAtMs };
  }
  return last;
}

function memberOf(doc: Doc) {
  return {
    generation: numberOf(asText(doc.generation)),
    teams: list(doc.teams).map((id) => [asText(id), BEFORE_ALL]),
    ...assignmentsOf(doc),
  };
}

function assignmentsOf({ assignments }: Doc) {
  return { assignments: (list(assignments) as Pairs).map(([id, role]) => [asText(id), asText(role), BEFORE_ALL]) };
}

/** Access tokens stand in the list of their account by when they expire. */
function byExpiry({ organizationId, clientId, expiresAtMs }: Doc) {
  const own = `tokens/${organizationId}/client/${clientId}`;
  const score = expiresAtMs === null ? Number.MAX_SAFE_INTEGER : asInteger(expiresAtMs);
  return (entry: IndexEntry): IndexEntry => (clientId !== null && entry.index === own ? { ...entry, score } : entry);
}

/** A token names its values; there is no list of them any more. */
function withoutValues(indexes: readonly IndexEntry[]): readonly IndexEntry[] {
  return indexes.filter(({ index }) => !index.startsWith('credentials/'));
}

/** The same for the same membership, and another one for another. */
function numberOf(membership: string): number {
  return 1 + (createHash('sha256').update(membership).digest().readUIntBE(0, 5) % (MEMBERSHIPS - 1));
}

function kindOf(key: string): string {
  const slash = key.indexOf('/');
  return slash === -1 ? 'credential' : key.slice(0, slash);
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('not a list');
  return value as unknown[];
}

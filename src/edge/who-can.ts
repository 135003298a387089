/**
 * Who could have a request let through: each token as it is, and a token that would fit made up for each member and service
 * account, put to the rules in force by decide() itself. Makes, changes and lists nothing.
 */
import type { Question } from '../core/decide.ts';
import { credentialKey, type Edition, type Role, type TokenHash, type TokenRecord, tokenKey } from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';
import type { Reason } from '../core/reason.ts';
import { StoredFacts } from '../store/cache/stored-facts.ts';
import type { FactSource } from '../store/store.ts';
import type { QuestionedRequest } from './explain-request.ts';
import { type Reading, type ReadingRules, readRequest } from './read-request.ts';

/** Whose token it would be. */
export type Holder =
  | { readonly type: 'member'; readonly id: string; readonly generation: number; readonly edition: Edition }
  | {
      readonly type: 'service-account';
      readonly id: string;
      readonly edition: Edition;
      readonly scopes: readonly string[];
    };

/** It is let through, up to what its body says where that matters. */
export interface Passes {
  /** In the workspace; null: none is asked for, or it is in the body. */
  readonly role: Role | null;
}

const HASH = 'who-can' as TokenHash;
const ID = 'tok_0';
/** Newer than everything that ends older tokens. */
const NEWEST = Number.MAX_SAFE_INTEGER;

export class WhoCan {
  readonly reading: Reading;
  /** Before any token was looked at; null: it is up to the token, or to nobody. */
  readonly refused: Reason | null;
  readonly #facts: StoredFacts;
  readonly #policy: Policy;
  readonly #nowMs: number;

  constructor(
    { method, target, host, address }: QuestionedRequest,
    rules: ReadingRules & { readonly policy: Policy },
    source: FactSource,
    nowMs: number,
  ) {
    const request = { method, target, minorVersion: 1, headers: ['Host', host], peerAddress: address ?? '' };
    this.reading = readRequest({ ...request, isClientUnknown: address === null }, rules);
    const reason = this.reading.refused?.reason ?? null;
    this.refused = reason === 'token_missing' ? null : reason;
    this.#facts = new StoredFacts(source);
    this.#policy = rules.policy;
    this.#nowMs = nowMs;
  }

  /** null: it is not. Rejects with StoreUnavailable. */
  async token(record: TokenRecord): Promise<Passes | null> {
    return this.#judge(record);
  }

  /** With a token that has every scope its owner may have, and reaches every workspace; null: not even then. */
  async holder(organizationId: string, holder: Holder): Promise<Passes | null> {
    const isMember = holder.type === 'member';
    const versions = this.reading.route?.requirement?.apiVersions ?? null;
    const record: TokenRecord = {
      ...{ organizationId, edition: holder.edition, id: ID, hash: HASH, replaced: null, kind: 'who-can' },
      ...{ authority: isMember ? 'live' : 'client', generation: NEWEST },
      ownerId: isMember ? holder.id : null,
      ownerGeneration: isMember ? holder.generation : null,
      clientId: isMember ? null : holder.id,
      scopes: isMember ? null : holder.scopes,
      ...{ workspaces: 'all-organization', roles: [], state: 'active', stateReason: null },
      ...{ createdAtMs: this.#nowMs, expiresAtMs: null, allowedAddresses: null },
      apiVersion: versions === null ? null : ([...versions][0] ?? null),
    };
    return this.#judge(record);
  }

  async #judge(record: TokenRecord): Promise<Passes | null> {
    const { requirement } = this.reading.route ?? {};
    if (this.refused !== null || requirement === null || requirement === undefined) return null;
    const keys = [tokenKey(record.organizationId, record.id), credentialKey(record.hash)] as const;
    this.#facts.put(keys[0], record);
    this.#facts.put(keys[1], { organizationId: record.organizationId, tokenId: record.id });
    const question: Question = { hash: record.hash, requirement, source: this.reading };
    const outcome = await this.#facts.decide(question, this.#policy, this.#nowMs);
    for (const key of keys) this.#facts.drop(key);
    if (outcome.kind === 'denied') return null;
    return { role: outcome.kind === 'allowed' ? outcome.role : null };
  }
}

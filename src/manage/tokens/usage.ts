/**
 * What the record of a token does not say: how it was used, which stores remember beside it, and whether its owner is still
 * where it is for. Judges nothing.
 */
import { memberKey, tokenKey, workspaceKey } from '../../core/facts.ts';
import { replacedUse, type ScopeUses } from '../../store/store.ts';
import { roleOf } from '../actor.ts';
import { type ManageContext, reader } from '../context.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { type FullReader, remembering } from './standing.ts';

export interface TokenUsage {
  readonly lastUsedAtMs: number | null;
  readonly scopes: ScopeUses;
  /** By the value that a rotation has replaced, and that still works. */
  readonly byReplaced: boolean;
  /** It works, and its owner is no member any more, or has no role in any workspace that it lists. */
  readonly isOwnerGone: boolean;
}

/** Of a new one. */
export const UNUSED: TokenUsage = {
  lastUsedAtMs: null,
  scopes: { days: new Map(), sinceDay: null },
  byReplaced: false,
  isOwnerGone: false,
};

/** In their order, of tokens as they stand. Rejects with StoreUnavailable. */
export async function usageOf(context: UsageContext, tokens: readonly TokenDoc[]): Promise<TokenUsage[]> {
  const keys = tokens.map(({ organizationId, id }) => tokenKey(organizationId, id));
  const [touched, used] = await Promise.all([context.store.touched(keys), context.store.scopesUsed(keys)]);
  const facts = remembering(reader(context.store));
  const all: TokenUsage[] = [];
  for (const [nth, doc] of tokens.entries()) {
    const { days, sinceDay } = used[nth]!;
    all.push({
      lastUsedAtMs: touched[nth]!,
      scopes: { days: new Map([...days].filter(([scope]) => !scope.startsWith('('))), sinceDay },
      byReplaced: doc.replaced !== null && days.has(replacedUse(doc.replaced.hash)),
      isOwnerGone: await isOwnerGone(facts, context, doc),
    });
  }
  return all;
}

export type UsageContext = Pick<ManageContext, 'store' | 'policy'>;

async function isOwnerGone(facts: FullReader, { policy }: UsageContext, doc: TokenDoc): Promise<boolean> {
  const { organizationId, ownerId, ownerGeneration, authority, workspaces } = doc;
  if (ownerId === null || doc.state !== 'active') return false;
  const owner = await facts.get('member', memberKey(organizationId, ownerId));
  if (owner === null || owner.generation !== ownerGeneration) return true;
  // The roles of a frozen token are its own; of an all-grant nobody knows which workspaces it is for.
  if (authority !== 'live' || typeof workspaces === 'string' || workspaces.length === 0) return false;
  for (const [id] of workspaces) {
    const workspace = await facts.get('workspace', workspaceKey(organizationId, id));
    const role = workspace === null ? null : await roleOf(facts, policy(), owner, workspace);
    if (role !== null && (role.joined ?? role.byOrganization) !== null) return false;
  }
  return true;
}

/**
 * Tokens as they stand: a record says what was last written, but its owner, its account or a workspace that it lists may
 * have ended since. The same rules as the decision's (core/decide), told of one record. Writes nothing.
 */
import { tokensFrom } from '../../core/decide.ts';
import {
  accountKey,
  environmentKey,
  memberKey,
  organizationKey,
  type Reference,
  workspaceKey,
} from '../../core/facts.ts';
import type { DocKind, DocReader, TokenDoc } from '../unit-of-work/records.ts';

/** Reads what was deleted and stays for a while, too. */
export interface FullReader extends DocReader {
  getEvenDeleted: DocReader['get'];
}

/** Asks for each thing once: tokens of one page have owners and workspaces in common. */
export function remembering({ get, getEvenDeleted }: FullReader): FullReader {
  const known = new Map<string, Promise<unknown>>();
  const once =
    <K extends DocKind>(read: FullReader['get'], prefix: string) =>
    (kind: K, key: string) => {
      const name = `${prefix} ${key}`;
      if (!known.has(name)) known.set(name, read(kind, key));
      return known.get(name) as never;
    };
  return { get: once(get, 'get'), getEvenDeleted: once(getEvenDeleted, 'any') };
}

/** null: it ended with its organization or with its account's tokens, and is as good as deleted. */
export async function standingOf(reader: FullReader, doc: TokenDoc): Promise<TokenDoc | null> {
  const organization = await reader.get('organization', organizationKey(doc.organizationId));
  if (organization === null || doc.generation < organization.generation) return null;
  if (doc.clientId !== null) {
    const account = await reader.get('account', accountKey(doc.organizationId, doc.clientId));
    return account === null || doc.generation < account.tokensFrom ? null : doc;
  }
  const places = await withoutGoneEnvironments(reader, await withoutDeleted(reader, doc));
  const listed = await withoutGoneContact(reader, places);
  if (doc.state === 'revoked') return listed;
  if (await endedByTransfer(reader, doc)) return { ...listed, state: 'revoked', stateReason: 'ownership_transferred' };
  if (doc.authority !== 'live') return listed;
  const owner = await reader.get('member', memberKey(doc.organizationId, doc.ownerId!));
  const isThere = owner !== null && owner.generation === doc.ownerGeneration;
  return isThere ? listed : { ...listed, state: 'inactive', stateReason: 'owner_removed' };
}

async function endedByTransfer(reader: FullReader, doc: TokenDoc): Promise<boolean> {
  for (const [id, generation] of listedIn(doc)) {
    const workspace = await reader.getEvenDeleted('workspace', workspaceKey(doc.organizationId, id));
    if (workspace === null || workspace.generation !== generation) continue;
    if (doc.generation < tokensFrom(workspace, doc.kind)) return true;
  }
  return false;
}

/** Only what is known to have been deleted: a record that is merely missing says nothing. */
async function withoutDeleted(reader: FullReader, doc: TokenDoc): Promise<TokenDoc> {
  const gone = new Set<string>();
  for (const [id, generation] of listedIn(doc)) {
    const workspace = await reader.getEvenDeleted('workspace', workspaceKey(doc.organizationId, id));
    if (workspace !== null && (workspace.deletedAtMs !== null || workspace.generation !== generation)) gone.add(id);
  }
  if (gone.size === 0) return doc;
  return {
    ...doc,
    workspaces: listedIn(doc).filter(([id]) => !gone.has(id)),
    roles: doc.roles.filter(([id]) => !gone.has(id)),
  };
}

/** Never all of them because of one that has gone: a list that is empty reaches none. */
async function withoutGoneEnvironments(reader: FullReader, doc: TokenDoc): Promise<TokenDoc> {
  if (!doc.environments) return doc;
  const kept: Reference[] = [];
  for (const [id, generation] of doc.environments) {
    const environment = await reader.get('environment', environmentKey(doc.organizationId, id));
    if (environment !== null && (environment.generation ?? 0) === generation) kept.push([id, generation]);
  }
  return kept.length === doc.environments.length ? doc : { ...doc, environments: kept };
}

/** A removed member is nobody's contact, and neither is the next bearer of their id. */
async function withoutGoneContact(reader: FullReader, doc: TokenDoc): Promise<TokenDoc> {
  const { primary, primaryGeneration, emails } = doc.contacts ?? { primary: null };
  if (primary === null) return doc;
  const member = await reader.get('member', memberKey(doc.organizationId, primary));
  const isThere = member !== null && (primaryGeneration === undefined || member.generation === primaryGeneration);
  return isThere ? doc : { ...doc, contacts: { primary: null, formerPrimary: primary, emails: emails ?? [] } };
}

function listedIn({ workspaces }: TokenDoc): readonly Reference[] {
  return typeof workspaces === 'string' ? [] : workspaces;
}

/**
 * Takes in tokens that another system minted, by the SHA-256 of their text, so that nobody needs a new one. The policy's
 * rules hold as for a token that is created. Never sees a token's text, and never lets a value live again that was ended.
 * Whoever imports a value makes its bearer act as the token's owner, so it is for administrators with an action of its
 * own, and they are told of what is here already that it is a conflict, and no more: not whose, nor where.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { isCurrent } from '../../core/decide.ts';
import { type CredentialRecord, credentialKey, type TokenHash, tokenKey } from '../../core/facts.ts';
import { hintMax, type TokenPattern } from '../../core/imported-token.ts';
import type { Policy } from '../../core/policy.ts';
import { MANAGE } from '../../core/scope.ts';
import { hashOfHex } from '../../secret.ts';
import { forbidden, type Rights, requireAdministrator } from '../actor.ts';
import { enter, type ManageContext, reader } from '../context.ts';
import { conflict, Rejection, type RejectionDetails, unacceptable } from '../rejection.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { change, type UnitOfWork, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { parseInstant } from './expiry.ts';
import { newToken, type TokenInput } from './new-token.ts';
import { standingOf } from './standing.ts';

/** Tokens and their workspaces of one commit: enough for speed, few enough for requests to get their turn meanwhile. */
const BATCH = 200;
/** Commits that wait for the disk at once. */
const AHEAD = 8;

/** What a shell hashes when its variable is not set. */
const OF_NOTHING: ReadonlyMap<string, string> = new Map([
  ['e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'an empty text'],
  ['01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b', "a mere line's end"],
]);

export interface ImportedToken extends TokenInput {
  /** Of the token's text, in hexadecimal. */
  readonly sha256: string;
  /** The token's first characters. */
  readonly hint?: string;
  /** When it was made, RFC 3339; absent: now. */
  readonly createdAt?: string;
}

export type ImportOutcome =
  | { readonly outcome: 'imported'; readonly doc: TokenDoc }
  /** It is here already. `differs`: what is not as it was asked for this time; nothing was changed. */
  | { readonly outcome: 'existing'; readonly doc: TokenDoc; readonly differs: readonly string[] }
  | { readonly outcome: 'refused'; readonly why: RejectionDetails };

export interface Imported {
  readonly outcomes: readonly ImportOutcome[];
  /** 0: nothing was written. */
  readonly revision: number;
}

/** One outcome for each token, in their order. Rejects where the caller or the organization is to blame. */
export async function importTokens(
  context: ManageContext,
  org: string,
  tokens: readonly ImportedToken[],
  patterns: readonly TokenPattern[],
  dryRun: boolean,
): Promise<Imported> {
  const { rights } = await enter(context, reader(context.store), org);
  if (context.actor.kind === 'token') throw forbidden('Tokens are imported with the admin key; a token never does it.');
  requireImporter(rights, context.policy());
  if (patterns.length === 0)
    throw conflict(
      'import_not_configured',
      'No gateway would look such a token up: import.patterns in gateway.yaml names no form.',
    );
  const made: Array<Promise<WorkResult<ImportOutcome[]>>> = [];
  try {
    for (const batch of batches(tokens)) {
      const work = (unit: UnitOfWork) => importBatch(context, unit, org, batch, patterns);
      // Each has its turn behind the one before, which need not be durable by then.
      const making = change(context, org, work, { dryRun });
      // Heard of below, where it is waited for.
      making.catch(() => undefined);
      made.push(making);
      await made.at(-AHEAD);
      await breathe();
    }
    const worked = await Promise.all(made);
    return {
      outcomes: worked.flatMap(({ value }) => value),
      revision: Math.max(...worked.map((each) => each.revision)),
    };
  } finally {
    // Where one was refused nothing goes on unseen.
    await Promise.allSettled(made);
  }
}

function* batches(tokens: readonly ImportedToken[]): Generator<readonly ImportedToken[]> {
  let start = 0;
  let weight = 0;
  for (const [index, { workspaces, environments }] of tokens.entries()) {
    const own = 1 + (Array.isArray(workspaces) ? workspaces.length : 0) + (environments?.length ?? 0);
    if (index > start && weight + own > BATCH) {
      yield tokens.slice(start, index);
      [start, weight] = [index, 0];
    }
    weight += own;
  }
  yield tokens.slice(start);
}

function requireImporter(rights: Rights, { importAction, name }: Policy): void {
  if (rights.member === null) return;
  requireAdministrator(rights, 'import tokens');
  if (importAction === null)
    throw forbidden(`Only the admin key imports tokens: the policy ${name} names no importAction.`);
  if (!rights.actions.has(importAction)) throw forbidden(`${rights.member.id} needs the action ${importAction}.`);
}

async function importBatch(
  context: ManageContext,
  unit: UnitOfWork,
  org: string,
  batch: readonly ImportedToken[],
  patterns: readonly TokenPattern[],
): Promise<ImportOutcome[]> {
  const outcomes: ImportOutcome[] = [];
  // Those who import may have changed meanwhile.
  requireImporter((await enter(context, unit, org)).rights, context.policy());
  for (const token of batch) {
    try {
      outcomes.push(await importOne(context, unit, org, token, patterns));
    } catch (error) {
      if (!(error instanceof Rejection) || error.details.kind === 'forbidden') throw error;
      outcomes.push({ outcome: 'refused', why: error.details });
    }
  }
  return outcomes;
}

/** Writes only once nothing can be refused any more. */
async function importOne(
  context: ManageContext,
  unit: UnitOfWork,
  org: string,
  { sha256, hint, createdAt, ...input }: ImportedToken,
  patterns: readonly TokenPattern[],
): Promise<ImportOutcome> {
  const nothing = OF_NOTHING.get(sha256);
  if (nothing !== undefined)
    throw unacceptable(
      'value_empty',
      'sha256',
      `This is the hash of ${nothing}: the token was not there when it was made.`,
    );
  const hash = hashOfHex(sha256);
  const known = await unit.get('credential', credentialKey(hash));
  if (known !== null) return existing(context, unit, org, hash, known, { ...input, hint });
  if (hint !== undefined) checkHint(hint, patterns);
  if (input.scopes?.includes(MANAGE))
    throw unacceptable(
      'scope_not_importable',
      'scopes',
      `An imported token cannot have ${MANAGE}; create one that manages tokens.`,
    );
  const nowMs = context.nowMs();
  const createdAtMs = createdAt === undefined ? null : parseInstant(createdAt, 'createdAt');
  if (createdAtMs !== null && createdAtMs > nowMs)
    throw unacceptable('created_in_future', 'createdAt', 'createdAt must not be in the future.');
  const shown = hint === undefined ? null : `${hint}…`;
  const doc = await newToken(context, unit, org, input, () => ({ hash, hint: shown }), createdAtMs);
  unit.make('token', doc, 'imported');
  unit.make('credential', { organizationId: org, tokenId: doc.id, imported: true }, 'imported', doc);
  return { outcome: 'imported', doc };
}

function checkHint(hint: string, patterns: readonly TokenPattern[]): void {
  const max = hintMax(hint, patterns);
  if (max === null)
    throw unacceptable('hint_unmatched', 'hint', 'No form in import.patterns of gateway.yaml begins like this hint.');
  if (hint.length > max)
    throw unacceptable(
      'hint_too_long',
      'hint',
      `This hint would show too much of the token: ${max} characters at most.`,
    );
}

async function existing(
  context: ManageContext,
  unit: UnitOfWork,
  org: string,
  hash: TokenHash,
  known: CredentialRecord,
  asked: Omit<ImportedToken, 'sha256' | 'createdAt' | 'hint'> & { readonly hint: string | undefined },
): Promise<ImportOutcome> {
  if (context.actor.kind !== 'operator') throw conflict('conflict', 'This value is known already.');
  if (known.organizationId !== org)
    throw conflict('value_taken', 'A token of another organization has this value already.');
  if (known.imported !== true)
    throw conflict('value_taken', `This is the value of ${known.tokenId}, which was made here.`);
  const stored = await unit.get('token', tokenKey(org, known.tokenId));
  const doc = stored === null ? null : await standingOf(unit, stored);
  if (doc === null || !isCurrent(doc, hash, context.nowMs()))
    throw conflict('value_ended', `This value was imported as ${known.tokenId} and has ended, which is for ever.`);
  return { outcome: 'existing', doc, differs: differences(doc, asked) };
}

/** Of what was asked for in so many words. What the policy works out (an owner's `all`, days from now) is not compared. */
function differences(doc: TokenDoc, asked: Parameters<typeof existing>[5]): string[] {
  const { workspaces, expiresAt, neverExpires, hint } = asked;
  const pairs: Array<readonly [string, unknown, unknown]> = [
    ['kind', asked.kind, doc.kind],
    ['name', asked.name, doc.name],
    ['description', asked.description, doc.description],
    ['owner', asked.owner, doc.ownerId],
    ['scopes', sorted(asked.scopes), sorted(doc.scopes)],
    ['workspaces', workspaces === 'all' ? undefined : sorted(workspaces), sorted(idsOf(doc.workspaces))],
    ['environments', sorted(asked.environments), sorted(doc.environments?.map(([id]) => id) ?? null)],
    ['expiresAt', expiresAt === undefined ? undefined : Date.parse(expiresAt), doc.expiresAtMs],
    ['neverExpires', neverExpires, doc.expiresAtMs === null],
    ['hint', hint === undefined ? undefined : `${hint}…`, doc.hint],
    ['apiVersion', asked.apiVersion, doc.apiVersion],
    ['allowedAddresses', sorted(asked.allowedAddresses), sorted(doc.allowedAddresses ?? null)],
  ];
  return pairs.filter(([, wanted, is]) => wanted !== undefined && wanted !== is).map(([name]) => name);
}

function idsOf(workspaces: TokenDoc['workspaces']): readonly string[] | string {
  return typeof workspaces === 'string' ? workspaces : workspaces.map(([id]) => id);
}

/** Lists as texts, in one order. */
function sorted<T>(list: T | readonly string[]): T | string {
  return Array.isArray(list) ? JSON.stringify([...new Set(list as string[])].sort()) : (list as T);
}

/**
 * What happens to a token whose text was found in public: a line in the audit trail, and what the operator has decided for
 * such a token. Believes what it is told; that a report is genuine is found out before. Never keeps the text.
 */
import { isCurrent } from '../../core/decide.ts';
import { type TokenHash, tokenKey } from '../../core/facts.ts';
import { withoutTokens } from '../../core/token-format.ts';
import { OPERATOR } from '../actor.ts';
import type { ManageContext } from '../context.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { change, type UnitOfWork, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { findTokenByHash } from './access-tokens.ts';
import { standingOf } from './standing.ts';
import { dropValue } from './token-changes.ts';

export type LeakAction = 'report' | 'deactivate' | 'revoke';

/** One place where a token was found, as whoever found it says. */
export interface Leak {
  readonly hash: TokenHash;
  /** Which key has signed the report. */
  readonly signedBy: string;
  readonly type: string;
  readonly url: string;
  readonly source: string;
}

/** Far more than an address of a line in a repository has; less than would fill a trail. */
const SHOWN_MAX = 500;

/** null: it is no token's value, or none any more. A report that comes again changes nothing, and leaves a line again. */
export async function reportLeak(
  context: Omit<ManageContext, 'actor'>,
  leak: Leak,
  action: LeakAction,
): Promise<WorkResult<TokenDoc> | null> {
  const found = await findTokenByHash(context.store, leak.hash, context.nowMs());
  if (found === null) return null;
  const work = async (unit: UnitOfWork) => {
    const stored = await unit.get('token', tokenKey(found.organizationId, found.id));
    const before = stored === null ? null : await standingOf(unit, stored);
    // Deleted or replaced since it was looked for: whoever did it knows.
    if (before === null || !isCurrent(before, leak.hash, context.nowMs())) return null;
    const value = before.hash === leak.hash ? 'current' : 'replaced';
    const { type, url, source } = leak;
    const after = { value, action, type: shown(type), url: shown(url), source: shown(source) };
    unit.note({ action: 'token.leaked', target: { type: 'token', id: before.id }, after });
    if (action === 'report') return before;
    return value === 'replaced' ? endGrace(unit, before) : end(unit, before, action);
  };
  const actor = { kind: 'leak-report', id: leak.signedBy, tokenId: null } as const;
  const { value, revision } = await change({ ...context, actor: OPERATOR }, found.organizationId, work, {
    ends: true,
    actor,
  });
  return value === null ? null : { value, revision };
}

/** Its owner has replaced it already: what replaced it has not leaked, and goes on. */
async function endGrace(unit: UnitOfWork, before: TokenDoc): Promise<TokenDoc> {
  await dropValue(unit, before.replaced!.hash);
  const after = { ...before, replaced: null };
  unit.put('token', after);
  return after;
}

function end(unit: UnitOfWork, before: TokenDoc, action: 'deactivate' | 'revoke'): TokenDoc {
  const ended = action === 'deactivate' ? before.state !== 'active' : before.state === 'revoked';
  if (ended) return before;
  const after: TokenDoc = { ...before, state: action === 'deactivate' ? 'inactive' : 'revoked', stateReason: null };
  unit.put('token', after);
  return after;
}

/** The address may hold the token itself. */
function shown(text: string): string {
  const said = withoutTokens(text);
  return said.length > SHOWN_MAX ? `${said.slice(0, SHOWN_MAX)}…` : said;
}

/** What of a token's use is worth a look. */
import { expect, it } from 'vitest';
import type { TokenHash } from '../../src/core/facts.ts';
import { DAY_MS } from '../../src/core/policy.ts';
import { findingsOf } from '../../src/manage/tokens/findings.ts';
import type { TokenUsage } from '../../src/manage/tokens/usage.ts';
import type { TokenDoc } from '../../src/manage/unit-of-work/records.ts';

const TODAY = 20_000;
const NOW_MS = TODAY * DAY_MS + 1000;
const ago = (days: number) => NOW_MS - days * DAY_MS;

const token = (more: Partial<TokenDoc> = {}) =>
  ({
    ...{ state: 'active', createdAtMs: ago(400), expiresAtMs: ago(-30), scopes: ['bot:read', 'chat:write'] },
    ...{ workspaces: [], clientId: null, replaced: null },
    ...more,
  }) as TokenDoc;
const used = (lastDays: number | null, days: Record<string, number> = {}, since: number | null = 200): TokenUsage => ({
  lastUsedAtMs: lastDays === null ? null : ago(lastDays),
  scopes: {
    days: new Map(Object.entries(days).map(([scope, back]) => [scope, TODAY - back])),
    sinceDay: since === null ? null : TODAY - since,
  },
  byReplaced: false,
  isOwnerGone: false,
});
const both = { 'bot:read': 1, 'chat:write': 89 };

const IN_GRACE = { hash: 'h' as TokenHash, endsAtMs: NOW_MS + 1 };
const OUT = { hash: 'h' as TokenHash, endsAtMs: NOW_MS };

it.each([
  ['in use, with all that it has', token(), used(1, both), []],
  ['in use, with less than it has', token(), used(1, { 'bot:read': 1 }), ['unused_scopes']],
  [
    'in use, with a scope that was used too long ago',
    token(),
    used(1, { ...both, 'chat:write': 91 }),
    ['unused_scopes'],
  ],
  ['in use, but watched for less than the window', token(), used(1, { 'bot:read': 1 }, 89), []],
  ['in use, and never watched', token(), used(1, {}, null), []],
  ['in use, and younger than the window', token({ createdAtMs: ago(80) }), used(1, { 'bot:read': 1 }), []],
  ["with its owner's scopes", token({ scopes: null }), used(1, { 'bot:read': 1 }), []],
  ['used too long ago', token(), used(91, both), ['dormant']],
  ['never used', token(), used(null), ['never_used']],
  ['never used, and young', token({ createdAtMs: ago(89) }), used(null), []],
  ['without an end', token({ expiresAtMs: null }), used(1, both), ['never_expires']],
  ['in use, and ending within a week', token({ expiresAtMs: ago(-6) }), used(1, both), ['expires_soon_in_use']],
  ['for every workspace', token({ workspaces: 'all-joined' }), used(1, both), ['broad_workspaces']],
  [
    "of a service account, which has the whole organization's",
    token({ workspaces: 'all-organization', clientId: 'c', ownerId: null }),
    used(1, both),
    [],
  ],
  ['whose owner has gone', token(), { ...used(1, both), isOwnerGone: true }, ['owner_inactive']],
  [
    'that is used by its old value',
    token({ replaced: IN_GRACE }),
    { ...used(1, both), byReplaced: true },
    ['rotated_value_in_use'],
  ],
  ['that was, until the grace ended', token({ replaced: OUT }), { ...used(1, both), byReplaced: true }, []],
  ['ended', token({ expiresAtMs: ago(1) }), used(null), []],
  ['revoked', token({ state: 'revoked', expiresAtMs: null }), used(null), []],
] as const)('a token %s: %#', (_, doc, usage, found) => {
  expect(findingsOf(doc, usage, NOW_MS)).toEqual(found);
});

it('the window is the one that is asked for', () => {
  expect(findingsOf(token(), used(40, both), NOW_MS, 30)).toEqual(['dormant']);
  expect(findingsOf(token(), used(20, { 'bot:read': 20, 'chat:write': 31 }), NOW_MS, 30)).toEqual(['unused_scopes']);
});

/** The grammar of scopes and its one implication. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptedScopes, compileScopes, covers, SCOPE_PATTERN, satisfies } from '../../src/core/scope.ts';
import { assertForSeeds } from '../support/chance.ts';

describe('the grammar', () => {
  it.each(['bot:read', 'a:b', 'workflow_runs:write', 'x-1:y_2', `${'a'.repeat(63)}:${'b'.repeat(63)}`])(
    '%s is a scope',
    (scope) => {
      expect(scope).toMatch(new RegExp(SCOPE_PATTERN));
    },
  );

  it.each(['createConversation', 'Bot.getMetadata', 'Connector.botChat', 'ManageFeatureFlag', 'a.b.c.d'])(
    '%s is one, in the words of another system',
    (scope) => {
      expect(scope).toMatch(new RegExp(SCOPE_PATTERN));
      expect(acceptedScopes(scope)).toEqual([scope]);
    },
  );

  it.each([
    '',
    'bot:',
    ':read',
    'Bot:read',
    'bot:Read',
    'bot.x:read',
    'bot/x:read',
    '../bot:read',
    'bot%2f:read',
    '.',
    '..',
    'Bot..edit',
    '.edit',
    'Bot.',
    'Bot/edit',
    'Bot.*',
    'a.b.c.d.e',
  ])('%j is none', (scope) => {
    expect(scope).not.toMatch(new RegExp(SCOPE_PATTERN));
  });

  it.each([
    'bot:*',
    '*:read',
    'bot:read:x',
    'bot read',
    'bot:read ',
    'bot:read\n',
    '1bot:read',
    `${'a'.repeat(64)}:read`,
  ])('%j is none either', (scope) => {
    expect(scope).not.toMatch(new RegExp(SCOPE_PATTERN));
  });
});

describe('write implies read', () => {
  it('on the same resource, and nothing else does', () => {
    expect(acceptedScopes('bot:read')).toEqual(['bot:read', 'bot:write']);
    expect(acceptedScopes('bot:write')).toEqual(['bot:write']);
    expect(acceptedScopes('bot:publish')).toEqual(['bot:publish']);
    expect(acceptedScopes('bot:re:read')).toEqual(['bot:re:read', 'bot:re:write']);
  });

  it('in what may be handed on', () => {
    expect(covers(new Set(['bot:write']), 'bot:read')).toBe(true);
    expect(covers(new Set(['bot:read']), 'bot:write')).toBe(false);
    expect(covers('all', 'anything:at-all')).toBe(true);
    expect(covers(new Set(), 'bot:read')).toBe(false);
  });
});

it('a requirement is met exactly when each scope asked for is held by both, in its own right or by write', async () => {
  const names = ['a:read', 'a:write', 'b:read', 'b:write', 'b:run'];
  const some = fc.subarray(names);
  const held = fc.oneof(some, fc.constant('all' as const));
  const holds = (set: readonly string[] | 'all', scope: string) =>
    set === 'all' || set.includes(scope) || (scope.endsWith(':read') && set.includes(scope.replace(':read', ':write')));
  const setOf = (list: readonly string[] | 'all') => (list === 'all' ? list : new Set(list));
  await assertForSeeds(
    fc.property(fc.subarray(names, { minLength: 1 }), fc.boolean(), held, held, (asked, all, left, right) => {
      const each = asked.map((scope) => holds(left, scope) && holds(right, scope));
      expect(satisfies(compileScopes(asked, all), setOf(left), setOf(right))).toBe(
        all ? each.every(Boolean) : each.some(Boolean),
      );
    }),
    { numRuns: 2000 },
  );
});

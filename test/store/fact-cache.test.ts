/** What the cache of facts promises: one look-up for many, changes win, memory is bounded, doubt is never kept. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DecisionRules } from '../../src/core/decide.ts';
import type { Reason } from '../../src/core/reason.ts';
import { judge } from '../../src/edge/judge.ts';
import { FactCache, type FactCacheOptions } from '../../src/store/cache/fact-cache.ts';
import type { Loaded } from '../../src/store/cache/fact-view.ts';
import type { FactSource, Lookup } from '../../src/store/store.ts';
import { attack } from '../conformance/attack.ts';

const workspace = (id: string, ownerId = 'ann') => ({
  organizationId: 'acme',
  id,
  ownerId,
  generation: 1,
  ownerGeneration: 1,
  transferredIn: null,
  tokensFrom: [],
  deletedAtMs: null,
});
const keyOf = (id: string) => `workspace/acme/${id}`;
const found = (record: unknown): Lookup => ({ kind: 'found', record });
const ABSENT: Lookup = { kind: 'absent' };
const UNAVAILABLE: Lookup = { kind: 'unavailable', cause: new Error('down') };

/** A store whose answers are given when the test says so. */
class SlowSource implements FactSource {
  readonly reads: string[] = [];
  readonly #open: Array<(lookup: Lookup) => void> = [];

  read(key: string): Promise<Lookup> {
    this.reads.push(key);
    return new Promise((resolve) => this.#open.push(resolve));
  }

  /** Answers the oldest read that is still open. */
  answer(lookup: Lookup): void {
    this.#open.shift()!(lookup);
  }

  /** Answers the read at this place, however many were asked before it. */
  answerNth(index: number, lookup: Lookup): void {
    this.#open[index]!(lookup);
  }
}

/** A store that answers at once, as an embedded one does. */
class QuickSource implements FactSource {
  readonly records = new Map<string, Lookup>();
  readonly reads: string[] = [];

  read(key: string): Lookup {
    this.reads.push(key);
    return this.records.get(key) ?? ABSENT;
  }
}

const OPTIONS = { maxEntries: 10_000, absentTtlMs: 5000, maxStalenessMs: 2000 };

// The cache library reads its clock through timers of its own, so time as a whole is held still.
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function cacheOn(source: FactSource, options: Partial<FactCacheOptions> = {}): FactCache {
  const cache = new FactCache(source, { ...OPTIONS, monotonicMs: () => Date.now(), ...options });
  cache.caughtUp(0);
  return cache;
}

/** Date is held still, so both clocks read it. */
const CLOCK = { nowMs: () => Date.now(), monotonicMs: () => Date.now() };
const MOMENT = { nowMs: 1_000_000, monotonicMs: 1_000_000 };

const known = (fact: unknown): Loaded => ({ kind: 'known', fact: fact as never });

describe('one look-up for many', () => {
  it('500 waiters for one fact cause one read, and all get the answer', async () => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    const waiters = Array.from({ length: 500 }, () => cache.load(keyOf('w')));
    source.answer(found(workspace('w')));
    expect(await Promise.all(waiters)).toEqual(Array(500).fill(known(workspace('w'))));
    expect(source.reads).toEqual([keyOf('w')]);
  });

  it.each([
    ['', 0],
    [' while the feed is silent', 60_000],
  ])('500 requests with one unknown token cause one read%s, and all are refused', async (_when, passedMs) => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    vi.advanceTimersByTime(passedMs);
    const question = {
      hash: 'HASH' as never,
      requirement: {
        scopes: null,
        apiVersions: null,
        workspace: null,
        environment: null,
        resource: null,
        bodyFields: null,
      },
      source: { segments: [], query: '', headers: [], address: null },
    };
    const at = { nowMs: Date.now(), monotonicMs: Date.now() };
    const asked = Array.from({ length: 500 }, () =>
      judge(
        question,
        { iam: null, organizationRoles: new Map(), endedByTransfer: new Set<string>() },
        cache,
        at,
        CLOCK,
      ),
    );
    source.answer(ABSENT);
    const reasons = (await Promise.all(asked)).map((outcome) => (outcome as { reason: Reason }).reason);
    expect(reasons).toEqual(Array(500).fill('token_unknown'));
    expect(source.reads).toEqual(['HASH']);
  });

  it('different facts are read side by side', async () => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    const both = [cache.load(keyOf('a')), cache.load(keyOf('b'))];
    source.answer(found(workspace('a')));
    source.answer(ABSENT);
    expect(await Promise.all(both)).toEqual([known(workspace('a')), known(null)]);
  });

  it('a fact that is at hand is not read again', () => {
    const source = new QuickSource();
    source.records.set(keyOf('w'), found(workspace('w')));
    const cache = cacheOn(source);
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
    expect(cache.load(keyOf('w'))).toEqual(known(workspace('w')));
    for (let count = 0; count < 100; count++) expect(cache.peek('workspace', keyOf('w'))).toEqual(workspace('w'));
    expect(source.reads).toHaveLength(1);
    expect(cache.stats).toEqual({ present: 1, absent: 0, hits: 100, misses: 1 });
  });

  it('an outage during a shared read is answered to all and then asked anew', async () => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    const waiters = [cache.load(keyOf('w')), cache.load(keyOf('w'))];
    source.answer(UNAVAILABLE);
    expect(await Promise.all(waiters)).toEqual([UNAVAILABLE, UNAVAILABLE]);
    const again = cache.load(keyOf('w'));
    source.answer(found(workspace('w')));
    expect(await again).toEqual(known(workspace('w')));
  });
});

describe('a change', () => {
  it('is seen by the very next look', () => {
    const source = new QuickSource();
    source.records.set(keyOf('w'), found(workspace('w', 'ann')));
    const cache = cacheOn(source);
    void cache.load(keyOf('w'));
    source.records.set(keyOf('w'), found(workspace('w', 'bob')));
    cache.changed({ revision: 2, keys: ['lock/acme', keyOf('w')], committedAtMs: 0 });
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
    expect(cache.load(keyOf('w'))).toEqual(known(workspace('w', 'bob')));
  });

  it('of another record touches nothing else', () => {
    const source = new QuickSource();
    source.records.set(keyOf('w'), found(workspace('w')));
    const cache = cacheOn(source);
    void cache.load(keyOf('w'));
    cache.changed({ revision: 2, keys: [keyOf('v')], committedAtMs: 0 });
    expect(cache.peek('workspace', keyOf('w'))).toEqual(workspace('w'));
  });

  it('brings into being what was known not to exist', () => {
    const source = new QuickSource();
    const cache = cacheOn(source);
    expect(cache.load(keyOf('w'))).toEqual(known(null));
    expect(cache.peek('workspace', keyOf('w'))).toBeNull();
    source.records.set(keyOf('w'), found(workspace('w')));
    cache.changed({ revision: 2, keys: [keyOf('w')], committedAtMs: 0 });
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
    expect(cache.load(keyOf('w'))).toEqual(known(workspace('w')));
  });

  attack({
    name: 'a revocation that lands while the record is being read is not overwritten by what was read',
    outcome: 'what was read is thrown away and asked for anew',
    sources: [],
  })(() => {
    it('a revocation that lands during a slow read is not undone by it', async () => {
      const source = new SlowSource();
      const cache = cacheOn(source);
      const slow = cache.load(keyOf('w'));
      cache.changed({ revision: 2, keys: [keyOf('w')], committedAtMs: 0 });
      source.answer(found(workspace('w', 'before')));
      expect(await slow).toEqual({ kind: 'outdated' });
      expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
    });
  });

  it('during a slow read makes the next one ask anew, and the late answer of the old one is nobody’s', async () => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    const old = cache.load(keyOf('w'));
    cache.changed({ revision: 2, keys: [keyOf('w')], committedAtMs: 0 });
    const fresh = cache.load(keyOf('w'));
    const alsoFresh = cache.load(keyOf('w'));
    expect(source.reads).toHaveLength(2);
    source.answer(found(workspace('w', 'before')));
    expect(await old).toEqual({ kind: 'outdated' });
    source.answer(found(workspace('w', 'after')));
    expect([await fresh, await alsoFresh]).toEqual([known(workspace('w', 'after')), known(workspace('w', 'after'))]);
    expect(cache.peek('workspace', keyOf('w'))).toEqual(workspace('w', 'after'));
  });

  it('during a slow read does not keep an old absence either', async () => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    const slow = cache.load(keyOf('w'));
    cache.changed({ revision: 2, keys: [keyOf('w')], committedAtMs: 0 });
    source.answer(ABSENT);
    expect(await slow).toEqual({ kind: 'outdated' });
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
  });

  it('a loss of notices forgets everything, slow reads included', async () => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    const first = cache.load(keyOf('a'));
    source.answer(found(workspace('a')));
    await first;
    const absent = cache.load(keyOf('b'));
    source.answer(ABSENT);
    await absent;
    const slow = cache.load(keyOf('c'));
    cache.flushed();
    source.answer(found(workspace('c')));
    expect(await slow).toEqual({ kind: 'outdated' });
    for (const id of ['a', 'b', 'c']) expect(cache.peek('workspace', keyOf(id)), id).toBeUndefined();
    expect(cache.stats).toMatchObject({ present: 0, absent: 0 });
  });
});

describe('an answer that comes too late for those who waited', () => {
  const PATIENCE_MS = 200;
  const askInVain = async (cache: FactCache, key: string) => {
    const asked = cache.load(key);
    vi.advanceTimersByTime(PATIENCE_MS);
    await expect(asked).resolves.toMatchObject({ kind: 'unavailable' });
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('is at hand for the next one: a crowd that comes back after an outage gets through', async () => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    await askInVain(cache, keyOf('w'));
    source.answer(found(workspace('w')));
    await turn();
    expect(cache.peek('workspace', keyOf('w'))).toMatchObject({ id: 'w' });
  });

  it('is dropped where anything has changed since it was asked for', async () => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    await askInVain(cache, keyOf('w'));
    cache.changed({ revision: 2, keys: [keyOf('w')], committedAtMs: 0 });
    source.answer(found(workspace('w')));
    await turn();
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
  });

  it('never replaces what was read after it, nor says that something does not exist', async () => {
    const source = new SlowSource();
    const cache = cacheOn(source);
    const inVain = [cache.load(keyOf('w')), cache.load(keyOf('x'))];
    vi.advanceTimersByTime(PATIENCE_MS);
    await Promise.all(inVain);
    cache.caughtUp(1);
    const again = cache.load(keyOf('w'));
    const newest = source.reads.length;
    source.answerNth(newest - 1, found(workspace('w', 'bob')));
    await again;
    source.answerNth(0, found(workspace('w', 'ann')));
    source.answerNth(1, ABSENT);
    await turn();
    expect(cache.peek('workspace', keyOf('w'))).toMatchObject({ ownerId: 'bob' });
    expect(cache.peek('workspace', keyOf('x'))).toBeUndefined();
  });
});

describe('what does not exist', () => {
  it('is believed for a while and then asked again', () => {
    const source = new QuickSource();
    const cache = cacheOn(source);
    void cache.load(keyOf('w'));
    vi.advanceTimersByTime(4999);
    expect(cache.peek('workspace', keyOf('w'))).toBeNull();
    vi.advanceTimersByTime(2);
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
  });

  it('is not believed any longer for being asked about', () => {
    const cache = cacheOn(new QuickSource());
    void cache.load(keyOf('w'));
    for (let count = 0; count < 51; count++) {
      vi.advanceTimersByTime(100);
      cache.peek('workspace', keyOf('w'));
    }
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
  });

  it('is asked every time where the configuration says so, and still gives a verdict', () => {
    const source = new QuickSource();
    const cache = cacheOn(source, { absentTtlMs: 0 });
    void cache.load(keyOf('w'));
    expect(cache.peek('workspace', keyOf('w'))).toBeNull();
    vi.advanceTimersByTime(2);
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
  });

  it('takes a tenth of the room, and none from what does exist', () => {
    const source = new QuickSource();
    source.records.set(keyOf('real'), found(workspace('real')));
    const cache = cacheOn(source);
    void cache.load(keyOf('real'));
    for (let index = 0; index < 50_000; index++) void cache.load(`junk-${index}`);
    expect(cache.stats).toMatchObject({ present: 1, absent: 1000 });
    expect(cache.peek('workspace', keyOf('real'))).toEqual(workspace('real'));
    expect(cache.peek('credential', 'junk-49999')).toBeNull();
    expect(cache.peek('credential', 'junk-0')).toBeUndefined();
  });
});

describe('room', () => {
  it('is bounded: the fact unused for longest goes first', () => {
    const source = new QuickSource();
    const cache = cacheOn(source, { maxEntries: 2000 });
    for (let index = 0; index < 2500; index++) {
      source.records.set(keyOf(`w${index}`), found(workspace(`w${index}`)));
      void cache.load(keyOf(`w${index}`));
      cache.peek('workspace', keyOf('w0'));
    }
    expect(cache.stats.present).toBe(2000);
    expect(cache.peek('workspace', keyOf('w0'))).toEqual(workspace('w0'));
    expect(cache.peek('workspace', keyOf('w1'))).toBeUndefined();
    expect(cache.peek('workspace', keyOf('w2499'))).toEqual(workspace('w2499'));
  });

  it('is always enough for one decision, however small it was configured', async () => {
    const source = new QuickSource();
    const put = (key: string, record: unknown) => source.records.set(key, found(record));
    put('HASH', { organizationId: 'acme', tokenId: 'tok' });
    put('token/acme/tok', {
      ...{ organizationId: 'acme', edition: 'team', id: 'tok', kind: 'k', authority: 'live', ownerId: 'ann' },
      ...{
        generation: 1,
        hash: 'HASH',
        replaced: null,
        ownerGeneration: 1,
        clientId: null,
        scopes: ['a:read'],
        workspaces: 'all-joined',
        roles: [],
      },
      ...{ state: 'active', stateReason: null, createdAtMs: 1, expiresAtMs: null },
    });
    const teams = Array.from({ length: 100 }, (_, index) => [`t${index}`, 1]);
    put('member/acme/ann', {
      ...{ organizationId: 'acme', edition: 'team', id: 'ann', generation: 1, role: 'member', scopes: null },
      ...{ teams, assignments: [] },
    });
    for (const [team] of teams)
      put(`team/acme/${team}`, { generation: 1, assignments: team === 't99' ? [['w', 'member', 1]] : [] });
    put('organization/acme', { id: 'acme', generation: 1, deletedAtMs: null });
    put(keyOf('w'), workspace('w', 'bob'));
    const question = {
      hash: 'HASH' as never,
      requirement: {
        scopes: null,
        apiVersions: null,
        workspace: { as: 'workspace', selector: { from: 'query', name: 'ws' }, role: 'member' },
        environment: null,
        resource: null,
        bodyFields: null,
      },
      source: { segments: [], query: '?ws=w', headers: [], address: null },
    } as const;
    const rules: DecisionRules = { organizationRoles: new Map(), iam: null, endedByTransfer: new Set() };
    const outcome = await judge(question, rules, cacheOn(source, { maxEntries: 1 }), MOMENT, CLOCK);
    expect(outcome).toMatchObject({ kind: 'allowed', role: 'member' });
  });
});

describe('a shortcut', () => {
  const environment = (id: string, organization = 'acme') => `environment/${organization}/${id}`;

  /** The workspace that an environment leads to, the way a decision goes. */
  function workspaceOf(cache: FactCache, organization = 'acme') {
    const inside = cache.peekIn('environment', organization, 'e')!;
    return cache.follow(inside.workspace);
  }

  function ready(options = {}): { source: QuickSource; cache: FactCache } {
    const source = new QuickSource();
    source.records.set(environment('e'), found({ workspaceId: 'w', workspaceGeneration: 1 }));
    source.records.set(keyOf('w'), found(workspace('w', 'ann')));
    const cache = cacheOn(source, options);
    for (const key of [environment('e'), keyOf('w')]) void cache.load(key);
    expect(workspaceOf(cache)).toEqual(workspace('w', 'ann'));
    return { source, cache };
  }

  it('saves the look-up and reads nothing', () => {
    const { source, cache } = ready();
    for (let count = 0; count < 10; count++) expect(workspaceOf(cache)).toEqual(workspace('w', 'ann'));
    expect(source.reads).toHaveLength(2);
  });

  it('never leads to what a change has ended', () => {
    const { source, cache } = ready();
    source.records.set(keyOf('w'), found(workspace('w', 'bob')));
    cache.changed({ revision: 2, keys: [keyOf('w')], committedAtMs: 0 });
    expect(workspaceOf(cache)).toBeUndefined();
    void cache.load(keyOf('w'));
    expect(workspaceOf(cache)).toEqual(workspace('w', 'bob'));
  });

  it('to an environment that was deleted ends with the change that deleted it', () => {
    const { source, cache } = ready();
    source.records.delete(environment('e'));
    cache.changed({ revision: 2, keys: [environment('e')], committedAtMs: 0 });
    expect(cache.peekIn('environment', 'acme', 'e')).toBeUndefined();
    void cache.load(environment('e'));
    expect(cache.peekIn('environment', 'acme', 'e')).toBeNull();
  });

  it('to a fact that a full cache has dropped still ends with its change', () => {
    const { source, cache } = ready({ maxEntries: 1 });
    for (let index = 0; index < 5000; index++) {
      source.records.set(keyOf(`x${index}`), found(workspace(`x${index}`)));
      void cache.load(keyOf(`x${index}`));
    }
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
    source.records.set(keyOf('w'), found(workspace('w', 'bob')));
    cache.changed({ revision: 2, keys: [keyOf('w'), environment('e')], committedAtMs: 0 });
    expect(cache.peekIn('environment', 'acme', 'e')).toBeUndefined();
    for (const key of [environment('e'), keyOf('w')]) void cache.load(key);
    expect(workspaceOf(cache)).toEqual(workspace('w', 'bob'));
  });

  it('ends when notices were lost', () => {
    const { cache } = ready();
    cache.flushed();
    expect(cache.peekIn('environment', 'acme', 'e')).toBeUndefined();
  });

  it('keeps two organizations with an environment of one id apart', () => {
    const { source, cache } = ready();
    expect(cache.peekIn('environment', 'beta', 'e')).toBeUndefined();
    source.records.set(environment('e', 'beta'), found({ workspaceId: 'v', workspaceGeneration: 1 }));
    void cache.load(environment('e', 'beta'));
    expect(cache.peekIn('environment', 'beta', 'e')).toMatchObject({ workspaceId: 'v' });
    expect(cache.peekIn('environment', 'acme', 'e')).toMatchObject({ workspaceId: 'w' });
  });

  it('to what does not exist is not believed longer than the absence', () => {
    const source = new QuickSource();
    source.records.set(environment('e'), found({ workspaceId: 'gone', workspaceGeneration: 1 }));
    const cache = cacheOn(source);
    for (const key of [environment('e'), keyOf('gone')]) void cache.load(key);
    expect(workspaceOf(cache)).toBeNull();
    vi.advanceTimersByTime(5001);
    expect(workspaceOf(cache)).toBeUndefined();
  });
});

describe('doubt', () => {
  it('an outage is answered as an outage and never kept', () => {
    const source = new QuickSource();
    source.records.set(keyOf('w'), UNAVAILABLE);
    const cache = cacheOn(source);
    expect(cache.load(keyOf('w'))).toEqual(UNAVAILABLE);
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
    source.records.set(keyOf('w'), found(workspace('w')));
    expect(cache.load(keyOf('w'))).toEqual(known(workspace('w')));
  });

  it.each([
    ['of the wrong shape', { organizationId: 'acme', id: 'w' }],
    ['of another key', workspace('v')],
    ['that is no record', 'garbage'],
  ])('a record %s is an outage, not a no', (_name, record) => {
    const source = new QuickSource();
    source.records.set(keyOf('w'), found(record));
    const cache = cacheOn(source);
    expect(cache.load(keyOf('w'))).toEqual({ kind: 'unavailable', cause: expect.any(TypeError) as unknown });
    expect(cache.peek('workspace', keyOf('w'))).toBeUndefined();
    expect(cache.stats).toMatchObject({ present: 0, absent: 0 });
  });
});

describe('a silent feed', () => {
  it('nothing is believed before it was heard for the first time', () => {
    const cache = new FactCache(new QuickSource(), { ...OPTIONS, monotonicMs: () => Date.now() });
    expect(cache.isFresh()).toBe(false);
    expect(cache.view(Date.now())).not.toBe(cache);
  });

  it('is believed until the last millisecond of its time, and not after', () => {
    const cache = cacheOn(new QuickSource());
    vi.advanceTimersByTime(2000);
    expect([cache.isFresh(), cache.staleMs(), cache.view(Date.now()) === cache]).toEqual([true, 2000, true]);
    vi.advanceTimersByTime(1);
    expect([cache.isFresh(), cache.view(Date.now()) === cache]).toEqual([false, false]);
    cache.caughtUp(0);
    expect([cache.isFresh(), cache.staleMs(), cache.view(Date.now()) === cache]).toEqual([true, 0, true]);
  });

  it('what was cached is asked anew for each decision, and not kept', async () => {
    const source = new QuickSource();
    source.records.set(keyOf('w'), found(workspace('w', 'before')));
    const cache = cacheOn(source);
    void cache.load(keyOf('w'));
    vi.advanceTimersByTime(2001);
    source.records.set(keyOf('w'), found(workspace('w', 'after')));
    for (let decision = 0; decision < 3; decision++) {
      const view = cache.view(Date.now());
      expect(view.peek('workspace', keyOf('w'))).toBeUndefined();
      expect(await view.load(keyOf('w'))).toEqual(known(workspace('w', 'after')));
      expect(view.peek('workspace', keyOf('w'))).toEqual(workspace('w', 'after'));
    }
    expect(source.reads).toHaveLength(4);
  });

  it('absence is not believed either', async () => {
    const source = new QuickSource();
    const cache = cacheOn(source);
    void cache.load(keyOf('w'));
    vi.advanceTimersByTime(2001);
    const view = cache.view(Date.now());
    expect(view.peek('workspace', keyOf('w'))).toBeUndefined();
    expect(await view.load(keyOf('w'))).toEqual(known(null));
    expect(view.peek('workspace', keyOf('w'))).toBeNull();
  });

  it('with the store down too there is no verdict', async () => {
    const source = new QuickSource();
    const cache = cacheOn(source);
    vi.advanceTimersByTime(2001);
    source.records.set(keyOf('w'), UNAVAILABLE);
    expect(await cache.view(Date.now()).load(keyOf('w'))).toEqual(UNAVAILABLE);
    source.records.set(keyOf('w'), found({ garbage: true }));
    expect(await cache.view(Date.now()).load(keyOf('w'))).toMatchObject({ kind: 'unavailable' });
  });
});

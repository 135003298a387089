/**
 * What a store of format 1 allowed is allowed after its upgrade, and nothing else, by every value, in every place, at once
 * and later. `recorded/worlds.json.gz` was made by the code of format 1 (commit 1e8f5c2): with `recorded/worlds.patch`
 * applied there, the authority test plays its random histories and writes, a world on a line, what the store then holds
 * and what the decision said of every token value: `npx vitest run test/manage/authority.property.test.ts`.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Edition, TokenHash } from '../../src/core/facts.ts';
import { kindOf } from '../../src/core/facts.ts';
import { readFact } from '../../src/core/read-fact.ts';
import { judge } from '../../src/edge/judge.ts';
import { bringUpToDate } from '../../src/format/bring-up-to-date.ts';
import { reader } from '../../src/manage/context.ts';
import { standingOf } from '../../src/manage/tokens/standing.ts';
import { stateShown } from '../../src/manage/tokens/token-state.ts';
import { lists, place } from '../../src/manage/unit-of-work/places.ts';
import type { DocByKind, DocKind, TokenDoc } from '../../src/manage/unit-of-work/records.ts';
import { FactCache } from '../../src/store/cache/fact-cache.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { IndexEntry } from '../../src/store/store.ts';
import { type CompiledProbe, NOTHING_ASKED, policyOf, probesOf } from '../manage/authority-harness.ts';
import { POLICIES } from '../manage/authority-policies.ts';

interface World {
  readonly policy: string;
  readonly edition: Edition;
  readonly nowMs: number;
  readonly records: ReadonlyArray<readonly [string, object, readonly IndexEntry[]]>;
  /** By hash of a value: for each moment, then for each probe, `allowed ROLE` or why not. */
  readonly judged: ReadonlyArray<readonly [TokenHash, readonly string[]]>;
  /** Organization, token, state and its reason. */
  readonly shown: ReadonlyArray<readonly [string, string, string, string | null]>;
}

const LATER_MS = [0, 3_600_000, 2 * 86_400_000];
const WORLDS = gunzipSync(readFileSync(new URL('recorded/worlds.json.gz', import.meta.url)))
  .toString()
  .split('\n')
  .map((line) => JSON.parse(line) as World);
const named = WORLDS.map((world, nth) => ({ name: `world ${nth} (${world.policy}, ${world.edition})`, world }));

async function upgraded({ records }: World): Promise<MemoryStore> {
  const store = new MemoryStore();
  await store.commit({ expects: [], writes: records.map(([key, record, indexes]) => ({ key, record, indexes })) });
  const log = pino({ level: 'silent' });
  await bringUpToDate({ store, name: 'the recorded world', registry: { live: async () => [] }, log });
  return store;
}

it('holds enough of everything to say something', () => {
  const outcomes = new Map<string, number>();
  for (const { judged } of WORLDS)
    for (const outcome of judged.flatMap(([, all]) => all)) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  expect(WORLDS.length).toBeGreaterThan(100);
  for (const outcome of ['allowed null', 'allowed member', 'allowed admin', 'token_unknown', 'owner_removed'])
    expect(outcomes.get(outcome), outcome).toBeGreaterThan(1000);
  expect(outcomes.get('ownership_transferred')).toBeGreaterThan(1000);
});

describe.each(named)('$name', ({ world }) => {
  let store: MemoryStore;
  let cache: FactCache;
  let unfollow: () => void;
  beforeAll(async () => {
    store = await upgraded(world);
    const times = { absentTtlMs: 1_000_000, maxStalenessMs: 1_000_000 };
    cache = new FactCache(store, { maxEntries: 10_000, ...times, monotonicMs: () => 0 });
    unfollow = store.follow(cache);
  });
  afterAll(async () => {
    unfollow();
    await store.close();
  });

  it('decides alike', async () => {
    const rules = POLICIES.find(({ policy, edition }) => policy === world.policy && edition === world.edition)!;
    const policy = policyOf(rules);
    const probes = [NOTHING_ASKED, ...probesOf(rules)];
    const asked = (hash: TokenHash, { requirement, segments }: CompiledProbe, nowMs: number) => {
      const question = { hash, requirement, source: { segments, query: '', headers: [], address: null } };
      return judge(question, policy, cache, { nowMs, monotonicMs: 0 }, { nowMs: () => nowMs, monotonicMs: () => 0 });
    };
    for (const [hash, expected] of world.judged) {
      const outcomes: string[] = [];
      for (const laterMs of LATER_MS) {
        for (const probe of probes) {
          const judgement = await asked(hash, probe, world.nowMs + laterMs);
          if (judgement.kind === 'body') throw new Error('no probe asks for anything of a body');
          outcomes.push(judgement.kind === 'denied' ? judgement.reason : `allowed ${judgement.role}`);
        }
      }
      expect(outcomes, hash).toEqual(expected);
    }
  });

  it('shows every token as it was shown', async () => {
    const read = reader(store);
    const shown: unknown[] = [];
    for (const [org] of new Map(world.shown.map((line) => [line[0], line]))) {
      for (const { record } of await store.scan(lists.tokens(org), { limit: 1000 })) {
        const doc = await standingOf(read, record as TokenDoc);
        shown.push([org, doc!.id, stateShown(doc!, world.nowMs), doc!.stateReason]);
      }
    }
    expect(shown).toEqual(world.shown);
  });

  it('holds nothing but what could have been written today', async () => {
    for (const { key, record, indexes } of (await store.export(null, 1_000_000)).records) {
      const kind = kindOf(key);
      if (kind === 'format' || kind === 'lock') continue;
      if (kind !== 'client') expect(() => readFact(key, record), key).not.toThrow();
      const today = place(kind as DocKind, record as DocByKind[DocKind], { hash: key as TokenHash });
      expect(today.key).toBe(key);
      const sorted = (entries: readonly IndexEntry[]) => entries.map(({ index, score }) => `${index} ${score}`).sort();
      expect(sorted(indexes), key).toEqual(sorted(today.indexes));
    }
  });
});

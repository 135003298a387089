/**
 * How many decisions one core makes with every fact cached, and whether that changes with the number of tokens and
 * routes. Every answer is compared with the one expected. Never counts the time in which requests are made.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadPolicy } from '../src/config/load/load-policy.ts';
import type { Policy } from '../src/core/policy.ts';
import type { Moment } from '../src/edge/judge.ts';
import { RefusalRing } from '../src/edge/refusal-ring.ts';
import { ShadowDecisions } from '../src/edge/shadow.ts';
import { systemClock } from '../src/observe/clock.ts';
import type { Log } from '../src/observe/log.ts';
import { Metrics } from '../src/observe/metrics.ts';
import { Owned } from '../src/owned.ts';
import { hashToken } from '../src/secret.ts';
import { FactCache } from '../src/store/cache/fact-cache.ts';
import { LastUsed } from '../src/store/cache/last-used.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import { temporaryFolder } from './children.ts';
import { buildDataset, type Dataset } from './dataset.ts';
import { buildRoutes, decideOnce, type Ground, refusedOnce, shadowedOnce } from './decision-path.ts';
import { type Case, drawStream, MIX, SEED } from './decision-stream.ts';
import { drawDistinct, median, percentile } from './measure.ts';
import type { BenchOptions, Check, Section } from './report.ts';

const POLICY = fileURLToPath(new URL('../policies/coze.yaml', import.meta.url));
const PER_SECOND_MIN = 400_000;
const CHANGE_MAX = 0.25;
/** Few enough that the requests themselves stay in the processor's cache, as one off a socket would. */
const BATCH = 64;
const HOT_TOKENS = 1000;
const HOT_ROUTES = 100;
const COLD_TOKENS = 100_000;
const NOTE_MAX_NS = 1000;
const REMEMBERED = ['token_unknown', 'scope_missing', 'workspace_not_granted', 'role_insufficient'] as const;
/** Not counted: the compiler is still at work. */
const SETTLING_ROUNDS = 2;

interface Variant {
  readonly name: string;
  readonly ground: Ground;
  readonly stream: readonly Case[];
  at: number;
  readonly microseconds: number[];
}

export async function benchDecision({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const { policy } = loadPolicy(POLICY, {});
    const many = quick ? 100_000 : 1_000_000;
    const stock = async (tokens: number) => {
      const store = owned.add(new SqliteStore(join(folder, `${tokens}.db`)), (opened) => opened.close());
      const keep = drawDistinct(Math.min(tokens, COLD_TOKENS), tokens, SEED);
      return { store, dataset: await buildDataset(store, { tokens, keep, say }) };
    };
    const [one, thousand, million] = [await stock(1), await stock(1000), await stock(many)];
    say(`stores filled: 1, 1,000 and ${count(many)} tokens`);

    const variant = async (
      name: string,
      { store, dataset }: typeof one,
      hot: number,
      routes: number,
      mix = MIX,
      hotRoutes = HOT_ROUTES,
      query = '',
    ) => {
      const facts = new FactCache(store, {
        maxEntries: 1_000_000,
        absentTtlMs: 3_600_000,
        maxStalenessMs: 2000,
        monotonicMs: systemClock.monotonicMs,
      });
      owned.add(store.follow(facts), (unfollow) => unfollow());
      const lastUsed = new LastUsed({
        store: { touch: async () => undefined },
        onFailed: (error) => say(String(error)),
      });
      owned.add(lastUsed, (uses) => uses.close());
      const ground: Ground = {
        ...{ routes: buildRoutes(routes), isTrustedProxy: () => false },
        ...{ policy: policy as Policy, facts, lastUsed },
      };

      const made: Variant = {
        name,
        ground,
        stream: drawStream(dataset, hot, Math.min(routes, hotRoutes), mix, query),
        at: 0,
        microseconds: [],
      };
      await warm(made);
      return made;
    };
    const headline = await variant('1,000 tokens, 100 routes', thousand, HOT_TOKENS, 100);
    // Size of the store against size of the store: how many tokens are in use is another question, answered beside it.
    const oneInUse = [
      await variant('1 token', one, 1, 100),
      await variant('1,000 tokens, 1 in use', thousand, 1, 100),
      await variant(`${count(many)} tokens, 1 in use`, million, 1, 100),
    ];
    const byTokens = [headline, await variant(`${count(many)} tokens, 1,000 in use`, million, HOT_TOKENS, 100)];
    const byRoutes = [
      await variant('1 route', thousand, HOT_TOKENS, 1),
      headline,
      await variant('10,000 routes, 100 in use', thousand, HOT_TOKENS, 10_000),
    ];
    const wide = await variant('10,000 routes, 1,000 in use', thousand, HOT_TOKENS, 10_000, MIX, 1000);
    const cold = await variant(`any of ${count(COLD_TOKENS)} cached tokens`, million, COLD_TOKENS, 100);
    const single: Variant[] = [];
    for (const ask of ['allowed', 'token_unknown', 'token_malformed', 'scope_missing', 'role_insufficient'] as const)
      single.push(await variant(ask, thousand, HOT_TOKENS, 100, [ask]));
    const notes: Variant[] = [];
    for (const query of ['', 'page=2&limit=50&sort=name&'])
      for (const ask of REMEMBERED) {
        const name = query === '' ? ask : `${ask}, four parameters`;
        notes.push(await variant(name, thousand, HOT_TOKENS, 100, [ask], HOT_ROUTES, query));
      }
    const shadowed = await variant('judged by shadow, too', thousand, HOT_TOKENS, 100);
    const ring = new RefusalRing(systemClock.nowMs);
    ring.resize(10_000, 3_600_000);

    const all = [...new Set([...byTokens, ...oneInUse, ...byRoutes, cold, wide, ...single])];
    const rounds = (quick ? 8 : 30) + SETTLING_ROUNDS;
    const hashes: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const each of all) await measure(each, quick ? 64 : 256);
      for (const each of notes) await measureNotes(each, ring, quick ? 64 : 256);
      await measureShadow(shadowed, quick ? 64 : 256);
      if (round < SETTLING_ROUNDS) for (const each of [...all, ...notes, shadowed]) each.microseconds.length = 0;
      hashes.push(measureHash(thousand.dataset));
      if (round % 10 === 9) say(`round ${round + 1} of ${rounds}`);
    }
    return report(headline, [byTokens, oneInUse], byRoutes, [cold, wide], single, [notes, shadowed], hashes);
  } finally {
    await owned.release();
  }
}

/** Once through the stream: fetches what is missing, checks every answer, lets the compiler see all of it. */
async function warm(variant: Variant): Promise<void> {
  for (const [index, { request, expected }] of variant.stream.entries()) {
    // A loop of answers at hand never lets the store's follower speak, and what is not followed is not kept.
    if (index % 512 === 0) await sleep(1);
    const answer = await decideOnce(variant.ground, request.unpack(), now());
    if (answer !== expected) throw new Error(`${variant.name}: answered ${answer} instead of ${expected}`);
  }
}

/** Adds the time of one decision, in microseconds: the mean of many, so that collecting its garbage is in it. */
async function measure(variant: Variant, batches: number): Promise<void> {
  const { ground, stream } = variant;
  // Lets the store's follower say that it is alive, or nothing cached would be believed.
  await sleep(30);
  let tookMs = 0;
  for (let batch = 0; batch < batches; batch++) {
    const cases = Array.from({ length: BATCH }, (_, index) => stream[(variant.at + index) % stream.length]!);
    const requests = cases.map(({ request }) => request.unpack());
    variant.at += BATCH;
    // The time is handed to a decision: a request's id and duration need the clocks anyway.
    const at = now();
    const startedMs = performance.now();
    for (let index = 0; index < BATCH; index++) {
      const answer = decideOnce(ground, requests[index]!, at);
      if (answer !== cases[index]!.expected) throw new Error(`${variant.name}: answered ${answer}, not as expected`);
    }
    tookMs += performance.now() - startedMs;
  }
  variant.microseconds.push((tookMs * 1000) / (batches * BATCH));
}

/** Adds the time of one refusal's note, in microseconds. What comes before it is not in it. */
async function measureNotes(variant: Variant, ring: RefusalRing, batches: number): Promise<void> {
  const { ground, stream } = variant;
  await sleep(30);
  let tookMs = 0;
  for (let batch = 0; batch < batches; batch++) {
    const at = now();
    const refused = Array.from({ length: BATCH }, (_, index) =>
      refusedOnce(ground, stream[(variant.at + index) % stream.length]!.request.unpack(), at),
    );
    variant.at += BATCH;
    const startedMs = performance.now();
    for (const each of refused) ring.add(each, 1);
    tookMs += performance.now() - startedMs;
  }
  variant.microseconds.push((tookMs * 1000) / (batches * BATCH));
}

/** Adds the time of judging one request by the shadow's rules, in microseconds, where both decide the same. */
async function measureShadow(variant: Variant, batches: number): Promise<void> {
  const { ground, stream } = variant;
  await sleep(30);
  const unwritten = { info: () => undefined, error: () => undefined } as unknown as Log;
  const tried = new ShadowDecisions({
    ...{ facts: ground.facts, clock: systemClock, metrics: new Metrics(), log: unwritten, revision: () => 0 },
  });
  let tookMs = 0;
  for (let batch = 0; batch < batches; batch++) {
    const at = now();
    const requests = Array.from({ length: BATCH }, (_, index) =>
      shadowedOnce(ground, stream[(variant.at + index) % stream.length]!.request.unpack(), at),
    );
    variant.at += BATCH;
    const startedMs = performance.now();
    for (const { request, reason } of requests) tried.compare(request, reason);
    tookMs += performance.now() - startedMs;
  }
  variant.microseconds.push((tookMs * 1000) / (batches * BATCH));
}

function now(): Moment {
  return { nowMs: systemClock.nowMs(), monotonicMs: systemClock.monotonicMs() };
}

/** One SHA-256 of a token, in microseconds: tells a slow moment of the machine from a slow decision. */
function measureHash({ holders }: Dataset): number {
  const startedMs = performance.now();
  for (let index = 0; index < 32 * BATCH; index++) hashToken(holders[index % holders.length]!.text);
  return ((performance.now() - startedMs) * 1000) / (32 * BATCH);
}

function report(
  headline: Variant,
  [byTokens, oneInUse]: readonly [readonly Variant[], readonly Variant[]],
  byRoutes: readonly Variant[],
  [cold, wide]: readonly [Variant, Variant],
  single: readonly Variant[],
  [notes, shadowed]: readonly [readonly Variant[], Variant],
  hashes: readonly number[],
): Section {
  // Variants of one round met the same machine, so they are compared round by round.
  const change = (variant: Variant, base: Variant) =>
    median(variant.microseconds.map((took, round) => took / base.microseconds[round]!)) - 1;
  const row = (variant: Variant) => {
    const fast = percentile(variant.microseconds.toSorted(ascending), 0.1);
    const usual = median(variant.microseconds);
    const name = variant === headline ? `${variant.name} (headline)` : variant.name;
    return [
      name,
      Math.round(fast * 1000),
      Math.round(1e6 / fast),
      Math.round(1e6 / usual),
      percent(change(variant, headline)),
    ];
  };
  const columns = ['', 'ns', 'decisions/s', 'decisions/s, median', 'against the headline'];
  const spread = (variants: readonly Variant[]) => {
    const costs = variants.map((each) => 1 + change(each, headline));
    return Math.max(...costs) / Math.min(...costs) - 1;
  };
  const flat = (what: string, variants: readonly Variant[]): Check => ({
    promise: `${what} change the cost of a decision by less than 25 %`,
    measured: percent(spread(variants)),
    kept: spread(variants) < CHANGE_MAX,
  });
  const perSecond = 1e6 / percentile(headline.microseconds.toSorted(ascending), 0.1);
  const sha256 = percentile(hashes.toSorted(ascending), 0.1) * 1000;
  return {
    name: 'decision',
    tables: [
      {
        title: 'decision, by tokens in the store (100 routes)',
        columns,
        rows: [...oneInUse, ...byTokens, cold].map((each) => row(each)),
      },
      { title: 'decision, by routes (1,000 tokens)', columns, rows: [...byRoutes, wide].map((each) => row(each)) },
      { title: 'decision, by answer (1,000 tokens, 100 routes)', columns, rows: single.map((each) => row(each)) },
      {
        title: 'what remembering a refusal costs (explain.keep)',
        columns: ['', 'ns', 'ns, median'],
        rows: notes.map((each) => [each.name, fastNs(each), Math.round(median(each.microseconds) * 1000)]),
      },
      {
        title: 'what judging a request by shadow costs beside its decision',
        columns: ['', 'ns', 'ns, median', 'against a decision'],
        rows: [
          [
            shadowed.name,
            fastNs(shadowed),
            Math.round(median(shadowed.microseconds) * 1000),
            percent(change(shadowed, headline)),
          ],
        ],
      },
    ],
    checks: [
      {
        promise: `over ${count(PER_SECOND_MIN)} decisions/s on one core, all facts cached`,
        measured: `${count(Math.round(perSecond))}/s where one SHA-256 of a token takes ${sha256.toFixed(0)} ns`,
        kept: perSecond > PER_SECOND_MIN,
      },
      {
        promise: `remembering a refusal costs at most ${NOTE_MAX_NS} ns`,
        measured: `${Math.max(...notes.map(fastNs))} ns`,
        kept: notes.every((each) => fastNs(each) <= NOTE_MAX_NS),
      },
      flat('1, 1,000 or a million tokens (1 in use)', oneInUse),
      flat('1,000 or a million tokens (1,000 in use)', byTokens),
      flat('1, 100 or 10,000 routes', byRoutes),
    ],
  };
}

function fastNs({ microseconds }: Variant): number {
  return Math.round(percentile(microseconds.toSorted(ascending), 0.1) * 1000);
}

function ascending(left: number, right: number): number {
  return left - right;
}

function percent(share: number): string {
  return `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(0)} %`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/**
 * Asks decide() until every fact it needs is at hand. On a cache hit it answers at once; otherwise it fetches one fact
 * after the other. The same engine serves the proxy, the decision listener and explanations. An outage ends it with
 * `store_unavailable`: neither a yes nor a no.
 */
import { type Allowed, type DecisionRules, type Denied, decide, type Question } from '../core/decide.ts';
import type { FactCache, FactView } from '../store/fact-cache.ts';

/** More facts than any decision can need, even with changes landing all the while. */
const ROUNDS_MAX = 256;

export type Judgement = Allowed | Denied;

const UNAVAILABLE: Denied = Object.freeze({ kind: 'denied', reason: 'store_unavailable', token: null });

export function judge(
  question: Question,
  rules: DecisionRules,
  cache: FactCache,
  nowMs: () => number,
): Judgement | Promise<Judgement> {
  const facts = cache.view();
  const outcome = decide(question, rules, facts, nowMs());
  return outcome.kind === 'need' ? fetchAndDecide(question, rules, facts, outcome.key, nowMs) : outcome;
}

async function fetchAndDecide(
  question: Question,
  rules: DecisionRules,
  facts: FactView,
  firstKey: string,
  nowMs: () => number,
): Promise<Judgement> {
  let key = firstKey;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const pending = facts.load(key);
    const loaded = pending instanceof Promise ? await pending : pending;
    if (loaded.kind === 'unavailable') return UNAVAILABLE;
    const outcome = decide(question, rules, facts, nowMs());
    if (outcome.kind !== 'need') return outcome;
    key = outcome.key;
  }
  return UNAVAILABLE;
}

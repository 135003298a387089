/**
 * Asks decide() until every fact it needs is at hand. On a cache hit it answers at once; otherwise it fetches one fact
 * after the other. The same engine serves the proxy, the decision listener and explanations. An outage ends it with
 * `store_unavailable`: neither a yes nor a no. What happens when the store hangs: store/cache/circuit-breaker.ts.
 */
import {
  type Allowed,
  type BodyWanted,
  type DecisionRules,
  type Denied,
  decide,
  type Need,
  type Question,
} from '../core/decide.ts';
import { isWellFormed } from '../core/token-format.ts';
import type { Clock } from '../observe/clock.ts';
import type { FactView, Loaded } from '../store/cache/fact-view.ts';

/** More facts than any decision can need, even with changes landing all the while. */
const ROUNDS_MAX = 256;

/** What knows the facts, and whether to believe what it has at hand at such a moment. */
export interface Facts {
  view(monotonicMs: number): FactView;
}

/** `degradedMs`: the store could not be asked; how old what it rests on may be. */
export type Judgement = (Allowed | Denied | BodyWanted) & { readonly degradedMs?: number };

/** Of a route that asks for nothing of a body, or whose body is known. */
export type Settled = Exclude<Judgement, BodyWanted>;

/** By its form no token of ours; nobody was asked. */
export const JUNK: Denied = Object.freeze({
  kind: 'denied',
  reason: 'token_unknown',
  token: null,
  selected: undefined,
});
const NONE: ReadonlyArray<Loaded | Promise<Loaded>> = [];
const UNAVAILABLE: Denied = Object.freeze({
  kind: 'denied',
  reason: 'store_unavailable',
  token: null,
  selected: undefined,
});

/** When a request arrived, read once for all that asks. Milliseconds: since 1970, and on a clock that never jumps. */
export interface Moment {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** The token as it was presented, and the prefixes that it may have. */
export interface Presented {
  readonly token: string;
  readonly prefixes: readonly string[];
}

/**
 * Prefix and checksum of the presented token are looked at only when a fact is not at hand: a token that is known has
 * passed, and junk must reach neither the store nor the list of unknown tokens. null: it has been looked at.
 */
export function judge(
  question: Question,
  rules: DecisionRules,
  known: Facts,
  at: Moment,
  clock: Clock,
  presented: Presented | null = null,
): Judgement | Promise<Judgement> {
  const facts = known.view(at.monotonicMs);
  const first = decide(question, rules, facts, at.nowMs);
  if (first.kind !== 'need') return first;
  if (presented !== null && !isWellFormed(presented.token, presented.prefixes)) return JUNK;
  return fetchAndDecide(question, rules, facts, first, clock, ROUNDS_MAX);
}

/** At once where the store answers at once. */
function fetchAndDecide(
  question: Question,
  rules: DecisionRules,
  facts: FactView,
  first: Need,
  clock: Clock,
  roundsMax: number,
): Judgement | Promise<Judgement> {
  let need = first;
  for (let rounds = roundsMax; rounds > 0; rounds--) {
    const fetched = fetch(facts, need);
    if (fetched instanceof Promise) {
      return fetched.then((known) => (known ? again(question, rules, facts, clock, rounds - 1) : UNAVAILABLE));
    }
    if (!fetched) return UNAVAILABLE;
    const outcome = decide(question, rules, facts, clock.nowMs());
    if (outcome.kind !== 'need') return judgementOf(outcome, facts);
    need = outcome;
  }
  return UNAVAILABLE;
}

function again(
  question: Question,
  rules: DecisionRules,
  facts: FactView,
  clock: Clock,
  roundsMax: number,
): Judgement | Promise<Judgement> {
  const outcome = decide(question, rules, facts, clock.nowMs());
  if (outcome.kind !== 'need') return judgementOf(outcome, facts);
  return fetchAndDecide(question, rules, facts, outcome, clock, roundsMax);
}

function judgementOf(outcome: Allowed | Denied | BodyWanted, { degradedMs }: FactView): Judgement {
  return degradedMs === undefined ? outcome : { ...outcome, degradedMs };
}

/** All that is needed at once; false: the store could not be asked. */
function fetch(facts: FactView, { key, also }: Need): boolean | Promise<boolean> {
  const first = facts.load(key);
  const others = also?.map((wanted) => facts.load(wanted)) ?? NONE;
  if (first instanceof Promise || others.some((load) => load instanceof Promise)) return allKnown([first, ...others]);
  return isKnown(first) && (others as readonly Loaded[]).every(isKnown);
}

async function allKnown(loads: ReadonlyArray<Loaded | Promise<Loaded>>): Promise<boolean> {
  return (await Promise.all(loads)).every(isKnown);
}

function isKnown({ kind }: Loaded): boolean {
  return kind !== 'unavailable';
}

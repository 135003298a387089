/**
 * Judges what is no token of ours by its form but may have been imported: the only door through which a text without
 * our checksum reaches the store, and a narrow one. Adds no rule: whatever is found is judged as any token.
 */
import type { Denied, Question } from '../../core/decide.ts';
import { credentialKey } from '../../core/facts.ts';
import { isImportedForm } from '../../core/imported-token.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { Clock } from '../../observe/clock.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { clientAddress } from '../client-address.ts';
import { type Facts, JUNK, type Judgement, judge, type Moment } from '../judge.ts';
import type { Ruleset } from '../ruleset.ts';
import { sourceOf } from './auth-failure-throttle.ts';
import { LookupThrottle, type Turn } from './lookup-throttle.ts';

/** Not judged, so neither a yes nor a no. */
const TURNED_AWAY: Denied = Object.freeze({ kind: 'denied', reason: 'overloaded', token: null, selected: undefined });

interface Asking extends Moment {
  readonly exchange: Exchange;
  readonly ruleset: Ruleset;
}

export class ImportedTokenLookups {
  readonly #facts: Facts;
  readonly #clock: Clock;
  readonly #misses: LookupThrottle;

  constructor(facts: Facts, clock: Clock, metrics: Metrics) {
    this.#facts = facts;
    this.#clock = clock;
    this.#misses = new LookupThrottle(clock.monotonicMs);
    metrics.gauge(
      'scopegate_import_lookups_waiting',
      'Look-ups of texts that may be imported tokens, over the budget of misses.',
      () => this.#misses.waiting,
    );
  }

  /** `token`: as it was presented; by its form none of ours. */
  judge(question: Question, token: string, at: Asking): Judgement | Promise<Judgement> {
    const { exchange, ruleset } = at;
    const { patterns, missesPerMinute } = ruleset.imports;
    if (!isImportedForm(token, patterns)) return JUNK;
    // It is known, or known to be none; only something else about it has to be looked up.
    const known = this.#facts.view(at.monotonicMs).peek('credential', credentialKey(question.hash));
    if (known !== undefined) return judge(question, ruleset.policy, this.#facts, at, this.#clock);
    const address = clientAddress(exchange.headers, exchange.peerAddress, ruleset.isTrustedProxy);
    const turn = this.#misses.enter(sourceOf(address), missesPerMinute, () => exchange.isGone);
    if (turn === null) return TURNED_AWAY;
    return turn instanceof Promise ? this.#later(question, ruleset, turn) : this.#lookUp(question, ruleset, at, turn);
  }

  async #later(question: Question, ruleset: Ruleset, turn: Promise<Turn | null>): Promise<Judgement> {
    const mine = await turn;
    if (mine === null) return TURNED_AWAY;
    const at = { nowMs: this.#clock.nowMs(), monotonicMs: this.#clock.monotonicMs() };
    return this.#lookUp(question, ruleset, at, mine);
  }

  #lookUp(question: Question, ruleset: Ruleset, at: Moment, turn: Turn): Judgement | Promise<Judgement> {
    const judged = judge(question, ruleset.policy, this.#facts, at, this.#clock);
    const done = (judgement: Judgement) => {
      turn.done(judgement.kind === 'denied' && judgement.reason === 'token_unknown');
      return judgement;
    };
    return judged instanceof Promise ? judged.then(done) : done(judged);
  }
}

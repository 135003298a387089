/** All that a comparison of two sets of rules may hold, for whoever shows it. Types only. */
import type { RulesDifference } from './compare-rules.ts';
import type { TokenFlip } from './live-tokens.ts';
import type { ReplayVerdict } from './replay.ts';

export interface TokensCompared {
  readonly tokens: number;
  /** There are more, which were not looked at. */
  readonly isCut: boolean;
  readonly flips: readonly TokenFlip[];
}

export interface Replayed {
  readonly decisions: number;
  readonly same: number;
  /** Those that are not the same, each kind of change once, the most frequent first. */
  readonly changes: ReadonlyArray<{
    readonly verdict: Exclude<ReplayVerdict, { kind: 'same' }>;
    readonly token: string | null;
    readonly count: number;
  }>;
}

export interface RulesComparison extends RulesDifference {
  /** null: nobody asked. */
  readonly live: TokensCompared | null;
  readonly replay: Replayed | null;
}

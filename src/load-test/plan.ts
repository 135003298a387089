/** What a load test is to do, and what is drawn of it beforehand: every start, and which token it carries. Sends nothing. */
import { type Arrivals, intendedStarts } from './arrivals.ts';
import type { LoadTarget } from './load-client.ts';
import { drawUses, type Mix, TOKEN_USES, type TokenUse } from './mix.ts';

export interface LoadPlan {
  /** Taken in turns. */
  readonly targets: readonly LoadTarget[];
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly perSecond: number;
  readonly arrivals: Arrivals;
  readonly durationMs: number;
  readonly warmUpMs: number;
  /** To each origin, at most. */
  readonly connections: number;
  readonly timeoutMs: number;
  readonly mix: Mix;
  /** 0: none. */
  readonly revocationsPerSecond: number;
  /** The same requests without the gateway; null: they are not made. */
  readonly direct: readonly LoadTarget[] | null;
  /** How long each of gateway and upstream is loaded before it is the other's turn. */
  readonly turnMs: number;
  /** Closed loop, at the end; 0: not at all. */
  readonly saturateMs: number;
}

export interface VictimToken {
  readonly id: string;
  readonly text: string;
}

/** Tokens for a load. A miss and a victim are used for one purpose once. */
export interface LoadTokens {
  readonly hit: readonly string[];
  readonly miss: readonly string[];
  readonly refused: readonly string[];
  readonly victims: readonly VictimToken[];
}

export interface DrawnLoad {
  readonly starts: Float64Array;
  /** Places in TOKEN_USES. */
  readonly uses: Uint8Array;
  /** How many tokens of each are needed, where each is used once. */
  readonly misses: number;
  readonly victims: number;
}

/** `random`: from 0 to below 1. */
export function drawLoad(plan: LoadPlan, random: () => number): DrawnLoad {
  const starts = intendedStarts(plan.arrivals, plan.perSecond, plan.durationMs, random);
  const uses = drawUses(starts.length, plan.mix, random);
  const miss = TOKEN_USES.indexOf('miss');
  return {
    starts,
    uses,
    misses: uses.reduce((count, use) => count + (use === miss ? 1 : 0), 0),
    victims: Math.floor((plan.revocationsPerSecond * plan.durationMs) / 1000),
  };
}

/** Hands out each request's token and URL. Keeps how far it has come. */
export class LoadSource {
  readonly #plan: LoadPlan;
  readonly #drawn: DrawnLoad;
  readonly #tokens: LoadTokens;
  readonly #unknown: () => string;
  #hits = 0;
  #misses = 0;
  #refused = 0;

  constructor(plan: LoadPlan, drawn: DrawnLoad, tokens: LoadTokens, unknown: () => string) {
    this.#plan = plan;
    this.#drawn = drawn;
    this.#tokens = tokens;
    this.#unknown = unknown;
  }

  useOf(place: number): TokenUse {
    return TOKEN_USES[this.#drawn.uses[place]!]!;
  }

  targetOf(place: number): LoadTarget {
    return this.#plan.targets[place % this.#plan.targets.length]!;
  }

  /** Null where the upstream is not asked. */
  directTargetOf(place: number): LoadTarget | null {
    return this.#plan.direct?.[place % this.#plan.direct.length] ?? null;
  }

  tokenOf(use: TokenUse): string {
    const { hit, miss, refused } = this.#tokens;
    if (use === 'miss') return miss[this.#misses++]!;
    if (use === 'refused') return refused[this.#refused++ % refused.length]!;
    return use === 'unknown' ? this.#unknown() : hit[this.#hits++ % hit.length]!;
  }
}

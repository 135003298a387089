/**
 * Which target a request goes to: of those that are well and have room, the one with the fewest requests; among equals
 * each in turn. When none is well all are tried, since an upstream that nobody may use cannot be seen to recover.
 */
import type { Target } from './target.ts';

export class TargetPicker {
  readonly #targets: readonly Target[];
  readonly #maxConnections: number;
  #turn = 0;

  constructor(targets: readonly Target[], maxConnections: number) {
    this.#targets = targets;
    this.#maxConnections = maxConnections;
  }

  pick(): Target | undefined {
    const targets = this.#targets;
    const best = this.#least(targets, targets.length === 1 || !targets.some(isUsable));
    this.#turn = (this.#turn + 1) % targets.length;
    return best;
  }

  /** One that has not failed this request before and may well answer it. */
  pickOther(tried: readonly Target[]): Target | undefined {
    return this.#least(
      this.#targets.filter((target) => !tried.includes(target)),
      false,
    );
  }

  #least(targets: readonly Target[], anyWillDo: boolean): Target | undefined {
    let best: Target | undefined;
    for (let i = 0; i < targets.length; i += 1) {
      const target = targets[(this.#turn + i) % targets.length]!;
      if (!this.#hasRoom(target) || !(anyWillDo || target.isUsable())) continue;
      if (best === undefined || target.active < best.active) best = target;
    }
    return best;
  }

  #hasRoom(target: Target): boolean {
    return target.active + target.settling < this.#maxConnections;
  }
}

function isUsable(target: Target): boolean {
  return target.isUsable();
}

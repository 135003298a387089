/**
 * Which target a request goes to: of those that are well and have room for it, the one with the fewest in progress; among
 * equals each in turn. When none is well all are tried, since an upstream that nobody may use cannot be seen to recover.
 */
import type { Target } from './target.ts';

export class TargetPicker {
  readonly #targets: readonly Target[];
  #turn = 0;

  constructor(targets: readonly Target[]) {
    this.#targets = targets;
  }

  /** `holder`: whose share of the places is not to be exceeded; undefined: nobody's. */
  pick(holder: string | undefined): Target | undefined {
    const best = this.#least(this.#targets, this.#anyWillDo(), holder, false);
    this.#turn = (this.#turn + 1) % this.#targets.length;
    return best;
  }

  pickForUpgrade(holder: string | undefined): Target | undefined {
    const best = this.#least(this.#targets, this.#anyWillDo(), holder, true);
    this.#turn = (this.#turn + 1) % this.#targets.length;
    return best;
  }

  /** One that has not failed this request before and may well answer it. */
  pickOther(tried: readonly Target[], holder: string | undefined): Target | undefined {
    const others = this.#targets.filter((target) => !tried.includes(target));
    return this.#least(others, false, holder, false);
  }

  /** Wherever a request of the holder could go, it has its share and little is left. `waiting`: requests that it has in line. */
  isAboveShare(holder: string | undefined, waiting: number): boolean {
    const anyWillDo = this.#anyWillDo();
    const waitingAtEach = Math.floor(waiting / this.#targets.length);
    return this.#targets.every(
      (target) => !(anyWillDo || target.isUsable()) || target.requests.isAboveShare(holder, waitingAtEach),
    );
  }

  #anyWillDo(): boolean {
    return this.#targets.length === 1 || !this.#targets.some(isUsable);
  }

  #least(
    targets: readonly Target[],
    anyWillDo: boolean,
    holder: string | undefined,
    isUpgrade: boolean,
  ): Target | undefined {
    let best: Target | undefined;
    for (let i = 0; i < targets.length; i += 1) {
      const target = targets[(this.#turn + i) % targets.length]!;
      const hasRoom = isUpgrade ? target.upgrades.admits(holder) : target.admits(holder);
      if (!hasRoom || !(anyWillDo || target.isUsable())) continue;
      if (best === undefined || target.active < best.active) best = target;
    }
    return best;
  }
}

function isUsable(target: Target): boolean {
  return target.isUsable();
}

/**
 * Asks one process to apply what was committed, in rounds: commits that come while a round is under way share the next
 * one. A round that begins after a commit covers it, whatever its number. Waits for nobody else.
 */

interface Round {
  /** The newest that it has to cover. */
  revision: number;
  readonly done: PromiseWithResolvers<void>;
}

export class CommitBarrier {
  readonly #follow: (revision: number) => Promise<void>;
  #gathering: Round | null = null;
  #isAsking = false;

  /** `follow` resolves once the process has applied everything up to a revision. */
  constructor(follow: (revision: number) => Promise<void>) {
    this.#follow = follow;
  }

  /** Resolves once the process has said so; rejects when it could not. */
  cover(revision: number): Promise<void> {
    this.#gathering ??= { revision, done: Promise.withResolvers() };
    this.#gathering.revision = Math.max(this.#gathering.revision, revision);
    const { promise } = this.#gathering.done;
    if (!this.#isAsking) void this.#ask();
    return promise;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    for (let round = this.#gathering; round !== null; round = this.#gathering) {
      this.#gathering = null;
      await this.#follow(round.revision).then(round.done.resolve, round.done.reject);
    }
    this.#isAsking = false;
  }
}

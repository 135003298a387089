/** Waiting for a condition that is asked again whenever something happened, instead of sleeping. */

export class Bell {
  readonly #waiting = new Set<() => void>();

  /** Something happened. */
  ring(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves once `holds` does. Rejects with what `failure` says when that takes longer than `patienceMs`. */
  async until(holds: () => boolean, failure: () => string, patienceMs: number): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (!holds()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(failure());
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.#waiting.add(wake);
      });
    }
  }
}

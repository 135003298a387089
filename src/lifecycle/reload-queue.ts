/** Lets one reload after the other run, however many are asked for at once. Reloads nothing itself. */

export class ReloadQueue<Cause, Result> {
  readonly #run: (cause: Cause) => Promise<Result>;
  readonly #waiting = new Map<Cause, Promise<Result>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(run: (cause: Cause) => Promise<Result>) {
    this.#run = run;
  }

  /**
   * The files as they are now or later are read for it. So one that has begun is none to join: it follows that. Those that
   * wait for the same cause are one.
   */
  reload(cause: Cause): Promise<Result> {
    const waiting = this.#waiting.get(cause);
    if (waiting !== undefined) return waiting;
    const reload = this.#last.then(() => {
      this.#waiting.delete(cause);
      return this.#run(cause);
    });
    this.#waiting.set(cause, reload);
    this.#last = reload.catch(() => undefined);
    return reload;
  }
}

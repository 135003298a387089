/**
 * Lets one reload after the other run, however many are asked for at once. Reloads nothing itself, and knows no process: the
 * way of a reload is told in reloader.ts.
 */

export class ReloadQueue<Asked, Result> {
  readonly #run: (asked: Asked) => Promise<Result>;
  readonly #waiting = new Map<Asked, Promise<Result>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(run: (asked: Asked) => Promise<Result>) {
    this.#run = run;
  }

  /**
   * The files as they are now or later are read for it. So one that has begun is none to join: it follows that. Those that
   * wait for the same are one.
   */
  add(asked: Asked): Promise<Result> {
    const waiting = this.#waiting.get(asked);
    if (waiting !== undefined) return waiting;
    const reload = this.#last.then(() => {
      this.#waiting.delete(asked);
      return this.#run(asked);
    });
    this.#waiting.set(asked, reload);
    this.#last = reload.catch(() => undefined);
    return reload;
  }
}

/** Things started together with the way to stop them; stopped in reverse, every one even if one fails. */
export class Owned {
  readonly #undo: Array<() => unknown> = [];

  add<T>(resource: T, release: (resource: T) => unknown): T {
    this.#undo.push(() => release(resource));
    return resource;
  }

  async release(): Promise<void> {
    const failures: unknown[] = [];
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'shutdown was not clean');
  }
}

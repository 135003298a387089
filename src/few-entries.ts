/**
 * A Map for few entries that come and go all the time, such as the open requests of a connection. Each time V8's own grows
 * or shrinks it leaves a table behind that points at the next one: once one of them is old, all later ones grow old with it,
 * with whatever stood in them, and only a full collection ends that. Looks at one key after the other: not for thousands.
 */
export class FewEntries<K, V> {
  readonly #keys: K[] = [];
  readonly #values: V[] = [];

  get size(): number {
    return this.#keys.length;
  }

  /** In no order. Not to be changed, nor kept. */
  get all(): readonly V[] {
    return this.#values;
  }

  get(key: K): V | undefined {
    const at = this.#keys.indexOf(key);
    return at === -1 ? undefined : this.#values[at];
  }

  set(key: K, value: V): this {
    const at = this.#keys.indexOf(key);
    if (at !== -1) this.#values[at] = value;
    else {
      this.#keys.push(key);
      this.#values.push(value);
    }
    return this;
  }

  /** Whether it was there. The last one takes its place. */
  delete(key: K): boolean {
    const at = this.#keys.indexOf(key);
    if (at === -1) return false;
    const [lastKey, lastValue] = [this.#keys.pop()!, this.#values.pop()!];
    if (at === this.#keys.length) return true;
    this.#keys[at] = lastKey;
    this.#values[at] = lastValue;
    return true;
  }

  /** Those that are there now: `visit` may take out any of them. */
  forEach(visit: (value: V, key: K) => void): void {
    const keys = [...this.#keys];
    for (const [at, value] of [...this.#values].entries()) visit(value, keys[at]!);
  }
}

/** Tells a wrong method from a wrong path, which the framework's router does not. */

export class MethodsByPath {
  readonly #patterns = new Map<string, { readonly matches: RegExp; readonly methods: Set<string> }>();

  /** `url` as routes write it: `/v1/organizations/:org`. */
  add(url: string, method: string | readonly string[]): void {
    const matches = new RegExp(`^${url.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`);
    const pattern = this.#patterns.get(url) ?? { matches, methods: new Set() };
    this.#patterns.set(url, pattern);
    for (const each of [method].flat()) pattern.methods.add(each);
  }

  /** What the path takes, for `Allow`; empty for a path that nothing answers. */
  of(path: string): string[] {
    const found = [...this.#patterns.values()].filter(({ matches }) => matches.test(path));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
  }
}

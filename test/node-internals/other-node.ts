/** Node as it might be one day: loaded before `scopegate`, code that hides one thing which we rely on. */

/** `NODE_OPTIONS` that runs `code`, a module, before anything else. */
export function preloading(code: string): { readonly NODE_OPTIONS: string } {
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

/** Only src/node-internals is deceived: Node itself uses the same fields. */
const BY_US = "const byUs = () => new Error().stack.split('\\n')[3].includes('/node-internals/');";

/** The property `name` of what inherits from `owner`: always undefined to us. */
export function hidden(imports: string, owner: string, name: string): string {
  return `${imports}; ${BY_US}
    const kept = Symbol();
    Object.defineProperty(${owner}.prototype, '${name}', {
      configurable: true,
      get() { return byUs() ? undefined : this[kept]; },
      set(value) { this[kept] = value; },
    });`;
}

/** What we set the property `name` to has no effect; `name` is on the prototype. */
export function fixed(imports: string, owner: string, ...names: string[]): string {
  return `${imports}; for (const name of ${JSON.stringify(names)}) {
    const own = ${owner}.prototype[name];
    Object.defineProperty(${owner}.prototype, name, { configurable: true, get: () => own, set() {} });
  }`;
}

/** What we set the property `name` to has no effect; Node sets it itself. */
export function deaf(imports: string, owner: string, name: string): string {
  return `${imports}; ${BY_US}
    const kept = Symbol();
    Object.defineProperty(${owner}.prototype, '${name}', {
      configurable: true,
      get() { return this[kept]; },
      set(value) { if (!byUs()) this[kept] = value; },
    });`;
}

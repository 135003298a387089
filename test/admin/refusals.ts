/** The refusals that /openapi.json declares, by operation: every one that a test meets is to be among them. */
import { expect } from 'vitest';

interface Response {
  readonly $ref?: string;
  readonly content?: {
    readonly 'application/problem+json'?: {
      readonly schema: {
        readonly allOf?: ReadonlyArray<{ readonly properties?: { readonly code: { enum: string[] } } }>;
      };
    };
  };
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Record<string, Response> }>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Response>> };
}

export class Refusals {
  readonly #api: Description;
  /** Literal paths first: `/tokens/import` is no token. */
  readonly #paths: ReadonlyArray<readonly [string, RegExp]>;

  private constructor(api: Description) {
    this.#api = api;
    this.#paths = Object.keys(api.paths)
      .toSorted((left, right) => left.split('{').length - right.split('{').length)
      .map((path) => [path, new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)]);
  }

  static async of(url: string): Promise<Refusals> {
    return new Refusals((await (await fetch(`${url}/openapi.json`)).json()) as Description);
  }

  /** The codes of a status, or null where the operation declares none. */
  codes(responses: Record<string, Response>, status: number): readonly string[] | null {
    const response = responses[status];
    const part =
      response?.$ref === undefined ? response : this.#api.components.responses[response.$ref.split('/').at(-1)!];
    const { allOf = [] } = part?.content?.['application/problem+json']?.schema ?? {};
    return allOf.find(({ properties }) => properties !== undefined)?.properties?.code.enum ?? null;
  }

  /** Nothing is declared of a path or method that is not there, or of an answer that is no problem. */
  expectDeclared(method: string, target: string, status: number, { code }: Readonly<Record<string, unknown>>): void {
    const url = new URL(target, 'http://sidecar');
    const path = this.#paths.find(([, pattern]) => pattern.test(url.pathname))?.[0];
    const operation = path === undefined ? undefined : this.#api.paths[path]?.[method.toLowerCase()];
    if (operation === undefined || code === undefined) return;
    expect(this.codes(operation.responses, status) ?? [], `${method} ${path} declares ${status}`).toContain(code);
  }
}

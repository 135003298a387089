/**
 * What named policies give and take: allow and deny statements on actions, for resources by pattern (FEATBIT-19, FEATBIT-20).
 * Deny wins. What a request does not name may be anything: an allow has to hold for all of it, a deny for any of it. Pure.
 */
import type { ScopeJudge, ScopeSet } from './scope.ts';

/** How a policy file names things in patterns, and which names stand for several scopes. */
export interface IamRules {
  readonly workspace: string;
  readonly environment: string;
  readonly token: string;
  /** Actions of the source, each with the scopes that it stands for. */
  readonly actions: ReadonlyMap<string, readonly string[]>;
}

/** One rule of a named policy. */
export interface IamStatement {
  readonly effect: 'allow' | 'deny';
  /** Scopes, actions, names of the policy file that stand for scopes; `*`: every one. */
  readonly actions: readonly string[];
  /** Patterns; `*`: everything. */
  readonly resources: readonly string[];
}

/** One part of a pattern: `env/prod`, `flag/checkout-*`. */
interface PatternPart {
  readonly type: string;
  /** Without the star at its end, if it has one. */
  readonly id: string;
  readonly isPrefix: boolean;
}

export interface CompiledStatement {
  readonly denies: boolean;
  /** null: every one. */
  readonly actions: ReadonlySet<string> | null;
  /** By pattern; one without parts is about everything. */
  readonly patterns: ReadonlyArray<readonly PatternPart[]>;
}

/** What is known of what an action is about; absent: not named, so it may be any. */
export interface NamedResource {
  readonly workspace?: string | undefined;
  readonly environment?: string | undefined;
  readonly resource?: { readonly type: string; readonly id: string } | undefined;
  /** An access token, as management asks about them: any. */
  readonly token?: true;
}

/** `*`, or parts of `type/id` with colons between; a star may stand for the end of an id. */
export const RESOURCE_PATTERN =
  '^(?:\\*|[A-Za-z][A-Za-z0-9_-]{0,62}/[A-Za-z0-9._@|-]{0,127}\\*?(?::[A-Za-z][A-Za-z0-9_-]{0,62}/[A-Za-z0-9._@|-]{0,127}\\*?){0,3})$';

/** What a missing policy is taken for: nobody knows what it denied. */
export const LOST: readonly CompiledStatement[] = [{ denies: true, actions: null, patterns: [[]] }];

export function compileStatement({ effect, actions, resources }: IamStatement): CompiledStatement {
  return {
    denies: effect === 'deny',
    actions: actions.includes('*') ? null : new Set(actions),
    patterns: resources.map((pattern) => (pattern === '*' ? [] : pattern.split(':').map(partOf))),
  };
}

function partOf(text: string): PatternPart {
  const slash = text.indexOf('/');
  const id = text.slice(slash + 1);
  const isPrefix = id.endsWith('*');
  return { type: text.slice(0, slash), id: isPrefix ? id.slice(0, -1) : id, isPrefix };
}

/** Judges one action by statements, beside what the role gives anyway. */
export class IamJudge implements ScopeJudge {
  readonly #statements: readonly CompiledStatement[];
  readonly #base: ScopeSet;
  readonly #rules: IamRules;
  readonly #named: NamedResource | 'somewhere';

  /** `somewhere`: is there anything that it could be about? */
  constructor(
    statements: readonly CompiledStatement[],
    base: ScopeSet,
    rules: IamRules,
    named: NamedResource | 'somewhere',
  ) {
    this.#statements = statements;
    this.#base = base;
    this.#rules = rules;
    this.#named = named;
  }

  /** One of these is given, and the first, which is what is asked for, is not denied. */
  meets(accepted: readonly string[]): boolean {
    if (this.#matches(accepted[0]!, true)) return false;
    for (const action of accepted)
      if (this.#base === 'all' || this.#base.has(action) || this.#matches(action, false)) return true;
    return false;
  }

  #matches(action: string, denies: boolean): boolean {
    for (const statement of this.#statements) {
      if (statement.denies !== denies || !this.#concerns(statement, action)) continue;
      for (const pattern of statement.patterns) if (this.#isAbout(pattern, denies)) return true;
    }
    return false;
  }

  #concerns({ actions }: CompiledStatement, action: string): boolean {
    if (actions === null || actions.has(action)) return true;
    for (const named of actions) if (this.#rules.actions.get(named)?.includes(action)) return true;
    return false;
  }

  #isAbout(pattern: readonly PatternPart[], denies: boolean): boolean {
    if (this.#named === 'somewhere') return !denies || pattern.length === 0;
    for (const part of pattern) {
      const known = this.#known(part.type);
      if (known === undefined ? !denies : known === null || !isMeant(part, known)) return false;
    }
    return true;
  }

  /** null: what it is about is of another type. undefined: nobody says. */
  #known(type: string): string | null | undefined {
    const { workspace, environment, resource, token } = this.#named as NamedResource;
    const names = this.#rules;
    if (type === names.token) return token === true ? ANY : null;
    if (token === true) return null;
    if (type === names.workspace) return workspace;
    if (type === names.environment) return environment;
    if (resource === undefined) return undefined;
    return resource.type === type ? resource.id : null;
  }
}

/** No id has a star. */
const ANY = '*';

function isMeant({ id, isPrefix }: PatternPart, known: string): boolean {
  if (known === ANY) return isPrefix && id === '';
  return isPrefix ? known.startsWith(id) : known === id;
}

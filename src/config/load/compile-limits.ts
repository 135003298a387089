/** The limits of gateway.yaml, checked and compiled, and which of them each route counts for. Counts nothing. */
import { type RateLimit, type RouteLimits, rateLimit, routeLimits } from '../../core/rate-limit.ts';
import { formatProblem } from '../../errors.ts';
import { type LimitsFile, type RouteLimitsFile, WINDOWS_MS } from '../schema/limits-schema.ts';
import { suggestion } from '../yaml/closest.ts';
import type { Path } from '../yaml/yaml-tree.ts';
import type { Notes } from './notes.ts';

export class CompiledLimits {
  readonly #notes: Notes;
  readonly #byName = new Map<string, RateLimit>();
  readonly #everywhere: readonly RateLimit[];
  readonly #used = new Set<RateLimit>();

  constructor(notes: Notes, file: LimitsFile) {
    this.#notes = notes;
    for (const [name, { requests, window, windowMs, per }] of Object.entries(file)) {
      if (window === undefined && windowMs === undefined)
        notes.problem(['limits', name], 'missing key "window"', { key: true });
      const lengthMs = windowMs ?? WINDOWS_MS[window ?? 'second'];
      this.#byName.set(name, rateLimit(name, requests, lengthMs, typeof per === 'string' ? [per] : per));
    }
    this.#everywhere = [...this.#byName.values()].filter(({ name }) => file[name]!.everywhere);
  }

  get all(): readonly RateLimit[] {
    return [...this.#byName.values()];
  }

  /** Of the route at `at`. Its problems are noted. */
  forRoute(file: RouteLimitsFile | undefined, isPublic: boolean, at: Path): RouteLimits | null {
    if (file === 'none') return null;
    const everywhere = this.#everywhere.filter((limit) => !isPublic || !needsToken(limit));
    const named = (file ?? []).flatMap((name, index) => this.#named(name, isPublic, [...at, 'limits', index]) ?? []);
    const limits = [...everywhere, ...named];
    for (const limit of limits) this.#used.add(limit);
    return routeLimits(limits);
  }

  /** Of the gateway's own endpoints: of those that ask for no token, and of those that do. Problems are noted. */
  forOwn(file: RouteLimitsFile | undefined): {
    readonly open: RouteLimits | null;
    readonly withToken: RouteLimits | null;
  } {
    const withToken = this.forRoute(file, false, ['oauth']);
    const open = withToken?.limits.filter((limit) => !needsToken(limit)) ?? [];
    return { open: routeLimits(open), withToken };
  }

  /** Legal, but surely not what was meant. */
  unused(): string[] {
    return this.all
      .filter((limit) => !this.#used.has(limit))
      .map(({ name }) => {
        const message = `warning: no route counts for the limit "${name}": name it in a route's "limits", or set "everywhere"`;
        return formatProblem({ ...this.#notes.at(['limits', name]), message });
      });
  }

  #named(name: string, isPublic: boolean, at: Path): RateLimit | undefined {
    const limit = this.#byName.get(name);
    if (limit === undefined) {
      const written = this.#notes.keys('limits');
      // Its own problems are noted.
      if (written.has(name)) return undefined;
      this.#notes.problem(at, `there is no limit "${name}"${suggestion(name, written)}`);
    } else if (this.#everywhere.includes(limit)) {
      this.#notes.problem(at, `the limit "${name}" is for every route already: drop it here, or its "everywhere"`);
    } else if (isPublic && needsToken(limit)) {
      this.#notes.problem(at, `the limit "${name}" is per ${limit.per.join(' and ')}, but a public route has no token`);
    } else return limit;
    return undefined;
  }
}

function needsToken({ per }: RateLimit): boolean {
  return per.includes('token') || per.includes('organization');
}

/**
 * Names an attack or fault that the tests inside hold off. The catalogue (docs/conformance.md) is read
 * from these calls, so what it lists is what runs.
 */
import { describe } from 'vitest';

export interface Attack {
  /** A promise, in words that a reader of the catalogue understands. */
  readonly name: string;
  /** What happens instead: the status, and what the upstream sees of it. */
  readonly outcome: string;
  /** Where it is known from: RFC sections, CVE, GHSA. Empty: from nowhere but our own thinking. */
  readonly sources: readonly string[];
}

/** `attack({ name: '…', outcome: '…', sources: […] })(() => { test(…) })`: literals only, so that it can be read unrun. */
export function attack({ name, sources }: Attack): (tests: () => void) => void {
  return (tests) => describe(sources.length === 0 ? name : `${name} (${sources.join(', ')})`, tests);
}

/**
 * What is judged again: one stream as the registry keeps it, and the request behind it, read by the rules of the moment.
 * Judges nothing.
 */
import type { Question } from '../../core/decide.ts';
import { isImportedForm, type TokenPattern } from '../../core/imported-token.ts';
import type { Policy } from '../../core/policy.ts';
import type { Reason } from '../../core/reason.ts';
import type { Route } from '../../core/route.ts';
import { isWellFormed } from '../../core/token-format.ts';
import { JUNK } from '../judge.ts';
import { type ReadingRules, readRequest } from '../read-request.ts';
import type { Stream, StreamedRequest } from './stream.ts';
import type { VerdictDependencies } from './verdict-dependencies.ts';

/** The part of the rules that a verdict rests on. */
export interface StreamRules extends ReadingRules {
  readonly policy: Policy;
  readonly imports: { readonly patterns: readonly TokenPattern[] };
}

export interface RejudgedStream {
  readonly request: StreamedRequest;
  readonly stream: Stream;
  /** null: not read yet. */
  ruleset: StreamRules | null;
  /** null: the route is public. */
  question: Question | null;
  route: Route | null;
  readonly dependencies: VerdictDependencies;
  isBeingJudged: boolean;
  /** For how long, counted in ticks: a stall of this process is not one of the store. */
  waitedMs: number;
  /** Order of age. */
  readonly nth: number;
  /** Monotonic; null: nothing speaks against it. */
  doubtfulSinceMs: number | null;
}

export function byAge(left: RejudgedStream, right: RejudgedStream): number {
  return left.nth - right.nth;
}

/** The request as these rules read it: steps 1 to 3 once more. The reason why they refuse it, or null. */
export function readAgain(entry: RejudgedStream, rules: StreamRules): Reason | null {
  const { refused, route, question, token } = readRequest(entry.request.incoming, rules);
  if (refused !== null) return refused.reason;
  entry.ruleset = rules;
  entry.route = route;
  entry.question = question;
  if (question === null) return null;
  // The cache may know it still from when rules let in tokens of its form.
  const isOfUse = isWellFormed(token, rules.policy.prefixes) || isImportedForm(token, rules.imports.patterns);
  return isOfUse ? null : JUNK.reason;
}

/** One stream, as the register of open streams keeps it, and the request behind it, read by the rules of the moment. Judges nothing. */
import { readCredential } from '../../core/credential.ts';
import type { Question } from '../../core/decide.ts';
import { isImportedForm, type TokenPattern } from '../../core/imported-token.ts';
import type { Policy } from '../../core/policy.ts';
import type { Reason } from '../../core/reason.ts';
import type { RouteTable } from '../../core/route-table.ts';
import { isWellFormed } from '../../core/token-format.ts';
import { hashToken } from '../../secret.ts';
import { JUNK } from '../judge.ts';
import type { Stream, StreamedRequest } from './stream.ts';
import type { VerdictDependencies } from './verdict-dependencies.ts';

/** The part of the rules that a verdict rests on. */
export interface StreamRules {
  readonly routes: RouteTable;
  readonly policy: Policy;
  readonly imports: { readonly patterns: readonly TokenPattern[] };
}

export interface Entry {
  readonly request: StreamedRequest;
  readonly stream: Stream;
  /** null: not read yet. */
  ruleset: StreamRules | null;
  /** null: the route is public. */
  question: Question | null;
  routeId: string | null;
  readonly dependencies: VerdictDependencies;
  isBeingJudged: boolean;
  /** For how long, counted in ticks: a stall of this process is not one of the store. */
  waitedMs: number;
  /** Order of age. */
  readonly nth: number;
  /** Monotonic; null: nothing speaks against it. */
  doubtfulSinceMs: number | null;
}

export function byAge(left: Entry, right: Entry): number {
  return left.nth - right.nth;
}

/** The request as these rules read it: steps 2 and 3 once more. The reason why they refuse it, or null. */
export function read(entry: Entry, rules: StreamRules): Reason | null {
  const { method, source, authorization } = entry.request;
  const match = rules.routes.match(method, source.segments);
  if (match.kind === 'none') return 'route_not_found';
  if (match.kind === 'method') return 'method_not_allowed';
  const { id, requirement, credentials } = match.route;
  entry.ruleset = rules;
  entry.routeId = id;
  entry.question = null;
  if (requirement === null) return null;
  const credential = readCredential(authorization, source.query, credentials);
  if (!credential.ok) return credential.reason;
  // The cache may know it still from when rules let in tokens of its form.
  const { token } = credential;
  if (!isWellFormed(token, rules.policy.prefixes) && !isImportedForm(token, rules.imports.patterns)) return JUNK.reason;
  entry.question = { hash: hashToken(token), requirement, source };
  return null;
}

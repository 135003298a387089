/**
 * A request that nobody sent, put to the rules in force: where each of its checks stands, for a token that is known by its
 * hash. It is read by the same function as every request, and asks the same facts. Forwards nothing and counts nothing.
 */
import { type Explanation, explain } from '../core/explain.ts';
import type { TokenHash } from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';
import type { Reason } from '../core/reason.ts';
import type { Clock } from '../observe/clock.ts';
import type { Facts } from './judge.ts';
import { type Reading, type ReadingRules, readRequest } from './read-request.ts';

export interface QuestionedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly host: string;
  /** The client's; null: unknown. */
  readonly address: string | null;
}

export interface ExplainedRequest {
  readonly reading: Reading;
  /** Before any token was looked at; null: it may be judged, or the route is public. */
  readonly refused: Reason | null;
  /** null: no token was asked for. */
  readonly explanation: Explanation | null;
  readonly atMs: number;
}

/** More facts than any explanation can need, even with changes landing all the while. */
const ROUNDS_MAX = 256;

/** null: the store cannot be asked. */
export async function explainRequest(
  { method, target, host, address }: QuestionedRequest,
  hash: TokenHash,
  rules: ReadingRules & { readonly policy: Policy },
  known: Facts,
  clock: Clock,
): Promise<ExplainedRequest | null> {
  const request = { method, target, minorVersion: 1, headers: ['Host', host], peerAddress: address ?? '' };
  const reading = readRequest({ ...request, isClientUnknown: address === null }, rules);
  const atMs = clock.nowMs();
  // The token is named, not presented.
  const refused = reading.refused?.reason === 'token_missing' ? null : (reading.refused?.reason ?? null);
  const requirement = reading.route?.requirement ?? null;
  if (refused !== null || requirement === null) return { reading, refused, explanation: null, atMs };
  const facts = known.view(clock.monotonicMs());
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const outcome = explain({ hash, requirement, source: reading }, rules.policy, facts, atMs);
    if (outcome.kind === 'explained') return { reading, refused, explanation: outcome, atMs };
    const loaded = await Promise.all([outcome.key, ...(outcome.also ?? [])].map((key) => facts.load(key)));
    if (loaded.some(({ kind }) => kind === 'unavailable')) return null;
  }
  return null;
}

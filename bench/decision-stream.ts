/**
 * What is asked in the decision benchmark, and what has to be answered: mostly yes, and every kind of no. Never decides.
 */

import type { Dataset } from './dataset.ts';
import { PackedRequest } from './decision-path.ts';
import { randomIntegers } from './measure.ts';

export const SEED = 20_240_501;
const LENGTH_MIN = 1 << 13;

export interface Case {
  readonly request: PackedRequest;
  readonly expected: string;
}

export type Ask =
  | 'allowed'
  | 'token_unknown'
  | 'token_malformed'
  | 'scope_missing'
  | 'workspace_not_granted'
  | 'role_insufficient';
/** One in eight is refused, each time for another reason. */
export const MIX: readonly Ask[] = (
  ['token_unknown', 'scope_missing', 'workspace_not_granted', 'role_insufficient'] as const
).flatMap((refused) => [refused, ...new Array<Ask>(7).fill('allowed')]);

/**
 * Requests for `tokens` different tokens and `routes` different routes, in an order that is the same in every run. `query`: of parameters
 * before the one that is looked for.
 */
export function drawStream(dataset: Dataset, tokens: number, routes: number, mix: readonly Ask[], query = ''): Case[] {
  const random = randomIntegers(SEED + 1);
  // Long enough that each of them comes up.
  const length = Math.max(LENGTH_MIN, tokens);
  return Array.from({ length }, (_, index) => {
    const ask = mix[index % mix.length]!;
    const holder = dataset.holders[random(tokens)]!;
    const method = ask === 'role_insufficient' ? 'DELETE' : 'GET';
    const environment = ask === 'workspace_not_granted' ? holder.elsewhere : holder.environmentId;
    const target = `/api/v1/service${random(routes)}/items/${random(1e6)}?${query}environmentId=${environment}`;
    const texts: Partial<Record<Ask, string>> = {
      token_unknown: dataset.unknown,
      token_malformed: `${holder.text.slice(0, -1)} !`,
      scope_missing: dataset.unscoped.text,
    };
    const expected = ask;
    return { request: new PackedRequest(method, target, texts[ask] ?? holder.text), expected };
  });
}

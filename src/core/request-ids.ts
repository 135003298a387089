/**
 * The two ids of a request: that of the decision about it, which is always ours, and that by which everybody on its way
 * calls it, which may be a trusted proxy's. Makes no id.
 */
import { lowerName } from './framing.ts';

export interface RequestIds {
  readonly requestId: string;
  readonly decisionId: string;
}

export const DECISION_ID_HEADER = 'X-Scopegate-Decision-Id';

const KEPT = /^[A-Za-z0-9._-]{1,128}$/;

/** What a trusted proxy calls the request; null: nothing, several things, or what could mean more than an id. */
export function givenRequestId(headers: readonly string[]): string | null {
  let given: string | null = null;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    if (name.length !== 12 || lowerName(name) !== 'x-request-id') continue;
    if (given !== null) return null;
    given = headers[index + 1]!;
  }
  return given !== null && KEPT.test(given) ? given : null;
}

/** Raw pairs, of any answer. */
export function idPairs({ requestId, decisionId }: RequestIds): string[] {
  return ['X-Request-Id', requestId, DECISION_ID_HEADER, decisionId];
}

/** What an upstream calls a request by itself, for its client; raw pairs. `theirs`: empty: nothing. */
export function upstreamIdPairs(theirs: string, { requestId }: RequestIds): readonly string[] {
  return theirs === '' || theirs === requestId ? NONE : ['X-Upstream-Request-Id', theirs];
}

const NONE: readonly string[] = [];
